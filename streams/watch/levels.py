"""Is the level of a signal what it has been? The watch over one gauge: forecast, scale, tails, detector, surprise.

value ──► forecast ──► residual ──► its own tails ──► e-detector (has it left its normal?) ─┐
      ├──► distance from all it has been ──► how seldom so far?  is it near? ───────────────┴► `log_e`
      └──► what lasts ──► residual, its mean of late; range ──► `abnormality` (is it news?), of no weight in `log_e`
"""

from __future__ import annotations

import math
from statistics import NormalDist

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.watch.detector import Detector, DetectorState
from streams.watch.distance import Distance, DistanceState
from streams.watch.farthest import Farthest, FarthestState
from streams.watch.forecast import MOST_STAYS, Forecast, ForecastState
from streams.watch.mean import MeanState
from streams.watch.ranks import Ranks, RanksState
from streams.watch.reading import Reading
from streams.watch.steady import Steady, SteadyState
from streams.watch.surprise import Surprise, SurpriseState
from streams.watch.tail import BEYOND_RATIO, Excess, ExcessState
from streams.watch.usual import Usual

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
_FLAT_RATIO, _LEAST_SCALE = 1e-3, 1e-12
"""Of a signal's own size, and in its unit: the least scale, so that a constant signal has one."""
_NORMAL = NormalDist()
_AT_QUANTILE = -_NORMAL.inv_cdf(BEYOND_RATIO)
_LEAST_TOLD = 1.0
"""Deviations: the least lasting shift of which it should be told."""
_LEAST_TOLD_PRICE = _LEAST_TOLD**2 / 2.0
_BETS = (_LEAST_TOLD, 2.0, 4.0)
"""On the standardised residual, either side: log ratio is b y - b^2 / 2. Powers of two times the first, which is for
the least shift told of: a smaller one takes a hundred values, in which real signals stray by as much."""
_PRICE, _PRICE_2, _PRICE_4 = (math.exp(-bet * bet / 2.0) for bet in _BETS)
_STRAYED = 0.5
"""Scales between the levels of late and of long from which the model has gone along."""
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
_MOST_STEP = 2.0 * _CLIP
"""Scales: a longer one says no more."""
_STEP = math.sqrt(2.0)
"""Scales: mean step from one independent normal residual to the next."""
_MOST_RESTLESS = _STEP * (1.0 + 2.0 * 0.14)
"""The same, and two standard errors of a mean over as many: .14 of it each, by simulation (steps overlap)."""
_TOLD = 1.0 / 16.0
"""Scales: residuals nearer to each other than that are the same, so that a signal that never changes is never rare. A
power of two: single precision, in which residuals are ranked, holds its multiples as they are, so that equals tie."""
_ROUNDS, _ROUNDED = 1.5 * 2.0**52 * _TOLD, 2.0**51 * _TOLD
"""Doubles of the first's size are the multiples of `_TOLD`: to add it rounds to them. What is larger than the second
needs no rounding."""


class LevelState(Struct, array_like=True):
    """The snapshot of one signal: language-neutral, bounded."""

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
    """Keeps its place in snapshots; not read."""
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
    """None where nobody asks for the score, and in a snapshot of before: it begins anew."""
    restless: float = _STEP
    """Mean step of late from one residual to the next, in scales."""
    before: float = 0.0
    """Last residual less the bias, in scales."""
    heard: bool = False
    """What goes on rings: it is heard wherever it goes, until it is over."""


class LevelWatch:
    """`add` values in time order; means of which each value is one are `FadingMean`s written out."""

    __slots__ = (
        "_back", "_before", "_bias", "_bias_n", "_detector", "_distance", "_farthest", "_forecast", "_heard", "_higher",
        "_last", "_last_ns", "_lower", "_peak", "_ranks", "_restless", "_scale", "_scale_n", "_seen", "_size",
        "_size_n", "_stays", "_stays_n", "_steady", "_surprise", "_usual",
    )  # fmt: skip

    def __init__(self, state: LevelState | None = None, *, scored: bool = True) -> None:
        """Begin with a snapshot; `scored`: `Reading.abnormality` is asked for, which no alarm rests on."""
        none = MeanState()
        scale, size, bias = (state.scale, state.size, state.bias) if state else (none, none, none)
        self._forecast = Forecast(_LATE, _LONG, state.forecast if state else None)
        self._scale_n, self._scale = scale.n, scale.mean
        self._size_n, self._size = size.n, size.mean
        self._bias_n, self._bias = bias.n, bias.mean
        self._higher, self._lower = Excess(state.higher if state else None), Excess(state.lower if state else None)
        self._detector = Detector(2 * len(_BETS), _without_least_bets(state.detector) if state else None)
        self._distance = Distance(state.distance if state else None)
        self._steady = Steady(state.steady if state else None)
        self._surprise = Surprise(state.surprise if state else None) if scored else None
        self._ranks = Ranks(state.ranks if state else None)
        stays = state.stays if state else none
        self._stays_n, self._stays = stays.n, stays.mean
        self._last = state.last if state else 0.0
        self._usual = Usual(state.usual, state.usual_ratio, state.below_ratio) if state else Usual(0.0, none, none)
        self._peak = state.peak if state else 0.0
        self._back = state.back if state else None
        self._restless, self._before = (state.restless, state.before) if state else (_STEP, 0.0)
        self._heard = bool(state and state.heard)
        self._seen = state.seen if state else 0
        self._last_ns = state.last_ns if state else -(1 << 62)
        self._farthest = Farthest((state.farthest if state else None) or FarthestState(self._seen))

    def to_state(self) -> LevelState:
        """The snapshot."""
        usual = self._usual
        return LevelState(
            self._forecast.to_state(),
            MeanState(self._scale_n, self._scale),
            MeanState(self._size_n, self._size),
            MeanState(self._bias_n, self._bias),
            self._higher.to_state(),
            self._lower.to_state(),
            self._detector.to_state(),
            self._distance.to_state(),
            self._seen,
            self._last_ns,
            ranks=self._ranks.to_state(),
            stays=MeanState(self._stays_n, self._stays),
            last=self._last,
            usual=usual.value,
            usual_ratio=MeanState(usual.known, usual.ratio),
            below_ratio=MeanState(usual.known, usual.below),
            peak=self._peak,
            farthest=self._farthest.to_state(),
            back=self._back,
            steady=self._steady.to_state(),
            surprise=self._surprise.to_state() if self._surprise else None,
            restless=self._restless,
            before=self._before,
            heard=self._heard,
        )

    def add(self, time_ns: int, value: float) -> Reading:  # noqa: C901, PLR0912 - a call more is a hundredth of it
        """Judge one value, then learn from it.

        Raises:
            BadRecord: it is not finite, or not later than the last one.
        """
        if not -1e150 < value < 1e150:
            raise BadRecord(Reason.BAD_VALUE, f"a level of {value}: it has to be finite")
        if time_ns <= self._last_ns:
            raise BadRecord(Reason.BAD_TIME, f"{time_ns} is not after {self._last_ns}")
        self._last_ns = time_ns
        self._seen = seen = self._seen + 1
        forecast, detector = self._forecast, self._detector
        expected = forecast.next(time_ns)
        if seen == 1:
            return self._first(value)
        least, scale = _FLAT_RATIO * self._size, self._scale
        least = least if least > _LEAST_SCALE else _LEAST_SCALE
        scale = scale if scale > least else least
        z, missed = (value - expected) / scale, None
        if self._back is not None or not -_CLIP <= z <= _CLIP:
            expected, z, missed = self._strayed(value, expected, scale)
        warm = seen > _WARM_STILL or (seen > WARM and not self._usual.stands_still)
        moved = self._calmed(z - self._bias)
        if self._usual.add(value):
            score = self._usual.score
        else:
            score = self._ranks.standard(moved)
            if not -_AT_QUANTILE < score < _AT_QUANTILE:
                score = self._beyond(moved, score)
        day, week = forecast.day.usual, forecast.week.usual
        near, off, usual = self._distance.learn(value)
        log_period, known, ended = 0.0, False, False
        if self._farthest.lasts or not -usual <= off <= usual:
            log_period, known, ended = self._far(off, usual)
            near = near and not self._farthest.lasts
        if near and (self._heard or (day is not None and not self._near_its_hour(value - day, usual))):
            near = False
        abnormality, residual = 0.0, self._steady.add(value, forecast.long, day, week, least)
        if self._surprise is not None:
            abnormality = self._surprise.add(value, residual, warm)
        if warm:
            self._gather(time_ns, score, ended)
        onset_ns = detector.onset_ns
        if onset_ns is None and self._heard:
            self._rest()
        trust = 1.0 if near else detector.trust_ratio
        clipped = -_CLIP if z < -_CLIP else _CLIP if z > _CLIP else z
        self._learn(value, (clipped if self._scale_n else z) * scale, clipped, moved, score, trust)
        forecast.learn(value, expected + clipped * scale, trust, 1.0, trust < 1.0, missed, True)
        log_e = detector.log_e
        if not (known or near):
            log_e = _mean(log_e, log_period)
        elif log_e > 0.0:
            log_e = 0.0
        return Reading(value, expected, "higher" if z >= 0.0 else "lower", log_e, abnormality, onset_ns, warm)

    def _first(self, value: float) -> Reading:
        """The very first value is what is expected from here on."""
        self._size_n, self._size = 1.0, abs(value)
        self._forecast.learn(value, value, walks=True)
        return Reading(value, value, "higher", self._detector.log_e, 0.0, None, False)

    @property
    def late(self) -> float:
        """Level of the last three values or so, in the unit of the signal."""
        return self._forecast.late

    @property
    def heard(self) -> bool:
        """It rings."""
        return self._heard

    def hear(self) -> None:
        """It rings: near is soon what has rung for a while, and that does not end it."""
        self._heard = True
        self._farthest.hear()

    def pass_over(self) -> None:
        """What goes on comes at this hour: it teaches nothing of other hours."""
        self._detector.pass_over()
        self._farthest.pass_over()

    def teach(self, *, news: bool) -> None:
        """Somebody says whether what rang was news."""
        self._farthest.teach(news=news)

    def quieten(self) -> None:
        """Forget the evidence gathered; what is normal only if the evidence ended because the model went along."""
        self._farthest.quieten()
        self._rest()
        if self._forecast.follows or abs(self._forecast.strayed) > _STRAYED * self._scale:
            self.settle()
        else:
            self._detector.quieten()

    def settle(self) -> None:
        """The level of late is what is normal now; how far the signal strays from it, is not forgotten."""
        self._farthest.quieten()
        self._rest()
        self._detector.quieten()
        self._forecast.settle()
        self._distance.settle(self._forecast.late)
        self._back = None
        self._bias_n, self._bias = 0.0, 0.0

    def _rest(self) -> None:
        """It rings no more. How far it had gone teaches no tail: the next incident like it is news as well.

        What has rung several times is known by how high the evidence climbed (`detector`) and how far it went
        (`farthest`), and what somebody called nothing by the latter.
        """
        if self._heard:
            self._heard, self._peak = False, 0.0

    def _strayed(self, value: float, expected: float, scale: float) -> tuple[float, float, float | None]:
        """In an excursion: what is expected, how far the value lies from it, in scales; if it ends, how far it had led.

        The level of late alone follows an excursion, and would find all on its own way back low (or high): a spike
        would ring by the ordinary values after it. So what is nearer to where the signal was before is held against
        that, and on the way there nothing is news.
        """
        z, back = (value - expected) / scale, self._back
        if back is None:
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
        restless, before = self._restless, self._before
        self._before = moved
        calmed = moved * _MOST_RESTLESS / restless if restless > _MOST_RESTLESS else moved
        if self._seen > WARM:
            step = abs(moved - before)
            self._restless = restless + ((step if step < _MOST_STEP else _MOST_STEP) - restless) / _RESTLESS
        return (calmed + _ROUNDS) - _ROUNDS if -_ROUNDED < calmed < _ROUNDED else calmed

    def _far(self, off: float, usual: float) -> tuple[float, bool, bool]:
        """Beyond what is usual, or just back: the return period (logarithm), been there twice, and it has ended."""
        farthest = self._farthest
        was_known = farthest.known
        log_period = farthest.add(off, usual, self._seen, self._last_ns)
        if self._seen <= _FARTHEST_KNOWN:
            log_period = 0.0
        return log_period, farthest.known, was_known and not farthest.lasts

    def _near_its_hour(self, off: float, usual: float) -> bool:
        """What is near to all is near to its hour of the day as well, or that says little."""
        most = _BEYOND_MEAN * self._steady.day_error
        return abs(off) <= most or not 0.0 < most < _BY_THE_HOUR * usual < math.inf

    def _beyond(self, moved: float, standard: float) -> float:
        """A residual whose rank of late is beyond the 95% quantile, as a standard normal: by how far it lies out.

        What is extreme comes in clusters. So in one excursion only what goes farther than all before speaks by how far.
        """
        up, before = standard > 0.0, abs(self._peak)
        threshold, share = self._ranks.threshold(up=up)
        if threshold <= _TOLD or self._usual.unusual_ratio(up=up) < _CLEARLY * share:
            return standard  # the quantile lies within what is usual, and says nothing of how far others go
        excess, size = (self._higher, moved) if up else (self._lower, -moved)
        far = -_NORMAL.inv_cdf(share * excess.beyond(size, threshold))
        if size <= before:
            far = min(far, abs(standard))
        if size > before:
            self._peak = moved
        return math.copysign(far, standard)

    def _gather(self, time_ns: int, score: float, ended: bool) -> None:
        """Bet on what of a score the one before did not foretell; never on more than the score.

        What is gathered is dropped where an excursion ended that was no news.
        """
        stays, fresh, detector = self._stays, score, self._detector
        if stays > 0.0:
            if stays > MOST_STAYS:
                stays = MOST_STAYS
            most = abs(score)
            fresh = (score - stays * self._last) / math.sqrt(1.0 - stays * stays)
            fresh = -most if fresh < -most else most if fresh > most else fresh
        # M of each bet, (M + 1) exp(b y - b^2 / 2): of those on higher, then of those on lower.
        up = math.exp(_LEAST_TOLD * fresh)
        down = 1.0 / up
        up_2, down_2 = up * up, down * down
        higher, higher_2, higher_4, lower, lower_2, lower_4 = detector.bets
        higher = (higher + 1.0) * (up * _PRICE)
        higher_2 = (higher_2 + 1.0) * (up_2 * _PRICE_2)
        higher_4 = (higher_4 + 1.0) * (up_2 * up_2 * _PRICE_4)
        lower = (lower + 1.0) * (down * _PRICE)
        lower_2 = (lower_2 + 1.0) * (down_2 * _PRICE_2)
        lower_4 = (lower_4 + 1.0) * (down_2 * down_2 * _PRICE_4)
        mean = (higher + higher_2 + higher_4 + lower + lower_2 + lower_4) / 6.0
        detector.go_on(time_ns, (higher, higher_2, higher_4, lower, lower_2, lower_4), mean)
        if detector.onset_ns is not None:
            told = _LEAST_TOLD * fresh
            detector.end(told - _LEAST_TOLD_PRICE, -told - _LEAST_TOLD_PRICE, len(_BETS))
        if ended:
            detector.quieten()

    def _learn(self, value: float, off: float, clipped: float, moved: float, score: float, trust: float) -> None:
        """The signal's own size. Of a residual: scale, bias, what is left of it in the next.

        It joins those of late, unless it is doubted.
        """
        n, size, large = self._size_n, self._size, abs(value)
        if n < _SCALE:
            self._size_n = n = n + 1.0
        most = 10.0 * size
        self._size = size + (1.0 / n) * ((most if large > most > 0.0 else large) - size)
        n, scale = self._scale_n, self._scale
        if n < _SCALE:
            self._scale_n = n = min(n + trust, _SCALE)
        self._scale = scale + (trust / n) * (abs(off) - scale)
        if self._seen > _SCALED:
            n, bias = self._bias_n, self._bias
            if n < _BIAS:
                self._bias_n = n = n + 1.0
            self._bias = bias + (1.0 / n) * (clipped - bias)
            if self._peak and self._detector.onset_ns is None:
                self._learn_peak()
            if trust == 1.0:
                self._ranks.learn(moved)
        if trust == 1.0:
            n, stays = self._stays_n, self._stays
            if n < _SCALE:
                self._stays_n = n = n + 1.0
            self._stays = stays + (1.0 / n) * (score * self._last - stays)
        self._last = score

    def _learn_peak(self) -> None:
        """Of an excursion that is over the farthest teaches, so that one incident, however long, is one."""
        peak, self._peak = self._peak, 0.0
        up = peak > 0.0
        threshold, _ = self._ranks.threshold(up=up)
        if abs(peak) > threshold > _TOLD:
            (self._higher if up else self._lower).learn(abs(peak), threshold)


def _without_least_bets(state: DetectorState) -> DetectorState:
    """A snapshot of before had a bet more on either side, of half a deviation."""
    if len(state.bets) > 2 * len(_BETS):
        half = len(state.bets) // 2
        state.bets = [*state.bets[1:half], *state.bets[half + 1 :]]
    return state


def _mean(log_m: float, log_period: float) -> float:
    """Natural logarithm of the mean of M and the return period: half of the budget is each one's."""
    if log_period <= 0.0:
        return log_m - _HALF
    more, less = (log_m, log_period) if log_m > log_period else (log_period, log_m)
    return more - _HALF + math.log1p(math.exp(less - more))
