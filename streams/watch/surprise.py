"""Is this point news? A score of 0..1 for one point, beside the alarm and of no weight in it.

The larger of two. Numenta's anomaly likelihood, of a residual: how far its mean of late lies above what that mean has
been, as the tail of a normal law, a tenth for each whole power of ten (whole, as of what rises slowly the first red
point is but a fraction beyond red): from .5, one in 100,000, a point is *red*. What is red soon after another red point
is the same news. And how far the value lies beyond all that was ever seen: one half at a twentieth of that range.

Source: Ahmad, Lavin, Purdy & Agha, Unsupervised real-time anomaly detection for streaming data (Neurocomputing 262,
2017), equations 4 to 6; the range, what stays red and the least mean and variance as in Numenta's detector for NAB
(`numenta_detector.py`) and NuPIC's `anomaly_likelihood.py`. Instead of windows, fading means of as many values.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import MeanState

_LATE, _LONG = 10.0, 8000.0
"""Values that the two means remember: W' and W of the paper."""
_FARTHEST = 8.0
"""Scales: farther residuals say no more, lest one spike blind it. From so far out a single value, as a prediction that
failed altogether, makes the mean of late red in plain noise: that strays by .17 scales, red is 4.26 times that, and a
value is a tenth of it. On simulated streams (`tests/bench/watch/nablike.py`) 6 to 16 do as well."""
_LEAST_MEAN, _LEAST_VARIANCE = 0.03, 0.0003
"""Of the mean of late, in `_FARTHEST`."""
_TOLERATED_RATIO = 0.05
"""Of the range: so far beyond it the score is one half."""
_RAREST = 10.0
"""Powers of ten at which the score is 1."""
_LEAST_P = 10.0**-_RAREST
_COMMON = 1.6
"""Squared standard deviations: what lies no farther out has p > .1 and scores 0 (that of .1 is 1.642)."""
_RED, _STAYS_RED = 0.5, 0.3
"""From where a point is red; what a red one scores that is the same news."""
_NEWS_LASTS = 60
"""Values after a red point in which another is the same news: as many as the level of long remembers, which lies as far
from what is normal once an excursion is over. On simulated streams 10 to 120 do as well."""
_KNOWN = 30.0
"""Values before it speaks."""


class SurpriseState(Struct, array_like=True):
    """All there is to know."""

    before: list[object]
    """Held a tail in a snapshot of before; empty."""
    variance: float
    """Of the mean of late, as far as `long` knows it; in a snapshot of before something else."""
    least: float
    most: float
    """Of all values; both 0 before the first."""
    late: MeanState = MeanState()
    """Residuals without sign, in units of `_FARTHEST` scales."""
    long: MeanState = MeanState()
    """Of the mean of late. A snapshot of before has none: the score begins anew."""
    news_left: int = 0
    """Values to come that are the same news if they are red."""


class Surprise:
    """`add` a value and its residual, get the score."""

    __slots__ = ("_late", "_late_n", "_least", "_long", "_long_n", "_most", "_news_left", "_variance")

    def __init__(self, state: SurpriseState | None = None) -> None:
        known = state or SurpriseState([], 0.0, 0.0, 0.0)
        self._late_n, self._late = known.late.n, known.late.mean
        self._long_n, self._long = known.long.n, known.long.mean
        self._variance, self._least, self._most = known.variance, known.least, known.most
        self._news_left = known.news_left

    def to_state(self) -> SurpriseState:
        """The snapshot."""
        late, long = MeanState(self._late_n, self._late), MeanState(self._long_n, self._long)
        return SurpriseState([], self._variance, self._least, self._most, late, long, self._news_left)

    def add(self, value: float, z: float, warm: bool) -> float:
        """The score of one value, 0 until warm and until 30 values are known.

        Args:
            value: as it came.
            z: its residual in scales.
            warm: whether the model knows enough.
        """
        seen, known, late = self._long_n, self._late_n, self._late
        size = abs(z) / _FARTHEST
        if known < _LATE:
            self._late_n = known = known + 1.0
        self._late = late = late + (1.0 / known) * ((size if size < 1.0 else 1.0) - late)
        long, variance, known, rare = self._long, self._variance, seen, 0.0
        if late > _LEAST_MEAN and late > long:
            rare = _rarity(late - (long if long > _LEAST_MEAN else _LEAST_MEAN), variance)
        # The mean of late is a value of its own law; mean and variance as West (1979) has them.
        if known < _LONG:
            self._long_n = known = known + 1.0
        off = late - long
        self._long = long = long + (1.0 / known) * off
        self._variance = variance + (off * (late - long) - variance) / known
        over = 0.0
        if not self._least <= value <= self._most or seen == 0.0:
            over = self._beyond(value, begins=seen == 0.0)
        if not warm or seen < _KNOWN:
            return 0.0
        unseen, news_left = 0.0, self._news_left
        if over > 0.0:
            unseen = over / (over + _TOLERATED_RATIO) if over < math.inf else 1.0
        if rare >= _RED or unseen >= _RED:
            self._news_left = _NEWS_LASTS
        elif news_left:
            self._news_left = news_left - 1
        if news_left and rare >= _RED:
            rare = _STAYS_RED
        return rare if rare > unseen else unseen

    def _beyond(self, value: float, *, begins: bool) -> float:
        """How far beyond all that was seen, in ranges; then widens them."""
        if begins:
            self._least = self._most = value
            return 0.0
        least, most = self._least, self._most
        over = value - most if value > most else least - value
        self._least, self._most = min(least, value), max(most, value)
        return over / (most - least) if most > least else 1.0


def _rarity(over: float, variance: float) -> float:
    """Of the mean of late, so far above its own mean, as a score."""
    if variance < _LEAST_VARIANCE:
        variance = _LEAST_VARIANCE
    if over * over < _COMMON * variance:
        return 0.0
    p = 0.5 * math.erfc(over / math.sqrt(2.0 * variance))
    return math.floor(-math.log10(p)) / _RAREST if p > _LEAST_P else 1.0
