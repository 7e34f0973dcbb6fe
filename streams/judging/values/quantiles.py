"""How large is the difference? Quantiles of both sides with an interval that holds at all times. For display only.

Within a segment in which the traffic split stays as it is, each side's empirical distribution lies within

    g(n, a) = 0.85 * sqrt((log log(e*n) + 0.8*log(1612/a)) / n)

of the truth at all n at once, with probability 1-a, if values are independent. (Over a moving split the two sides have
seen different times of day: pooled, healthy canaries differ. So a segment begins anew when the split moves. Values that
come in clumps make the interval too narrow: the verdict does not rest on it.)

Source: Howard & Ramdas 2022 (arXiv 1906.09712), sequential DKW bound; judging.md, section 2.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.judging.values.cells import NOTHING, Row, bounded, row
from streams.records.histogram import Histogram

SHOWN_QUANTILES = (0.5, 0.9, 0.99)
LEVEL = 0.05
"""Chance that the interval of a ratio of quantiles ever misses it; half of it on each side."""
MOVED_ODDS = 1.5
"""The split has moved if its odds differ by this factor, ..."""
MOVED_DEVIATIONS = 5.0
"""... and by so many standard deviations of independent requests."""


class QuantileEffect(Struct, frozen=True):
    """One quantile on both sides."""

    quantile: float
    baseline: float
    """In the unit of the signal."""
    canary: float
    ratio: float | None
    """Canary over baseline; None where the baseline's is 0 or below."""
    low: float | None
    """Lower end of the interval of the ratio; None where there is none."""
    high: float | None


class Segment(Struct, array_like=True):
    """The values since the split last moved."""

    baseline: Histogram = NOTHING
    canary: Histogram = NOTHING

    def add(self, baseline: Histogram, canary: Histogram) -> None:
        """One bin, both sides with at least one value."""
        if self._moved(baseline.count, canary.count):
            self.baseline, self.canary = NOTHING, NOTHING
        self.baseline = bounded(self.baseline.merge(baseline))
        self.canary = bounded(self.canary.merge(canary))

    def effects(self) -> tuple[QuantileEffect, ...]:
        """Each of `SHOWN_QUANTILES`; none before there is a value on both sides."""
        baseline, canary = row(self.baseline), row(self.canary)
        if not baseline.values or not canary.values:
            return ()
        return tuple(_effect(quantile, baseline, canary) for quantile in SHOWN_QUANTILES)

    def _moved(self, baseline: int, canary: int) -> bool:
        total = self.baseline.count + self.canary.count
        if not self.baseline.count or not self.canary.count:
            return False
        share, number = self.canary.count / total, baseline + canary
        spread = math.sqrt(number * share * (1.0 - share) * (1.0 + number / total))
        odds = (canary + 0.5) / (baseline + 0.5) * (1.0 - share) / share
        return abs(canary - number * share) > MOVED_DEVIATIONS * spread and not 1 / MOVED_ODDS < odds < MOVED_ODDS


def band(values: int, level: float) -> float:
    """g(n, a): half the height of the band, in shares of the values.

    >>> round(band(1000, 0.05), 3)
    0.087
    """
    return 0.85 * math.sqrt((math.log(math.log(math.e * values)) + 0.8 * math.log(1612.0 / level)) / values)


def _effect(quantile: float, baseline: Row, canary: Row) -> QuantileEffect:
    (low_b, at_b, high_b), (low_c, at_c, high_c) = (_around(side, quantile) for side in (baseline, canary))
    return QuantileEffect(
        quantile,
        at_b,
        at_c,
        _ratio(at_c, at_b),
        None if low_c is None or high_b is None else _ratio(low_c, high_b),
        None if high_c is None or low_b is None else _ratio(high_c, low_b),
    )


def _around(side: Row, quantile: float) -> tuple[float | None, float, float | None]:
    reach = band(side.values, LEVEL / 2)
    low = side.bound(side.at_quantile(quantile - reach)) if quantile - reach > 0.0 else None
    high = side.bound(side.at_quantile(quantile + reach)) if quantile + reach < 1.0 else None
    return low, side.bound(side.at_quantile(quantile)), high


def _ratio(canary: float, baseline: float) -> float | None:
    return canary / baseline if baseline > 0.0 and canary >= 0.0 and canary / baseline < 1e9 else None
