"""How far is a value from what lasts: the level of long, what is usual at this time of day, of the week?

Of the three the one is believed that has been wrong by least. None follows what happens, as the forecast of the alarm
does (which may be the latest value, and is corrected by its last error): what creeps, or misses the hour at which it
always comes, is far from all of them.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import MeanState

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

    __slots__ = ("_known", "_level_error", "_scale", "_week_error", "day_error")

    day_error: float
    """How far values of late have been from the mean of their time of the day; the level's where none is known."""

    def __init__(self, state: SteadyState | None = None) -> None:
        known = state or SteadyState()
        self._known, self._scale = known.scale.n, known.scale.mean
        self._level_error, self.day_error, self._week_error = known.errors or (0.0,) * 3

    def to_state(self) -> SteadyState:
        """The snapshot."""
        errors = [self._level_error, self.day_error, self._week_error]
        return SteadyState(MeanState(self._known, self._scale), errors)

    def add(self, value: float, lasting: tuple[float, float | None, float | None], least: float) -> float:
        """The residual in scales, then learns.

        Args:
            value: as it came.
            lasting: level of long, mean of this time of the day, of this hour of the week, where they are known.
            least: the scale is no smaller.
        """
        level, day, week = lasting
        best, error, known = level, self._level_error, self._known
        if day is not None and self.day_error < error:
            best, error = day, self.day_error
        if week is not None and self._week_error < error:
            best = week
        scale = self._scale if self._scale > least else least
        most = _CLIP * scale if known > _SETTLED else math.inf
        if known < _SCALE:
            self._known = known = known + 1.0
        off = abs(value - best)
        self._scale += (1.0 / known) * ((off if off < most else most) - self._scale)
        number = known if known < _ERRORS else _ERRORS
        off = abs(value - level)
        missed = off if off < most else most
        self._level_error += (missed - self._level_error) / number
        for_day = for_week = missed
        if day is not None:
            off = abs(value - day)
            for_day = off if off < most else most
        if week is not None:
            off = abs(value - week)
            for_week = off if off < most else most
        self.day_error += (for_day - self.day_error) / number
        self._week_error += (for_week - self._week_error) / number
        return (value - best) / scale
