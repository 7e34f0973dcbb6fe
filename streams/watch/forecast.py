"""What does the next value of a signal have to be, all being normal? The best of five simple forecasts.

The latest value (a signal may be a random walk); the level of late; the level of long, the hour of the day and the hour
of the week, these three with so much of their last error as has been found to stay (a first-order autoregression).
Each is charged its absolute error; whichever has been wrong by least is believed. Values are clipped by the caller before they teach: what a fault does is not learned
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
_OF_LATE, _LATEST = 3, 4
"""Places of the forecasts by the level of late, and by the latest value, among the five."""


class ForecastState(Struct, array_like=True):
    """All there is to know of the forecasts."""

    late: MeanState
    long: MeanState
    lags: list[MeanState]
    """How far the signal lies from the day's and the week's profile."""
    errors: list[MeanState]
    """Of the five; a snapshot of before has four."""
    stays: tuple[MeanState, MeanState]
    """Error x error before, and error squared, of the forecast believed."""
    day: ProfileState
    week: ProfileState
    last: tuple[float, float, float]
    """Last error of each of the three that are corrected."""
    latest: float | None = None
    """Value."""


class Forecast:
    """`next` at a time, then `learn` what came."""

    __slots__ = (
        "_bases",
        "_best",
        "_errors",
        "_guesses",
        "_horizon",
        "_lags",
        "_last",
        "_latest",
        "_late",
        "_long",
        "_profiles",
        "_stays",
        "_walks",
    )

    def __init__(self, late: float, long: float, state: ForecastState | None = None, *, walks: bool = False) -> None:
        """Begin with a snapshot.

        Args:
            late: how many values the level of late remembers.
            long: the same of the level of long.
            state: the snapshot.
            walks: the latest value is a forecast too. For levels only: of rare events it errs as little as the best.
        """
        none, new = MeanState(), ProfileState()
        known = state or ForecastState(none, none, [none] * 2, [none] * 5, (none, none), new, new, (0.0, 0.0, 0.0))
        self._horizon, self._walks = long, walks
        self._late, self._long = FadingMean(late, known.late), FadingMean(long, known.long)
        self._lags = [FadingMean(_LAGS, each) for each in known.lags]
        self._errors = [FadingMean(_ERRORS, each) for each in (*known.errors, none)[: _LATEST + 1]]
        self._latest = known.latest
        self._stays = FadingMean(_ERRORS, known.stays[0]), FadingMean(_ERRORS, known.stays[1])
        self._profiles = [
            Profile(slot_ns, slots, each)
            for slot_ns, slots, each in zip(SLOT_NS, SLOTS, (known.day, known.week), strict=True)
        ]
        self._last = list(known.last)
        self._bases: list[float | None] = [None] * 3
        self._guesses: list[float | None] = [None] * 5
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
            (self._stays[0].to_state(), self._stays[1].to_state()),
            day,
            week,
            last,
            self._latest,
        )

    def next(self, time_ns: int) -> float:
        """The forecast that has been best."""
        bases, guesses, last = self._bases, self._guesses, self._last
        stays = self._stay_ratio()
        bases[0] = self._long.value
        for place, profile in enumerate(self._profiles):
            usual = profile.expected(time_ns)
            bases[place + 1] = None if usual is None else usual + self._lags[place].value
        for place, base in enumerate(bases):
            guesses[place] = None if base is None else base + stays * last[place]
        guesses[_OF_LATE] = self._late.value
        guesses[_LATEST] = self._latest if self._walks else None
        best, least = 0, self._errors[0].value
        for place in (1, 2, _OF_LATE, _LATEST):
            error = self._errors[place]
            if guesses[place] is not None and error.weight >= _LAGS and error.value < least:
                best, least = place, error.value
        self._best = best
        return guesses[best] or 0.0

    def learn(
        self,
        time_ns: int,
        value: float,
        clipped: float,
        weight: float = 1.0,
        late: float = 1.0,
        *,
        charged: bool = True,
    ) -> None:
        """Take in what came at the time of the last `next`.

        Args:
            time_ns: of that value.
            value: as it is to be learned by the level of late.
            clipped: the same, moved towards what was expected if far from it.
            weight: how much it teaches, against other values.
            late: the same, for the level of late: whoever follows at all has to come back as fast.
            charged: whether the forecasts are charged their errors: what may be a fault should not choose among them.
        """
        for guess, error in zip(self._guesses, self._errors, strict=True):
            if guess is not None and charged:
                error.learn(abs(clipped - guess), weight)
        believed = self._best if self._best < len(self._bases) else 0
        for place, base in enumerate(self._bases):
            if base is None:
                continue
            error_now = clipped - base
            if place == believed:
                self._stays[0].learn(error_now * self._last[place], weight)
                self._stays[1].learn(error_now * error_now, weight)
            self._last[place] = error_now
            if place:
                self._lags[place - 1].learn(error_now + self._lags[place - 1].value, weight)
        for profile in self._profiles:
            profile.learn(time_ns, clipped, weight)
        self._late.learn(value, late)
        self._latest = value
        self._long.learn(clipped, weight)

    def settle(self) -> None:
        """Go on from the level of late, at the same distance from the profiles; what was wrong before is forgiven.

        Otherwise the level of late, which soon forgets a shift, would be believed for a few hundred values more.
        """
        moved = self._late.value - self._long.value
        self._long = FadingMean(self._horizon, MeanState(1.0, self._late.value))
        self._lags = [FadingMean(_LAGS, MeanState(each.weight, each.value + moved)) for each in self._lags]
        self._last = [0.0] * len(self._last)
        most = min(error.value for error in self._errors[_OF_LATE:] if error.weight >= 1.0)
        known = [error.to_state() for error in self._errors[:_OF_LATE]]
        self._errors[:_OF_LATE] = [
            FadingMean(_ERRORS, MeanState(min(one.n, _LAGS), min(one.mean, most))) for one in known
        ]

    @property
    def follows(self) -> bool:
        """The level of late is believed: of the long ones none has been as good."""
        return self._best >= _OF_LATE

    def _stay_ratio(self) -> float:
        together, alone = self._stays
        return min(max(together.value / alone.value, 0.0), MOST_STAYS) if alone.value > 0.0 else 0.0
