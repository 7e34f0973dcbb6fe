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
from collections.abc import Sequence
from itertools import repeat

import numpy as np
from msgspec import Struct

from streams.judging.values.cells import NOTHING, bound, joined, table
from streams.records.histogram import Histogram

SHOWN_QUANTILES = (0.5, 0.9, 0.99)
_QUANTILES = np.array(SHOWN_QUANTILES)
LEVEL = 0.05
"""Chance that the interval of a ratio of quantiles ever misses it; half of it on each side."""
MOVED_ODDS = 1.5
"""The split has moved if its odds differ by this factor, ..."""
MOVED_DEVIATIONS = 5.0
"""... and by so many standard deviations of independent requests."""


class QuantileEffect(Struct, frozen=True, gc=False):
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


class Segment(Struct, array_like=True, gc=False):
    """The values since the split last moved."""

    baseline: Histogram = NOTHING
    canary: Histogram = NOTHING

    def add(self, baseline: Histogram, canary: Histogram) -> None:
        """One bin, both sides with at least one value."""
        if self._moved(baseline.count, canary.count):
            self.baseline, self.canary = NOTHING, NOTHING
        self.baseline = joined(self.baseline, baseline)
        self.canary = joined(self.canary, canary)

    def _moved(self, baseline: int, canary: int) -> bool:
        total = self.baseline.count + self.canary.count
        if not self.baseline.count or not self.canary.count:
            return False
        share, number = self.canary.count / total, baseline + canary
        spread = math.sqrt(number * share * (1.0 - share) * (1.0 + number / total))
        odds = (canary + 0.5) / (baseline + 0.5) * (1.0 - share) / share
        return abs(canary - number * share) > MOVED_DEVIATIONS * spread and not 1 / MOVED_ODDS < odds < MOVED_ODDS


def effects(segments: Sequence[Segment]) -> list[tuple[QuantileEffect, ...]]:
    """Of each segment each of `SHOWN_QUANTILES`; none before there is a value on both sides."""
    if not segments:
        return []
    around = _around([segment.baseline for segment in segments] + [segment.canary for segment in segments])
    return [
        tuple(map(_effect, SHOWN_QUANTILES, baseline, canary))
        for baseline, canary in zip(around[: len(segments)], around[len(segments) :], strict=True)
    ]


def band(values: float, level: float) -> float:
    """g(n, a): half the height of the band, in shares of the values.

    >>> round(band(1000, 0.05), 3)
    0.087
    """
    return 0.85 * math.sqrt((math.log(math.log(math.e * values)) + 0.8 * math.log(1612.0 / level)) / values)


_Around = tuple[float | None, float, float | None]
"""A quantile, between the ends of its interval where it has them."""


def _effect(quantile: float, baseline: _Around, canary: _Around) -> QuantileEffect:
    (low_b, at_b, high_b), (low_c, at_c, high_c) = baseline, canary
    return QuantileEffect(
        quantile,
        at_b,
        at_c,
        _ratio(at_c, at_b),
        None if low_c is None or high_b is None else _ratio(low_c, high_b),
        None if high_c is None or low_b is None else _ratio(high_c, low_b),
    )


def _around(sides: Sequence[Histogram]) -> list[list[_Around]]:
    """Of each side each of `SHOWN_QUANTILES`; none of a side without a value."""
    rows = table(sides)
    values = rows.values[:, 0].tolist()
    reach = np.array([band(max(number, 1.0), LEVEL / 2) for number in values])[:, None]
    asked = np.stack([_QUANTILES - reach, _QUANTILES + 0.0 * reach, _QUANTILES + reach], axis=2)
    places = rows.at_quantiles(np.clip(asked, 0.0, 1.0).reshape(len(sides), -1)).tolist()
    has_low, has_high = (asked[:, :, 0] > 0.0).tolist(), (asked[:, :, 2] < 1.0).tolist()
    return [
        _ends(found, side.scale, lows, highs) if number else []
        for side, number, found, lows, highs in zip(sides, values, places, has_low, has_high, strict=True)
    ]


def _ends(places: Sequence[float], scale: int, has_low: Sequence[bool], has_high: Sequence[bool]) -> list[_Around]:
    """Of each quantile, from the places of its lower end, itself and its upper end."""
    bounds = list(map(bound, places, repeat(scale)))
    low, at, high = bounds[::3], bounds[1::3], bounds[2::3]
    return [
        (one if lower else None, middle, other if upper else None)
        for one, middle, other, lower, upper in zip(low, at, high, has_low, has_high, strict=True)
    ]


def _ratio(canary: float, baseline: float) -> float | None:
    return canary / baseline if baseline > 0.0 and canary >= 0.0 and canary / baseline < 1e9 else None
