"""Student's t against scipy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from streams.judging.levels.tail import Tail, t_quantile, t_tail


@given(st.floats(-50.0, 50.0), st.floats(1.0, 300.0))
def test_the_tail_is_that_of_scipy(t, df):
    """To nine digits; near 0 by scipy's incomplete beta, as its `t.sf` is good to eight there (t = 2.8e-8, df = 1)."""
    near = 0.5 - math.copysign(0.5 * special.betainc(0.5, 0.5 * df, t * t / (df + t * t)), t)
    expected = near if abs(t) < 0.01 else stats.t.sf(t, df)
    assert t_tail(t, df) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_one_degree_of_freedom_is_cauchys_law_near_zero():
    """In closed form, where scipy's own tail is off in the ninth digit."""
    assert t_tail(2.803747609006829e-08, 1.0) == pytest.approx(
        0.5 - math.atan(2.803747609006829e-08) / math.pi, rel=1e-15
    )


@given(st.floats(1e-6, 0.5), st.floats(2.0, 60.0))
def test_the_quantile_is_that_of_scipy(p, df):
    """Inverse of the tail."""
    assert t_quantile(p, df) == pytest.approx(stats.t.isf(p, df), rel=1e-6, abs=1e-6)


@given(st.floats(0.0, 1e300), st.floats(0.0, 1e300))
def test_a_larger_deviation_never_has_a_larger_p(one, other):
    """In (0, 1], however large."""
    tail = Tail(1.0, 0.3, 6.0)
    low, high = sorted((one, other))
    assert 0.0 < tail.p(high) <= tail.p(low) <= 1.0
