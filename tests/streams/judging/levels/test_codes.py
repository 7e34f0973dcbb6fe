"""Levels as 16-bit steps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.levels.codes import decode, encode


@given(st.lists(st.floats(1e-30, 1e30), min_size=1))
def test_a_level_comes_back_within_a_seventh_of_a_percent(levels):
    """And what came back comes back again to the bit."""
    once = decode(encode(np.array(levels)))
    assert np.all(np.abs(np.log(once / np.array(levels))) <= 0.0014)
    assert np.array_equal(once, decode(encode(once)))


def test_missing_zero_and_negative_levels():
    """Missing stays missing; there is no level below nothing."""
    levels = decode(encode(np.array([np.nan, 0.0, -3.0, np.inf])))
    assert np.isnan(levels[0])
    assert levels[1:3].tolist() == [0.0, 0.0]
    assert np.isfinite(levels[3])
