"""Which new things, templates or shapes, does the canary show, and how many would a healthy revision show?

Keeps the novelty of the canary against the baseline and, for what the baseline is to teach, that of the halves of its
pods against each other, in both roles. A single pod has no halves: its new things fall to one half or the other by a
hash, block of 20 s by block, so that what one half shows the other may not show for a while; but what one cause brings
for longer is then in both halves and counts in neither. So it is counted against the canary too, as that is against it
(of a pod without a canary beside it all counts), and the larger number is taught. New is what history had not shown
when the comparison began. Nothing is counted before there are `LEARNING` cohorts: until then
most of what is shown is new, which says how little is known and not how a healthy revision behaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct, field, structs

from streams.judging.logs.dispersion import BLOCK_NS
from streams.judging.logs.novelty import OnlyIn, OnlyInState, Things, redirected
from streams.judging.logs.quiet import StreamCohort
from streams.judging.logs.settings import NEW_NUMBERS, NEW_SHAPES, LogSettings
from streams.judging.side import Side, Trace

_HALVES = (0, 1)
LEARNING = 3
"""Cohorts that only teach what there is."""
_Found = list[tuple[Trace, Things]]


class Cause(Struct, array_like=True):
    """New things that the baseline has shown together."""

    things: Things
    first_block: int
    """Number of the block of 20 s in which they were first shown."""
    last_block: int
    traces: int


class NewsState(Struct, array_like=True):
    """New things of one kind."""

    known: list[int] = []
    """What history had shown, ascending."""
    taught: bool = False
    """There is enough history, if only that nothing was shown."""
    canary: OnlyInState = field(default_factory=OnlyInState)
    halves: list[OnlyInState] = field(default_factory=lambda: [OnlyInState() for _ in _HALVES])
    baseline_shown: list[int] = []
    """All that the baseline has shown, ascending, bounded: what it will teach."""
    canary_shown: list[int] = []
    """The same of the canary, for when it is promoted."""
    new_traces: int = 0
    """Canary traces that hold something history has not shown."""
    causes: list[Cause] = []
    """The baseline's, sorted by things, bounded."""
    baseline: OnlyInState = field(default_factory=OnlyInState)
    """What it has shown and the canary has not."""


class News:
    """One kind of things: `add` window by window."""

    def __init__(self, stream: str, settings: LogSettings, state: NewsState) -> None:
        self._stream = stream
        self._limit = settings.known_limit
        self._known = frozenset(state.known)
        self.taught = state.taught
        self._canary = OnlyIn(settings.held_limit, state.canary)
        self._halves = [OnlyIn(settings.held_limit, half) for half in state.halves]
        self._baseline = OnlyIn(settings.held_limit, state.baseline)
        self.baseline_shown = set(state.baseline_shown)
        self.canary_shown = set(state.canary_shown)
        self._new_traces = state.new_traces
        self._causes = {cause.things: cause for cause in state.causes}

    def to_state(self) -> NewsState:
        """A snapshot."""
        halves = [half.to_state() for half in self._halves]
        return NewsState(
            sorted(self._known),
            self.taught,
            self._canary.to_state(),
            halves,
            sorted(self.baseline_shown),
            sorted(self.canary_shown),
            self._new_traces,
            [structs.replace(self._causes[things]) for things in sorted(self._causes)],
            self._baseline.to_state(),
        )

    def add(
        self, start_ns: int, baseline: Side, canary: Side | None, templates: Mapping[int, int], *, one_pod: bool
    ) -> tuple[float, float]:
        """Count one window.

        Args:
            start_ns: in order of time.
            baseline: what it did.
            canary: the same of the canary, where it was there.
            templates: redirects, see `LogPart.add`.
            one_pod: the baseline has a single pod.

        Returns:
            Traces of the canary, and of the baseline, that hold something history has not shown.
        """
        theirs = self._things(baseline, templates)
        mine = self._things(canary, templates) if canary is not None else []
        _remember(self.baseline_shown, theirs, self._limit)
        _remember(self.canary_shown, mine, self._limit)
        if not self.taught:
            return 0.0, 0.0
        theirs, mine = self._new(theirs), self._new(mine)
        block = start_ns // BLOCK_NS
        by_half: tuple[_Found, _Found] = ([], [])
        for trace, things in theirs:
            half = (things[0] ^ things[0] >> 7 ^ block) & 1 if one_pod else trace.half
            by_half[half].append((trace, things))
        new_mine, new_theirs, first, second = map(_grouped, (mine, theirs, *by_half))
        for counted, inside, outside in zip(self._halves, (first, second), (second, first), strict=True):
            counted.add(inside, outside)
        self._canary.add(new_mine, new_theirs)
        self._baseline.add(new_theirs, new_mine)
        self._new_traces += sum(new_mine.values())
        self._learn_causes(block, new_theirs)
        return float(sum(new_mine.values())), float(sum(new_theirs.values()))

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others; one is known if history had shown any part of it."""
        self._known = frozenset(redirects.get(thing, thing) for thing in self._known)
        self.baseline_shown = {redirects.get(thing, thing) for thing in self.baseline_shown}
        self.canary_shown = {redirects.get(thing, thing) for thing in self.canary_shown}
        for counted in (self._canary, self._baseline, *self._halves):
            counted.redirect(redirects, self._known)
        before, self._causes = self._causes, {}
        for things in sorted(before):
            now, cause = redirected(things, redirects, self._known), before[things]
            held = self._causes.get(now)
            if held is not None:
                first, last = min(held.first_block, cause.first_block), max(held.last_block, cause.last_block)
                self._causes[now] = Cause(now, first, last, held.traces + cause.traces)
            elif now:
                self._causes[now] = Cause(now, cause.first_block, cause.last_block, cause.traces)

    def is_known(self, thing: int) -> bool:
        """Whether history had shown it when the comparison began."""
        return thing in self._known

    @property
    def new_traces(self) -> int:
        """Canary traces that hold something history has not shown."""
        return self._new_traces

    @property
    def peak(self) -> float:
        """Most canary traces at any time that held something neither history nor the baseline so far had shown."""
        return float(self._canary.peak)

    @property
    def baseline_peak(self) -> float:
        """The same of the baseline's traces beside the canary."""
        return float(self._baseline.peak)

    def counts(self) -> dict[int, int]:
        """New thing that the baseline has not shown -> canary traces that hold it."""
        return self._canary.counts()

    def cohort(self, pod_s: float, *, one_pod: bool) -> StreamCohort | None:
        """What the baseline's halves say of the rate at which a healthy revision shows new things; None if nothing.

        Each trace is the canary's in one of the two roles, so both roles together have the exposure of the whole.

        Args:
            pod_s: the baseline's exposure.
            one_pod: it has never had more than a single pod.
        """
        if not self.taught:
            return None
        sizes = [
            float(cause.traces)
            for things, cause in sorted(self._causes.items())
            if self._is_one(things, cause, one_pod=one_pod)
        ]
        clumps = math.fsum(size * size for size in sizes), math.fsum(sizes)
        peak = float(sum(half.peak for half in self._halves))
        return StreamCohort(max(peak, self.baseline_peak) if one_pod else peak, pod_s, *clumps)

    def _learn_causes(self, block: int, found: Mapping[Things, int]) -> None:
        for things in sorted(found):
            cause = self._causes.get(things)
            if cause is not None:
                cause.last_block = block
                cause.traces += found[things]
            elif len(self._causes) < self._limit:
                self._causes[things] = Cause(things, block, block, found[things])

    def _is_one(self, things: Things, cause: Cause, *, one_pod: bool) -> bool:
        """Whether traces that show these have one cause: they came in one burst, or in one half (or the pod) alone."""
        alone = (self._baseline,) if one_pod else self._halves
        return cause.last_block - cause.first_block <= 1 or any(side.holds(things) for side in alone)

    def _things(self, side: Side, templates: Mapping[int, int]) -> _Found:
        if self._stream == NEW_SHAPES:
            return [(trace, (trace.shape,)) for trace in side.traces if trace.shape]
        if self._stream == NEW_NUMBERS:
            return [(trace, (trace.counted_shape,)) for trace in side.traces if trace.shape]
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


def _grouped(found: _Found) -> dict[Things, int]:
    counts: dict[Things, int] = {}
    for trace, things in found:
        counts[things] = counts.get(things, 0) + trace.count
    return counts
