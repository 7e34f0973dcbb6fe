"""How far is a value from what lasts: the level of long, what is usual at this time of day, of the week?

Of the three the one is believed that has been wrong by least. None follows what happens, as the forecast of the alarm
does (which may be the latest value, and is corrected by its last error): what creeps, or misses the hour at which it
always comes, is far from all of them.
"""

from __future__ import annotations

from array import array

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState

_SCALE = 1000.0
"""Residuals that the scale remembers."""
_ERRORS = 200
"""Values over which the three are compared, as forecasts are; a byte holds them."""
_BELIEVED = 30
"""Errors that are known of a profile before it is believed, as of a forecast."""
_SETTLED = 20.0
"""Values from which the scale no longer follows every one."""
_CLIP = 4.0


class SteadyState(Struct, array_like=True):
    """All there is to know."""

    scale: MeanState = MeanState()
    errors: list[float] = []
    """Of level, day, week."""
    known: list[int] = []
    """Values that each rests on."""


class Steady:
    """`add` a value, get how far it lies off."""

    __slots__ = ("_errors", "_known", "_scale")

    def __init__(self, state: SteadyState | None = None) -> None:
        self._scale = FadingMean(_SCALE, state.scale if state else None)
        self._errors = array("d", (state.errors if state else None) or (0.0,) * 3)
        self._known = bytearray((state.known if state else None) or 3)

    def to_state(self) -> SteadyState:
        """The snapshot."""
        return SteadyState(self._scale.to_state(), self._errors.tolist(), list(self._known))

    def add(self, value: float, lasting: tuple[float, float | None, float | None], least: float) -> float:
        """The residual in scales, then learns.

        Args:
            value: as it came.
            lasting: level of long, mean of this time of the day, of this hour of the week, where they are known.
            least: the scale is no smaller.
        """
        errors, known, mean = self._errors, self._known, self._scale
        scale = mean.value if mean.value > least else least
        best, error = lasting[0], errors[0]
        for place in (1, 2):
            guess = lasting[place]
            if guess is not None and known[place] >= _BELIEVED and errors[place] < error:
                best, error = guess, errors[place]
        z, most = (value - best) / scale, _CLIP * scale
        if mean.weight <= _SETTLED:
            mean.learn(abs(value - best))
            most = float("inf")
        else:
            mean.learn(min(abs(z), _CLIP) * scale)
        for place, guess in enumerate(lasting):
            if guess is not None:
                known[place] = number = min(known[place] + 1, _ERRORS)
                errors[place] += (min(abs(value - guess), most) - errors[place]) / number
        return z
