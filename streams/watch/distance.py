"""How far is a value from all the signal has been? In the signal's unit, with the 95% quantile of it (`Tail`)."""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState
from streams.watch.tail import Tail, TailState

_CLIP = 4.0
_ALL = 5000.0
"""Values that the level and spread of all remember."""
_LEAST = 1.0
"""Least 95% quantile, in spreads."""
_SETTLED = 20.0
"""Values from which the spread no longer follows every one."""


class DistanceState(Struct, array_like=True):
    """All there is to know of it."""

    tails: list[TailState]
    """The last is that of the distance; a snapshot of before has those of two channels of the score in front."""
    level: MeanState
    spread: MeanState


class Distance:
    """`off` of a value, then `learn` it."""

    __slots__ = ("_level", "_spread", "_tail")

    def __init__(self, state: DistanceState | None = None) -> None:
        self._tail = Tail(_LEAST, state.tails[-1] if state else None)
        self._level, self._spread = (
            FadingMean(_ALL, state.level if state else None),
            state.spread.mean if state else 0.0,
        )

    def to_state(self) -> DistanceState:
        """The snapshot."""
        level = self._level
        return DistanceState([self._tail.to_state()], level.to_state(), MeanState(level.weight, self._spread))

    def off(self, value: float) -> tuple[float, float]:
        """How far a value lies above the level of all before it; the 95% quantile of that, infinite until settled."""
        usual = self._tail.quantile * self._spread if self._level.weight > _SETTLED else math.inf
        return value - self._level.value, usual

    def learn(self, value: float) -> None:
        """Take in one value, clipped."""
        level, spread = self._level, self._spread
        off = clipped = value - level.value
        if spread > 0.0 and level.weight > _SETTLED:
            most = _CLIP * spread
            clipped = -most if off < -most else most if off > most else off
        level.learn(value - off + clipped)
        self._spread += (abs(clipped) - spread) / level.weight
        self._tail.learn(abs(off) / spread if spread > 0.0 else 0.0)
