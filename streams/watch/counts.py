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
_LOG_PSI = tuple(math.log(psi) for psi in PSI)
_PARTS = (3.0, 8.0, 4.0, 2.0, 1.0, 1.0, 2.0, 1.0)
"""Of the prior weight: a bet pays log(1 / weight) before it is believed, which is most windows where it gains least."""
_STARTS = tuple(
    (psi - 1.0 if psi > 1.0 else psi * math.log(psi) - psi + 1.0) * len(PSI) * part / sum(_PARTS)
    for psi, part in zip(PSI, _PARTS, strict=True)
)
"""Weight times what a window tells, per expected event. On more: what M loses in a window without events, so that it
stays below its weight there. On fewer: what it gains if the bet is right, the divergence of two Poisson laws."""
_MOST_STARTS = tuple(len(PSI) * part / sum(_PARTS) for part in _PARTS)
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
        drifted = rate + self._drift
        known = self._count.weight * self._count.value + _PRIOR_EVENTS
        past = max(self._exposure.weight, 1.0) * (self._exposure.value or exposure)
        expected = (max(rate, drifted, 0.0) + _PRIOR_EVENTS / past) * exposure
        varied = 1.0 / known + self._varied()
        warm = self._seen >= WARM
        spread = math.sqrt(expected + expected * expected * varied)
        z = 2.0 * (math.sqrt(count + 0.375) - math.sqrt(expected + 0.375)) / math.sqrt(1.0 + expected * varied)
        surprise = self._surprise
        abnormality = surprise.add(count / exposure, z, warm) if surprise is not None else 0.0
        if warm:
            fewer = max(min(rate, drifted), 0.0) * exposure
            means = [expected] * _MORE + [fewer] * (len(PSI) - _MORE)
            starts = [min(each * mean, most) for each, mean, most in zip(_STARTS, means, _MOST_STARTS, strict=True)]
            log_ratios = _log_ratios(count, means, 1.0 / varied)
            self._detector.add(time_ns, [*map(math.exp, log_ratios)], starts)
            self._detector.end(log_ratios[0], log_ratios[_MORE], _MORE)
        self._learn(count, exposure, expected, spread)
        return self._reading(count / exposure, expected / exposure, abnormality)

    def quieten(self) -> None:
        """Forget the evidence gathered, not what is normal."""
        self._detector.quieten()

    def _reading(self, rate: float, expected: float, abnormality: float) -> Reading:
        direction: Direction = "higher" if rate >= expected else "lower"
        found = self._detector
        return Reading(rate, expected, direction, found.log_e, abnormality, found.onset_ns, self._seen > WARM)

    @property
    def _drift(self) -> float:
        """How far the level of long lags behind the rate, where it is what is believed."""
        if not self._forecast.believes_long or self._lag.weight == 0.0:
            return 0.0
        return self._forecast.lasting[0] - self._lag.value

    def _varied(self) -> float:
        """Variance beyond Poisson over the squared mean."""
        square = self._square.value
        return max(self._excess.value / square, 0.0) if square > 0.0 else 0.0

    def _learn(self, count: float, exposure: float, expected: float, spread: float) -> None:
        self._seen += 1
        if self._seen == 1:
            expected = count
        clipped = min(max(count, expected - _CLIP * spread), expected + max(_CLIP * spread, 1.0))
        trust = self._detector.trust_ratio
        usual = self._exposure.value or exposure
        weight = trust * min(exposure / usual, _WEIGHTIEST)
        # Pods count once a window: what always fails comes alike every time, and three windows of it, after none ever,
        # would be all that is known of how much of an error stays.
        self._forecast.learn(clipped / exposure, clipped / exposure, weight, weight, correlates=trust >= 1.0)
        self._lag.learn(self._forecast.lasting[0], weight)
        self._count.learn(clipped, trust)
        self._exposure.learn(min(exposure, 10.0 * usual))
        self._excess.learn((clipped - expected) ** 2 - clipped, trust)
        self._square.learn(expected * expected, trust)


def _log_ratios(count: float, means: list[float], size: float) -> list[float]:
    """Of each of `PSI`; that of the least change is first of those for more, and of those for fewer."""
    whole = count + size
    return [
        min(count * log_psi - whole * math.log1p((psi - 1.0) * mean / (size + mean)), _MOST)
        for psi, log_psi, mean in zip(PSI, _LOG_PSI, means, strict=True)
    ]
