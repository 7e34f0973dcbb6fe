"""Expressions with digits meet templates, whose digits are holes."""

from __future__ import annotations

import pytest

from streams.errors import BadPolicy
from streams.records.log import Severity
from streams.templates.expressions import Expression, service_masks
from streams.windows.signature import fold, signature


def _text(line: str) -> str:
    return signature(fold(line), Severity.ERROR).text


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        (r"shard \d+ of [a-z]+", "ERROR shard 17 of eu is full"),
        (r"shard [0-9]{1,4} of \w+", "ERROR shard 17 of eu is full"),
        (r"quota of \w+ exceeded", "ERROR quota of tenant42 exceeded"),
        (r"eth[0-9]", "ERROR eth0: link is down"),
        (r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3} refused|refused by", "ERROR refused by 10.0.0.7"),
        (r"order .* lost", "ERROR order 17 lost"),
        (r"status=5\d\d", "ERROR status=503 from upstream"),
        (r"status=503", "ERROR status=503 from upstream"),
    ],
)
def test_what_stands_for_digits_finds_holes(expression, line):
    """Promise: an expression that finds a line finds its template."""
    assert Expression(expression).found(_text(line))


def test_what_is_no_digit_finds_no_more_than_before():
    """Promise: holes are found by what stands for digits alone."""
    assert not Expression("shard [a-z]+ of").found("shard <*> of")
    assert not Expression(r"shard [^0-9<]+ of").found("shard <*> of")


@pytest.mark.parametrize("expression", ["error 42", "eth0", r"ORA-0\d{4}", "(a|b7)", "1503"])
def test_digits_that_are_written_out_are_refused_with_the_reason(expression):
    """Promise: what would never be found is not taken in silence."""
    with pytest.raises(BadPolicy, match="hole by now"):
        Expression(expression)


def test_a_mask_with_digits_makes_one_template():
    """Promise: what it covers becomes one hole, with the holes in it."""
    mask = service_masks([r"tenant [a-z]+-?\d* in shard \d+"])
    assert mask(_text("ERROR quota of tenant acme in shard 7 exceeded")) == (
        mask(_text("ERROR quota of tenant bravo in shard 12 exceeded"))
    )
