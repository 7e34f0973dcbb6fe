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
from itertools import combinations, compress

from msgspec import Struct

from streams.records.log import Severity
from streams.templates.keys import MAX_WORDS, key, terms, total
from streams.windows.masks import HOLE, Words, collapsed
from streams.windows.signature import MAX_SIGNATURE_CHARACTERS

PLAIN, ANNOUNCED, DOTTED = 5, 3, 2
"""Different words that make a hole."""
_ANNOUNCE = frozenset(
    ("user", "for", "from", "by", "to", "at", "on", "of", "in", "host", "named", "name", "called", "node", "client")
)
_CACHED_WORDS = 1 << 13
_PLACES = range(MAX_WORDS)
_OF_HOLE = terms([HOLE] * MAX_WORDS)
_MAX_NAMES = 4
"""Announced words of which two may vary together."""
_EXCEPTION_ENDS = ("Exception", "Error", "Throwable", "Failure")
_STATUS_OR_SIGN = re.compile(r"(?<!\w)[45][0-9]{2}(?!\w)|^[^\w<]*\Z")
"""A status that `fold` kept, or a word without a letter."""
_TRACE_SIGNS = ("|", "@", "<")


class Pattern(Struct, frozen=True, gc=False):
    """A text with a hole, or two, in the place of words."""

    key: int
    """That stands for it (`keys`)."""
    needed: int
    """Different words, in each place, that make a hole of it."""
    dotted: bool
    """Whether it is a dotted name whose place it takes."""
    place: int
    also: int = -1
    """Place of a second word that varies together with the first; -1: there is none."""
    collapsed: bool = False
    """Whether its hole may become one with what is around it."""

    def of(self, text: str) -> str:
        """The pattern, written out; of the text that it is a pattern of."""
        return _with_holes(text.split(" "), self.place, self.also, self.collapsed)

    def words(self, text: str) -> list[str]:
        """Of the same text, in its places."""
        words = text.split(" ")
        return [words[place] for place in (self.place, self.also) if place >= 0]


class Patterns(Struct, frozen=True, gc=False):
    """All of one text: by their keys, as most are those of no other text, and no more is asked of them."""

    text: str
    keys: list[int]
    """Of those with one hole."""
    places: list[int]
    """Their holes'."""
    pairs: list[Pattern]
    """Those with two."""

    def each(self) -> Iterator[Pattern]:
        """Those with one hole, written down, in the order of their keys."""
        words = self.text.split(" ")
        for of_pattern, place in zip(self.keys, self.places, strict=True):
            needed = ANNOUNCED if _is_announced(words, place) else PLAIN
            yield Pattern(of_pattern, needed, dotted(words[place]), place, collapsed=_beside_hole(words, place))


def patterns(text: str, severity: Severity = Severity.UNSET) -> Patterns:
    """The patterns of a text.

    >>> text = "session opened for bob on tty"
    >>> found = patterns(text)
    >>> for pattern in (*found.each(), *found.pairs):
    ...     print(pattern.of(text), "/", *pattern.words(text), "/", pattern.needed)
    session <*> for bob on tty / opened / 5
    session opened <*> bob on tty / for / 5
    session opened for <*> on tty / bob / 3
    session opened for bob <*> tty / on / 5
    session opened for bob on <*> / tty / 3
    session opened for <*> on <*> / bob tty / 3
    """
    words = text.split(" ")
    number = constant = len(words)
    of_words = terms(words)
    of_text = total(severity, of_words)
    may = words if number <= MAX_WORDS else words[:MAX_WORDS]
    if "|" in may:
        may = may[: may.index("|")]  # a trace: its exceptions and frames say what it is
    places = list(compress(_PLACES, map(_varies.__getitem__, may)))
    if places and places[0] == 0:
        del places[0]
    if places and places[0] == 1 and not may_vary(words[1], 1):
        del places[0]
    holes = HOLE in text
    if holes:
        constant = sum([HOLE not in word or "=" in word for word in words])
        places = [place for place in (*_first(may), *places) if 2 * (constant - (HOLE not in words[place])) >= number]
    keys = [of_text - of_words[place] + _OF_HOLE[place] for place in places]
    if holes:
        for index, place in enumerate(places):
            if _beside_hole(words, place):
                keys[index] = key(severity, _with_holes(words, place, -1, True))
    pairs: list[Pattern] = []
    if 2 * (constant - 2) >= number and not _ANNOUNCE.isdisjoint(text.lower().split(" ")):
        names = [place for place in places if _is_announced(words, place)]
        for one, other in combinations(names[:_MAX_NAMES], 2):
            of_pattern = key(severity, _with_holes(words, one, other, True))
            pairs.append(Pattern(of_pattern, ANNOUNCED, False, one, other, True))
    return Patterns(text, keys, places, pairs)


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


_varies = Words(lambda word: word != HOLE and may_vary(word, 2), _CACHED_WORDS, MAX_SIGNATURE_CHARACTERS)
"""Whether a word may become a hole, in any place but the first two."""


def _first(words: list[str]) -> list[int]:
    """The first place, where masking has made a hole of a part of it: else it is what the line is about."""
    return [0] if words and HOLE in words[0] and _varies[words[0]] and may_vary(words[0], 0) else []


def _is_announced(words: list[str], place: int) -> bool:
    """Whether it is the name that the word before it announces."""
    return place > 0 and words[place - 1].lower() in _ANNOUNCE and not words[place].isupper()


def _beside_hole(words: list[str], place: int) -> bool:
    return any(HOLE in word for word in (*words[max(0, place - 1) : place], *words[place + 1 : place + 2]))


def _with_holes(words: list[str], one: int, other: int, collapse: bool) -> str:
    changed = " ".join([HOLE if place in {one, other} else word for place, word in enumerate(words)])
    return collapsed(changed) if collapse else changed
