"""Distributions that shippers send, checked, as histograms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from streams.errors import BadRecord, Reason
from streams.records.histogram import EXPLICIT_SCALE, Histogram, from_explicit_bounds, of_values

_LARGEST = 1e300
"""Bounds and samples beyond have no bucket of twice their size in a double."""


def explicit(bounds: Sequence[float], counts: Sequence[int], total: float, count: int) -> Histogram:
    """A histogram of explicit bounds, with as many counts as bounds and one more.

    Raises:
        BadRecord: BAD_VALUE, if counts and bounds do not fit, or counts do not add up, or a number cannot be.
    """
    if any(not abs(bound) <= _LARGEST for bound in bounds):
        raise BadRecord(Reason.BAD_VALUE, "a bucket bound that is not finite")
    if sum(counts) != count:
        raise BadRecord(Reason.BAD_VALUE, f"buckets that add up to {sum(counts)} of {count} values")
    if not bounds and len(counts) == 1:
        return Histogram(EXPLICIT_SCALE, count, total)  # one bucket from end to end says nothing of where
    try:
        return from_explicit_bounds(bounds, counts, total, count).within_bounds()
    except ValueError as fault:
        raise BadRecord(Reason.BAD_VALUE, str(fault)) from fault


def of_samples(samples: Iterable[tuple[float, int]]) -> Histogram:
    """A histogram of (value, how often).

    Raises:
        BadRecord: BAD_VALUE, for a value that is not finite or a negative number of times.
    """
    drawn: list[tuple[float, int]] = []
    total = 0.0
    for value, times in samples:
        if times < 0 or not abs(value) <= _LARGEST:
            raise BadRecord(Reason.BAD_VALUE, f"{times} samples of {value!r}")
        if times:
            drawn.append((value, times))
            total += value * times
    if not math.isfinite(total):
        raise BadRecord(Reason.BAD_VALUE, "samples whose sum is not finite")
    return of_values(drawn, EXPLICIT_SCALE).with_total(total).within_bounds()
