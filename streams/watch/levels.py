"""Is the level of a signal what it has been? The watch over one gauge: forecast, scale, tails, detector, surprise.

value ──► forecast ──► residual ──► its own tails ──► e-detector (`log_e`: has it left its normal?)
                          └──► channels, each with its own tail ──► `abnormality` (is this point news?)
"""

from __future__ import annotations

import math
import operator
from statistics import NormalDist

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.watch.detector import DOUBTFUL_RATIO, Detector, DetectorState
from streams.watch.forecast import MOST_STAYS, Forecast, ForecastState
from streams.watch.mean import FadingMean, MeanState
from streams.watch.ranks import MEMORY, Ranks, RanksState
from streams.watch.reading import Direction, Reading
from streams.watch.surprise import Surprise, SurpriseState
from streams.watch.tail import BEYOND_RATIO, Tail, TailState

WARM = 100
"""Values before it speaks."""
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
_BETS = (0.5, 1.0, 2.0, 4.0)
"""On the standardised residual, either side: log ratio is b y - b^2 / 2. Powers of two times the first."""
_PRICES = tuple(math.exp(-bet * bet / 2.0) for bet in _BETS) * 2
_STARTS = (1.0,) * (2 * len(_BETS))
_LATE_USUAL = 32.0
"""Values from which it can be said what most of them are."""
_TOLD = 0.05
"""Scales: residuals nearer to each other than that are the same, so that a signal that never changes is never rare."""
_DOUBTED = round(1.0 / DOUBTFUL_RATIO)
"""While evidence gathers, of so many residuals one joins those of late."""
_LEAST = 1.0
"""Least 95% quantile of a residual in scales (mean absolute residuals; 2.06 if normal)."""


class LevelState(Struct, array_like=True):
    """The snapshot of one signal: language-neutral, versioned, bounded."""

    forecast: ForecastState
    scale: MeanState
    size: MeanState
    bias: MeanState
    """Mean residual of late, in scales."""
    higher: TailState
    lower: TailState
    detector: DetectorState
    surprise: SurpriseState
    seen: int
    last_ns: int
    version: int = 2
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


class LevelWatch:
    """`add` values in time order."""

    __slots__ = (
        "_bias",
        "_detector", "_forecast", "_higher", "_last", "_last_ns", "_lower", "_ranks", "_scale", "_seen", "_size",
        "_stays", "_surprise", "_usual", "_usual_ratio",
    )  # fmt: skip

    def __init__(self, state: LevelState | None = None) -> None:
        self._forecast = Forecast(_LATE, _LONG, state.forecast if state else None)
        self._scale, self._size = (
            FadingMean(_SCALE, state.scale if state else None),
            FadingMean(_SCALE, state.size if state else None),
        )
        self._higher, self._lower = (
            Tail(_LEAST, state.higher if state else None),
            Tail(_LEAST, state.lower if state else None),
        )
        self._bias = FadingMean(_BIAS, state.bias if state else None)
        self._detector = Detector(2 * len(_BETS), state.detector if state else None)
        self._surprise = Surprise(state.surprise if state else None)
        self._ranks = Ranks(state.ranks if state else None)
        self._stays = FadingMean(_SCALE, state.stays if state else None)
        self._last = state.last if state else 0.0
        self._usual = state.usual if state else 0.0
        self._usual_ratio = FadingMean(MEMORY, state.usual_ratio if state else None)
        self._seen = state.seen if state else 0
        self._last_ns = state.last_ns if state else -(1 << 62)

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
            self._surprise.to_state(),
            self._seen,
            self._last_ns,
            ranks=self._ranks.to_state(),
            stays=self._stays.to_state(),
            last=self._last,
            usual=self._usual,
            usual_ratio=self._usual_ratio.to_state(),
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
            self._learn(time_ns, value, value, 1.0)
            return Reading(value, value, "higher", detector.log_e, 0.0, None, False)
        scale = max(self._scale.value, _FLAT_RATIO * self._size.value, 1e-12)
        z = (value - expected) / scale
        warm = self._seen > WARM
        moved = round((z - self._bias.value) / _TOLD) * _TOLD
        score = 0.0 if self._is_usual(value) else self._standard(moved)
        abnormality = self._surprise.add(value, z, warm)
        if warm:
            detector.add(time_ns, _ratios(self._fresh(score)), _STARTS)
        trust = detector.trust_ratio
        clipped = -_CLIP if z < -_CLIP else _CLIP if z > _CLIP else z
        self._scale.learn(abs(clipped) * scale, trust)
        self._bias.learn(clipped)
        self._rank(moved, trust)
        self._learn(time_ns, value, expected + clipped * scale, trust)
        self._stays.learn(score * self._last, trust)
        self._last = score
        direction: Direction = "higher" if z >= 0 else "lower"
        return Reading(value, expected, direction, detector.log_e, abnormality, detector.onset_ns, warm)

    def quieten(self) -> None:
        """Forget the evidence gathered; what is normal only if the evidence ended because the forecast went along."""
        if self._forecast.follows:
            self.settle()
        else:
            self._detector.quieten()

    def settle(self) -> None:
        """The level of late is what is normal now; how far the signal strays from it, is not forgotten."""
        self._detector.quieten()
        self._forecast.settle()
        self._bias = FadingMean(_BIAS)

    def _is_usual(self, value: float) -> bool:
        """More than half of late had this very value: no news, however the forecast strays from it."""
        if value != self._usual and self._usual_ratio.value < 0.5:
            self._usual, self._usual_ratio = value, FadingMean(MEMORY)
        self._usual_ratio.learn(float(value == self._usual))
        known = self._usual_ratio
        return value == self._usual and known.weight >= _LATE_USUAL and known.value > 0.5

    def _standard(self, moved: float) -> float:
        """The residual as a standard normal: by its rank of late, and beyond the 95% quantile by its own tail."""
        standard = self._ranks.standard(moved)
        if -_AT_QUANTILE < standard < _AT_QUANTILE:
            return standard
        tail, size = (self._higher, moved) if standard > 0.0 else (self._lower, -moved)
        beyond = -_NORMAL.inv_cdf(BEYOND_RATIO * 10.0 ** -tail.rarity(size))
        return math.copysign(beyond, standard)

    def _fresh(self, score: float) -> float:
        """What of a score the one before did not foretell; never more than the score."""
        stays = self._stays.value
        stays = 0.0 if stays < 0.0 else MOST_STAYS if stays > MOST_STAYS else stays
        fresh, most = (score - stays * self._last) / math.sqrt(1.0 - stays * stays), abs(score)
        return -most if fresh < -most else most if fresh > most else fresh

    def _rank(self, moved: float, trust: float) -> None:
        """A residual joins those of late; its tails learn none that is doubted."""
        if trust == 1.0:
            self._higher.learn(moved if moved > 0.0 else 0.0)
            self._lower.learn(-moved if moved < 0.0 else 0.0)
            self._ranks.learn(moved)
        elif self._seen % _DOUBTED == 0:
            self._ranks.learn(moved)

    def _learn(self, time_ns: int, value: float, clipped: float, trust: float) -> None:
        size, most = abs(value), 10.0 * self._size.value
        self._size.learn(most if 0.0 < most < size else size)
        self._forecast.learn(time_ns, value, clipped, trust)


def _ratios(standard: float) -> list[float]:
    """Of the bets on higher, then of those on lower."""
    up = math.exp(_BETS[0] * standard)
    down = 1.0 / up
    up_2, down_2 = up * up, down * down
    up_4, down_4 = up_2 * up_2, down_2 * down_2
    powers = up, up_2, up_4, up_4 * up_4, down, down_2, down_4, down_4 * down_4
    return list(map(operator.mul, powers, _PRICES))
