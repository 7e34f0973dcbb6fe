"""How far is a value from all the signal has been? In the signal's unit, with the 95% quantile of it (`Tail`).

And is it near to all since a change was last learned? The quantile, in mean distances, is the same for both.
"""

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
    home: MeanState = MeanState()
    """Level of all since a change was last learned; nothing: none was, or in a snapshot of before."""
    from_home: float = 0.0
    """Mean distance from it."""


class Distance:
    """`off` of a value, then `learn` it."""

    __slots__ = ("_from_home", "_home", "_home_weight", "_level", "_spread", "_tail")

    def __init__(self, state: DistanceState | None = None) -> None:
        self._tail = Tail(_LEAST, state.tails[-1] if state else None)
        self._level, self._spread = (
            FadingMean(_ALL, state.level if state else None),
            state.spread.mean if state else 0.0,
        )
        home = state.home if state else MeanState()
        self._home, self._home_weight, self._from_home = home.mean, home.n, state.from_home if state else 0.0

    def to_state(self) -> DistanceState:
        """The snapshot."""
        level = self._level
        return DistanceState(
            [self._tail.to_state()],
            level.to_state(),
            MeanState(level.weight, self._spread),
            MeanState(self._home_weight, self._home),
            self._from_home,
        )

    def off(self, value: float) -> tuple[float, float]:
        """How far a value lies above the level of all before it; the 95% quantile of that, infinite until settled."""
        usual = self._tail.quantile * self._spread if self._level.weight > _SETTLED else math.inf
        return value - self._level.value, usual

    def near(self, value: float) -> bool:
        """It lies within the 95% quantile of the distance from all since a change was last learned."""
        if not self._home_weight:
            return abs(value - self._level.value) <= self._tail.quantile * self._spread
        return self._home_weight > _SETTLED and abs(value - self._home) <= self._tail.quantile * self._from_home

    def settle(self, level: float) -> None:
        """A change to this level is learned: near is what is near to it, and to what comes."""
        self._home, self._home_weight, self._from_home = level, 1.0, 0.0

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
        weight = self._home_weight
        if not weight:
            return
        off = clipped = value - self._home
        if weight > _SETTLED:
            most = _CLIP * self._from_home
            clipped = -most if off < -most else most if off > most else off
        if weight < _ALL:
            self._home_weight = weight = weight + 1.0
        self._home += clipped / weight
        self._from_home += (abs(clipped) - self._from_home) / weight
