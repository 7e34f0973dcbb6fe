"""Has a signal left its normal, and since when? The e-detector of a stream of likelihood ratios.

For each bet b, M_t = (M_{t-1} + s_t) L_t(b), where L_t has mean 1 while all is normal, and s_t <= 1, known before the
point, says how much the point can tell; the bets are averaged. E[M_t] <= t, so the average time to a false alarm at M
>= c is at least c. (With s_t = 1 throughout, M would grow by one a point even where nothing can happen.) Source:
Shin, Ramdas & Rinaldo, E-detectors (New England J. Statistics in Data Science 2, 2023; arXiv 2203.03532).

The points of real signals are not independent, and come in bursts. How M climbs in them is learned: over the
excursions of log M above `_BASE`, whose heights are exponential with mean 1/r (Cramer & Lundberg; r >= 1 where the
ratios keep their promise). Where r < 1, log M is scaled by it. So the promise is kept by signals that the theory does
not cover, once they have shown what they are like.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState

CAP = 21.0
"""Of log M, so that an alarm can end: more than any budget asks for (518,400 windows and 1,000 signals: 20)."""
_BASE = 2.5
"""Log M from which an excursion counts."""
_END = 1.0
"""Log M below which it is over."""
_HEIGHT = 8.0
"""Most that one excursion teaches: an incident is no habit."""
_PRIOR = MeanState(10.0, 1.0)
"""Mean height at the start, as the theory has it, worth ten excursions."""
_GAPS = MeanState(1.0, math.exp(_BASE))
"""Points from one excursion to the next at the start: M reaches x once in x points at most."""
_REMEMBERED = 200.0
import os
_HABIT = int(os.environ.get("HABIT", "2"))
_MOST_KNOWN = 8
_LONGEST = 65_536.0
_HEIGHT = float(os.environ.get("HEIGHT", "8"))
_DOUBT = 4.0
"""Log e from which a point should teach but a quarter: a fault has to last before it becomes what is normal."""
DOUBTFUL_RATIO = 0.25
_OVER = 4.0
"""Log likelihood from which an excursion is over: what goes on seems so once in e^4 = 55 points at the least change,
and eight ordinary points are enough."""
_LASTS = 240
"""Points after which what goes on is no fault any more but what is normal: it teaches in full."""
_ENDS = 4 * _LASTS
"""Points after which it was said for long enough: the evidence begins anew, against what has been learned."""


class DetectorState(Struct, array_like=True):
    """All there is to know of a detector."""

    bets: list[float]
    """M of each."""
    heights: MeanState
    """Of the excursions so far."""
    height: float = -1.0
    """Of the present excursion; below 0: there is none."""
    onset_ns: int | None = None
    lasts: int = 0
    """Points since the onset."""
    over: float = 0.0
    """Evidence that the present excursion is over."""
    gaps: MeanState = _GAPS
    """Points from the end of one excursion to that of the next."""
    since: int = 0
    """Points since the last one ended."""
    points: float = 0.0
    """Over which the highest are known, up to the last that ended."""
    highest: list[float] = []
    """Heights of the highest excursions, highest first."""


class Detector:
    """`add` ratios in time order, read `log_e` and `onset_ns`."""

    __slots__ = ("_bets", "_gaps", "_height", "_heights", "_highest", "_lasts", "_over", "_points", "_share", "_since", "log_e", "onset_ns")

    def __init__(self, bets: int, state: DetectorState | None = None) -> None:
        known = state or DetectorState([0.0] * bets, _PRIOR)
        self._bets = list(known.bets)
        self._share = 1.0 / bets
        self._heights = FadingMean(_REMEMBERED, known.heights)
        self._height = known.height
        self.onset_ns = known.onset_ns
        self._lasts = known.lasts
        self._over = known.over
        self._gaps = FadingMean(_REMEMBERED, known.gaps)
        self._since, self._points, self._highest = known.since, known.points, list(known.highest)
        self.log_e = self._scaled(self._log_m())

    def to_state(self) -> DetectorState:
        """The snapshot."""
        return DetectorState(
            list(self._bets), self._heights.to_state(), self._height, self.onset_ns, self._lasts, self._over,
            self._gaps.to_state(), self._since, self._points, list(self._highest),
        )

    def add(self, time_ns: int, ratios: Sequence[float], starts: Sequence[float]) -> float:
        """Bet on one point and return `log_e`.

        Args:
            time_ns: of the point.
            ratios: likelihood of the point under each bet, over that under normal; finite.
            starts: 0..1 of each bet: how much any point could have told now.
        """
        self._bets = list(map(operator.mul, map(operator.add, self._bets, starts), ratios))
        self._since += 1
        log_m = self._log_m()
        self.log_e = log_m if log_m <= _BASE else self._scaled(log_m)
        if self.log_e > CAP:
            log_m -= self.log_e - CAP
            shrink = math.exp(CAP - self.log_e)
            self._bets = [bet * shrink for bet in self._bets]
            self.log_e = CAP
        if log_m >= _END or self.onset_ns is not None:
            self._follow(time_ns, log_m)
        return self.log_e

    def end(self, more: float, less: float) -> None:
        """After `add`: is what has gathered over? Then it begins anew.

        Page's CUSUM (1954) of the points' likelihood under normal, over that under the least change worth telling. To
        begin anew only lowers M, and so keeps the promise.

        Args:
            more: logarithm of the point's likelihood under the least change, over that under normal, for the first
                half of the bets.
            less: the same for the others.
        """
        if self.onset_ns is None:
            return
        bets, half = self._bets, len(self._bets) // 2
        self._over = max(self._over - (more if max(bets[:half]) >= max(bets[half:]) else less), 0.0)
        if self._over >= _OVER:
            self.quieten()

    def quieten(self) -> None:
        """Forget the evidence gathered, not how high it climbed."""
        self._end_excursion()
        self._bets = [0.0] * len(self._bets)
        self.log_e = self._scaled(self._log_m())

    @property
    def trust_ratio(self) -> float:
        """How much the present point should teach."""
        return DOUBTFUL_RATIO if self.log_e > _DOUBT and self._lasts < _LASTS else 1.0

    def _log_m(self) -> float:
        total = sum(self._bets) * self._share
        return math.log(total) if total > 1e-300 else -690.0

    def _scaled(self, log_m: float) -> float:
        """Logarithm of the points in which so high an excursion comes once; never more than log M."""
        if log_m <= _BASE:
            return log_m
        height, mean = log_m - _BASE, max(self._heights.value, 1.0)
        log_e = min(log_m, (_BASE if os.environ.get("NOGAP") else max(math.log(self._gaps.value) - float(os.environ.get("CREDIT","0")), _BASE if os.environ.get("FLOOR") else -9.0)) + height / mean)
        if len(self._highest) == _MOST_KNOWN:
            least = self._highest[-1]
            mean = max(mean, (sum(self._highest) - least * _MOST_KNOWN) / (_MOST_KNOWN - 1.0)) if os.environ.get("MEAN") else max(mean, (self._highest[_MOST_KNOWN // 2 - 1] - least) / 0.76)
            over = height - least
            log_e = min(log_e, math.log((self._points + self._since) / _MOST_KNOWN) + (over / mean if over > 0.0 else 0.0))
        return log_e

    def _follow(self, time_ns: int, log_m: float) -> None:
        """Excursions: how high this one is, and what it teaches when it is over."""
        if log_m < _END or self._lasts >= _ENDS:
            if self._lasts >= _ENDS:
                self._bets = [0.0] * len(self._bets)
            self._end_excursion()
            return
        if self.onset_ns is None:
            self.onset_ns = time_ns
        self._lasts += 1
        if log_m > _BASE:
            self._height = max(self._height, log_m - _BASE)

    def _end_excursion(self) -> None:
        if self._height >= 0.0:
            self._heights.learn(min(self._height, _HEIGHT))
            self._gaps.learn(float(self._since))
            self._points += self._since
            self._since = 0
            if self._lasts <= int(os.environ.get("LONG","100000")):
              self._highest = sorted([*self._highest, self._height], reverse=True)[:_MOST_KNOWN]
            if self._points > _LONGEST:
                self._points /= 2.0
                del self._highest[::2]
        self._height, self._lasts, self.onset_ns, self._over = -1.0, 0, None, 0.0
