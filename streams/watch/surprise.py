"""Is this point news? A score of 0..1 for one point, from four channels.

Three are measured by their own tails (`Tail`), so that a figure means the same for every signal: the residual, the
sum of clipped residuals of late, the distance from all the signal has been. What is rare in several is rarer; and
what is no rarer than something of late is no news: only what exceeds it counts. The fourth is how far the value lies
beyond all that was ever seen, in units of a twentieth of that range (the tolerance of Numenta's "spatial anomaly",
NAB's own detector).
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState
from streams.watch.tail import Tail, TailState

_CLIP = 4.0
_SUM_FADE = 1.0 - 1.0 / 12.0
_ALL = 5000.0
"""Values that the level and spread of all remember."""
_LEAST = 1.0
"""Least 95% quantile of each channel, in scales."""
_RECENT_FADE = 1.0 - 1.0 / 1000.0
_TOLERATED_RATIO = 0.05
"""Of the range."""
_UNSEEN = 2.0
"""Rarity (powers of ten) that a value far beyond the range adds."""
_HALF = 4.0
"""Rarity at which the score is one half."""
_SETTLED = 20.0
"""Values from which the spread no longer follows every one."""


class SurpriseState(Struct, array_like=True):
    """All there is to know of the channels."""

    tails: list[TailState]
    """Of residual, sum, distance."""
    level: MeanState
    spread: MeanState
    total: float
    """Fading sum of clipped residuals."""
    recent: float
    """Greatest rarity of late, fading."""
    least: float
    most: float
    """Of all values; both 0 before the first."""


class Surprise:
    """`add` a value and its residual, get the score."""

    __slots__ = ("_by_distance", "_by_residual", "_by_sum", "_least", "_level", "_most", "_recent", "_spread", "_total")

    def __init__(self, state: SurpriseState | None = None) -> None:
        tails = state.tails if state else [None] * 3
        self._by_residual, self._by_sum, self._by_distance = (Tail(_LEAST, each) for each in tails)
        self._level, self._spread = (
            FadingMean(_ALL, state.level if state else None),
            state.spread.mean if state else 0.0,
        )
        self._total, self._recent = (state.total, state.recent) if state else (0.0, 0.0)
        self._least, self._most = (state.least, state.most) if state else (0.0, 0.0)

    def off(self, value: float) -> tuple[float, float]:
        """How far a value lies above the level of all before it; the 95% quantile of that, infinite until settled."""
        usual = self._by_distance.quantile * self._spread if self._level.weight > _SETTLED else math.inf
        return value - self._level.value, usual

    def to_state(self) -> SurpriseState:
        """The snapshot."""
        return SurpriseState(
            [each.to_state() for each in (self._by_residual, self._by_sum, self._by_distance)],
            self._level.to_state(),
            MeanState(self._level.weight, self._spread),
            self._total,
            self._recent,
            self._least,
            self._most,
        )

    def add(self, value: float, z: float, warm: bool) -> float:
        """The score of one value, 0 until warm.

        Args:
            value: as it came.
            z: its residual in scales.
            warm: whether the model knows enough.
        """
        self._total = total = _SUM_FADE * self._total + (-_CLIP if z < -_CLIP else _CLIP if z > _CLIP else z)
        residual, summed = self._by_residual.add(abs(z)), self._by_sum.add(abs(total))
        distance = self._by_distance.add(self._distance(value))
        rarity = math.sqrt(residual * residual + summed * summed + distance * distance)
        unseen, recent = self._beyond(value), self._recent
        news = rarity - recent if rarity > recent else 0.0
        if unseen > 0.0:
            news += _UNSEEN * unseen / (unseen + _TOLERATED_RATIO)
        fading = recent * _RECENT_FADE
        self._recent = rarity if rarity > fading else fading
        return news / (news + _HALF) if warm else 0.0

    def _distance(self, value: float) -> float:
        """From the level of all, in spreads; then learns the value."""
        level, spread = self._level, self._spread
        off = clipped = value - level.value
        if spread > 0.0 and level.weight > _SETTLED:
            most = _CLIP * spread
            clipped = -most if off < -most else most if off > most else off
        level.learn(value - off + clipped)
        self._spread += (abs(clipped) - spread) / level.weight
        return abs(off) / spread if spread > 0.0 else 0.0

    def _beyond(self, value: float) -> float:
        """How far beyond all that was seen, in ranges; then widens them."""
        if self._level.weight <= 1.0:
            self._least = self._most = value
            return 0.0
        least, most = self._least, self._most
        if least <= value <= most:
            return 0.0
        over = value - most if value > most else least - value
        self._least, self._most = min(least, value), max(most, value)
        return over / (most - least) if most > least else 1.0
