"""How far is a value from what lasts: the level of long, what is usual at this time of day, of the week?

Of the three the one is believed that has been wrong by least. None follows what happens, as the forecast of the alarm
does (which may be the latest value, and is corrected by its last error): what creeps, or misses the hour at which it
always comes, is far from all of them.
"""

from __future__ import annotations

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

    def add(self, value: float, level: float, day: float | None, week: float | None, least: float) -> float:
        """The residual in scales, then learns.

        Args:
            value: as it came.
            level: of long.
            day: mean of this time of the day; None where it is not known.
            week: the same of this hour of the week.
            least: the scale is no smaller.
        """
        level_error, day_error, week_error = self._level_error, self.day_error, self._week_error
        best, error = value - level, level_error
        for_day = for_week = for_level = abs(best)
        if day is not None:
            off = value - day
            for_day = abs(off)
            if day_error < error:
                best, error = off, day_error
        if week is not None:
            off = value - week
            for_week = abs(off)
            if week_error < error:
                best = off
        size, known, scale = abs(best), self._known, self._scale
        used = scale if scale > least else least
        if known > _SETTLED:
            most = _CLIP * used
            size = size if size < most else most
            for_level = for_level if for_level < most else most
            for_day = for_day if for_day < most else most
            for_week = for_week if for_week < most else most
        if known < _SCALE:
            self._known = known = known + 1.0
        self._scale = scale + (1.0 / known) * (size - scale)
        number = known if known < _ERRORS else _ERRORS
        self._level_error = level_error + (for_level - level_error) / number
        self.day_error = day_error + (for_day - day_error) / number
        self._week_error = week_error + (for_week - week_error) / number
        return best / used
