"""How far is a value from all the signal has been? In the signal's unit, with the 95% quantile of that.

And is it near to all since a change was last learned? The quantile, in mean distances (spreads), is the same for both.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import MeanState
from streams.watch.tail import Quantile, QuantileState

_CLIP = 4.0
_ALL = 5000.0
"""Values that the level and spread of all remember."""
_LEAST = 1.0
"""Least 95% quantile, in spreads."""
_SETTLED = 20.0
"""Values from which the spread no longer follows every one."""
_ROUNDED = 1e-12
"""Of a level: a smaller spread is one of rounding errors, and bounds nothing."""


class DistanceState(Struct, array_like=True):
    """All there is to know of it."""

    quantiles: list[QuantileState]
    """The last is that of the distance; a snapshot of before has those of two channels of the score in front."""
    level: MeanState
    spread: MeanState
    home: MeanState = MeanState()
    """Level of all since a change was last learned; nothing: none was, or in a snapshot of before."""
    from_home: float = 0.0
    """Mean distance from it."""


class _Centre:
    """A level and the mean distance from it, both in the unit of the signal."""

    __slots__ = ("level", "spread", "weight")

    def __init__(self, level: MeanState, spread: float) -> None:
        self.weight, self.level, self.spread = level.n, level.mean, spread

    def learn(self, value: float) -> float:
        """Take in one value, clipped; returns how far above the level it lay."""
        off = clipped = value - self.level
        spread, weight = self.spread, self.weight
        if weight > _SETTLED and spread > _ROUNDED * abs(self.level):
            most = _CLIP * spread
            clipped = -most if off < -most else most if off > most else off
        if weight < _ALL:
            self.weight = weight = weight + 1.0
        self.level += clipped / weight
        self.spread = spread + (abs(clipped) - spread) / weight
        return off


class Distance:
    """Ask whether a value is `near`, then `learn` it."""

    __slots__ = ("_all", "_home", "_quantile")

    def __init__(self, state: DistanceState | None = None) -> None:
        known = state or DistanceState([QuantileState(_LEAST)], MeanState(), MeanState())
        self._quantile = Quantile(_LEAST, known.quantiles[-1])
        self._all, self._home = _Centre(known.level, known.spread.mean), _Centre(known.home, known.from_home)

    def to_state(self) -> DistanceState:
        """The snapshot."""
        known, home = self._all, self._home
        return DistanceState(
            [self._quantile.to_state()],
            MeanState(known.weight, known.level),
            MeanState(known.weight, known.spread),
            MeanState(home.weight, home.level),
            home.spread,
        )

    def near(self, value: float) -> bool:
        """It lies within the 95% quantile of the distance from all since a change was last learned."""
        home = self._home if self._home.weight else self._all
        return home.weight > _SETTLED and abs(value - home.level) <= self._quantile.value * home.spread

    def settle(self, level: float) -> None:
        """A change to this level is learned: near is what is near to it, and to what comes."""
        self._home = _Centre(MeanState(1.0, level), 0.0)

    def learn(self, value: float) -> tuple[float, float]:
        """How far a value lies above the level of all before it; the 95% quantile of that, infinite until settled."""
        known, quantile = self._all, self._quantile
        spread = known.spread
        usual = quantile.value * spread if known.weight > _SETTLED else math.inf
        off = known.learn(value)
        quantile.learn(abs(off) / spread if spread > 0.0 else 0.0)
        if self._home.weight:
            self._home.learn(value)
        return off, usual
