"""Patterns: `*` and `?` and nothing else, in bounded time."""

from __future__ import annotations

import fnmatch
import itertools

from hypothesis import given
from hypothesis import strategies as st

from streams.policy.glob import matches, overlap

patterns = st.text("ab*?", max_size=6)
NAMES = ["".join(letters) for length in range(7) for letters in itertools.product("ab", repeat=length)]


@given(patterns, st.text("ab*?", max_size=8))
def test_matches_as_fnmatch_does(pattern, name):
    """Where no brackets are."""
    assert matches(pattern, name) == fnmatch.fnmatchcase(name, pattern)


def test_brackets_are_text():
    """No character classes: what is written is what is meant."""
    assert matches("a[b]", "a[b]")
    assert not matches("a[b]", "ab")


@given(st.text("ab*?", max_size=4), st.text("ab*?", max_size=4))
def test_overlap_is_a_name_that_fits_both(left, right):
    """Of patterns this short, one of the names up to six letters."""
    both = any(matches(left, name) and matches(right, name) for name in [*NAMES, left, right])
    assert overlap(left, right) == both
    assert overlap(right, left) == both


@given(patterns)
def test_every_pattern_meets_itself_and_any(pattern):
    """Each has a name."""
    assert overlap(pattern, pattern)
    assert overlap(pattern, "*")
