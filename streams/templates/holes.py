"""Which words of a signature could be values that masking did not know? Those in whose place others have stood.

For each word of a text there is the text with a hole in its place: its *pattern*. Texts that share a pattern differ in
that one word. How many different words it takes until the place counts as a hole: five; three where the word before it
announces a name (`user`, `from`, `host`); two where all of them are dotted names; one where masking has made a hole
there in another line. Where two words are announced, both may vary at once: three different ones in each place do.
On eight labelled systems four to six do the same as five, eight or three little worse; two announced words are too few.

Never a hole: the first word, keys, types of exceptions, frames of a trace, statuses, and any word of a text that would
then have fewer constant words than others. (Source of the idea, with a fixed first word: Jiang et al., QSIC 2008;
the thresholds are ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from streams.windows.masks import HOLE, collapsed

MAX_WORDS = 32
"""Of a text; those beyond are never made holes."""
PLAIN, ANNOUNCED, DOTTED = 5, 3, 2
"""Different words that make a hole."""
_ANNOUNCE = frozenset(
    ("user", "for", "from", "by", "to", "at", "on", "of", "in", "host", "named", "name", "called", "node", "client")
)
_MAX_NAMES = 4
"""Announced words of which two may vary together."""
_EXCEPTION_ENDS = ("Exception", "Error", "Throwable", "Failure")
_STATUS_OR_SIGN = re.compile(r"(?<!\w)[45][0-9]{2}(?!\w)|^[^\w<]*\Z")
"""A status that `fold` kept, or a word without a letter."""
_TRACE_SIGNS = ("|", "@", "<")


class Pattern(NamedTuple):
    """A text with a hole, or two, in the place of words."""

    text: str
    words: tuple[str, ...]
    """One, or two that vary together."""
    needed: int
    """Different words, in each place, that make a hole of it."""


def patterns(text: str) -> Iterator[Pattern]:
    """The patterns of a text.

    >>> for pattern in patterns("session opened for bob on tty"):
    ...     print(pattern.text, "/", *pattern.words, "/", pattern.needed)
    session <*> for bob on tty / opened / 5
    session opened <*> bob on tty / for / 5
    session opened for <*> on tty / bob / 3
    session opened for bob <*> tty / on / 5
    session opened for bob on <*> / tty / 3
    session opened for <*> on <*> / bob tty / 3
    """
    words = text.split(" ")
    holes = [HOLE in word for word in words]
    constant = sum(not hole or "=" in word for hole, word in zip(holes, words, strict=True))
    end = -1
    names: list[int] = []
    for place, word in enumerate(words[:MAX_WORDS]):
        start = end + 1
        end = start + len(word)
        if word == "|":
            break  # a trace: its exceptions and frames say what it is
        if word == HOLE or (place == 0 and not holes[0]) or not may_vary(word, place):
            continue
        if 2 * (constant - (not holes[place])) < len(words):
            continue
        pattern = f"{text[:start]}{HOLE}{text[end:]}"
        if (place and holes[place - 1]) or (place + 1 < len(words) and holes[place + 1]):
            pattern = collapsed(pattern)
        needed = _needed(words[place - 1] if place else "", word)
        if needed == ANNOUNCED:
            names.append(place)
        yield Pattern(pattern, (word,), needed)
    if len(names) > 1 and 2 * (constant - 2) >= len(words):
        for one, other in combinations(names[:_MAX_NAMES], 2):
            changed = [HOLE if place in {one, other} else word for place, word in enumerate(words)]
            yield Pattern(collapsed(" ".join(changed)), (words[one], words[other]), ANNOUNCED)


def fits(text: str, pattern: str) -> bool:
    """Whether a text says nothing that a pattern does not say: where they differ, the pattern has a hole.

    Only words that could become a hole count as one, and half of the words must be constant, as in `patterns`.

    >>> fits("lookup of ant failed", "lookup of <*> failed"), fits("lookup of <*> failed", "lookup of ant failed")
    (True, False)
    >>> fits("write failed: java.io.IOException:", "write failed: <*>")
    False
    """
    words, wanted = text.split(" "), pattern.split(" ")
    if len(words) != len(wanted):
        return False
    constant, may_differ = 0, True
    for place, (word, shape) in enumerate(zip(words, wanted, strict=True)):
        may_differ = may_differ and shape != "|"
        if word == shape:
            constant += HOLE not in word or "=" in word
        elif not (place and may_differ and shape == HOLE and may_vary(word, place)):
            return False
    return text == pattern or 2 * constant >= len(words)


def dotted(word: str) -> bool:
    """Whether a word is a dotted name, as packages and hosts are.

    >>> dotted("com.example.notes"), dotted("notes")
    (True, False)
    """
    return word.count(".") >= 2


def may_vary(word: str, place: int) -> bool:
    """Whether a word may be a value at all.

    >>> may_vary("bob", 3), may_vary("java.io.IOException:", 3), may_vary("uid=<*>", 3), may_vary("503", 3)
    (True, False, False, False)
    """
    if word.isalpha():
        return not word.endswith(_EXCEPTION_ENDS)
    if "=" in word or word in _TRACE_SIGNS or word.rstrip(":,;)]").endswith(_EXCEPTION_ENDS):
        return False
    if place <= 1 and word.endswith(":"):
        return False  # the logger, or what the line is about
    return _STATUS_OR_SIGN.search(word) is None


def _needed(before: str, word: str) -> int:
    name = before if before.islower() else before.lower()
    return ANNOUNCED if name in _ANNOUNCE and not word.isupper() else PLAIN
