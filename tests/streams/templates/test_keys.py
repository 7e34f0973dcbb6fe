"""What is looked up without being written out is found under the same key as what is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.records.log import Severity
from streams.templates.holes import patterns
from streams.templates.keys import MAX_WORDS, key

_WORDS = st.sampled_from(["user", "bob", "a.b.c", "<*>", "key=<*>", "(<*>)", "", "|", "KB", "Mon", "503", "x:"])
_TEXTS = st.lists(_WORDS, min_size=1, max_size=MAX_WORDS + 4).map(" ".join)


@given(_TEXTS, st.sampled_from(Severity))
def test_a_pattern_is_found_under_the_key_of_its_text(text, severity):
    """Promise: the key of a pattern, reckoned from that of the text, is that of the pattern written out."""
    found = patterns(text, severity)
    for pattern in (*found.each(), *found.pairs):
        assert pattern.key == key(severity, pattern.of(text))


@given(_TEXTS, _TEXTS, st.sampled_from(Severity), st.sampled_from(Severity))
def test_other_texts_have_other_keys(one, other, severity, another):
    """Promise: texts that differ, also in blanks, the order of words or severity alone, do not meet in one key."""
    assert (key(severity, one) == key(another, other)) == ((severity, one) == (another, other))
