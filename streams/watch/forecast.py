"""What does the next value of a signal have to be, all being normal? The best of four simple forecasts.

The level of late, the level of long, the hour of the day, and the hour of the week (the last two moved by how far the
signal has lain from them of late). Each is charged its absolute error; whichever has been wrong by least is believed.
Values are clipped before they teach: what a fault does is not learned at once.
"""

from __future__ import annotations

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState
from streams.watch.season import SLOT_NS, SLOTS, Profile, ProfileState

_ERRORS = 200.0
_LAGS = 30.0


class ForecastState(Struct, array_like=True):
    """All there is to know of the forecasts."""

    late: MeanState
    long: MeanState
    lags: tuple[MeanState, MeanState]
    """How far the signal lies from the day's and the week's profile."""
    errors: tuple[MeanState, MeanState, MeanState, MeanState]
    day: ProfileState
    week: ProfileState


class Forecast:
    """`next` at a time, then `learn` what came."""

    __slots__ = ("_errors", "_guesses", "_lags", "_late", "_long", "_profiles", "_usual")

    def __init__(self, late: float, long: float, state: ForecastState | None = None) -> None:
        """Begin with a snapshot; `late` and `long` are how many values the two levels remember."""
        none = MeanState()
        known = state or ForecastState(none, none, (none,) * 2, (none,) * 4, ProfileState(), ProfileState())
        self._late, self._long = FadingMean(late, known.late), FadingMean(long, known.long)
        self._lags = [FadingMean(_LAGS, each) for each in known.lags]
        self._errors = [FadingMean(_ERRORS, each) for each in known.errors]
        self._profiles = [
            Profile(slot_ns, slots, each)
            for slot_ns, slots, each in zip(SLOT_NS, SLOTS, (known.day, known.week), strict=True)
        ]
        self._usual: list[float | None] = [None, None]
        self._guesses: list[float | None] = [None] * 4

    def to_state(self) -> ForecastState:
        """The snapshot; between two values only."""
        errors, lags = (tuple(each.to_state() for each in means) for means in (self._errors, self._lags))
        day, week = (each.to_state() for each in self._profiles)
        return ForecastState(self._late.to_state(), self._long.to_state(), lags, errors, day, week)  # type: ignore[arg-type]

    def next(self, time_ns: int) -> float:
        """The forecast that has been best."""
        guesses = self._guesses
        guesses[0], guesses[1] = self._late.value, self._long.value
        for place, (profile, lag) in enumerate(zip(self._profiles, self._lags, strict=True)):
            usual = profile.expected(time_ns)
            self._usual[place] = usual
            guesses[place + 2] = None if usual is None else usual + lag.value
        best, least = guesses[1], self._errors[1].value
        for guess, error in zip(guesses, self._errors, strict=True):
            if guess is not None and error.weight >= _LAGS and error.value < least:
                best, least = guess, error.value
        return best  # type: ignore[return-value]

    def learn(self, time_ns: int, value: float, clipped: float, weight: float = 1.0) -> None:
        """Take in what came at the time of the last `next`.

        Args:
            time_ns: of that value.
            value: as it is to be learned by the level of late.
            clipped: the same, moved towards what was expected if far from it.
            weight: how much it teaches, against other values.
        """
        for guess, error in zip(self._guesses, self._errors, strict=True):
            if guess is not None:
                error.learn(abs(clipped - guess), weight)
        for profile, usual, lag in zip(self._profiles, self._usual, self._lags, strict=True):
            if usual is not None:
                lag.learn(clipped - usual, weight)
            profile.learn(time_ns, clipped, weight)
        self._late.learn(value, weight)
        self._long.learn(clipped, weight)
