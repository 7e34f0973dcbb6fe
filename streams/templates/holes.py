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
from functools import lru_cache
from itertools import combinations

from msgspec import Struct

from streams.records.log import Severity
from streams.templates.keys import MAX_WORDS, key, terms, total
from streams.windows.masks import HOLE, collapsed

PLAIN, ANNOUNCED, DOTTED = 5, 3, 2
"""Different words that make a hole."""
_ANNOUNCE = frozenset(
    ("user", "for", "from", "by", "to", "at", "on", "of", "in", "host", "named", "name", "called", "node", "client")
)
_CACHED_WORDS = 1 << 13
"""Of at most as many characters as a signature has."""
_OF_HOLE = terms([HOLE] * MAX_WORDS)
_NO_HOLES = [False] * MAX_WORDS
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


def patterns(text: str, severity: Severity = Severity.UNSET) -> list[Pattern]:
    """The patterns of a text.

    >>> text = "session opened for bob on tty"
    >>> for pattern in patterns(text):
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
    holes = _NO_HOLES
    if HOLE in text:
        holes = [HOLE in word for word in words]
        constant = sum([not hole or "=" in word for hole, word in zip(holes, words, strict=True)])
    enough, enough_beside = 2 * constant >= number, 2 * (constant - 1) >= number
    found: list[Pattern] = []
    names: list[int] = []
    announced = False
    for place, (word, hole, of_word, of_hole) in enumerate(zip(words, holes, of_words, _OF_HOLE, strict=False)):
        may, may_early, is_dotted, is_name, announces = _traits(word)
        before, announced = announced, announces
        if not (may if place > 1 else may_early):
            if word == "|":
                break  # a trace: its exceptions and frames say what it is
            continue
        if not (enough if hole else enough_beside and place):
            continue
        needed = PLAIN
        if before and is_name:
            needed = ANNOUNCED
            names.append(place)
        if holes is not _NO_HOLES and ((place and holes[place - 1]) or (place + 1 < number and holes[place + 1])):
            found.append(_collapsed(severity, words, needed, is_dotted, place))
        else:
            found.append(Pattern(of_text - of_word + of_hole, needed, is_dotted, place))
    if len(names) > 1 and 2 * (constant - 2) >= number:
        pairs = combinations(names[:_MAX_NAMES], 2)
        found += [_collapsed(severity, words, ANNOUNCED, False, one, other) for one, other in pairs]
    return found


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


@lru_cache(_CACHED_WORDS)
def _traits(word: str) -> tuple[bool, bool, bool, bool, bool]:
    """Whether it may become a hole, and also as one of the first two; is dotted; may be a name; announces one."""
    more = word != HOLE
    names = word.lower() in _ANNOUNCE
    return more and may_vary(word, 2), more and may_vary(word, 1), dotted(word), not word.isupper(), names


def _collapsed(
    severity: Severity, words: list[str], needed: int, is_dotted: bool, place: int, also: int = -1
) -> Pattern:
    return Pattern(key(severity, _with_holes(words, place, also, True)), needed, is_dotted, place, also, True)


def _with_holes(words: list[str], one: int, other: int, collapse: bool) -> str:
    changed = " ".join([HOLE if place in {one, other} else word for place, word in enumerate(words)])
    return collapsed(changed) if collapse else changed
