"""What is near to all that a signal has been."""

from __future__ import annotations

import numpy as np
import pytest

from streams.watch.distance import Distance


def near(value, distance):
    """Would it be, if it came now?"""
    return Distance(distance.to_state()).learn(value)[0]


def taught(values, distance):
    """Each value learned."""
    for value in values:
        distance.learn(float(value))
    return distance


def test_near_is_where_it_usually_is_and_after_a_change_where_it_is_then():
    """Once 20 values of that are known; of ordinary ones 19 in 20 or so are near."""
    rng = np.random.default_rng(1)
    distance = taught(rng.normal(10.0, 1.0, 1000), Distance())
    ordinary = np.mean([near(value, distance) for value in rng.normal(10.0, 1.0, 1000).tolist()])
    assert ordinary == pytest.approx(0.95, abs=0.02)
    assert not near(30.0, distance)
    distance.settle(30.0)
    taught(rng.normal(30.0, 1.0, 15), distance)
    assert not near(30.0, distance)
    taught(rng.normal(30.0, 1.0, 15), distance)
    assert near(30.0, distance)
    assert not near(10.0, distance)


@pytest.mark.parametrize("level", [30.0, 30.0 * (1.0 + 1e-15)])
def test_what_stood_still_after_a_change_may_move_again(level):
    """A spread of nothing, or of rounding errors, bounds no value: what moves for long is near."""
    rng = np.random.default_rng(2)
    distance = taught(rng.normal(10.0, 1.0, 1000), Distance())
    distance.settle(level)
    taught([30.0] * 100, distance)
    taught(rng.normal(30.0, 1.0, 400), distance)
    assert np.mean([near(value, distance) for value in rng.normal(30.0, 1.0, 100).tolist()]) > 0.9
