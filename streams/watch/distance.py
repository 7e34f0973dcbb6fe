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
        level, spread, weight = self.level, self.spread, self.weight
        off = clipped = value - level
        size, most = abs(off), _CLIP * spread
        if size > most and weight > _SETTLED and spread > _ROUNDED * abs(level):
            size, clipped = most, most if off > 0.0 else -most
        if weight < _ALL:
            self.weight = weight = weight + 1.0
        self.level = level + clipped / weight
        self.spread = spread + (size - spread) / weight
        return off


class Distance:
    """`learn` each value."""

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

    def settle(self, level: float) -> None:
        """A change to this level is learned: near is what is near to it, and to what comes."""
        self._home = _Centre(MeanState(1.0, level), 0.0)

    def learn(self, value: float) -> tuple[bool, float, float]:
        """Where a value lies against all before it.

        Returns:
            It is near: within the 95% quantile of the distance from all since a change was last learned.
            How far it lies above the level of all.
            The 95% quantile of that, infinite until settled.
        """
        known, home, quantile = self._all, self._home, self._quantile
        spread, near = known.spread, known.weight > _SETTLED
        usual = quantile.value * spread if near else math.inf
        off = known.learn(value)
        size = abs(off)
        if home.weight:
            most, off_home = quantile.value * home.spread, abs(value - home.level)
            near = home.weight > _SETTLED and off_home <= most
            home.learn(value)
        elif size > usual:
            near = False
        quantile.learn(size / spread if spread > 0.0 else 0.0)
        return near, off, usual
