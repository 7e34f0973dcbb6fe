"""Has a signal mostly one very value? Then that is no news, however a forecast strays from it.

The value is another one as soon as fewer than half of late had the one before (Boyer & Moore, MJRTY: A fast majority
vote algorithm, 1981, with a share that fades instead of a count).
"""

from __future__ import annotations

from statistics import NormalDist

from streams.watch.mean import MeanState
from streams.watch.ranks import MEMORY

_NORMAL = NormalDist()
_STANDS_STILL = 10.0
"""Values from which it can be said that the signal stands still."""
_LATE = 32.0
"""Values from which it can be said what most of them are."""


class Usual:
    """`add` each value: the shares of late that had it, and that were less, are `FadingMean`s written out."""

    __slots__ = ("below", "known", "ratio", "value")

    def __init__(self, value: float, ratio: MeanState, below: MeanState) -> None:
        self.value, self.known, self.ratio, self.below = value, ratio.n, ratio.mean, below.mean

    def add(self, value: float) -> bool:
        """More than half of late had this very value."""
        known, ratio, usual = self.known, self.ratio, self.value
        if value != usual and ratio < 0.5:
            self.value, self.known, self.ratio, self.below = value, 1.0, 1.0, 0.0
            return False
        if known < MEMORY:
            self.known = known = known + 1.0
        below = self.below
        if value == usual:
            self.ratio = ratio = ratio + (1.0 / known) * (1.0 - ratio)
            self.below = below + (0.0 - below) / known
            return known >= _LATE and ratio > 0.5
        self.ratio = ratio + (1.0 / known) * (0.0 - ratio)
        self.below = below + ((1.0 if value < usual else 0.0) - below) / known
        return False

    @property
    def stands_still(self) -> bool:
        """More than half of late had the usual value."""
        return self.known >= _STANDS_STILL and self.ratio > 0.5

    @property
    def score(self) -> float:
        """Where the usual value lies among the values of late, ties counted half; as a standard normal one would."""
        below = min(self.below, 1.0 - self.ratio)  # what a snapshot of before does not hold
        return _NORMAL.inv_cdf(below + self.ratio / 2.0)

    def unusual_ratio(self, *, up: bool) -> float:
        """How many of late were more (or less) than the usual value; 1 where there is none."""
        if not self.stands_still:
            return 1.0
        return 1.0 - self.below - self.ratio if up else self.below
