"""Which records could not be used, and why? Counted by reason; the first few are told."""

from __future__ import annotations

from msgspec import Struct

from streams.errors import BadRecord

_TOLD = 5
"""Faults that are told one by one; the others are counted."""


class Faults(Struct):
    """Records that could not be used."""

    counts: dict[str, int] = {}
    """Reason -> records."""
    examples: list[str] = []
    """The first few: file, line, reason, detail."""

    def add(self, where: str, bad: BadRecord) -> None:
        """One more."""
        self.counts[str(bad.reason)] = self.counts.get(str(bad.reason), 0) + 1
        if len(self.examples) < _TOLD:
            self.examples.append(f"{where}: {bad}")

    def merge(self, other: Faults) -> None:
        """Those of another file or case."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
        self.examples += other.examples[: max(0, _TOLD - len(self.examples))]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())
