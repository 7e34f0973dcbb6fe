"""Which source of truth counts the requests of both sides, and how many does it count?"""

from __future__ import annotations

from typing import Protocol

from streams.judging.counts import cut
from streams.judging.side import Side
from streams.signals.requests import best_source


class Sources(Protocol):
    """What a state remembers of them."""

    source: str | None
    """The one that was chosen."""
    baseline_sources: list[str]
    """Those seen at the baseline so far, sorted."""
    canary_sources: list[str]


def see_sources(state: Sources, baseline: Side | None, canary: Side | None) -> None:
    """Take in those of one window, and choose one once both sides have it."""
    for side, known in ((baseline, state.baseline_sources), (canary, state.canary_sources)):
        new = set(side.requests).difference(known) if side else ()
        if new:
            known[:] = sorted((*known, *new))
    if state.source is None:
        state.source = best_source(set(state.baseline_sources).intersection(state.canary_sources)) or None


def requests_of(side: Side, source: str | None) -> float:
    """Requests that a source counted; 0 where it did not, or there is none."""
    count = side.requests.get(source) if source is not None else None
    return cut(count.requests) if count is not None else 0.0
