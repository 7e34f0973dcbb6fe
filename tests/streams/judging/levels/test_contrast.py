"""Differences of two sides, and all of them in one number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.levels.contrast import Groups, Levels, contrast, size
from streams.judging.levels.scale import LevelRule, Scales

RULES = [
    LevelRule("a", "cpu", "higher"),
    LevelRule("b", "cpu", "higher"),
    LevelRule("c", "network", "either", 0.25),
    LevelRule("d", "load", "lower"),
]
SCALES = Scales(RULES, np.ones(4), np.full(4, 100.0))
GROUPS = Groups(RULES, SCALES)
PLACES = st.lists(st.floats(-5.0, 5.0), min_size=4, max_size=4).map(np.array)


def levels(place, step=None, samples=5.0) -> Levels:
    """One side."""
    return Levels(place, place if step is None else step, np.full(4, samples))


@given(PLACES, PLACES, st.integers(1, 40), st.integers(1, 40))
def test_swapping_the_sides_flips_the_level_contrast(one, other, n, m):
    """To the bit."""
    ahead = contrast(levels(one, samples=n), levels(other, samples=m), np.full(4, 0.2), SCALES)
    behind = contrast(levels(other, samples=m), levels(one, samples=n), np.full(4, 0.2), SCALES)
    assert np.array_equal(ahead[0], -behind[0])


@given(PLACES, PLACES, PLACES, PLACES, st.floats(0.0, 3.0))
def test_a_worse_canary_never_has_a_smaller_size(canary, step, baseline, latest, more):
    """Each signal moved its worse way, in both contrasts."""
    weight = GROUPS.weight
    up = more * np.array([1.0, 1.0, 0.0, -1.0])
    sizes = [
        size(
            GROUPS.squares(contrast(levels(canary + by, step + by), levels(baseline, latest), np.full(4, 0.2), SCALES)),
            weight,
        )
        for by in (0.0, up)
    ]
    assert sizes[1] >= sizes[0] - 1e-12


@given(PLACES)
def test_identical_sides_have_no_contrast(place):
    """Neither level nor step."""
    assert np.all(contrast(levels(place), levels(place), np.full(4, 0.2), SCALES) == 0.0)


def test_an_incident_of_both_is_no_step():
    """The canary's latest block within what the baseline shows."""
    place, latest = np.zeros(4), np.full(4, 2.0)
    assert np.all(contrast(levels(place, latest), levels(place, latest), np.ones(4), SCALES)[1] == 0.0)
    assert np.all(contrast(levels(place, latest), levels(place, place), np.ones(4), SCALES)[1] != 0.0)


def test_contributions_add_up_to_the_square_of_the_size():
    """Missing signals are left out, within their group."""
    z = np.array([[3.0, np.nan, -2.0, 1.0], [1.0, 2.0, np.nan, -4.0]])
    total = size(GROUPS.squares(z), GROUPS.weight)
    assert GROUPS.contributions(z, GROUPS.weight).sum() == pytest.approx(total**2)


def test_a_group_counts_once_however_many_signals_it_has():
    """Twice the same signal weighs as one."""
    one, two = np.full((2, 1), 3.0), np.full((2, 2), 3.0)
    rules = [LevelRule("a", "cpu", "higher"), LevelRule("b", "cpu", "higher")]
    sizes = []
    for z, some in ((one, rules[:1]), (two, rules)):
        groups = Groups(some, Scales(some, np.ones(len(some)), np.ones(len(some))))
        sizes.append(float(size(groups.squares(z), groups.weight)))
    assert sizes[0] == pytest.approx(sizes[1])
