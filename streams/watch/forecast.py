"""What does the next value of a signal have to be, all being normal? The best of four simple forecasts.

The level of late; the level of long, the hour of the day and the hour of the week, these three with so much of their
last error as has been found to stay (a first-order autoregression). Each is charged its absolute error; whichever has
been wrong by least is believed. Values are clipped by the caller before they teach: what a fault does is not learned
at once.
"""

from __future__ import annotations

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState
from streams.watch.season import SLOT_NS, SLOTS, Profile, ProfileState

_ERRORS = 200.0
"""Values over which forecasts are compared."""
_LAGS = 30.0
"""Values over which the signal's distance from a profile is known; and least errors before a forecast is believed."""
MOST_STAYS = 0.95
"""Largest autocorrelation that is believed: at 1 nothing would ever be forgotten."""
_OF_LATE = 3
"""Place of the forecast by the level of late among the four."""


class ForecastState(Struct, array_like=True):
    """All there is to know of the forecasts."""

    late: MeanState
    long: MeanState
    lags: list[MeanState]
    """How far the signal lies from the day's and the week's profile."""
    errors: list[MeanState]
    """Of the four."""
    stays: tuple[MeanState, MeanState]
    """Error x error before, and error squared, of the forecast believed."""
    day: ProfileState
    week: ProfileState
    last: tuple[float, float, float]
    """Last error of each of the three that are corrected."""


class Forecast:
    """`next` at a time, then `learn` what came."""

    __slots__ = (
        "_alone", "_best", "_errors", "_horizon", "_lags", "_last", "_late", "_long", "_profiles", "_stay_ratio",
        "_together",
    )  # fmt: skip

    def __init__(self, late: float, long: float, state: ForecastState | None = None) -> None:
        """Begin with a snapshot; `late` and `long` are how many values the two levels remember."""
        none, new = MeanState(), ProfileState()
        known = state or ForecastState(none, none, [none] * 2, [none] * 4, (none, none), new, new, (0.0, 0.0, 0.0))
        self._horizon = long
        self._late, self._long = FadingMean(late, known.late), FadingMean(long, known.long)
        self._lags = tuple(FadingMean(_LAGS, each) for each in known.lags)
        self._errors = tuple(FadingMean(_ERRORS, each) for each in known.errors)
        self._together, self._alone = FadingMean(_ERRORS, known.stays[0]), FadingMean(_ERRORS, known.stays[1])
        self._profiles = tuple(
            Profile(slot_ns, slots, each)
            for slot_ns, slots, each in zip(SLOT_NS, SLOTS, (known.day, known.week), strict=True)
        )
        self._last = list(known.last)
        self._stay_ratio = 0.0
        self._best = 0

    def to_state(self) -> ForecastState:
        """The snapshot; between two values only."""
        day, week = (each.to_state() for each in self._profiles)
        last = (self._last[0], self._last[1], self._last[2])
        return ForecastState(
            self._late.to_state(),
            self._long.to_state(),
            [each.to_state() for each in self._lags],
            [each.to_state() for each in self._errors],
            (self._together.to_state(), self._alone.to_state()),
            day,
            week,
            last,
        )

    def next(self, time_ns: int) -> float:
        """The forecast that has been best."""
        errors, last = self._errors, self._last
        stays = self._stay_ratio = self._stays_now()
        best, least, guess = 0, errors[0].value, self._long.value + stays * last[0]
        for place, profile in enumerate(self._profiles, 1):
            usual, error = profile.expected(time_ns), errors[place]
            if usual is not None and error.weight >= _LAGS and error.value < least:
                best, least = place, error.value
                guess = usual + self._lags[place - 1].value + stays * last[place]
        error = errors[_OF_LATE]
        if error.weight >= _LAGS and error.value < least:
            best, guess = _OF_LATE, self._late.value
        self._best = best
        return guess or 0.0

    def learn(self, time_ns: int, value: float, clipped: float, weight: float = 1.0, late: float = 1.0) -> None:
        """Take in what came at the time of the last `next`.

        Args:
            time_ns: of that value.
            value: as it is to be learned by the level of late.
            clipped: the same, moved towards what was expected if far from it.
            weight: how much it teaches, against other values.
            late: the same, for the level of late: whoever follows at all has to come back as fast.
        """
        believed = self._best if self._best != _OF_LATE else 0
        self._errors[_OF_LATE].learn(abs(clipped - self._late.value), weight)
        self._correct(0, clipped, self._long.value, weight, believed=believed == 0)
        for place, profile in enumerate(self._profiles, 1):
            usual = profile.expected(time_ns)
            if usual is not None:
                lag = self._lags[place - 1]
                base = usual + lag.value
                self._correct(place, clipped, base, weight, believed=believed == place)
                lag.learn(clipped - base + lag.value, weight)
            profile.learn(time_ns, clipped, weight)
        self._late.learn(value, late)
        self._long.learn(clipped, weight)

    def settle(self) -> None:
        """Go on from the level of late, at the same distance from the profiles; what was wrong before is forgiven.

        Otherwise the level of late, which soon forgets a shift, would be believed for a few hundred values more.
        """
        moved = self._late.value - self._long.value
        self._long = FadingMean(self._horizon, MeanState(1.0, self._late.value))
        self._lags = tuple(FadingMean(_LAGS, MeanState(each.weight, each.value + moved)) for each in self._lags)
        self._last = [0.0] * len(self._last)
        *known, late = self._errors
        self._errors = (
            *(FadingMean(_ERRORS, MeanState(min(one.weight, _LAGS), min(one.value, late.value))) for one in known),
            late,
        )

    @property
    def follows(self) -> bool:
        """The level of late is believed: of the long ones none has been as good."""
        return self._best == _OF_LATE

    def _correct(self, place: int, clipped: float, base: float, weight: float, *, believed: bool) -> None:
        """Charge a forecast its error, and learn how much of the last one stays if it is the one believed."""
        last, off = self._last[place], clipped - base
        self._errors[place].learn(abs(clipped - (base + self._stay_ratio * last)), weight)
        if believed:
            self._together.learn(off * last, weight)
            self._alone.learn(off * off, weight)
        self._last[place] = off

    def _stays_now(self) -> float:
        alone = self._alone.value
        if alone <= 0.0:
            return 0.0
        stays = self._together.value / alone
        return 0.0 if stays < 0.0 else MOST_STAYS if stays > MOST_STAYS else stays
