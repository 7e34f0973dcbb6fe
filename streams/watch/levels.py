"""Is the level of a signal what it has been? The watch over one gauge: forecast, scale, tails, detector, surprise.

value ──► forecast ──► residual ──► its own tails ──► e-detector (has it left its normal?) ─┐
      ├──► distance from all it has been ──► how seldom so far?  is it near? ───────────────┴► `log_e`
      └──► what lasts ──► residual, its mean of late; range ──► `abnormality` (is it news?), of no weight in `log_e`
"""

from __future__ import annotations

import math
import operator
from statistics import NormalDist

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.watch.detector import Detector, DetectorState
from streams.watch.distance import Distance, DistanceState
from streams.watch.farthest import Farthest, FarthestState
from streams.watch.forecast import MOST_STAYS, Forecast, ForecastState
from streams.watch.mean import FadingMean, MeanState
from streams.watch.ranks import MEMORY, Ranks, RanksState
from streams.watch.reading import Direction, Reading
from streams.watch.steady import Steady, SteadyState
from streams.watch.surprise import Surprise, SurpriseState
from streams.watch.tail import BEYOND_RATIO, Excess, ExcessState

WARM = 30
"""Values before it speaks: what is said earlier rests on ranks among fewer than 20."""
_WARM_STILL = 100
"""The same of a signal that has mostly stood still: of how it moves less is known."""
_FARTHEST_KNOWN = 100
"""Values before it says how seldom it goes so far: in fewer it has done so less than five times."""
_SCALED = 10
"""Values before anything but the scale is learned of residuals: until then they are measured by next to nothing."""
_LATE, _LONG = 3.0, 60.0
"""Values that the two levels of the forecast remember."""
_SCALE = 300.0
"""Residuals that the scale remembers."""
_BIAS = 120.0
"""Residuals over which a bias is known: a steady drift is no evidence, and it is learned whatever the evidence."""
_CLIP = 4.0
"""Scales beyond which a residual teaches no more."""
_FLAT_RATIO = 1e-3
"""Of a signal's own size: the least scale, so that a constant signal has one."""
_NORMAL = NormalDist()
_AT_QUANTILE = -_NORMAL.inv_cdf(BEYOND_RATIO)
_LEAST_TOLD = 1.0
"""Deviations: the least lasting shift of which it should be told."""
_LEAST_TOLD_PRICE = _LEAST_TOLD**2 / 2.0
_BETS = (_LEAST_TOLD, 2.0, 4.0)
"""On the standardised residual, either side: log ratio is b y - b^2 / 2. Powers of two times the first, which is for
the least shift told of: a smaller one takes a hundred values, in which real signals stray by as much."""
_PRICES = tuple(math.exp(-bet * bet / 2.0) for bet in _BETS) * 2
_STARTS = (1.0,) * (2 * len(_BETS))
_STRAYED = 0.5
"""Scales between the levels of late and of long from which the model has gone along."""
_LEAST_USUAL = 10.0
"""Values from which it can be said that the signal stands still."""
_LATE_USUAL = 32.0
"""Values from which it can be said what most of them are."""
_CLEARLY = 2.0
"""So many times a twentieth have to lie beyond the usual value, that the 95% quantile surely does."""
_HALF = math.log(2.0)
_BEYOND_MEAN = 1.96 * math.sqrt(math.pi / 2.0)
"""95% quantile of a normal law's distance from its mean, in mean distances."""
_BY_THE_HOUR = 0.5
"""Of how far a signal usually lies from its level: less than that from its hour's, and three quarters of its variance
is the hour."""
_RESTLESS = 20.0
"""Steps of late that say how restless the signal is."""
_STEP = math.sqrt(2.0)
"""Scales: mean step from one independent normal residual to the next."""
_MOST_RESTLESS = _STEP * (1.0 + 2.0 * 0.14)
"""The same, and two standard errors of a mean over as many: .14 of it each, by simulation (steps overlap)."""
_TOLD = 1.0 / 16.0
"""Scales: residuals nearer to each other than that are the same, so that a signal that never changes is never rare. A
power of two: single precision, in which residuals are ranked, holds its multiples as they are, so that equals tie."""


class LevelState(Struct, array_like=True):
    """The snapshot of one signal: language-neutral, versioned, bounded."""

    forecast: ForecastState
    scale: MeanState
    size: MeanState
    bias: MeanState
    """Mean residual of late, in scales."""
    higher: ExcessState
    """Of residuals beyond the 95% quantile, which is that of `ranks`."""
    lower: ExcessState
    detector: DetectorState
    distance: DistanceState
    seen: int
    last_ns: int
    version: int = 3
    ranks: RanksState = RanksState()
    """Residuals of late, less the bias; as all from here on, empty in a snapshot of version 1."""
    stays: MeanState = MeanState()
    """Normal score of a residual x that of the one before: their autocorrelation."""
    last: float = 0.0
    """Normal score of the last residual."""
    usual: float = 0.0
    """The very value that most of late had, if there is one."""
    usual_ratio: MeanState = MeanState()
    """How many of late had it."""
    below_ratio: MeanState = MeanState()
    """How many of late were less."""
    peak: float = 0.0
    """Farthest residual of the present excursion; 0: there was none beyond the 95% quantile."""
    farthest: FarthestState | None = None
    """None in a snapshot of before: it begins with the next value."""
    back: float | None = None
    """What was expected when it last went farther than residuals teach; None: it has come back since."""
    steady: SteadyState | None = None
    surprise: SurpriseState | None = None
    """None in a snapshot of before: the score begins anew."""
    restless: float = _STEP
    """Mean step of late from one residual to the next, in scales."""
    before: float = 0.0
    """Last residual less the bias, in scales."""
    heard: bool = False
    """What goes on rings: it is heard wherever it goes, until it is over."""


class LevelWatch:
    """`add` values in time order."""

    __slots__ = (
        "_back", "_before", "_below", "_bias", "_detector", "_distance", "_farthest", "_forecast", "_heard",
        "_higher", "_last", "_last_ns", "_lower", "_peak", "_ranks", "_restless", "_scale", "_seen", "_size", "_stays",
        "_steady", "_surprise", "_usual", "_usual_ratio",
    )  # fmt: skip

    def __init__(self, state: LevelState | None = None) -> None:
        self._forecast = Forecast(_LATE, _LONG, state.forecast if state else None)
        self._scale, self._size = (
            FadingMean(_SCALE, state.scale if state else None),
            FadingMean(_SCALE, state.size if state else None),
        )
        self._higher, self._lower = Excess(state.higher if state else None), Excess(state.lower if state else None)
        self._bias = FadingMean(_BIAS, state.bias if state else None)
        self._detector = Detector(2 * len(_BETS), _without_least_bets(state.detector) if state else None)
        self._distance = Distance(state.distance if state else None)
        self._steady = Steady(state.steady if state else None)
        self._surprise = Surprise(state.surprise if state else None)
        self._ranks = Ranks(state.ranks if state else None)
        self._stays = FadingMean(_SCALE, state.stays if state else None)
        self._last = state.last if state else 0.0
        self._usual = state.usual if state else 0.0
        self._usual_ratio = FadingMean(MEMORY, state.usual_ratio if state else None)
        self._below = state.below_ratio.mean if state else 0.0
        self._peak = state.peak if state else 0.0
        self._back = state.back if state else None
        self._restless, self._before = (state.restless, state.before) if state else (_STEP, 0.0)
        self._heard = bool(state and state.heard)
        self._seen = state.seen if state else 0
        self._last_ns = state.last_ns if state else -(1 << 62)
        self._farthest = Farthest((state.farthest if state else None) or FarthestState(self._seen))

    def to_state(self) -> LevelState:
        """The snapshot."""
        return LevelState(
            self._forecast.to_state(),
            self._scale.to_state(),
            self._size.to_state(),
            self._bias.to_state(),
            self._higher.to_state(),
            self._lower.to_state(),
            self._detector.to_state(),
            self._distance.to_state(),
            self._seen,
            self._last_ns,
            ranks=self._ranks.to_state(),
            stays=self._stays.to_state(),
            last=self._last,
            usual=self._usual,
            usual_ratio=self._usual_ratio.to_state(),
            below_ratio=MeanState(self._usual_ratio.weight, self._below),
            peak=self._peak,
            farthest=self._farthest.to_state(),
            back=self._back,
            steady=self._steady.to_state(),
            surprise=self._surprise.to_state(),
            restless=self._restless,
            before=self._before,
            heard=self._heard,
        )

    def add(self, time_ns: int, value: float) -> Reading:
        """Judge one value, then learn from it.

        Raises:
            BadRecord: it is not finite, or not later than the last one.
        """
        if not -1e150 < value < 1e150:
            raise BadRecord(Reason.BAD_VALUE, f"a level of {value}: it has to be finite")
        if time_ns <= self._last_ns:
            raise BadRecord(Reason.BAD_TIME, f"{time_ns} is not after {self._last_ns}")
        self._last_ns = time_ns
        self._seen += 1
        expected = self._forecast.next(time_ns)
        detector = self._detector
        if self._seen == 1:
            self._learn(value, value, 1.0)
            return Reading(value, value, "higher", detector.log_e, 0.0, None, False)
        scale = max(self._scale.value, _FLAT_RATIO * self._size.value, 1e-12)
        expected, z, missed = self._residual(value, expected, scale)
        warm = self._seen > (_WARM_STILL if self._stands_still else WARM)
        moved = self._calmed(z - self._bias.value)
        score = self._usual_score() if self._is_usual(value) else self._standard(moved)
        farthest = self._farthest
        came_back = farthest.known
        off, usual = self._distance.off(value)
        log_period = farthest.add(off, usual, self._seen)
        near = not self._heard and self._is_near(value, usual)
        self._distance.learn(value)
        known = farthest.known
        steady = self._steady.add(value, self._forecast.lasting, max(_FLAT_RATIO * self._size.value, 1e-12))
        abnormality = self._surprise.add(value, steady, warm)
        if warm:
            fresh = self._fresh(score)
            detector.add(time_ns, _ratios(fresh), _STARTS)
            detector.end(_LEAST_TOLD * fresh - _LEAST_TOLD_PRICE, -_LEAST_TOLD * fresh - _LEAST_TOLD_PRICE, len(_BETS))
            if came_back and not farthest.lasts:
                detector.quieten()  # what it gathered in an excursion that was no news
        trust = 1.0 if near else detector.trust_ratio
        self._heard = self._heard and detector.onset_ns is not None
        clipped = -_CLIP if z < -_CLIP else _CLIP if z > _CLIP else z
        self._scale.learn(abs(clipped if self._scale.weight else z) * scale, trust)
        if self._seen > _SCALED:
            self._bias.learn(clipped)
            self._rank(moved, trust)
        self._learn(value, expected + clipped * scale, trust, missed)
        if trust == 1.0:
            self._stays.learn(score * self._last)
        self._last = score
        direction: Direction = "higher" if z >= 0 else "lower"
        if self._seen <= _FARTHEST_KNOWN:
            log_period = 0.0
        log_e = min(detector.log_e, 0.0) if known or near else _mean(detector.log_e, log_period)
        return Reading(value, expected, direction, log_e, abnormality, detector.onset_ns, warm)

    @property
    def late(self) -> float:
        """Level of the last three values or so, in the unit of the signal."""
        return self._forecast.late

    def hear(self) -> None:
        """It rings: near is soon what has rung for a while, and that does not end it."""
        self._heard = True
        self._farthest.hear()

    def teach(self, *, news: bool) -> None:
        """Somebody says whether what rang was news."""
        self._farthest.teach(news=news)

    def quieten(self) -> None:
        """Forget the evidence gathered; what is normal only if the evidence ended because the model went along."""
        self._farthest.quieten()
        self._heard = False
        if self._forecast.follows or abs(self._forecast.strayed) > _STRAYED * self._scale.value:
            self.settle()
        else:
            self._detector.quieten()

    def settle(self) -> None:
        """The level of late is what is normal now; how far the signal strays from it, is not forgotten."""
        self._farthest.quieten()
        self._heard = False
        self._detector.quieten()
        self._forecast.settle()
        self._distance.settle(self._forecast.late)
        self._back = None
        self._bias = FadingMean(_BIAS)

    def _residual(self, value: float, expected: float, scale: float) -> tuple[float, float, float | None]:
        """What is expected, and how far the value lies from it, in scales; where an excursion ends, how far it had led.

        The level of late alone follows an excursion, and would find all on its own way back low (or high): a spike
        would ring by the ordinary values after it. So what is nearer to where the signal was before is held against
        that, and on the way there nothing is news.
        """
        z, back = (value - expected) / scale, self._back
        if back is None:
            if not -_CLIP <= z <= _CLIP:
                self._back = expected
            return expected, z, None
        if abs(value - back) >= min(abs(value - expected), _CLIP * scale):
            return expected, z, None
        self._back = None
        is_between = (value < back) == (expected < back)
        return back, 0.0 if is_between else (value - back) / scale, min(abs(z), _CLIP) * scale

    def _calmed(self, moved: float) -> float:
        """The residual, made smaller by as much as the signal is more restless of late than by chance.

        Large residuals come in clusters (volatility; Engle 1982). The steps from each to the next tell a cluster from a
        shift, which is one step (von Neumann 1941: the mean square successive difference).
        """
        restless = self._restless
        calmed = moved * _MOST_RESTLESS / restless if restless > _MOST_RESTLESS else moved
        if self._seen > WARM:
            self._restless += (min(abs(moved - self._before), 2.0 * _CLIP) - restless) / _RESTLESS
        self._before = moved
        return round(calmed / _TOLD) * _TOLD

    def _is_usual(self, value: float) -> bool:
        """More than half of late had this very value: no news, however the forecast strays from it."""
        known = self._usual_ratio
        if value != self._usual and known.value < 0.5:
            self._usual, self._below = value, 0.0
            known.begin(1.0)
        else:
            known.learn(float(value == self._usual))
        self._below += ((value < self._usual) - self._below) / known.weight
        return value == self._usual and known.weight >= _LATE_USUAL and known.value > 0.5

    def _is_near(self, value: float, usual: float) -> bool:
        """It lies where the signal usually is since a change was last learned, and at this hour if that says much."""
        if self._farthest.lasts or not self._distance.near(value):
            return False
        at_this_hour, most = self._forecast.lasting[1], _BEYOND_MEAN * self._steady.day_error
        if at_this_hour is None or not 0.0 < most < _BY_THE_HOUR * usual < math.inf:
            return True
        return abs(value - at_this_hour) <= most

    @property
    def _stands_still(self) -> bool:
        """More than half of late had the usual value."""
        known = self._usual_ratio
        return known.weight >= _LEAST_USUAL and known.value > 0.5

    def _unusual_ratio(self, *, up: bool) -> float:
        """How many of late were more (or less) than the usual value; 1 where there is none."""
        if not self._stands_still:
            return 1.0
        below = self._below
        return 1.0 - below - self._usual_ratio.value if up else below

    def _usual_score(self) -> float:
        """Where the usual value lies among the values of late, ties counted half."""
        usual = self._usual_ratio.value
        below = min(self._below, 1.0 - usual)  # what a snapshot of before does not hold
        return _NORMAL.inv_cdf(below + usual / 2.0)

    def _standard(self, moved: float) -> float:
        """The residual as a standard normal: by its rank of late, and beyond the 95% quantile by how far it lies out.

        What is extreme comes in clusters. So in one excursion only what goes farther than all before speaks by how far.
        """
        standard = self._ranks.standard(moved)
        if -_AT_QUANTILE < standard < _AT_QUANTILE:
            return standard
        up, before = standard > 0.0, abs(self._peak)
        threshold, share = self._ranks.threshold(up=up)
        if threshold <= _TOLD or self._unusual_ratio(up=up) < _CLEARLY * share:
            return standard  # the quantile lies within what is usual, and says nothing of how far others go
        excess, size = (self._higher, moved) if up else (self._lower, -moved)
        far = -_NORMAL.inv_cdf(share * excess.beyond(size, threshold))
        if size <= before:
            far = min(far, abs(standard))
        if size > before:
            self._peak = moved
        return math.copysign(far, standard)

    def _fresh(self, score: float) -> float:
        """What of a score the one before did not foretell; never more than the score."""
        stays = self._stays.value
        stays = 0.0 if stays < 0.0 else MOST_STAYS if stays > MOST_STAYS else stays
        fresh, most = (score - stays * self._last) / math.sqrt(1.0 - stays * stays), abs(score)
        return -most if fresh < -most else most if fresh > most else fresh

    def _rank(self, moved: float, trust: float) -> None:
        """A residual joins those of late, unless it is doubted; of an excursion that is over the farthest teaches.

        So one incident, however long, is one.
        """
        peak = self._peak
        if peak != 0.0 and self._detector.onset_ns is None:
            threshold, _ = self._ranks.threshold(up=peak > 0.0)
            if abs(peak) > threshold > _TOLD:
                (self._higher if peak > 0.0 else self._lower).learn(abs(peak), threshold)
            self._peak = 0.0
        if trust == 1.0:
            self._ranks.learn(moved)

    def _learn(self, value: float, clipped: float, trust: float, missed: float | None = None) -> None:
        size, most = abs(value), 10.0 * self._size.value
        self._size.learn(most if 0.0 < most < size else size)
        self._forecast.learn(value, clipped, trust, doubted=trust < 1.0, missed=missed, walks=True)


def _without_least_bets(state: DetectorState) -> DetectorState:
    """A snapshot of before had a bet more on either side, of half a deviation."""
    if len(state.bets) > 2 * len(_BETS):
        half = len(state.bets) // 2
        state.bets = [*state.bets[1:half], *state.bets[half + 1 :]]
    return state


def _ratios(standard: float) -> list[float]:
    """Of the bets on higher, then of those on lower."""
    up = math.exp(_BETS[0] * standard)
    down = 1.0 / up
    up_2, down_2 = up * up, down * down
    powers = up, up_2, up_2 * up_2, down, down_2, down_2 * down_2
    return list(map(operator.mul, powers, _PRICES))


def _mean(log_m: float, log_period: float) -> float:
    """Natural logarithm of the mean of M and the return period: half of the budget is each one's."""
    if log_period <= 0.0:
        return log_m - _HALF
    more, less = (log_m, log_period) if log_m > log_period else (log_period, log_m)
    return more - _HALF + math.log1p(math.exp(less - more))
