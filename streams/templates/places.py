"""Who else has a word where this text has one? An index of texts by their patterns (`holes`).

A function of the texts entered, so it is no part of any state. Keys are hashes of 64 bits that never leave the process:
the texts of all patterns would take ten times the memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.records.log import Severity
from streams.templates.holes import DOTTED, Pattern, dotted, patterns


class Places:
    """`enter` and `leave` texts, by their number; `members` of a pattern."""

    def __init__(self) -> None:
        self._single: dict[int, tuple[int, ...]] = {}
        """Pattern -> the texts that have it; those with a dotted name in its place as they are, others as ~number."""
        self._double: dict[int, dict[int, tuple[str, ...]]] = {}
        """Pattern of two places -> the texts that have it, and their words there."""
        self._numbers: dict[int, int] = {}
        """Text -> its number."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Places) and self._comparable() == other._comparable()

    __hash__ = None  # type: ignore[assignment] # it changes

    def name(self, severity: Severity, text: str, number: int) -> None:
        """From now on a pattern with this text stands for this number."""
        self._numbers[_key(severity, text)] = number

    def unname(self, severity: Severity, text: str) -> None:
        """It does not any more."""
        self._numbers.pop(_key(severity, text), None)

    def named(self, severity: Severity, texts: Iterable[str]) -> list[int]:
        """The numbers that some of these texts stand for."""
        numbers = self._numbers
        return [numbers[key] for text in texts if (key := _key(severity, text)) in numbers]

    def enter(self, severity: Severity, number: int, found: Iterable[Pattern]) -> str | None:
        """Note a text under its patterns; the first of them in which enough others differ."""
        ripe = None
        for pattern in found:
            enough = self._enter_pair if len(pattern.words) > 1 else self._enter_one
            if enough(_key(severity, pattern.text), number, pattern) and ripe is None:
                ripe = pattern.text
        return ripe

    def leave(self, severity: Severity, number: int, text: str) -> None:
        """Forget a text that was entered."""
        for pattern in patterns(text):
            key = _key(severity, pattern.text)
            if len(pattern.words) > 1:
                pairs = self._double.get(key, {})
                pairs.pop(number, None)
                if not pairs:
                    self._double.pop(key, None)
                continue
            member = _signed(number, pattern)
            rest = tuple(held for held in self._single.get(key, ()) if held != member)
            if rest:
                self._single[key] = rest
            else:
                self._single.pop(key, None)

    def members(self, severity: Severity, pattern: str) -> list[int]:
        """The texts that differ from a pattern only where it has a hole."""
        key = _key(severity, pattern)
        return [*(max(member, ~member) for member in self._single.get(key, ())), *self._double.get(key, ())]

    def _enter_one(self, key: int, number: int, pattern: Pattern) -> bool:
        held = self._single.get(key, ())
        member = _signed(number, pattern)
        if member not in held:
            held = self._single[key] = (*held, member)
        return len(held) >= pattern.needed or (len(held) >= DOTTED and min(held) >= 0)

    def _enter_pair(self, key: int, number: int, pattern: Pattern) -> bool:
        pairs = self._double.setdefault(key, {})
        pairs[number] = pattern.words
        if len(pairs) < pattern.needed:
            return False
        return all(len(set(words)) >= pattern.needed for words in zip(*pairs.values(), strict=True))

    def _comparable(self) -> tuple[object, ...]:
        return {key: frozenset(held) for key, held in self._single.items()}, self._double, self._numbers


def _signed(number: int, pattern: Pattern) -> int:
    return number if dotted(pattern.words[0]) else ~number


def _key(severity: Severity, text: str) -> int:
    return hash((int(severity), text))
