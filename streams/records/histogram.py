"""A distribution as a sparse exponential histogram, which merges exactly.

Buckets are those of OpenTelemetry's ExponentialHistogram (metrics data model, section "ExponentialHistogram"):
with base = 2 ** (2 ** -scale), bucket `index` holds values in (base ** index, base ** (index + 1)].
Explicit-bounds histograms become exponential ones at `EXPLICIT_SCALE`, each bucket's count at its *upper* bound, so
that only the source's own bounds are ever populated: nothing is interpolated, and equal bounds of different pods meet
in equal indices.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

EXPLICIT_SCALE = 8
"""Bounds that differ by more than 0.27% stay apart."""
LARGEST_COUNT = 1 << 48
"""More than a pod counts in eight years at a million a second; sums are cut here, so that they can be written
(MessagePack has 64 bits), also where the buckets of thousands of such histograms meet in one."""
MOST_BUCKETS = 8192
"""Of either sign: 32 doublings at `EXPLICIT_SCALE`, more than lie between a microsecond and an hour. What has more is
kept at a coarser scale, as an SDK does that has 160."""
_MAX_SCALE = 20
_MIN_SCALE = -10


class Histogram(Struct, frozen=True, array_like=True, gc=False):
    """Counts of values by bucket; a value, never changed in place."""

    scale: int
    count: int
    """All values, also those in no bucket."""
    total: float
    """Sum of the values, in the series' unit; 0 where the source gives none."""
    zero_count: int = 0
    positive: dict[int, int] = {}
    """Bucket index -> count of positive values; indices ascend."""
    negative: dict[int, int] = {}
    """Bucket index of the absolute value -> count of negative values; likewise."""

    def merge(self, other: Histogram) -> Histogram:
        """Both together, at the coarser scale: associative and commutative, exactly.

        Counts past `LARGEST_COUNT` are cut there, which is as associative as adding; so is the scale at which buckets
        are no more than `MOST_BUCKETS`, for those of a part are never more than those of the whole.
        """
        if self.scale != other.scale:
            scale = min(self.scale, other.scale)
            return self.at_scale(scale).merge(other.at_scale(scale))
        both = Histogram(
            self.scale,
            self.count + other.count,
            self.total + other.total,
            self.zero_count + other.zero_count,
            _added(self.positive, other.positive),
            _added(self.negative, other.negative),
        )
        if len(both.positive) > MOST_BUCKETS or len(both.negative) > MOST_BUCKETS:
            both = both.within_bounds()
        return both if both.count < LARGEST_COUNT else _cut(both)  # no bucket holds more than all

    def within_bounds(self) -> Histogram:
        """The same values in at most `MOST_BUCKETS` of either sign, at the finest scale that allows it."""
        bounded = self
        while len(bounded.positive) > MOST_BUCKETS or len(bounded.negative) > MOST_BUCKETS:
            bounded = bounded.at_scale(bounded.scale - 1)
        return bounded

    def with_total(self, total: float) -> Histogram:
        """The same values with another sum."""
        return Histogram(self.scale, self.count, total, self.zero_count, self.positive, self.negative)

    def at_scale(self, scale: int) -> Histogram:
        """The same values in coarser buckets (data model, section "Exponential Scale")."""
        shift = self.scale - scale
        if shift == 0:
            return self
        if shift < 0:
            raise ValueError(f"a histogram of scale {self.scale} cannot be refined to {scale}")
        return Histogram(
            scale,
            self.count,
            self.total,
            self.zero_count,
            _shifted(self.positive, shift),
            _shifted(self.negative, shift),
        )

    def times(self, factor: float) -> Histogram:
        """All values times a number above 0 (another unit), to within half a bucket; equal bounds stay equal."""
        shift = round(math.log2(factor) * 2.0**self.scale)
        return Histogram(
            self.scale,
            self.count,
            self.total * factor,
            self.zero_count,
            {index + shift: number for index, number in self.positive.items()},
            {index + shift: number for index, number in self.negative.items()},
        )

    def increase_since(self, earlier: Histogram) -> Histogram | None:
        """This cumulative state less an earlier one; None if that is impossible (the source was reset)."""
        scale = min(self.scale, earlier.scale)
        now, then = self.at_scale(scale), earlier.at_scale(scale)
        positive = _subtracted(now.positive, then.positive)
        negative = _subtracted(now.negative, then.negative)
        count, zero_count = now.count - then.count, now.zero_count - then.zero_count
        if positive is None or negative is None or count < 0 or zero_count < 0:
            return None
        return Histogram(scale, count, now.total - then.total, zero_count, positive, negative)


def from_explicit_bounds(
    bounds: Sequence[float], counts: Sequence[int], total: float, count: int | None = None
) -> Histogram:
    """A histogram of explicit upper bounds as an exponential one.

    Args:
        bounds: finite upper bounds, ascending.
        counts: values per bucket (not cumulative); one more than bounds, the last counting what lies beyond.
        total: sum of the values.
        count: all values, where it is given apart.

    Raises:
        ValueError: the counts do not fit the bounds, or a count is negative, or bounds do not ascend.
    """
    if len(counts) != len(bounds) + 1:
        raise ValueError(f"{len(counts)} bucket counts for {len(bounds)} bounds")
    if any(number < 0 for number in counts):
        raise ValueError("a bucket count is negative")
    if any(not low < high for low, high in pairwise(bounds)):
        raise ValueError("bucket bounds do not ascend")
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}
    zero_count = 0
    beyond = min(2.0 * bounds[-1], sys.float_info.max) if bounds and bounds[-1] > 0 else 1.0
    for bound, number in zip((*bounds, beyond), counts, strict=True):
        if number == 0:
            continue
        if bound == 0:
            zero_count += number
            continue
        buckets = positive if bound > 0 else negative
        index = bucket_index(abs(bound), EXPLICIT_SCALE)
        buckets[index] = buckets.get(index, 0) + number
    ascending = dict(reversed(negative.items()))
    return Histogram(EXPLICIT_SCALE, sum(counts) if count is None else count, total, zero_count, positive, ascending)


def of_values(values: Iterable[tuple[float, int]], scale: int, least: float = 0.0) -> Histogram:
    """A histogram of (value, how often: at least once), without a sum: one of floats depends on their order.

    Args:
        values: finite.
        scale: of the histogram.
        least: values of a smaller size count as 0.
    """
    zero_count = count = 0
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}
    for value, times in values:
        count += times
        size = abs(value)
        if size < least or size == 0.0:
            zero_count += times
            continue
        side = positive if value > 0 else negative
        index = bucket_index(size, scale)
        side[index] = side.get(index, 0) + times
    by_index = (dict(sorted(side.items())) for side in (positive, negative))
    return Histogram(scale, count, 0.0, zero_count, *by_index)


def bucket_index(value: float, scale: int) -> int:
    """Index of the bucket that holds a positive value: ceil(log_base(value)) - 1."""
    return math.ceil(math.log2(value) * 2.0**scale) - 1


def check_scale(scale: int) -> int:
    """The scale, if the data model allows it.

    Raises:
        ValueError: outside -10..20.
    """
    if not _MIN_SCALE <= scale <= _MAX_SCALE:
        raise ValueError(f"scale {scale} is outside {_MIN_SCALE}..{_MAX_SCALE}")
    return scale


def _added(left: Mapping[int, int], right: Mapping[int, int]) -> dict[int, int]:
    if not left and not right:
        return {}
    merged = dict(left)
    for index, number in right.items():
        merged[index] = merged.get(index, 0) + number
    if len(merged) == len(left):
        return merged
    return {index: merged[index] for index in sorted(merged)}


def _cut(whole: Histogram) -> Histogram:
    positive, negative = (
        {index: min(number, LARGEST_COUNT) for index, number in buckets.items()}
        for buckets in (whole.positive, whole.negative)
    )
    zero_count = min(whole.zero_count, LARGEST_COUNT)
    return Histogram(whole.scale, LARGEST_COUNT, whole.total, zero_count, positive, negative)


def _shifted(buckets: Mapping[int, int], shift: int) -> dict[int, int]:
    coarse = {index >> shift: number for index, number in buckets.items()}
    if len(coarse) == len(buckets):  # no two of them have met
        return coarse
    coarse.clear()
    for index, number in buckets.items():
        coarser = index >> shift
        coarse[coarser] = coarse.get(coarser, 0) + number
    return coarse


def _subtracted(now: Mapping[int, int], then: Mapping[int, int]) -> dict[int, int] | None:
    difference = dict(now)
    for index, number in then.items():
        left = difference.get(index, 0) - number
        if left < 0:
            return None
        difference[index] = left
    return {index: number for index, number in difference.items() if number}
