"""When a PASS is withheld, though nothing is shown to be worse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.promotion import MOST_AGAINST, balance, waited, withheld

ALPHAS = st.floats(0.001, 0.49)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), ALPHAS)
def test_more_evidence_of_harm_never_speaks_for_a_pass(one, other, alpha):
    """Whole without evidence, nothing at a FAIL, between the two it sinks."""
    less, more = sorted((one, other))
    assert 0.0 <= balance(more, alpha) <= balance(less, alpha) <= 1.0
    assert (balance(0.0, alpha), balance(1.0, alpha)) == (1.0, 0.0)


@given(ALPHAS, st.floats(0.0, 3.0))
def test_what_is_no_evidence_withholds_nothing(alpha, against):
    """Evidence of e and less; whatever alpha is."""
    progress = against / -math.log(alpha)
    if progress < 1.0:
        assert (balance(progress, alpha) == 1.0) == (progress * -math.log(alpha) <= MOST_AGAINST)


@pytest.mark.parametrize(
    ("elapsed_ns", "lifetime_ns", "expected"), [(0, None, 1.0), (0, 100, 0.0), (25, 100, 0.5), (80, 100, 1.0)]
)
def test_half_of_a_lifetime_that_is_set_has_to_be_over(elapsed_ns, lifetime_ns, expected):
    """Without one, exposure decides alone."""
    assert waited(elapsed_ns, lifetime_ns) == expected


def test_what_withholds_it_is_said_with_numbers():
    """Time and evidence each in a sentence; nothing where nothing does."""
    told = withheld(0.5, 0.01, 60_000_000_000, 600_000_000_000)
    assert told == [
        "cannot tell yet: 1 of at least 5 minutes, half of its lifetime, are over",
        "cannot tell yet: evidence of 10 to 1 against it; above e = 2.7 there is no PASS",
    ]
    assert withheld(0.0, 0.01, 60_000_000_000, None) == []
