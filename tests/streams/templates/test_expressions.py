"""Expressions: what an operator may write, and what is run over lines that an attacker writes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import BadPolicy
from streams.policy.fault import BadPolicyFile
from streams.policy.reader import read
from streams.templates.expressions import MAX_EXPRESSION, Expression, fault, service_masks

_PIECES = st.sampled_from(
    [*"ab.|()*+?^$", "[ab]", "[^a]", "(?:", "(?P<n>", "{2}", "{1,3}", "{,4}", "{3,}", "{1000}", "\\w", "\\(", "\ud800"]
)


@pytest.mark.parametrize(
    "expression",
    [
        "FATAL",
        r"deadlock .* detected",
        r"(?i)connection (?:refused|reset) by .*:\d{1,5}",
        r"order-[0-9a-f]{8}-[0-9a-f]{4}",
        r"\bORA-\d{5}\b",
        r"[]^*+(]",
        r"\(\*\)\+",
        r"(?P<code>E[0-9]+)",
        r"a*b*c*d",
        r"((a|b)c)+d",
        "(a+)+$",
        "a?" * 20 + "a" * 20,
    ],
)
def test_what_operators_write_is_taken(expression):
    """Promise: whatever RE2 runs, also what would take for ever elsewhere."""
    assert fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "0 characters"),
        ("a" * (MAX_EXPRESSION + 1), f"{MAX_EXPRESSION + 1} characters"),
        ("order (", r"missing ): order ("),
        ("a{99999}", "invalid repetition size: {99999}"),
        ("((a{100}){100}){100}", "invalid repetition size"),
        (r"(?:\pL?){500}", "too large"),
        ("x*", "empty"),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("a(?=b)", "invalid perl operator: (?="),
        ("a(?<!b)", "invalid perl operator: (?<"),
        ("(?x)a b", "invalid perl operator: (?x"),
        ("a++", "bad repetition operator: ++"),
        ("\ud800", "half of a character"),
    ],
)
def test_what_cannot_be_run_is_refused(expression, why):
    """Promise: with the part that RE2 does not take; a policy file stops at start with line and field besides."""
    assert why in (fault(expression) or "")
    with pytest.raises(BadPolicy, match="masks"):
        service_masks([expression])
    written = "".join(rf"\u{ord(character):04x}" for character in expression)
    with pytest.raises(BadPolicyFile, match=r"p:1: defaults\.logs\.masks\[0\]: "):
        read(f'{{version: 1, defaults: {{logs: {{masks: ["{written}"]}}}}}}', "p")


@settings(max_examples=100, deadline=None)
@given(st.lists(_PIECES, max_size=12).map("".join), st.sampled_from(["a", "ab", "a|b(", "é"]))
def test_no_expression_stalls_on_a_hostile_line(expression, repeated):
    """Promise: it is refused, or has an answer for a long line that is made for it, in the time of a test."""
    if fault(expression) is None:
        line = repeated * (5000 // len(repeated)) + "!"
        assert Expression(expression).found(line) is (Expression(f"(?:{expression})").hole(line) != line)
