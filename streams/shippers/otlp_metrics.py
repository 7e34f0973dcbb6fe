"""OpenTelemetry data points to metric samples.

Source: opentelemetry-specification, metrics data model, sections "Sums", "Gauge", "Histogram", "ExponentialHistogram",
"Summary"; metrics.proto, DataPointFlags.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from streams.errors import BadRecord, Reason
from streams.records.histogram import Histogram, check_scale
from streams.records.metric import Kind, MetricSample, Series
from streams.records.times import within_range
from streams.shippers.cache import BoundedCache
from streams.shippers.faults import MAX_BATCH_BYTES, check_size
from streams.shippers.histograms import explicit
from streams.shippers.otlp import MAX_RECORDS, Buckets, Group, PointRow, Rows, as_text
from streams.shippers.otlp_identity import OtlpIdentities
from streams.shippers.reader import Reader
from streams.shippers.series import series_of
from streams.shippers.times import message_time
from streams.shippers.values import checked

_NO_RECORDED_VALUE = 1
_TEMPORALITIES = {1: Kind.DELTA, 2: Kind.CUMULATIVE}


class OtlpMetrics(Reader):
    """Reads messages of many data points, in one encoding."""

    def __init__(self, rows: Rows[PointRow], identities: OtlpIdentities) -> None:
        self._rows = rows
        self._identities = identities
        self._series: BoundedCache[tuple[object, ...], Series] = BoundedCache()

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[MetricSample | BadRecord]:
        """The samples of one message; points that cannot be used as BadRecord values.

        Raises:
            BadRecord: the whole message cannot be used; EMPTY, if there is nothing in it.
        """
        check_size(payload, MAX_BATCH_BYTES)
        samples: list[MetricSample | BadRecord] = []
        for group, row in self._rows(payload):
            if isinstance(row, PointRow):
                try:
                    samples.extend(self._samples(group, row, message_time_ns))
                except BadRecord as bad:
                    samples.append(bad.with_traceback(None))
            else:
                samples.append(row)
            if len(samples) > MAX_RECORDS:
                raise BadRecord(Reason.TOO_LARGE, f"more than {MAX_RECORDS} samples in one message")
        if not samples:
            raise BadRecord(Reason.EMPTY, "an OTLP message without data points")
        return samples

    def _samples(self, group: Group, row: PointRow, message_time_ns: int) -> Iterator[MetricSample | BadRecord]:
        source = self._identities.source(group, row.attributes)
        if row.flags & _NO_RECORDED_VALUE:
            raise BadRecord(Reason.NO_VALUE, f"{row.name[:80]}: flagged as having no recorded value")
        time_ns = within_range(row.time_ns) if row.time_ns else message_time(message_time_ns)
        start_ns = within_range(row.start_ns)
        for suffix, unit, quantile, kind, value in _values(row):
            series = self._named(group, row, row.name + suffix, unit, quantile)
            try:
                number = checked(value, kind, series.name, monotonic=row.monotonic or row.shape != "sum")
            except BadRecord as bad:
                yield bad.with_traceback(None)
                continue
            yield MetricSample(source, time_ns, series, kind, number, start_ns if kind is Kind.CUMULATIVE else 0)

    def _named(self, group: Group, row: PointRow, name: str, unit: str, quantile: float | None) -> Series:
        """The series, remembered by all that makes it."""
        texts = {
            key: value if isinstance(value, str) else as_text(value)  # the call is what costs
            for key, value in row.attributes.items()
        }
        container = self._identities.container(group)
        if container is not None:
            texts["k8s.container.name"] = container
        if quantile is not None:
            texts["quantile"] = f"{quantile:g}"
        key = (name, unit, *texts.items())
        series = self._series.recent.get(key)
        if series is None:
            size_bytes = 300 + 4 * sum(len(name) + len(text) for name, text in texts.items())
            series = self._series.get(key, size_bytes)
            if series is None:
                series = series_of(name, texts, unit)
                self._series.put(key, series, size_bytes)
        return series


def _values(row: PointRow) -> Iterator[tuple[str, str, float | None, Kind, float | Histogram | None]]:
    """(suffix of the name, unit, quantile, kind, value) of each sample that a point makes."""
    if row.shape == "gauge":
        yield "", row.unit, None, Kind.GAUGE, row.number
    elif row.shape == "sum":
        kind = _temporality(row)
        # A cumulative sum that may fall is a level (up-down counter).
        gauge = kind is Kind.CUMULATIVE and not row.monotonic
        yield "", row.unit, None, Kind.GAUGE if gauge else kind, row.number
    elif row.shape == "histogram":
        # Without buckets a histogram is a count and a sum (metrics.proto, HistogramDataPoint).
        counts = row.bucket_counts if row.bucket_counts or row.bounds else (row.count,)
        yield "", row.unit, None, _temporality(row), explicit(row.bounds, counts, row.total or 0.0, row.count)
    elif row.shape == "exponential_histogram":
        yield "", row.unit, None, _temporality(row), _exponential(row)
    else:
        yield "_count", "", None, Kind.CUMULATIVE, float(row.count)
        yield "_sum", row.unit, None, Kind.CUMULATIVE, row.total
        for quantile, value_at in row.quantiles:
            yield "", row.unit, quantile, Kind.GAUGE, value_at


def _temporality(row: PointRow) -> Kind:
    kind = _TEMPORALITIES.get(row.temporality)
    if kind is None:
        raise BadRecord(Reason.BAD_VALUE, f"{row.name[:80]}: {row.shape} of unspecified temporality")
    return kind


def _exponential(row: PointRow) -> Histogram:
    try:
        scale = check_scale(row.scale)
    except ValueError as fault:
        raise BadRecord(Reason.BAD_VALUE, str(fault)) from fault
    positive, negative = _side(row.positive, scale), _side(row.negative, scale)
    if row.zero_count < 0 or row.zero_count + sum(positive.values()) + sum(negative.values()) != row.count:
        raise BadRecord(Reason.BAD_VALUE, f"{row.name[:80]}: buckets that do not add up to {row.count}")
    return Histogram(scale, row.count, row.total or 0.0, row.zero_count, positive, negative)


def _side(buckets: Buckets, scale: int) -> dict[int, int]:
    """Bucket index -> count, where every bucket lies within what a double can hold."""
    counts = {buckets.offset + i: number for i, number in enumerate(buckets.counts) if number}
    lowest, highest = math.floor(-1075 * 2.0**scale), math.ceil(1024 * 2.0**scale)
    for index, number in counts.items():
        if number < 0 or not lowest <= index < highest:
            raise BadRecord(Reason.BAD_VALUE, f"bucket {index} of scale {scale} with count {number}")
    return counts
