"""How seldom does a signal go as far from all it has been as it does now? Of an excursion one value counts: its farthest.

What lies beyond the 95% quantile of the distance comes in clusters, so that what is rare is a cluster, not a value: an
excursion begins with a value beyond it and ends after `_APART` within it (runs declustering: Coles, An Introduction
to Statistical Modeling of Extreme Values, 2001, section 5.3.2). P(an excursion goes so far) is `beyond` over the
farthest of each so far; so what has come back again and again is no news, however far out it lies. The values from one
excursion to the next over that are the return period T: T >= c comes once in c values, which is what M >= c promises.
Means of 1 / P over signals keep that up to a logarithm, however the signals depend on each other (Wilson, The
harmonic mean p-value, PNAS 116, 2019).
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.tail import beyond

_APART = 4
"""Values within the quantile that end an excursion."""
_HEAVY_INDEX = 1.0 / 3.0
"""Of Student's t with three degrees of freedom: no tail is taken for lighter."""
_PRIOR = 4.0
"""Excursions that it is worth at the start."""
_REMEMBERED = 200
_FARTHEST = 10.0
"""Logarithm beyond which an excursion teaches no more."""
_MOST = 21.0
"""Of the logarithm, as of log M (`detector`)."""


class FarthestState(Struct, array_like=True):
    """All there is to know."""

    last: int
    """Value, counted from the first, at which the last excursion ended."""
    excursions: int = 0
    """So far, at most as many as are remembered."""
    gap: float = 0.0
    """Values from the end of one to that of the next, on average."""
    log_far: float = _HEAVY_INDEX
    """Logarithm of the farthest over the quantile, on average, the prior included."""
    peak: float = 0.0
    """Farthest distance of the present one; 0: there is none."""
    within: int = 0
    """Values since it was last beyond the quantile."""
    told: bool = False
    """The present one need not be told again, unless it goes farther."""


class Farthest:
    """`add` each distance."""

    __slots__ = ("_excursions", "_gap", "_last", "_log_far", "_peak", "_told", "_within")

    def __init__(self, state: FarthestState) -> None:
        self._last, self._excursions, self._gap, self._log_far = state.last, state.excursions, state.gap, state.log_far
        self._peak, self._within, self._told = state.peak, state.within, state.told

    def to_state(self) -> FarthestState:
        """The snapshot."""
        return FarthestState(
            self._last, self._excursions, self._gap, self._log_far, self._peak, self._within, self._told
        )

    def add(self, distance: float, usual: float, seen: int, warm: bool) -> float:
        """Natural logarithm of the return period, in values, of the present excursion; 0 where there is none.

        Args:
            distance: of the value from the level of all, in spreads, not below 0.
            usual: its 95% quantile, above 0.
            seen: number of this value, counted from the first.
            warm: an excursion may begin.
        """
        if distance <= usual:
            if self._peak == 0.0:
                return 0.0
            self._within += 1
            if self._within >= _APART:
                self._end(usual, seen)
                return 0.0
        elif warm:
            self._within = 0
            if distance > self._peak:
                self._peak, self._told = distance, False
        if self._told or self._peak <= usual:
            return 0.0
        gap = (self._excursions * self._gap + seen - self._last) / (self._excursions + 1.0)
        log_far = max(self._log_far, _HEAVY_INDEX)
        log_period = math.log(gap / beyond(math.log(self._peak / usual), self._excursions + _PRIOR, log_far))
        return min(max(log_period, 0.0), _MOST)

    def quieten(self) -> None:
        """The present excursion was told."""
        self._told = self._peak != 0.0

    def _end(self, usual: float, seen: int) -> None:
        log_far = min(math.log(max(self._peak / usual, 1.0)), _FARTHEST)
        self._excursions = min(self._excursions + 1, _REMEMBERED)
        self._gap += (seen - self._last - self._gap) / self._excursions
        self._log_far += (log_far - self._log_far) / (self._excursions + _PRIOR)
        self._last, self._peak, self._within, self._told = seen, 0.0, 0, False
