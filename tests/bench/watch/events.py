"""How well do alarms find labelled incidents? Each alarm counts once, at its onset; onsets close together are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.watch.corpora import Windows


@dataclass
class Found:
    """Counts over a corpus."""

    hit: int = 0
    """Windows with an onset in them."""
    missed: int = 0
    false: int = 0
    """Onsets in no window, nor where none is counted."""
    onsets: int = 0
    series_days: float = 0.0

    @property
    def f1(self) -> float:
        """Of events; 0 where nothing is found."""
        whole = 2 * self.hit + self.missed + self.false
        return 2 * self.hit / whole if whole else 0.0

    def add(self, onsets_ns: Sequence[int], windows: Windows, ignored: Windows, slack_ns: int) -> None:
        """Count one stream.

        Args:
            onsets_ns: of its alarms, in order.
            windows: labelled ones.
            ignored: where an onset is neither right nor wrong.
            slack_ns: time after a window's end within which an onset still belongs to it.
        """
        hit: set[int] = set()
        for onset in onsets_ns:
            belongs = [place for place, (begin, end) in enumerate(windows) if begin <= onset <= end + slack_ns]
            if belongs:
                hit.add(belongs[0])
            elif not any(begin <= onset <= end + slack_ns for begin, end in ignored):
                self.false += 1
        self.onsets += len(onsets_ns)
        self.hit += len(hit)
        self.missed += len(windows) - len(hit)


def apart(raised_ns: Sequence[int], refractory_ns: int) -> list[int]:
    """Times at which an alarm was raised, the refractory period or more after the one before."""
    found: list[int] = []
    last: int | None = None
    for at in raised_ns:
        if last is None or at - last > refractory_ns:
            found.append(at)
        last = at
    return found
