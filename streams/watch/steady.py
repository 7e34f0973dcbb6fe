"""How far is a value from what lasts: the level of long, what is usual at this time of day, of the week?

Of the three the one is believed that has been wrong by least. None follows what happens, as the forecast of the alarm
does (which may be the latest value, and is corrected by its last error): what creeps, or misses the hour at which it
always comes, is far from all of them.
"""

from __future__ import annotations

import math
from array import array

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState

_SCALE = 1000.0
"""Residuals that the scale remembers."""
_ERRORS = 200.0
"""Values over which the three are compared, as forecasts are."""
_SETTLED = 20.0
"""Values from which the scale no longer follows every one."""
_CLIP = 4.0


class SteadyState(Struct, array_like=True):
    """All there is to know."""

    scale: MeanState = MeanState()
    errors: list[float] = []
    """Of level, day, week; of what is not known yet, that of the level."""


class Steady:
    """`add` a value, get how far it lies off."""

    __slots__ = ("_errors", "_scale")

    def __init__(self, state: SteadyState | None = None) -> None:
        self._scale = FadingMean(_SCALE, state.scale if state else None)
        self._errors = array("d", (state.errors if state else None) or (0.0,) * 3)

    def to_state(self) -> SteadyState:
        """The snapshot."""
        return SteadyState(self._scale.to_state(), self._errors.tolist())

    @property
    def day_error(self) -> float:
        """How far values of late have been from the mean of their time of the day; the level's where none is known."""
        return self._errors[1]

    def add(self, value: float, lasting: tuple[float, float | None, float | None], least: float) -> float:
        """The residual in scales, then learns.

        Args:
            value: as it came.
            lasting: level of long, mean of this time of the day, of this hour of the week, where they are known.
            least: the scale is no smaller.
        """
        level, day, week = lasting
        errors = self._errors
        best, error = level, errors[0]
        if day is not None and errors[1] < error:
            best, error = day, errors[1]
        if week is not None and errors[2] < error:
            best = week
        known = self._scale
        scale = known.value if known.value > least else least
        off, most = abs(value - best), _CLIP * scale if known.weight > _SETTLED else math.inf
        known.learn(off if off < most else most)
        number = known.weight if known.weight < _ERRORS else _ERRORS
        for place, guess in enumerate(lasting):
            missed = abs(value - (level if guess is None else guess))
            errors[place] += ((missed if missed < most else most) - errors[place]) / number
        return (value - best) / scale
