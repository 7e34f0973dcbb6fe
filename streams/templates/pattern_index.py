"""Who else has a word where this text has one? An index of texts by their patterns (`holes`).

A function of the texts entered, so it is no part of any state. Patterns are known by their keys (`keys`):
the texts of all patterns would take ten times the memory. A text that leaves is crossed out, and its patterns are
forgotten together with those of others: to work them out again, text by text, would take as long as to enter them.
"""

from __future__ import annotations

from streams.records.log import Severity
from streams.templates.holes import DOTTED, Pattern, Patterns
from streams.templates.keys import key
from streams.windows.masks import HOLE

_LEFT = 64
_LEFT_RATIO = 0.25
"""Of the texts entered so many, and this share, may be crossed out before their patterns are forgotten."""


class PatternIndex:
    """`enter` and `leave` texts, by their number; `members` of a pattern."""

    def __init__(self) -> None:
        self._alone: dict[int, int] = {}
        """Pattern -> the one text that has it; one with a dotted name in its place as it is, any other as ~number."""
        self._shared: dict[int, tuple[int, ...]] = {}
        """Pattern -> the texts that have it, where they are more."""
        self._double: dict[int, dict[int, list[str]]] = {}
        """Pattern of two places -> the texts that have it, and their words there."""
        self._numbers: dict[int, int] = {}
        """Text with a hole -> its number."""
        self._entered = 0
        """Texts."""
        self._left: set[int] = set()
        """Texts that are crossed out: none of the entered, but still under some patterns."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PatternIndex) and self._comparable() == other._comparable()

    __hash__ = None  # type: ignore[assignment] # it changes

    def name(self, severity: Severity, text: str, number: int) -> None:
        """From now on a pattern with this text stands for this number."""
        if HOLE in text:
            self._numbers[key(severity, text)] = number

    def unname(self, severity: Severity, text: str) -> None:
        """It does not any more."""
        if HOLE in text:
            self._numbers.pop(key(severity, text), None)

    def named(self, found: Patterns) -> list[int]:
        """The numbers that some of these patterns stand for."""
        numbers = self._numbers
        keys = found.keys if not found.pairs else [*found.keys, *(pair.key for pair in found.pairs)]
        if numbers.keys().isdisjoint(keys):
            return []
        return [numbers[of_pattern] for of_pattern in keys if of_pattern in numbers]

    def enter(self, number: int, found: Patterns) -> str | None:
        """Note a text under its patterns; the first of them in which enough others differ."""
        ripe: Pattern | None = None
        self._entered += 1
        self._left.discard(number)  # the same text has the same patterns
        keys = found.keys
        if self._alone.keys().isdisjoint(keys) and self._shared.keys().isdisjoint(keys) and found.text.count(".") < 2:
            self._alone.update(dict.fromkeys(keys, ~number))  # one word alone makes no hole, nor is any dotted
        else:
            entered = [(self._enter(number, one), one) for one in found.each()]
            ripe = next((one for enough, one in entered if enough), None)
        for pair in found.pairs:
            if self._enter_pair(number, pair, pair.words(found.text)) and ripe is None:
                ripe = pair
        return None if ripe is None else ripe.of(found.text)

    def leave(self, number: int) -> None:
        """Forget a text that was entered."""
        self._entered -= 1
        self._left.add(number)
        if len(self._left) > _LEFT + _LEFT_RATIO * self._entered:
            self._forget_left()

    def members(self, severity: Severity, pattern: str) -> list[int]:
        """The texts that differ from a pattern only where it has a hole."""
        if HOLE not in pattern:
            return []
        of = key(severity, pattern)
        alone = self._alone.get(of)
        held = self._shared.get(of, ()) if alone is None else (alone,)
        found = [*(max(member, ~member) for member in held), *self._double.get(of, ())]
        return [number for number in found if number not in self._left] if self._left else found

    def _enter(self, number: int, pattern: Pattern) -> bool:
        """Note it under a pattern with one hole; whether enough others differ there."""
        member = number if pattern.dotted else ~number
        alone = self._alone.pop(pattern.key, None)
        held = self._shared.pop(pattern.key, ()) if alone is None else (alone,)
        if self._left:
            held = tuple([other for other in held if max(other, ~other) not in self._left])
        if member not in held:
            held = (*held, member)
        if len(held) == 1:
            self._alone[pattern.key] = member
            return False  # one word alone makes no hole
        self._shared[pattern.key] = held
        return len(held) >= pattern.needed or (len(held) >= DOTTED and min(held) >= 0)

    def _enter_pair(self, number: int, pattern: Pattern, words: list[str]) -> bool:
        pairs = self._double.setdefault(pattern.key, {})
        for other in self._left.intersection(pairs):
            del pairs[other]
        pairs[number] = words
        if len(pairs) < pattern.needed:
            return False
        return all(len(set(words)) >= pattern.needed for words in zip(*pairs.values(), strict=True))

    def _forget_left(self) -> None:
        """The patterns of all texts that are crossed out."""
        left = self._left
        left.update([~number for number in left])
        for of in [of for of, member in self._alone.items() if member in left]:
            del self._alone[of]
        for of, held in [one for one in self._shared.items() if not left.isdisjoint(one[1])]:
            rest = tuple([member for member in held if member not in left])
            if len(rest) > 1:
                self._shared[of] = rest
                continue
            del self._shared[of]
            if rest:
                self._alone[of] = rest[0]
        for of, pairs in [one for one in self._double.items() if not left.isdisjoint(one[1])]:
            words_of_rest = {number: words for number, words in pairs.items() if number not in left}
            if words_of_rest:
                self._double[of] = words_of_rest
            else:
                del self._double[of]
        left.clear()

    def _comparable(self) -> tuple[object, ...]:
        self._forget_left()
        return self._alone, {key: frozenset(held) for key, held in self._shared.items()}, self._double, self._numbers
