"""Has a signal left its normal, and since when? The e-detector of a stream of likelihood ratios.

For each bet b, M_t = (M_{t-1} + s_t) L_t(b), where L_t has mean 1 while all is normal, and s_t, known before the
point and on the average of the bets at most 1, says how much the point can tell; the bets are averaged. E[M_t] <= t,
so the average time to a false alarm at M >= c is at least c. (With s_t = 1 throughout, M would grow by one a point even
where nothing can happen.) Source: Shin, Ramdas & Rinaldo, E-detectors (New England J. Statistics in Data Science 2,
2023; arXiv 2203.03532).

The points of real signals are not independent, and what is extreme comes in clusters. So M is held against how high it
has climbed before: one excursion of log M speaks once, by how many have been as high in how many points, and beyond
the highest by their exponential tail (Cramer & Lundberg; of mean 1 where the ratios keep their promise, never less).
Log M is at most the logarithm of the points in which so high an excursion comes once: a burst like those seen before
is no news. Source: Weissman, Estimation of parameters and large quantiles based on the k largest observations (JASA
73, 1978).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from math import log

from msgspec import Struct

CAP = 21.0
"""Of `log_e`, so that an alarm can end: more than any budget asks for (518,400 windows and 1,000 signals: 20)."""
_BASE = 2.5
"""Log M from which an excursion counts."""
_END = 1.0
"""Log M below which it is over."""
_LEAST, _LOG_LEAST = 1e-300, -690.0
"""A smaller M is taken for the logarithm's."""
_HIGHEST = 8
"""Excursions that are known: a handful of incidents is no habit, and of a habit nearly all are incidents."""
_MEDIAN = 1.0 / 4.0 + 1.0 / 5.0 + 1.0 / 6.0 + 1.0 / 7.0
"""Expected median of seven exponential excesses of mean 1 (Renyi 1953): by the median, three incidents are no habit."""
_LONGEST = 65_536.0
"""Points after which half is forgotten: of the highest every second, and half of the points."""
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
    highest: list[float] = []
    """Heights of the excursions that reached the last of these, highest first. A snapshot of before has two other
    numbers here: this is learned anew."""
    height: float = -1.0
    """Of the present excursion; below 0: there is none."""
    onset_ns: int | None = None
    lasts: int = 0
    """Points since the onset."""
    over: float = 0.0
    """Evidence that the present excursion is over."""
    points: float = 0.0
    """In which there were so many as high; 0: nothing is known yet."""
    passed_over: bool = False
    """Such an excursion comes at this hour, so that it teaches nothing of other hours."""


class Detector:
    """`add` ratios in time order, read `log_e` and `onset_ns`."""

    __slots__ = ("_height", "_highest", "_lasts", "_over", "_passed_over", "_points", "bets", "log_e", "onset_ns")

    bets: Sequence[float]
    """M of each."""

    def __init__(self, bets: int, state: DetectorState | None = None) -> None:
        known = state or DetectorState([0.0] * bets)
        self.bets = tuple(known.bets)
        # Single precision: a level is near its 8 KiB.
        self._highest, self._points = array("f", known.highest), known.points
        if not self._points:  # as the theory has it
            self._highest, self._points = array("f", [0.0]) * _HIGHEST, _HIGHEST * math.exp(_BASE)
        self._height = known.height
        self.onset_ns = known.onset_ns
        self._lasts = known.lasts
        self._over = known.over
        self._passed_over = known.passed_over
        self.log_e = min(self._scaled(self._log_m()), CAP)

    def to_state(self) -> DetectorState:
        """The snapshot."""
        return DetectorState(
            list(self.bets),
            self._highest.tolist(),
            self._height,
            self.onset_ns,
            self._lasts,
            self._over,
            self._points,
            self._passed_over,
        )

    def add(self, time_ns: int, ratios: Sequence[float], starts: Sequence[float]) -> float:
        """Bet on one point and return `log_e`.

        Args:
            time_ns: of the point.
            ratios: likelihood of the point under each bet, over that under normal; finite.
            starts: of each bet: how much any point could have told now; on average at most 1.
        """
        self.go_on(
            time_ns, [(bet + start) * ratio for bet, start, ratio in zip(self.bets, starts, ratios, strict=True)]
        )
        return self.log_e

    def go_on(self, time_ns: int, bets: Sequence[float], mean: float | None = None) -> None:
        """The same of whoever has reckoned M of each bet, or their mean too: six, written out, take half the time."""
        self.bets = bets
        if mean is None:
            mean = _mean(bets)
        self._points += 1.0
        self.log_e = log_m = log(mean) if mean > _LEAST else _LOG_LEAST
        if log_m < _END and self.onset_ns is None:
            return
        if log_m > _BASE:
            self.log_e = self._scaled(log_m)
            if self.log_e > CAP:
                shrink = math.exp(CAP - self.log_e)
                self.bets = tuple([bet * shrink for bet in bets])
                log_m = self._log_m()
                self.log_e = min(self._scaled(log_m), CAP)
        self._follow(time_ns, log_m)

    def end(self, more: float, less: float, ups: int) -> None:
        """After `add`: is what has gathered over? Then it begins anew.

        Page's CUSUM (1954) of the points' likelihood under normal, over that under the least change worth telling. To
        begin anew only lowers M, and so keeps the promise.

        Args:
            more: logarithm of the point's likelihood under the least change, over that under normal, for the bets on
                more.
            less: the same for the others.
            ups: how many bets, the first, are on more.
        """
        if self.onset_ns is None:
            return
        bets = self.bets
        self._over = max(self._over - (more if max(bets[:ups]) >= max(bets[ups:]) else less), 0.0)
        if self._over >= _OVER:
            self.quieten()

    def quieten(self) -> None:
        """Forget the evidence gathered, not how high it climbed."""
        self._end_excursion()
        self.bets = (0.0,) * len(self.bets)
        self.log_e = self._scaled(self._log_m())

    def pass_over(self) -> None:
        """The present excursion is one of those of this hour: it teaches nothing."""
        self._passed_over = self.onset_ns is not None

    @property
    def trust_ratio(self) -> float:
        """How much the present point should teach."""
        return DOUBTFUL_RATIO if self.log_e > _DOUBT and self._lasts < _LASTS else 1.0

    def _log_m(self) -> float:
        mean = _mean(self.bets)
        return log(mean) if mean > _LEAST else _LOG_LEAST

    def _scaled(self, log_m: float) -> float:
        """Logarithm of the points in which so high an excursion comes once; never more than log M."""
        if log_m <= _BASE:
            return log_m
        highest, height = self._highest, log_m - _BASE
        least, known = highest[-1], len(highest)
        log_e = math.log(self._points / known)
        if height > least:
            log_e += (height - least) / max((highest[known // 2 - 1] - least) / _MEDIAN, 1.0)
        return min(log_e, log_m)

    def _follow(self, time_ns: int, log_m: float) -> None:
        """Excursions: how high this one is, and what it teaches when it is over."""
        if self._lasts >= _ENDS:
            self.quieten()
            return
        if log_m < _END:
            self._end_excursion()
            return
        if self.onset_ns is None:
            self.onset_ns = time_ns
        self._lasts += 1
        if log_m - _BASE > self._height and log_m > _BASE:
            self._height = log_m - _BASE

    def _end_excursion(self) -> None:
        if self._height > self._highest[-1] and not self._passed_over:
            self._highest = array("f", sorted((*self._highest, self._height), reverse=True)[:_HIGHEST])
            if self._points > _LONGEST:
                self._highest, self._points = self._highest[1::2], self._points / 2.0
        self._height, self._lasts, self.onset_ns, self._over, self._passed_over = -1.0, 0, None, 0.0, False


def _mean(bets: Sequence[float]) -> float:
    """Added up in their order, as who gives the mean does; `sum` of later Pythons loses less, and other bits."""
    total = 0.0
    for bet in bets:
        total += bet
    return total / len(bets)
