"""How far beyond a threshold: what is claimed to be rare is so, however little was seen."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.watch.tail import Excess, ExcessState


def taught(values):
    """An excess that has seen values beyond a threshold of 1."""
    excess = Excess()
    for value in values:
        excess.learn(float(value), 1.0)
    return excess


@given(st.lists(st.floats(1.001, 1e6), max_size=50), st.floats(0.1, 1e12), st.floats(1.0, 1e3))
def test_farther_is_rarer_and_a_restart_changes_nothing(seen, value, times):
    """A probability, 1 at the threshold."""
    excess = taught(seen)
    near, far = excess.beyond(value, 1.0), excess.beyond(value * times, 1.0)
    assert 0.0 < far <= near <= 1.0
    assert excess.beyond(1.0, 1.0) == 1.0
    written = msgspec.msgpack.encode(excess.to_state())
    assert Excess(msgspec.msgpack.decode(written, type=ExcessState)).beyond(value, 1.0) == near


@pytest.mark.parametrize("seen", [0, 2, 10])
def test_what_is_claimed_to_be_rare_is_so(seen):
    """Of tails as the prior has them: P(claim <= a) is a, from the first value on."""
    rng = np.random.default_rng(seen)
    claims = []
    for exponent in rng.gamma(4.0, 1.0, 4000):
        beyond = np.exp(rng.exponential(1.0 / exponent, seen + 1).clip(max=600.0))
        claims.append(taught(beyond[:-1]).beyond(float(beyond[-1]), 1.0))
    found = np.array(claims)
    for claimed in (0.2, 0.05, 0.01):
        assert np.mean(found <= claimed) == pytest.approx(claimed, rel=0.35)
