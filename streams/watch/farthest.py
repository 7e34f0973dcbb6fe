"""How seldom does a signal go as far from all it has been as it does now? One value of an excursion counts: its farthest.

Values beyond the 95% quantile of the distance come in clusters, so that what is rare is a cluster, not a value: an
excursion begins with a value beyond it and ends after `_APART` within it (runs declustering: Coles, An Introduction
to Statistical Modeling of Extreme Values, 2001, section 5.3.2). P(an excursion goes as far) is `Excess` over the
farthest of each so far, so that what has come back again and again is no news however it begins; the values from one
excursion to the next, over that, are the return period T. An excursion of T >= c comes once in c values, which is what
M >= c promises. (Means of such 1/P over signals keep that up to a logarithm, however they depend on each other: Wilson,
The harmonic mean p-value, PNAS 116, 2019.)
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState
from streams.watch.tail import Excess, TailState

_APART = 4
"""Values within the quantile that end an excursion."""
_HEAVY_INDEX = 1.0 / 3.0
"""Of Student's t with three degrees of freedom: no tail is taken for lighter, and it is worth four excursions."""
_HEAVY = MeanState(4.0, _HEAVY_INDEX)
_REMEMBERED = 200.0
"""Excursions that the time from one to the next remembers."""
_MOST = 21.0
"""Of the logarithm, as of log M (`detector`)."""


class SideState(Struct, frozen=True, array_like=True):
    """All that is known of one side."""

    farthest: MeanState = _HEAVY
    """Of each excursion, over the quantile."""
    gap: MeanState = MeanState()
    """Values from the end of one excursion to that of the next."""
    since: int = 0
    """Values since the last one ended."""


class FarthestState(Struct, array_like=True):
    """All there is to know."""

    higher: SideState = SideState()
    lower: SideState = SideState()
    peak: float = 0.0
    """Farthest distance of the present excursion; 0: there is none."""
    within: int = 0
    """Values since it was last beyond the quantile."""
    told: bool = False
    """Nobody need be told of the present one again, unless it goes farther."""


class _Side:
    __slots__ = ("_excess", "_gap", "_last")

    def __init__(self, state: SideState, seen: int) -> None:
        self._excess = Excess(TailState(0.0, state.farthest), least=_HEAVY_INDEX)
        self._gap, self._last = FadingMean(_REMEMBERED, state.gap), seen - state.since

    def to_state(self, seen: int) -> SideState:
        return SideState(self._excess.to_state().index, self._gap.to_state(), seen - self._last)

    def log_period(self, far: float, usual: float, seen: int) -> float:
        known, since = self._gap.weight, seen - self._last
        gap = (known * self._gap.value + since) / (known + 1.0)
        return math.log(gap / self._excess.beyond(far, usual))

    def learn(self, far: float, usual: float, seen: int) -> None:
        self._excess.learn(max(far, usual), usual)
        self._gap.learn(float(seen - self._last))
        self._last = seen


class Farthest:
    """`add` each distance."""

    __slots__ = ("_higher", "_lower", "_peak", "_seen", "_told", "_within")

    def __init__(self, seen: int, state: FarthestState | None = None) -> None:
        """Begin, or go on after so many values."""
        known = state or FarthestState(SideState(since=seen), SideState(since=seen))
        self._higher, self._lower = _Side(known.higher, seen), _Side(known.lower, seen)
        self._peak, self._within, self._told, self._seen = known.peak, known.within, known.told, seen

    def to_state(self) -> FarthestState:
        """The snapshot."""
        return FarthestState(
            self._higher.to_state(self._seen), self._lower.to_state(self._seen), self._peak, self._within, self._told
        )

    def add(self, distance: float, usual: float, *, warm: bool) -> float:
        """Natural logarithm of the return period, in values, of the present excursion; 0 where there is none.

        Args:
            distance: of the value from the level of all, in spreads.
            usual: 95% quantile of its size, above 0.
            warm: it may begin an excursion.
        """
        self._seen += 1
        peak = self._peak
        if -usual <= distance <= usual:
            if peak == 0.0:
                return 0.0
            self._within += 1
            if self._within >= _APART:
                self._end(usual)
                return 0.0
        elif warm:
            if peak * distance < 0.0:
                self._end(usual)
                peak = 0.0
            self._within = 0
            if abs(distance) > abs(peak):
                self._peak, self._told = distance, False
        peak = self._peak
        far = abs(peak)
        if self._told or far <= usual:
            return 0.0
        side = self._higher if peak > 0.0 else self._lower
        return min(max(side.log_period(far, usual, self._seen), 0.0), _MOST)

    def quieten(self) -> None:
        """The present excursion was told."""
        self._told = self._peak != 0.0

    def _end(self, usual: float) -> None:
        (self._higher if self._peak > 0.0 else self._lower).learn(abs(self._peak), usual, self._seen)
        self._peak, self._within, self._told = 0.0, 0, False
