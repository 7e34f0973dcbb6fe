"""Who else has a word where this text has one? An index of texts by their patterns (`holes`).

A function of the texts entered, so it is no part of any state. Patterns are known by their keys (`keys`):
the texts of all patterns would take ten times the memory.
"""

from __future__ import annotations

from streams.records.log import Severity
from streams.templates.holes import DOTTED, Pattern, Patterns
from streams.templates.keys import key
from streams.windows.masks import HOLE


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
        return [numbers[of_pattern] for of_pattern in keys if of_pattern in numbers]

    def enter(self, number: int, found: Patterns) -> str | None:
        """Note a text under its patterns; the first of them in which enough others differ."""
        ripe: Pattern | None = None
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

    def leave(self, number: int, found: Patterns) -> None:
        """Forget a text that was entered under these patterns."""
        for of_pattern in found.keys:
            held = self._shared.get(of_pattern)
            if held is None:
                self._alone.pop(of_pattern, None)
                continue
            rest = tuple([member for member in held if member not in (number, ~number)])
            if len(rest) > 1:
                self._shared[of_pattern] = rest
                continue
            del self._shared[of_pattern]
            if rest:
                self._alone[of_pattern] = rest[0]
        for pair in found.pairs:
            pairs = self._double.get(pair.key, {})
            pairs.pop(number, None)
            if not pairs:
                self._double.pop(pair.key, None)

    def members(self, severity: Severity, pattern: str) -> list[int]:
        """The texts that differ from a pattern only where it has a hole."""
        if HOLE not in pattern:
            return []
        of = key(severity, pattern)
        alone = self._alone.get(of)
        held = self._shared.get(of, ()) if alone is None else (alone,)
        return [*(max(member, ~member) for member in held), *self._double.get(of, ())]

    def _enter(self, number: int, pattern: Pattern) -> bool:
        """Note it under a pattern with one hole; whether enough others differ there."""
        member = number if pattern.dotted else ~number
        alone = self._alone.pop(pattern.key, None)
        held = self._shared.get(pattern.key, ()) if alone is None else (alone,)
        if member not in held:
            held = (*held, member)
        if len(held) == 1:
            self._alone[pattern.key] = member
            return False  # one word alone makes no hole
        self._shared[pattern.key] = held
        return len(held) >= pattern.needed or (len(held) >= DOTTED and min(held) >= 0)

    def _enter_pair(self, number: int, pattern: Pattern, words: list[str]) -> bool:
        pairs = self._double.setdefault(pattern.key, {})
        pairs[number] = words
        if len(pairs) < pattern.needed:
            return False
        return all(len(set(words)) >= pattern.needed for words in zip(*pairs.values(), strict=True))

    def _comparable(self) -> tuple[object, ...]:
        return self._alone, {key: frozenset(held) for key, held in self._shared.items()}, self._double, self._numbers
