"""Is this point news? A score of 0..1 for one point, from several channels, each measured by its own tail.

Channels: the residual; the sum of clipped residuals of late; how much rougher or smoother the signal has become; how far
it lies from all it has been. A channel says how rare its value is among its own past (`Tail`); what is rare in several is
rarer. What is no rarer than something of late is no news: only what exceeds it counts.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState
from streams.watch.tail import Tail, TailState

_CLIP = 4.0
_SUM_FADE = 1.0 - 1.0 / 12.0
_QUICK, _SLOW, _ALL = 12.0, 300.0, 5000.0
_LEAST = (1.0, 1.0, 0.2, 1.0)
_RECENT_FADE = 1.0 - 1.0 / 200.0
_HALF = 4.0
"""Rarity (powers of ten) at which the score is one half."""


class SurpriseState(Struct, array_like=True):
    """All there is to know of the channels."""

    tails: list[TailState]
    quick: MeanState
    slow: MeanState
    level: MeanState
    spread: MeanState
    total: float = 0.0
    last: float = 0.0
    recent: float = 0.0


class Surprise:
    """`add` a value and its residual, get the score."""

    __slots__ = ("_last", "_level", "_quick", "_recent", "_slow", "_spread", "_tails", "_total")

    def __init__(self, state: SurpriseState | None = None) -> None:
        tails = state.tails if state else [None] * 4
        self._tails = [Tail(least, each) for least, each in zip(_LEAST, tails, strict=True)]
        self._quick, self._slow = FadingMean(_QUICK, state and state.quick), FadingMean(_SLOW, state and state.slow)
        self._level, self._spread = FadingMean(_ALL, state and state.level), FadingMean(_ALL, state and state.spread)
        self._total = state.total if state else 0.0
        self._last = state.last if state else 0.0
        self._recent = state.recent if state else 0.0

    def to_state(self) -> SurpriseState:
        """The snapshot."""
        means = (self._quick, self._slow, self._level, self._spread)
        return SurpriseState(
            [each.to_state() for each in self._tails],
            *(each.to_state() for each in means),
            self._total,
            self._last,
            self._recent,
        )

    def add(self, value: float, z: float, warm: bool) -> float:
        """The score of one value, 0 until warm.

        Args:
            value: as it came.
            z: its residual in scales.
            warm: whether the model knows enough.
        """
        self._total = _SUM_FADE * self._total + min(max(z, -_CLIP), _CLIP)
        step = abs(value - self._last) if self._level.weight else 0.0
        self._last = value
        off = abs(value - self._level.value)
        spread = self._spread.value
        rough = self._slow.value
        self._quick.learn(min(step, _CLIP * rough) if rough > 0 else step)
        quick = self._quick.value
        channels = (
            abs(z),
            abs(self._total),
            abs(math.log((quick + 0.01 * rough) / (1.01 * rough))) if rough > 0 else 0.0,
            off / spread if spread > 0 else 0.0,
        )
        square = 0.0
        for tail, channel in zip(self._tails, channels, strict=True):
            rarity = tail.rarity(channel)
            square += rarity * rarity
            tail.learn(channel)
        self._slow.learn(min(step, _CLIP * rough) if rough > 0 else step)
        self._spread.learn(min(off, _CLIP * spread) if spread > 0 and self._spread.weight > 20 else off)
        self._level.learn(value)
        rarity = math.sqrt(square)
        news = max(rarity - self._recent, 0.0)
        self._recent = max(self._recent * _RECENT_FADE, rarity)
        return news / (news + _HALF) if warm else 0.0
