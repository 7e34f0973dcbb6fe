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

from array import array

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
_CLASSES = 8
"""Of excursions by their length: 1, 2, 4, 8, ... values beyond the quantile at least."""
_HALVES_NS = 7 * 86_400_000_000_000
"""How far former ones went is forgotten by half in a week."""
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
    lasts: int = 0
    """Values of the present one beyond the quantile."""
    habits: list[float] = []
    """Farthest and second farthest of former ones by length, in the unit of the signal; of those above, then below."""
    ended_ns: int = 0
    far: float = 0.0
    """Of the present one, signed, in the unit of the signal."""


class Farthest:
    """`add` each distance."""

    __slots__ = ("_ended_ns", "_excursions", "_far", "_gap", "_habits", "_last", "_lasts", "_log_far", "_peak", "_told", "_within")

    def __init__(self, state: FarthestState) -> None:
        self._last, self._excursions, self._gap, self._log_far = state.last, state.excursions, state.gap, state.log_far
        self._peak, self._within, self._told = state.peak, state.within, state.told
        self._lasts, self._ended_ns, self._far = state.lasts, state.ended_ns, state.far
        self._habits = array("f", state.habits or (0.0,) * (4 * _CLASSES))

    def to_state(self) -> FarthestState:
        """The snapshot."""
        return FarthestState(
            self._last, self._excursions, self._gap, self._log_far, self._peak, self._within, self._told,
            self._lasts, self._habits.tolist(), self._ended_ns, self._far,
        )

    @property
    def present(self) -> bool:
        """There is an excursion."""
        return self._peak != 0.0

    @property
    def known(self) -> bool:
        """Two former excursions or more went as far and lasted as long as the present one."""
        if self._peak == 0.0:
            return False
        kind = min(self._lasts.bit_length() - 1, _CLASSES - 1)
        return abs(self._far) <= self._habits[2 * (kind if self._far > 0.0 else kind + _CLASSES) + 1]

    def add(self, distance: float, usual: float, seen: int, off: float, time_ns: int) -> float:
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
                self._end(usual, seen, time_ns)
                return 0.0
        else:
            if off * self._far < 0.0:
                self._end(usual, seen, time_ns)
            self._within = 0
            self._lasts += 1
            if distance > self._peak:
                self._peak, self._told = distance, False
            if abs(off) > abs(self._far):
                self._far = off
        if self._told or self._peak <= usual:
            return 0.0
        gap = (self._excursions * self._gap + seen - self._last) / (self._excursions + 1.0)
        log_far = max(self._log_far, _HEAVY_INDEX)
        log_period = math.log(gap / beyond(math.log(self._peak / usual), self._excursions + _PRIOR, log_far))
        return min(max(log_period, 0.0), _MOST)

    def quieten(self) -> None:
        """The present excursion was told."""
        self._told = self._peak != 0.0

    def _end(self, usual: float, seen: int, time_ns: int) -> None:
        fade = math.exp2((self._ended_ns - time_ns) / _HALVES_NS)
        habits = self._habits
        for place in range(4 * _CLASSES):
            habits[place] *= fade
        far, above = abs(self._far), self._far > 0.0
        for kind in range(min(self._lasts.bit_length(), _CLASSES)):
            place = 2 * (kind if above else kind + _CLASSES)
            if far > habits[place]:
                habits[place + 1], habits[place] = habits[place], far
            elif far > habits[place + 1]:
                habits[place + 1] = far
        self._lasts, self._far, self._ended_ns = 0, 0.0, time_ns
        log_far = min(math.log(max(self._peak / usual, 1.0)), _FARTHEST)
        self._excursions = min(self._excursions + 1, _REMEMBERED)
        self._gap += (seen - self._last - self._gap) / self._excursions
        self._log_far += (log_far - self._log_far) / (self._excursions + _PRIOR)
        self._last, self._peak, self._within, self._told = seen, 0.0, 0, False
