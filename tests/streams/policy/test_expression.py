"""Expressions: what could take for ever is refused before it meets a line."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.policy.expression import MAX_LENGTH, fault


@pytest.mark.parametrize(
    "expression",
    [
        "FATAL",
        r"deadlock .* detected",
        r"(?i)connection (?:refused|reset) by .*:\d{1,5}",
        r"order-[0-9a-f]{8}-[0-9a-f]{4}",
        r"\bORA-\d{5}\b",
        r"[]^*+(]",
        r"[^]a]\]",
        r"\(\*\)\+",
        r"(?P<code>E[0-9]+)",
        r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
        r"(ab){1,8}",
        r"a{,b} x{}",
        r"user=\S+?;",
    ],
)
def test_ordinary_expressions_are_taken(expression):
    """What operators write."""
    assert fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "characters"),
        ("a" * (MAX_LENGTH + 1), "characters"),
        ("(", "compile"),
        ("a{99999999999999}", "compile"),
        ("[[a]b]", "compile"),
        ("x*", "empty"),
        ("(a+)+$", "itself repeated"),
        ("(a*)*b", "itself repeated"),
        ("(a|a)*b", "itself repeated"),
        ("(?:a?){30}a", "itself repeated"),
        ("((a|b)c)+d", "itself repeated"),
        ("(?:(?:a+))+b", "itself repeated"),
        ("(a{1,9}){2}b", "itself repeated"),
        ("(a+)*?b", "itself repeated"),
        ("a*b*c*d", "repeats"),
        (".{0,99}.{0,99}.{0,99}x", "repeats"),
        ("a?" * 20 + "a", "multiply"),
        ("(a|b)" * 20, "multiply"),
        (".*.*(?:aa|ab|ac|ad)(?:a|bb|c)", "multiply"),
        (r"(a)\1", "refers back"),
        ("(?P<a>x)(?P=a)", "no look-around"),
        ("(?=a)b", "no look-around"),
        ("(?<!a)b", "no look-around"),
        ("(?>a)b", "no look-around"),
        ("(?x)a b", "spaces"),
        ("(?i:a+)+b", "no look-around"),
    ],
)
def test_dangerous_expressions_are_refused(expression, why):
    """With the reason."""
    assert why in (fault(expression) or "")


def repeats(tree):
    """Every repeat of a parsed expression that can go on in more than one way or more than once, and its inside."""
    for name, argument in tree:
        if str(name) in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            low, high, inside = argument
            yield int(low), int(high), inside
            yield from repeats(inside)
        elif str(name) == "SUBPATTERN":
            yield from repeats(argument[-1])
        elif str(name) == "BRANCH":
            for branch in argument[1]:
                yield from repeats(branch)


def branches(tree):
    """Whether a choice stands anywhere in it."""
    for name, argument in tree:
        if str(name) == "BRANCH":
            return True
        if str(name) == "SUBPATTERN" and branches(argument[-1]):
            return True
    return False


pieces = st.sampled_from(
    [*"ab.|()*+?^$", "[ab]", "[^a]", "(?:", "(?P<n>", "{2}", "{1,3}", "{,4}", "{3,}", "\\d", "\\(", "[)]"]
)


@settings(max_examples=1000, deadline=None)
@given(st.lists(pieces, max_size=12).map("".join))
def test_what_is_taken_has_no_exponential_form(expression):
    """Checked against Python's own parse of the expression: nothing repeated repeats or branches, few wide repeats."""
    if fault(expression) is not None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = re._parser.parse(expression)
    found = list(repeats(tree))
    for _, high, inside in found:
        if high > 1:
            assert not any(low_ != high_ or high_ > 1 for low_, high_, _ in repeats(inside))
            assert "|" not in expression or not branches(inside)
    assert sum(high - low > 16 for low, high, _ in found) <= 2
