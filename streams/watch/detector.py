"""Has a signal left its normal, and since when? The e-detector of a stream of standardised surprises.

For each bet b on each side, M_t = (M_{t-1} + 1) exp(b y_t - b^2 / 2), where y is standard normal while all is normal;
the bets are averaged. E[M_t] <= t, so the average time to a false alarm at M >= c is at least c.
Source: Shin, Ramdas & Rinaldo, E-detectors (New England J. Statistics in Data Science 2, 2023; arXiv 2203.03532), eq. 10.

The surprises of real signals are not independent, and come in bursts. How M climbs in them is learned: over the
excursions of log M above `_BASE`, whose heights are exponential with mean 1/r (Cramer & Lundberg; r >= 1 where the
surprises keep their promise). Where r < 1, log M is scaled by it. So the promise is kept by signals that M's theory does
not cover, after they have shown what they are like.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState

BETS = (0.5, 1.0, 2.0, 4.0)
"""Powers of two times the first, so that one exponential serves all."""
CAP = 21.0
"""Of log M, so that an alarm can end: more than any budget asks for (518,400 windows and 1,000 signals: 20)."""
_BASE = 2.5
"""Log M from which an excursion counts."""
_END = 1.0
"""Log M below which it is over."""
_HEIGHT = 8.0
"""Most that one excursion teaches: an incident is no habit."""
_PRIOR = MeanState(20.0, 1.0)
"""Mean height at the start, as the theory has it, worth twenty excursions."""
_REMEMBERED = 200.0
_PRICES = tuple(math.exp(-bet * bet / 2.0) for bet in BETS)
_SHARE = 1.0 / (2 * len(BETS))


class DetectorState(Struct, array_like=True):
    """All there is to know of a detector."""

    higher: list[float]
    """M of each of `BETS`."""
    lower: list[float]
    heights: MeanState
    """Of the excursions so far."""
    height: float = -1.0
    """Of the present excursion; below 0: there is none."""
    onset_ns: int | None = None


class Detector:
    """`add` surprises in time order, read `log_e` and `onset_ns`."""

    __slots__ = ("_height", "_heights", "_higher", "_lower", "log_e", "onset_ns")

    def __init__(self, state: DetectorState | None = None) -> None:
        known = state or DetectorState([0.0] * len(BETS), [0.0] * len(BETS), _PRIOR)
        self._higher, self._lower = list(known.higher), list(known.lower)
        self._heights = FadingMean(_REMEMBERED, known.heights)
        self._height = known.height
        self.onset_ns = known.onset_ns
        self.log_e = self._scaled(self._log_m())
        """Of both sides together."""

    def to_state(self) -> DetectorState:
        """The snapshot."""
        return DetectorState(
            list(self._higher), list(self._lower), self._heights.to_state(), self._height, self.onset_ns
        )

    def add(self, time_ns: int, surprise: float) -> float:
        """Bet on one surprise (standard normal while all is normal, above 0: higher) and return `log_e`."""
        factor = math.exp(BETS[0] * surprise)
        up, down = factor, 1.0 / factor
        higher, lower = self._higher, self._lower
        for place, price in enumerate(_PRICES):
            higher[place] = (higher[place] + 1.0) * up * price
            lower[place] = (lower[place] + 1.0) * down * price
            up *= up
            down *= down
        log_m = self._log_m()
        rate = self._rate()
        most = _BASE + (CAP - _BASE) / rate
        if log_m > most:
            self._shrink(math.exp(most - log_m))
            log_m = most
        self._follow(time_ns, log_m)
        self.log_e = self._scaled(log_m)
        return self.log_e

    def _log_m(self) -> float:
        total = (sum(self._higher) + sum(self._lower)) * _SHARE
        return math.log(total) if total > 1e-300 else -690.0

    def _rate(self) -> float:
        return 1.0 / max(self._heights.value, 1.0)

    def _scaled(self, log_m: float) -> float:
        return log_m if log_m <= _BASE else _BASE + self._rate() * (log_m - _BASE)

    def _shrink(self, ratio: float) -> None:
        self._higher = [value * ratio for value in self._higher]
        self._lower = [value * ratio for value in self._lower]

    def _follow(self, time_ns: int, log_m: float) -> None:
        """Excursions: how high this one is, and what it teaches when it is over."""
        if log_m < _END:
            if self._height >= 0.0:
                self._heights.learn(min(self._height, _HEIGHT))
                self._height = -1.0
            self.onset_ns = None
            return
        if self.onset_ns is None:
            self.onset_ns = time_ns
        if log_m > _BASE:
            self._height = max(self._height, log_m - _BASE)
