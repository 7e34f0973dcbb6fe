"""The incomplete beta function is scipy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc

from streams.judging.logs.beta import beta_below

shapes = st.floats(-2, 5).map(lambda power: 10.0**power)


@given(st.floats(0, 1, allow_subnormal=False), shapes, shapes)
def test_it_is_scipys(x, a, b):
    """To nine digits, or to 1e-12 where it is nearly 0 or 1."""
    assert beta_below(x, a, b) == pytest.approx(betainc(a, b, x), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("x", "a", "b"), [(1e-3, 40.0, 0.5), (0.02, 55.0, 3.0), (0.1, 150.0, 0.5)])
def test_small_tails_are_exact(x, a, b):
    """Nine digits also where the value is as small as 1e-150: evidence is there."""
    assert beta_below(x, a, b) == pytest.approx(betainc(a, b, x), rel=1e-9)


@given(st.floats(0, 1), shapes, shapes, st.floats(1.0, 3.0))
def test_more_events_are_never_more_probable(x, a, b, factor):
    """Falls in a, stays in 0..1, never NaN."""
    more, less = beta_below(x, a * factor, b), beta_below(x, a, b)
    assert 0.0 <= more <= less + 1e-9 <= 1.0 + 1e-9
    assert not math.isnan(more)


def test_the_ends():
    """No event is certain to be reached; no share of the exposure brings none."""
    assert beta_below(0.3, 0.0, 2.0) == 1.0
    assert beta_below(0.0, 2.0, 2.0) == 0.0
    assert beta_below(1.0, 2.0, 2.0) == 1.0
