"""Which new things, templates or shapes, does the canary show, and how many would a healthy revision show?

Keeps the novelty of the canary against the baseline and, for what the baseline is to teach, that of its own halves
against each other, in two splits and both roles. New is what history had not shown when the comparison began; without
a history all is new, and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from streams.judging.logs.novelty import OnlyIn, OnlyInState, Things
from streams.judging.logs.past import StreamCohort
from streams.judging.logs.settings import NEW_SHAPES, LogSettings
from streams.judging.side import Side, Trace

_HALVES = ((1, 0), (1, 1), (2, 0), (2, 2))
"""(bit of `Trace.split`, its value): the half that plays the canary."""
_Found = list[tuple[Trace, Things]]


class NewsState(Struct, array_like=True):
    """New things of one kind."""

    known: list[int] = []
    """What history had shown, ascending."""
    taught: bool = False
    """There is a history, if only that nothing was shown."""
    canary: OnlyInState = field(default_factory=OnlyInState)
    halves: list[OnlyInState] = field(default_factory=lambda: [OnlyInState() for _ in _HALVES])
    baseline_shown: list[int] = []
    """All that the baseline has shown, ascending, bounded: what it will teach."""
    canary_shown: list[int] = []
    """The same of the canary, for when it is promoted."""


class News:
    """One kind of things: `add` window by window."""

    def __init__(self, stream: str, settings: LogSettings, state: NewsState) -> None:
        self._stream = stream
        self._limit = settings.known_limit
        self._known = frozenset(state.known)
        self._taught = state.taught
        self._canary = OnlyIn(settings.held_limit, state.canary)
        self._halves = [OnlyIn(settings.held_limit, half) for half in state.halves]
        self.baseline_shown = set(state.baseline_shown)
        self.canary_shown = set(state.canary_shown)

    def to_state(self) -> NewsState:
        """A snapshot."""
        halves = [half.to_state() for half in self._halves]
        shown = sorted(self.baseline_shown), sorted(self.canary_shown)
        return NewsState(sorted(self._known), self._taught, self._canary.to_state(), halves, *shown)

    def add(self, baseline: Side, canary: Side | None, templates: Mapping[int, int]) -> tuple[float, float]:
        """Count one window.

        Args:
            baseline: what it did.
            canary: the same of the canary, where it was there.
            templates: redirects, see `LogPart.add`.

        Returns:
            Traces of the canary, and of the baseline, that hold something history has not shown.
        """
        theirs = self._things(baseline, templates)
        mine = self._things(canary, templates) if canary is not None else []
        _remember(self.baseline_shown, theirs, self._limit)
        _remember(self.canary_shown, mine, self._limit)
        if not self._taught:
            return 0.0, 0.0
        theirs, mine = self._new(theirs), self._new(mine)
        for half, (bit, value) in zip(self._halves, _HALVES, strict=True):
            inside = [pair for pair in theirs if pair[0].split & bit == value]
            half.add(_grouped(inside), (things for trace, things in theirs if trace.split & bit != value))
        self._canary.add(_grouped(mine), (things for _, things in theirs))
        return float(sum(trace.count for trace, _ in mine)), float(sum(trace.count for trace, _ in theirs))

    @property
    def peak(self) -> float:
        """Most canary traces at any time that held something neither history nor the baseline so far had shown."""
        return float(self._canary.peak)

    def counts(self) -> dict[int, int]:
        """New thing that the baseline has not shown -> canary traces that hold it."""
        return self._canary.counts()

    def cohort(self, pod_s: float) -> StreamCohort | None:
        """What the baseline's halves say of the rate at which a healthy revision shows new things; None if nothing.

        Each trace is the canary's in one of the two roles of either split, so both roles together have the exposure of
        the whole; the two splits are averaged.
        """
        if not self._taught:
            return None
        squares = sum(half.squares() for half in self._halves) / 2.0
        held = sum(half.held() for half in self._halves) / 2.0
        return StreamCohort(sum(half.peak for half in self._halves) / 2.0, pod_s, squares, held)

    def _things(self, side: Side, templates: Mapping[int, int]) -> _Found:
        if self._stream == NEW_SHAPES:
            return [(trace, (trace.shape,)) for trace in side.traces if trace.shape]
        return [
            (trace, tuple(sorted({templates.get(number, number) for number in trace.signatures})))
            for trace in side.traces
            if trace.signatures
        ]

    def _new(self, found: _Found) -> _Found:
        known = self._known
        new = ((trace, tuple(thing for thing in things if thing not in known)) for trace, things in found)
        return [(trace, things) for trace, things in new if things]


def _remember(shown: set[int], found: _Found, limit: int) -> None:
    fresh = {thing for _, things in found for thing in things} - shown
    shown.update(sorted(fresh)[: max(0, limit - len(shown))])


def _grouped(found: Iterable[tuple[Trace, Things]]) -> dict[Things, int]:
    counts: dict[Things, int] = {}
    for trace, things in found:
        counts[things] = counts.get(things, 0) + trace.count
    return counts
