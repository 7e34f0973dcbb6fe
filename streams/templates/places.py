"""Who else has a word where this text has one? An index of texts by their patterns (`holes`).

A function of the texts entered, so it is no part of any state. Patterns are known by their keys (`keys`):
the texts of all patterns would take ten times the memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.records.log import Severity
from streams.templates.holes import DOTTED, Pattern
from streams.templates.keys import key
from streams.windows.masks import HOLE


class Places:
    """`enter` and `leave` texts, by their number; `members` of a pattern."""

    def __init__(self) -> None:
        self._single: dict[int, tuple[int, ...]] = {}
        """Pattern -> the texts that have it; those with a dotted name in its place as they are, others as ~number."""
        self._double: dict[int, dict[int, list[str]]] = {}
        """Pattern of two places -> the texts that have it, and their words there."""
        self._numbers: dict[int, int] = {}
        """Text with a hole -> its number."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and self._comparable() == other._comparable()

    __hash__ = None  # type: ignore[assignment] # it changes

    def name(self, severity: Severity, text: str, number: int) -> None:
        """From now on a pattern with this text stands for this number."""
        if HOLE in text:
            self._numbers[key(severity, text)] = number

    def unname(self, severity: Severity, text: str) -> None:
        """It does not any more."""
        if HOLE in text:
            self._numbers.pop(key(severity, text), None)

    def named(self, found: Iterable[Pattern]) -> list[int]:
        """The numbers that some of these patterns stand for."""
        numbers = self._numbers
        return [numbers[pattern.key] for pattern in found if pattern.key in numbers]

    def enter(self, number: int, text: str, found: Iterable[Pattern]) -> str | None:
        """Note a text under its patterns; the first of them in which enough others differ."""
        ripe: Pattern | None = None
        single, other = self._single, ~number
        for pattern in found:
            if pattern.also >= 0:
                enough = self._enter_pair(number, pattern, pattern.words(text))
            else:
                member = number if pattern.dotted else other
                held = single.get(pattern.key)
                if held is None:
                    single[pattern.key] = (member,)
                    continue  # one word alone makes no hole
                if member not in held:
                    held = single[pattern.key] = (*held, member)
                enough = len(held) >= pattern.needed or (len(held) >= DOTTED and min(held) >= 0)
            if enough and ripe is None:
                ripe = pattern
        return None if ripe is None else ripe.of(text)

    def leave(self, number: int, found: Iterable[Pattern]) -> None:
        """Forget a text that was entered under these patterns."""
        for pattern in found:
            if pattern.also >= 0:
                pairs = self._double.get(pattern.key, {})
                pairs.pop(number, None)
                if not pairs:
                    self._double.pop(pattern.key, None)
                continue
            member = number if pattern.dotted else ~number
            rest = tuple([held for held in self._single.get(pattern.key, ()) if held != member])
            if rest:
                self._single[pattern.key] = rest
            else:
                self._single.pop(pattern.key, None)

    def members(self, severity: Severity, pattern: str) -> list[int]:
        """The texts that differ from a pattern only where it has a hole."""
        if HOLE not in pattern:
            return []
        of = key(severity, pattern)
        return [*(max(member, ~member) for member in self._single.get(of, ())), *self._double.get(of, ())]

    def _enter_pair(self, number: int, pattern: Pattern, words: list[str]) -> bool:
        pairs = self._double.setdefault(pattern.key, {})
        pairs[number] = words
        if len(pairs) < pattern.needed:
            return False
        return all(len(set(words)) >= pattern.needed for words in zip(*pairs.values(), strict=True))

    def _comparable(self) -> tuple[object, ...]:
        return {key: frozenset(held) for key, held in self._single.items()}, self._double, self._numbers
