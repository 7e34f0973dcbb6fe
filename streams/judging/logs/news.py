"""Which new things, templates or shapes, does the canary show, and how many would a healthy revision show?

Keeps the novelty of the canary against the baseline and, for what the baseline is to teach, that of the halves of its
pods against each other, in both roles. (Of a single pod each sighting, see `novelty`, falls to one half by a hash: that
errs on the safe side, as what one half keeps showing the other may not show for a while.) New is what history had not shown when the comparison began; without
a history all is new, and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from streams.judging.logs.dispersion import BLOCK_NS
from streams.judging.logs.novelty import OnlyIn, OnlyInState, Things
from streams.judging.logs.past import StreamCohort
from streams.judging.logs.settings import NEW_SHAPES, LogSettings
from streams.judging.side import Side, Trace

_HALVES = (0, 1)
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
    new_traces: int = 0
    """Canary traces that hold something history has not shown."""
    block: int = -1
    """Number of the block of 20 s that is under way."""
    canary_in_block: list[Things] = []
    """New things the canary has shown in it, sorted."""
    baseline_in_block: list[Things] = []


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
        self._new_traces = state.new_traces
        self._block = state.block
        self._in_block = (set(state.canary_in_block), set(state.baseline_in_block))

    def to_state(self) -> NewsState:
        """A snapshot."""
        halves = [half.to_state() for half in self._halves]
        return NewsState(
            sorted(self._known),
            self._taught,
            self._canary.to_state(),
            halves,
            sorted(self.baseline_shown),
            sorted(self.canary_shown),
            self._new_traces,
            self._block,
            *map(sorted, self._in_block),
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
            Sightings, of the canary and of the baseline, of something history has not shown.
        """
        theirs = self._things(baseline, templates)
        mine = self._things(canary, templates) if canary is not None else []
        _remember(self.baseline_shown, theirs, self._limit)
        _remember(self.canary_shown, mine, self._limit)
        if not self._taught:
            return 0.0, 0.0
        theirs, mine = self._new(theirs), self._new(mine)
        block = start_ns // BLOCK_NS
        by_half: tuple[set[Things], set[Things]] = (set(), set())
        for trace, things in theirs:
            by_half[(things[0] ^ things[0] >> 7 ^ block) & 1 if one_pod else trace.half].add(things)
        for half, inside, outside in zip(self._halves, by_half, by_half[::-1], strict=True):
            half.add(start_ns, inside, outside)
        new_mine, new_theirs = ({things for _, things in found} for found in (mine, theirs))
        self._canary.add(start_ns, new_mine, new_theirs)
        self._new_traces += sum(trace.count for trace, _ in mine)
        return self._sightings(block, 0, new_mine), self._sightings(block, 1, new_theirs)

    @property
    def new_traces(self) -> int:
        """Canary traces that hold something history has not shown."""
        return self._new_traces

    @property
    def peak(self) -> float:
        """Most sightings of the canary at any time of something neither history nor the baseline so far had shown."""
        return float(self._canary.peak)

    def counts(self) -> dict[int, int]:
        """New thing that the baseline has not shown -> sightings of it at the canary."""
        return self._canary.counts()

    def cohort(self, pod_s: float) -> StreamCohort | None:
        """What the baseline's halves say of the rate at which a healthy revision shows new things; None if nothing.

        Each sighting is the canary's in one of the two roles, so both roles together have the exposure of the whole.
        """
        if not self._taught:
            return None
        squares, held = sum(half.squares() for half in self._halves), sum(half.held() for half in self._halves)
        return StreamCohort(float(sum(half.peak for half in self._halves)), pod_s, float(squares), float(held))

    def _sightings(self, block: int, side: int, found: set[Things]) -> float:
        if block != self._block:
            self._block, self._in_block = block, (set(), set())
        fresh = found - self._in_block[side]
        self._in_block[side].update(sorted(fresh)[: self._limit])
        return float(len(fresh))

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
