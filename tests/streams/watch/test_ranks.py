"""Ranks promise: a normal score whatever the distribution, of a bounded past, that a restart does not change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.watch.ranks import MEMORY, Ranks

_finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(_finite, max_size=3 * MEMORY), _finite)
def test_a_restart_changes_nothing(values, asked):
    """To the bit."""
    ranks = Ranks()
    for value in values:
        ranks.learn(value)
    again = Ranks(ranks.to_state())
    assert again.to_state() == ranks.to_state()
    assert again.standard(asked) == ranks.standard(asked)
    assert len(again.to_state().values) <= MEMORY


@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_cauchy"])
def test_a_bet_on_the_score_pays_one_at_most(draw):
    """Skewed or heavy: E exp(b y - b^2 / 2) <= 1, for each bet of a level."""
    rng = np.random.default_rng(1)
    ranks, scores = Ranks(), []
    for value in getattr(rng, draw)(size=4000):
        scores.append(ranks.standard(float(value)))
        ranks.learn(float(value))
    known = np.array(scores[MEMORY:])
    for bet in (0.5, 1.0, 2.0, 4.0, -0.5, -1.0, -2.0, -4.0):
        assert np.mean(np.exp(bet * known - bet * bet / 2.0)) <= 1.05, math.copysign(1.0, bet)
