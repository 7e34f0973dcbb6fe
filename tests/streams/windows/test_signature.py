"""The same line gives the same signature; what varies becomes a hole; hostile lines cost bounded time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records.log import Severity
from streams.windows.signature import MAX_LINE_CHARACTERS, fold, signature, signature_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 15 ms", "took 7 ms"),
        ("user=17 logged in from 10.0.0.1:443", "user=99 logged in from 192.168.17.254:80"),
        ("id 550e8400-e29b-41d4-a716-446655440000 done", "id 6ba7b810-9dad-11d1-80b4-00c04fd430c8 done"),
        ('open "a.txt" failed', 'open "b.txt" failed'),
        ("at 0xdeadbeef", "at 0x7ffe0001"),
        ("key deadbeefcafe lost", "key 0badf00d1234 lost"),
    ],
)
def test_values_do_not_tell_lines_apart(one, other):
    """Promise: lines that differ in numbers, addresses, ids, quoted values or hex share a signature."""
    assert signature(fold(one)) == signature(fold(other))


@pytest.mark.parametrize(
    ("one", "other"), [("connection refused", "connection reset"), ("ERROR disk full", "WARN disk full")]
)
def test_words_do(one, other):
    """Promise: lines that say different things do not."""
    assert signature(fold(one)) != signature(fold(other))


def test_severity_of_the_field_wins_over_the_line():
    """Promise: what the record says of its severity is believed before what the text looks like."""
    assert signature(fold("ERROR: retrying"), Severity.INFO).severity is Severity.INFO
    assert signature(fold("ERROR: retrying")).severity is Severity.ERROR


@given(st.text(max_size=300))
def test_any_text_has_a_signature_and_it_is_a_function_of_the_folded_line(text):
    """Promise: no text breaks it, and equal folds give equal signatures and ids."""
    folded = fold(text)
    first, second = signature(folded), signature(bytes(folded))
    assert first == second
    assert signature_id(first) == signature_id(second)
    assert 0 <= signature_id(first) < 2**63


@pytest.mark.parametrize("unit", ["a", "0", "<*> ", '"', "'", "a=", "\x1b[0m", "(" * 7, "é", "0a-"])
def test_long_lines_are_cut_before_they_cost(unit):
    """Promise: only the first characters of a line count, and the signature is short, whatever it is made of."""
    line = unit * 200_000
    assert len(fold(line)) <= 4 * MAX_LINE_CHARACTERS
    assert len(signature(fold(line)).text) <= 512


def test_control_characters_do_not_reach_readers():
    """Promise: terminal escapes of a hostile log never get into a signature."""
    assert "\x1b" not in signature(fold("\x1b[31mERROR\x1b[0m \x07boom")).text
