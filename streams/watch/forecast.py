"""What does the next value of a signal have to be, all being normal? The best of five simple forecasts.

The latest value (a signal may be a random walk); the level of late; the level of long, the hour of the day and the hour
of the week, these three with so much of their last error as has been found to stay (a first-order autoregression).
Each is charged its absolute error; whichever has been wrong by least is believed. Values are clipped by the caller
before they teach: what a fault does is not learned at once.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import MeanState
from streams.watch.season import SLOT_NS, SLOTS, Profile, ProfileState

_ERRORS = 200.0
"""Values over which forecasts are compared."""
_LAGS = 30.0
"""Values over which the signal's distance from a profile is known; and least errors before a forecast is believed."""
MOST_STAYS = 0.95
"""Largest autocorrelation that is believed: at 1 nothing would ever be forgotten."""
_CLIP = 2.0
"""Deviations of an error beyond which a doubted one says no more of how much stays."""
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

    __slots__ = ("base", "error", "error_n", "lag", "lag_n", "last", "place")

    base: float | None
    """What it foretold last, before it is corrected by its last error; None where nothing is usual yet."""

    def __init__(self, place: int, state: ProfileState, lag: MeanState, error: MeanState, last: float) -> None:
        super().__init__(SLOT_NS[place - 1], SLOTS[place - 1], state)
        self.place, self.last, self.base = place, last, None
        self.lag_n, self.lag = lag.n, lag.mean
        self.error_n, self.error = error.n, error.mean

    def teach(self, value: float, weight: float, charge: float, stays: float) -> None:
        """What came at the time for which it foretold `base`."""
        base = self.base
        if base is not None:
            off = value - base
            if charge > 0.0:
                missed = value - (base + stays * self.last)
                n, error = self.error_n, self.error
                if n < _ERRORS:
                    self.error_n = n = min(n + charge, _ERRORS)
                self.error = error + (charge / n) * (abs(missed) - error)
            self.last = off
            n, lag = self.lag_n, self.lag
            if n < _LAGS:
                self.lag_n = n = min(n + weight, _LAGS)
            self.lag = lag + (weight / n) * (off + lag - lag)
        self.visit_n = n = self.visit_n + weight
        visit = self.visit
        self.visit = visit + (weight / n) * (value - visit)


class Forecast:
    """`next` at a time, then `learn` what came; its means are `FadingMean`s written out (why: `mean`)."""

    __slots__ = (
        "_alone", "_best", "_charged", "_late_error", "_late_n", "_latest", "_latest_error", "_latest_error_n",
        "_long_error", "_long_error_n", "_long_last", "_long_n", "_most_late", "_most_long", "_stays", "_together",
        "_until_ns", "day", "late", "long", "week",
    )  # fmt: skip

    late: float
    """Level of late."""
    long: float
    """Level of long."""
    day: _ByProfile
    """`usual` is the mean of this time of the day, that of the last `next`."""
    week: _ByProfile
    """The same of the week."""

    def __init__(self, late: float, long: float, state: ForecastState | None = None) -> None:
        """Begin with a snapshot.

        Args:
            late: how many values the level of late remembers.
            long: the same of the level of long.
            state: the snapshot.
        """
        none, new = MeanState(), ProfileState()
        known = state or ForecastState(none, none, [none] * 2, [none] * 5, (none, none), new, new, (0.0, 0.0, 0.0))
        self._most_late, self._most_long = late, long
        self._late_n, self.late, self._long_n, self.long = known.late.n, known.late.mean, known.long.n, known.long.mean
        long_error, day_error, week_error, late_error, latest_error = (*known.errors, none)[: _LATEST + 1]
        self._long_error_n, self._long_error = long_error.n, long_error.mean
        self._latest_error_n, self._latest_error = latest_error.n, latest_error.mean
        self._long_last, day_last, week_last = known.last
        self.day = _ByProfile(1, known.day, known.lags[0], day_error, day_last)
        self.week = _ByProfile(2, known.week, known.lags[1], week_error, week_last)
        # Of the three that are charged with every value: one weight.
        self._charged, self._late_error = late_error.n, late_error.mean
        self._together, self._alone = known.stays[0].mean, known.stays[1].mean
        self._latest, self._best, self._until_ns = known.latest, known.best, _BEFORE_ALL_NS
        self._stays = 0.0

    def to_state(self) -> ForecastState:
        """The snapshot; between two values only."""
        day, week, charged = self.day, self.week, self._charged
        return ForecastState(
            MeanState(self._late_n, self.late),
            MeanState(self._long_n, self.long),
            [MeanState(each.lag_n, each.lag) for each in (day, week)],
            [
                MeanState(self._long_error_n, self._long_error),
                *(MeanState(each.error_n, each.error) for each in (day, week)),
                MeanState(charged, self._late_error),
                MeanState(self._latest_error_n, self._latest_error),
            ],
            (MeanState(charged, self._together), MeanState(charged, self._alone)),
            day.to_state(),
            week.to_state(),
            (self._long_last, day.last, week.last),
            self._latest,
            self._best,
        )

    def next(self, time_ns: int) -> float:
        """The forecast that has been best."""
        if time_ns >= self._until_ns:
            self._until_ns = min(self.day.enter(time_ns), self.week.enter(time_ns))
        # Of an error, how much the next one has on average.
        alone, stays = self._alone, 0.0
        if alone > 0.0:
            stays = self._together / alone
            stays = 0.0 if stays < 0.0 else MOST_STAYS if stays > MOST_STAYS else stays
        self._stays = stays
        best, least, guess = 0, self._long_error, self.long + stays * self._long_last
        for profile in (self.day, self.week):
            usual = profile.usual
            if usual is None:
                profile.base = None
                continue
            profile.base = base = usual + profile.lag
            if profile.error < least and profile.error_n >= _LAGS:
                best, least, guess = profile.place, profile.error, base + stays * profile.last
        if self._late_error < least and self._charged >= _LAGS:
            best, least, guess = _OF_LATE, self._late_error, self.late
        if self._latest_error < least and self._latest_error_n >= _LAGS and self._latest is not None:
            best, guess = _LATEST, self._latest
        self._best = best
        return guess or 0.0

    def learn(  # noqa: C901 - a call more is a hundredth of a level's point
        self,
        value: float,
        clipped: float,
        weight: float = 1.0,
        late: float = 1.0,
        doubted: bool = False,
        missed: float | None = None,
        walks: bool = False,
        correlates: bool = True,
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
            correlates: its error says in full how much of one stays. Else, as of a fault, whose values are alike, no
                more than one of two deviations: of what never came before, nothing.
        """
        stays, best, charge, late_level = self._stays, self._best, 0.0 if doubted else weight, self.late
        long, last, day, week = self.long, self._long_last, self.day, self.week
        profile = day if best == 1 else week if best == 2 else None
        before = profile.last if profile is not None else last
        day.teach(clipped, weight, charge, stays)
        week.teach(clipped, weight, charge, stays)
        self._long_last = off = clipped - long
        believed = profile.last if profile is not None else off
        if charge > 0.0:
            off = clipped - (long + stays * last)
            n, error = self._long_error_n, self._long_error
            if n < _ERRORS:
                self._long_error_n = n = min(n + charge, _ERRORS)
            self._long_error = error + (charge / n) * (abs(off) - error)
            n = self._charged
            if n < _ERRORS:
                self._charged = n = min(n + charge, _ERRORS)
            share, error = charge / n, self._late_error
            together, alone = self._together, self._alone
            if not correlates:
                most = _CLIP * math.sqrt(alone)
                believed, before = min(max(believed, -most), most), min(max(before, -most), most)
            self._together = together + share * (believed * before - together)
            self._alone = alone + share * (believed * believed - alone)
            self._late_error = error + share * ((abs(clipped - late_level) if missed is None else missed) - error)
        if missed is not None:
            late_level = clipped
        if walks:
            # Where nothing moves every forecast is right: a signal of steps is no random walk.
            latest = self._latest
            if charge > 0.0 and latest is not None and value != latest:
                off = clipped - latest
                n, error = self._latest_error_n, self._latest_error
                if n < _ERRORS:
                    self._latest_error_n = n = min(n + charge, _ERRORS)
                self._latest_error = error + (charge / n) * (abs(off) - error)
            self._latest = value
        n = self._late_n
        if n < self._most_late:
            self._late_n = n = min(n + late, self._most_late)
        self.late = late_level + (late / n) * (value - late_level)
        n = self._long_n
        if n < self._most_long:
            self._long_n = n = min(n + weight, self._most_long)
        self.long = long + (weight / n) * (clipped - long)

    def settle(self) -> None:
        """Go on from the level of late, at the same distance from the profiles; what was wrong before is forgiven.

        Otherwise the level of late, which soon forgets a shift, would be believed for a few hundred values more.
        """
        moved, most = self.late - self.long, self._late_error
        if self._latest_error_n > 0.0:
            most = min(most, self._latest_error)
        self._long_n, self.long, self._long_last = 1.0, self.late, 0.0
        self._long_error_n, self._long_error = min(self._long_error_n, _LAGS), min(self._long_error, most)
        for profile in (self.day, self.week):
            profile.lag += moved
            profile.error_n, profile.error = min(profile.error_n, _LAGS), min(profile.error, most)
            profile.last = 0.0

    @property
    def believes_long(self) -> bool:
        """The level of long is: nothing else has been better, or is known."""
        return self._best == 0

    @property
    def follows(self) -> bool:
        """The level of late or the latest value is believed: of the long ones none has been as good."""
        return self._best >= _OF_LATE

    @property
    def strayed(self) -> float:
        """How far the level of late lies from that of long."""
        return self.late - self.long
