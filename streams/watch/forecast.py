"""What does the next value of a signal have to be, all being normal? The best of five simple forecasts.

The latest value (a signal may be a random walk); the level of late; the level of long, the hour of the day and the hour
of the week, these three with so much of their last error as has been found to stay (a first-order autoregression).
Each is charged its absolute error; whichever has been wrong by least is believed. Values are clipped by the caller
before they teach: what a fault does is not learned at once.
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
"""Places of the forecasts by the level of late and by the latest value: after those by the level of long, the day and
the week."""
_BEFORE_ALL_NS = -(1 << 63)


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
    best: int = 0
    """Place of the forecast that was believed; in a snapshot of before it is not told, the first."""


class _ByProfile(Profile):
    """A forecast by what is usual now, and by how far from it the signal has been of late."""

    __slots__ = ("base", "error", "lag", "last")

    base: float | None
    """What it foretold last, before it is corrected by its last error; None where nothing is usual yet."""

    def __init__(self, slot_ns: int, slots: int, state: ProfileState, lag: MeanState, error: MeanState) -> None:
        super().__init__(slot_ns, slots, state)
        self.lag, self.error = FadingMean(_LAGS, lag), FadingMean(_ERRORS, error)
        self.last, self.base = 0.0, None

    def foretell(self) -> float | None:
        """`base` of the time that was entered."""
        usual = self.usual
        base = self.base = None if usual is None else usual + self.lag.value
        return base


class Forecast:
    """`next` at a time, then `learn` what came."""

    __slots__ = (
        "_alone", "_best", "_day", "_late", "_late_error", "_latest", "_latest_error", "_long",
        "_long_error", "_long_last", "_stays", "_together", "_until_ns", "_week",
    )  # fmt: skip

    def __init__(self, late: float, long: float, state: ForecastState | None = None) -> None:
        """Begin with a snapshot.

        Args:
            late: how many values the level of late remembers.
            long: the same of the level of long.
            state: the snapshot.
        """
        none, new = MeanState(), ProfileState()
        known = state or ForecastState(none, none, [none] * 2, [none] * 5, (none, none), new, new, (0.0, 0.0, 0.0))
        self._late, self._long = FadingMean(late, known.late), FadingMean(long, known.long)
        long_error, day_error, week_error, late_error, latest_error = (*known.errors, none)[: _LATEST + 1]
        self._long_error, self._late_error = FadingMean(_ERRORS, long_error), FadingMean(_ERRORS, late_error)
        self._day = _ByProfile(SLOT_NS[0], SLOTS[0], known.day, known.lags[0], day_error)
        self._week = _ByProfile(SLOT_NS[1], SLOTS[1], known.week, known.lags[1], week_error)
        self._long_last, self._day.last, self._week.last = known.last
        self._together, self._alone = FadingMean(_ERRORS, known.stays[0]), FadingMean(_ERRORS, known.stays[1])
        self._latest, self._latest_error = known.latest, FadingMean(_ERRORS, latest_error)
        self._best = known.best
        self._until_ns, self._stays = _BEFORE_ALL_NS, 0.0

    def to_state(self) -> ForecastState:
        """The snapshot; between two values only."""
        day, week = self._day, self._week
        return ForecastState(
            self._late.to_state(),
            self._long.to_state(),
            [day.lag.to_state(), week.lag.to_state()],
            [
                each.to_state()
                for each in (self._long_error, day.error, week.error, self._late_error, self._latest_error)
            ],
            (self._together.to_state(), self._alone.to_state()),
            day.to_state(),
            week.to_state(),
            (self._long_last, day.last, week.last),
            self._latest,
            self._best,
        )

    def next(self, time_ns: int) -> float:
        """The forecast that has been best."""
        if time_ns >= self._until_ns:
            self._until_ns = min(self._day.enter(time_ns), self._week.enter(time_ns))
        stays = self._stays = self._stays_now()
        best, least, guess = 0, self._long_error.value, self._long.value + stays * self._long_last
        for place, profile in ((1, self._day), (2, self._week)):
            base, error = profile.foretell(), profile.error
            if base is not None and error.weight >= _LAGS and error.value < least:
                best, least, guess = place, error.value, base + stays * profile.last
        error = self._late_error
        if error.weight >= _LAGS and error.value < least:
            best, least, guess = _OF_LATE, error.value, self._late.value
        error = self._latest_error
        if error.weight >= _LAGS and error.value < least and self._latest is not None:
            best, guess = _LATEST, self._latest
        self._best = best
        return guess or 0.0

    @property
    def lasting(self) -> tuple[float, float | None, float | None]:
        """Level of long, and the means of the day and of the week at the time of the last `next`, uncorrected.

        None where unknown.
        """
        return self._long.value, self._day.usual, self._week.usual

    def learn(
        self,
        value: float,
        clipped: float,
        weight: float = 1.0,
        late: float = 1.0,
        *,
        doubted: bool = False,
        missed: float | None = None,
        walks: bool = False,
    ) -> None:
        """Take in what came at the time of the last `next`.

        Args:
            value: as it is to be learned by the level of late.
            clipped: the same, moved towards what was expected if far from it.
            weight: how much it teaches, against other values.
            late: the same, for the level of late: whoever follows at all has to come back as fast.
            doubted: it may be a fault: the forecasts are not charged their errors, lest it choose among them.
            missed: the value has come back from an excursion, and what was expected of late was wrong by so much. The
                level of late forgets the excursion: else it would take as many values to.
            walks: the latest value is a forecast too. For levels only: of rare events it errs as little as the best.
        """
        stays, best, charge = self._stays, self._best, 0.0 if doubted else weight
        off, last = clipped - self._long.value, self._long_last
        self._long_error.learn(abs(clipped - (self._long.value + stays * last)), charge)
        self._long_last, believed, before = off, off, last
        for place, profile in ((1, self._day), (2, self._week)):
            base = profile.base
            if base is not None:
                off, last = clipped - base, profile.last
                profile.error.learn(abs(clipped - (base + stays * last)), charge)
                profile.lag.learn(off + profile.lag.value, weight)
                profile.last = off
                if place == best:
                    believed, before = off, last
            profile.learn(clipped, weight)
        self._together.learn(believed * before, charge)
        self._alone.learn(believed * believed, charge)
        self._late_error.learn(abs(clipped - self._late.value) if missed is None else missed, charge)
        if missed is not None:
            self._late.move(clipped)
        if walks:
            # Where nothing moves every forecast is right: a signal of steps is no random walk.
            if self._latest is not None and value != self._latest:
                self._latest_error.learn(abs(clipped - self._latest), charge)
            self._latest = value
        self._late.learn(value, late)
        self._long.learn(clipped, weight)

    def settle(self) -> None:
        """Go on from the level of late, at the same distance from the profiles; what was wrong before is forgiven.

        Otherwise the level of late, which soon forgets a shift, would be believed for a few hundred values more.
        """
        moved, most = self._late.value - self._long.value, self._late_error.value
        if self._latest_error.weight > 0.0:
            most = min(most, self._latest_error.value)
        self._long.begin(self._late.value)
        self._long_error, self._long_last = _forgiven(self._long_error, most), 0.0
        for profile in (self._day, self._week):
            profile.lag = FadingMean(_LAGS, MeanState(profile.lag.weight, profile.lag.value + moved))
            profile.error, profile.last = _forgiven(profile.error, most), 0.0

    @property
    def believes_long(self) -> bool:
        """The level of long is: nothing else has been better, or is known."""
        return self._best == 0

    @property
    def follows(self) -> bool:
        """The level of late or the latest value is believed: of the long ones none has been as good."""
        return self._best >= _OF_LATE

    @property
    def late(self) -> float:
        """Level of late."""
        return self._late.value

    @property
    def strayed(self) -> float:
        """How far the level of late lies from that of long."""
        return self._late.value - self._long.value

    def _stays_now(self) -> float:
        alone = self._alone.value
        if alone <= 0.0:
            return 0.0
        stays = self._together.value / alone
        return 0.0 if stays < 0.0 else MOST_STAYS if stays > MOST_STAYS else stays


def _forgiven(error: FadingMean, most: float) -> FadingMean:
    return FadingMean(_ERRORS, MeanState(min(error.weight, _LAGS), min(error.value, most)))
