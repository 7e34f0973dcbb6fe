"""How is a distribution written in a line of metrics?

As counts between explicit upper bounds, which people write; or as the exponential histogram that Serinus keeps, which
`serinus record` writes, because it is exact.
"""

from __future__ import annotations

import math

import msgspec
from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.records.histogram import Histogram, check_scale, from_explicit_bounds
from streams.records.metric import exact
from streams.shippers.faults import DECODE_FAULTS, json_fault

_MOST_BUCKETS = 10_000
_MOST_COUNT = 2**63


class ExplicitHistogram(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Counts between upper bounds."""

    bounds: list[float]
    counts: list[int]
    """One more than bounds; the last is what lies beyond."""
    sum: float = 0.0


class ExponentialHistogram(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """As `streams.records.histogram` keeps it."""

    scale: int
    count: int
    sum: float = 0.0
    zero_count: int = 0
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}


_encode = msgspec.json.Encoder().encode
_decode_explicit = msgspec.json.Decoder(ExplicitHistogram).decode
_decode_exponential = msgspec.json.Decoder(ExponentialHistogram).decode


def histogram_of(name: str, written: bytes) -> Histogram:
    """What was written.

    Args:
        name: of the metric, for the fault.
        written: a JSON object in either form.

    Raises:
        BadRecord: it is in neither.
    """
    try:
        if b'"bounds"' in written:
            return _from_explicit(name, _decode_explicit(written))
        return _from_exponential(name, _decode_exponential(written))
    except DECODE_FAULTS as fault:
        raise json_fault(fault, name[:80]) from fault


def written(value: Histogram) -> bytes:
    """The exponential form of it."""
    return _encode(
        ExponentialHistogram(
            scale=value.scale,
            count=value.count,
            sum=value.total,
            zero_count=value.zero_count,
            positive=value.positive,
            negative=value.negative,
        )
    )


def _from_explicit(name: str, found: ExplicitHistogram) -> Histogram:
    _check_counts(name, len(found.bounds), found.counts)
    if not all(map(math.isfinite, found.bounds)):
        raise BadRecord(Reason.BAD_VALUE, f"{name}: bounds are finite; the last count is what lies beyond")
    try:
        return from_explicit_bounds(found.bounds, found.counts, exact(found.sum))
    except (ValueError, OverflowError) as fault:
        raise BadRecord(Reason.BAD_VALUE, f"{name}: {fault}") from fault


def _from_exponential(name: str, found: ExponentialHistogram) -> Histogram:
    counts = [found.zero_count, *found.positive.values(), *found.negative.values()]
    _check_counts(name, len(found.positive) + len(found.negative), counts)
    try:
        scale = check_scale(found.scale)
    except ValueError as fault:
        raise BadRecord(Reason.BAD_VALUE, f"{name}: {fault}") from fault
    positive, negative = (dict(sorted(side.items())) for side in (found.positive, found.negative))
    return Histogram(scale, found.count, found.sum, found.zero_count, positive, negative)


def _check_counts(name: str, buckets: int, counts: list[int]) -> None:
    if buckets > _MOST_BUCKETS:
        raise BadRecord(Reason.TOO_LARGE, f"{name}: {buckets} buckets; at most {_MOST_BUCKETS} are read")
    if not all(0 <= count < _MOST_COUNT for count in counts):
        raise BadRecord(Reason.BAD_VALUE, f"{name}: a bucket count is negative or past 63 bits")
