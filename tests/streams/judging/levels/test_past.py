"""What is remembered of a workload, and what others may borrow."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.history import MOST_UNITS, aligned, common_blocks, runs
from streams.judging.levels.past import MOST_CELLS, MOST_PODS, LevelPast, level_prior
from streams.judging.levels.scale import LevelRule
from tests.streams.judging.levels.rollouts import past


def cohort(pods: int = 2, blocks: int = 5, signals: int = 3, revision: str = "") -> LevelCohort:
    """Levels 1, one sample each."""
    shape = (pods, blocks, signals)
    rules = [LevelRule(f"s{number}", "cpu", "higher") for number in range(signals)]
    ones = np.ones(shape, dtype="<u2")
    return LevelCohort(
        1, revision, rules, list(range(pods)), blocks, np.zeros(shape, dtype="<i2").tobytes(), ones.tobytes()
    )


@pytest.mark.parametrize("one", [cohort(), cohort(4, 20, 60), cohort(1, 48, 100)])
def test_the_past_is_bounded(one):
    """Whatever is learned: cohorts, pods and cells."""
    known = LevelPast()
    for _ in range(30):
        known.learn(one)
    assert 1 <= len(known.cohorts) <= MOST_UNITS
    assert sum(len(each.pods) for each in known.cohorts) <= MOST_PODS
    assert sum(each.cells for each in known.cohorts) <= MOST_CELLS


def test_an_empty_cohort_teaches_nothing():
    """A comparison without a single level."""
    known = past(3)
    before = msgspec.msgpack.encode(known)
    known.learn(LevelCohort())
    assert msgspec.msgpack.encode(known) == before


def test_past_and_prior_round_trip_to_the_bit():
    """Through MessagePack."""
    known = past(4)
    for value in (known, level_prior([known]), known.cohorts[0]):
        data = msgspec.msgpack.encode(value)
        again = msgspec.msgpack.decode(data, type=type(value))
        assert again == value
        assert msgspec.msgpack.encode(again) == data


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(4)))
def test_the_prior_does_not_depend_on_the_order_of_the_pasts(order):
    """To the bit."""
    pasts = [past(3, seed=seed) for seed in range(4)]
    assert level_prior([pasts[number] for number in order]) == level_prior(pasts)


def test_no_pod_is_in_two_units():
    """Pods of one revision that are seen again count once; without a revision none is known again."""
    signals = ["s0"]
    assert len(runs([cohort(revision="a"), cohort(revision="a")], signals, 1, 5)) == 2
    assert len(runs([cohort(revision="a"), cohort(revision="b")], signals, 1, 5)) == 4
    assert len(runs([cohort(), cohort()], signals, 2, 5)) == 2
    assert len(runs([cohort(blocks=4)], signals, 1, 5)) == 0


def test_a_replay_lasts_as_long_as_half_of_the_history():
    """But no longer than planned, and at least as long as three cohorts."""
    cohorts = [cohort(blocks=blocks) for blocks in (2, 9, 10, 11, 12)]
    assert common_blocks(cohorts, 48) == 10
    assert common_blocks(cohorts, 7) == 7
    assert common_blocks(cohorts[:4], 48) == 9
    assert common_blocks([], 7) == 0


def test_signals_that_a_cohort_does_not_know_are_missing_in_it():
    """Not zero."""
    levels, samples = aligned(cohort(), ["s2", "unknown"], 5)
    assert np.isnan(levels[..., 1]).all()
    assert samples[..., 1].sum() == 0.0
    assert np.array_equal(levels[..., 0], np.ones((2, 5)))
