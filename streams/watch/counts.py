"""Do events come as often as they have? The watch over one counted signal (a log class, failed requests, restarts).

A window's count is negative binomial around rate x exposure: Poisson, but the rate is known only as well as what was
seen allows, and varies by itself as much as it has varied. Against it bets psi: the rate is psi times that. With mean
m and variance m + m^2 / r the likelihood ratio is psi^k ((r + m) / (r + psi m))^(k + r), of mean 1 while all is
normal. Source: `Detector`; the ratio of two negative binomials of one size (e.g. Hilbe, Negative Binomial Regression,
2011).

The rate is forecast as a level is, by exposure. The level of long lags behind a rate that drifts, as in a season's
first hours; its own mean lags as far behind it (double exponential smoothing: Brown, Smoothing, Forecasting and
Prediction, 1963). More is bet on against the higher of the rates with and without that drift, fewer against the lower.
Evidence under way slows what is learned, so that a slow rise does not teach itself away; when it has been reported and
lasts, it becomes what is normal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import exp, log1p

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.watch.detector import Detector, DetectorState
from streams.watch.forecast import Forecast, ForecastState
from streams.watch.mean import FadingMean, MeanState
from streams.watch.reading import Direction, Reading
from streams.watch.surprise import Surprise, SurpriseState

WARM = 100
"""Windows before it speaks."""
PSI = (1.5, 2.0, 3.0, 5.0, 10.0, 100.0, 0.5, 0.2)
"""Bets; the highest is for what hardly ever came before."""
_MORE = 6
"""Of them are for more; fewer is bet on against the rate that was seen: nothing cannot become fewer."""
_LATE, _LONG = 60.0, 720.0
"""Windows that the two levels of the forecast remember: 5 minutes and an hour, at 5 s each."""
_CLIP = 4.0
"""Standard deviations beyond which a count teaches no more."""
_PRIOR_EVENTS = 0.5
"""Jeffreys' prior of a Poisson rate."""
_PARTS = (3.0, 8.0, 4.0, 2.0, 1.0, 1.0, 2.0, 1.0)
"""Of the prior weight: a bet pays log(1 / weight) before it is believed, which is most windows where it gains least."""
_STARTS = tuple(
    (psi - 1.0 if psi > 1.0 else psi * math.log(psi) - psi + 1.0) * len(PSI) * part / sum(_PARTS)
    for psi, part in zip(PSI, _PARTS, strict=True)
)
"""Weight times what a window tells, per expected event. On more: what M loses in a window without events, so that it
stays below its weight there. On fewer: what it gains if the bet is right, the divergence of two Poisson laws."""
_MOST_STARTS = tuple(len(PSI) * part / sum(_PARTS) for part in _PARTS)
_BETS = tuple(
    (psi - 1.0, math.log(psi), start, most) for psi, start, most in zip(PSI, _STARTS, _MOST_STARTS, strict=True)
)
"""What each is reckoned by; of those on more, and of those on fewer, the least change comes first."""
_BETS_ON_MORE, _BETS_ON_FEWER = _BETS[:_MORE], _BETS[_MORE:]
_MOST = 6.0
"""Of a window's log ratio: a single burst is no change of rate, and to bet less never breaks the promise."""
LEAST_EXPOSURE = 1e-9
"""Less is none: nobody makes a billionth of an attempt, and rates by it have no squares."""
_WEIGHTIEST = 3.0
"""Most that one window's exposure weighs, in mean exposures."""


class CountState(Struct, array_like=True):
    """The snapshot of one signal: language-neutral, bounded."""

    forecast: ForecastState
    count: MeanState
    exposure: MeanState
    excess: MeanState
    """(k - m)^2 - k: what the counts vary more than Poisson."""
    square: MeanState
    """m^2, against which the excess is held."""
    detector: DetectorState
    before: list[object]
    """Held the score's in a snapshot of before; empty."""
    seen: int
    last_ns: int
    version: int = 1
    """Keeps its place in snapshots; not read."""
    surprise: SurpriseState | None = None
    """None where nobody asks for the score, and in a snapshot of before: it begins anew."""
    lag: MeanState = MeanState()
    """Of the forecast's level of long; in a snapshot of before it is not told, and no drift is known yet."""


class CountWatch:
    """`add` each window's count, in time order."""

    __slots__ = (
        "_count", "_detector", "_excess", "_exposure", "_forecast", "_lag", "_last_ns", "_seen", "_square", "_surprise",
    )  # fmt: skip

    def __init__(self, state: CountState | None = None, *, scored: bool = True) -> None:
        """Begin with a snapshot; `scored`: `Reading.abnormality` is asked for, which no alarm rests on."""
        self._forecast = Forecast(_LATE, _LONG, state.forecast if state else None)
        self._count, self._exposure = (
            FadingMean(_LONG, state.count if state else None),
            FadingMean(_LONG, state.exposure if state else None),
        )
        self._excess, self._square = (
            FadingMean(_LONG, state.excess if state else None),
            FadingMean(_LONG, state.square if state else None),
        )
        self._detector = Detector(len(PSI), state.detector if state else None)
        self._surprise = Surprise(state.surprise if state else None) if scored else None
        self._lag = FadingMean(_LONG, state.lag if state else None)
        self._seen = state.seen if state else 0
        self._last_ns = state.last_ns if state else -(1 << 62)

    def to_state(self) -> CountState:
        """The snapshot."""
        return CountState(
            self._forecast.to_state(),
            self._count.to_state(),
            self._exposure.to_state(),
            self._excess.to_state(),
            self._square.to_state(),
            self._detector.to_state(),
            [],
            self._seen,
            self._last_ns,
            surprise=self._surprise.to_state() if self._surprise else None,
            lag=self._lag.to_state(),
        )

    def add(self, time_ns: int, count: float, exposure: float) -> Reading:
        """Judge one window's count, then learn from it.

        Args:
            time_ns: of the window.
            count: events in it.
            exposure: how much could have failed, in one unit for all windows; with (next to) none the window is
                passed over.

        Raises:
            BadRecord: a count or exposure that is negative or not finite, or a window not later than the last one.
        """
        if not (0.0 <= count < 1e15 and 0.0 <= exposure < 1e15):
            raise BadRecord(Reason.BAD_VALUE, f"{count} events in {exposure}: both have to be finite, and 0 or more")
        if time_ns <= self._last_ns:
            raise BadRecord(Reason.BAD_TIME, f"{time_ns} is not after {self._last_ns}")
        self._last_ns = time_ns
        if exposure < LEAST_EXPOSURE:
            return self._reading(0.0, 0.0, 0.0)
        rate = self._forecast.next(time_ns)
        higher = lower = rate + self._drift()
        if rate > higher:
            higher = rate
        else:
            lower = rate
        known = self._count.weight * self._count.value + _PRIOR_EVENTS
        weight = self._exposure.weight
        past = (weight if weight > 1.0 else 1.0) * (self._exposure.value or exposure)
        expected = ((higher if higher > 0.0 else 0.0) + _PRIOR_EVENTS / past) * exposure
        varied = 1.0 / known + self._varied()
        warm = self._seen >= WARM
        spread = math.sqrt(expected + expected * expected * varied)
        abnormality, surprise = 0.0, self._surprise
        if surprise is not None:
            z = 2.0 * (math.sqrt(count + 0.375) - math.sqrt(expected + 0.375)) / math.sqrt(1.0 + expected * varied)
            abnormality = surprise.add(count / exposure, z, warm)
        if warm:
            self._gather(time_ns, count, expected, lower * exposure if lower > 0.0 else 0.0, 1.0 / varied)
        self._learn(count, exposure, expected, spread)
        return self._reading(count / exposure, expected / exposure, abnormality)

    def pass_over(self) -> None:
        """What goes on comes at this hour: it teaches nothing of other hours."""
        self._detector.pass_over()

    def quieten(self) -> None:
        """Forget the evidence gathered, not what is normal."""
        self._detector.quieten()

    def _reading(self, rate: float, expected: float, abnormality: float) -> Reading:
        direction: Direction = "higher" if rate >= expected else "lower"
        found = self._detector
        return Reading(rate, expected, direction, found.log_e, abnormality, found.onset_ns, self._seen > WARM)

    def _drift(self) -> float:
        """How far the level of long lags behind the rate, where it is what is believed."""
        if not self._forecast.believes_long or self._lag.weight == 0.0:
            return 0.0
        return self._forecast.long - self._lag.value

    def _varied(self) -> float:
        """Variance beyond Poisson over the squared mean."""
        square, excess = self._square.value, self._excess.value
        return excess / square if square > 0.0 and excess > 0.0 else 0.0

    def _gather(self, time_ns: int, count: float, expected: float, fewer: float, size: float) -> None:
        """Bet on more against what is expected, on fewer against what was seen, by negative binomials of this size."""
        detector = self._detector
        bets = detector.bets
        on_more, more = _bet(_BETS_ON_MORE, bets[:_MORE], count, expected, size)
        on_fewer, less = _bet(_BETS_ON_FEWER, bets[_MORE:], count, fewer, size)
        detector.go_on(time_ns, on_more + on_fewer)
        detector.end(more[0], less[0], _MORE)

    def _learn(self, count: float, exposure: float, expected: float, spread: float) -> None:
        self._seen += 1
        if self._seen == 1:
            expected = count
        clipped, far = count, _CLIP * spread
        if count < expected - far:
            clipped = expected - far
        elif count > expected + far and count > expected + 1.0:
            clipped = expected + (far if far > 1.0 else 1.0)
        trust = self._detector.trust_ratio
        usual = self._exposure.value or exposure
        weight, most = exposure / usual, 10.0 * usual
        weight = trust * (weight if weight < _WEIGHTIEST else _WEIGHTIEST)
        # Pods count once a window: what always fails comes alike every time, and three windows of it, after none ever,
        # would be all that is known of how much of an error stays.
        self._forecast.learn(clipped / exposure, clipped / exposure, weight, weight, correlates=trust >= 1.0)
        self._lag.learn(self._forecast.long, weight)
        self._count.learn(clipped, trust)
        self._exposure.learn(exposure if exposure < most else most)
        self._excess.learn((clipped - expected) ** 2 - clipped, trust)
        self._square.learn(expected * expected, trust)


def _bet(
    ways: Sequence[tuple[float, float, float, float]], bets: Sequence[float], count: float, mean: float, size: float
) -> tuple[list[float], list[float]]:
    """M of each of these bets after this window, and the window's log ratios under them."""
    found, log_ratios, whole, scale = [], [], count + size, size + mean
    for (change, log_psi, start, most_start), bet in zip(ways, bets, strict=True):
        log_ratio = count * log_psi - whole * log1p(change * mean / scale)
        if log_ratio > _MOST:
            log_ratio = _MOST
        starts = start * mean
        if starts > most_start:
            starts = most_start
        log_ratios.append(log_ratio)
        found.append((bet + starts) * exp(log_ratio))
    return found, log_ratios
