"""Vector's metric events through its `kafka` sink, codecs `json` and `native_json`.

Source: vectordotdev/vector lib/vector-core/src/event/metric/{mod,value}.rs, lib/vector-core/src/metrics/ddsketch.rs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from streams.errors import BadRecord, Reason
from streams.records.histogram import Histogram
from streams.records.identity import Source
from streams.records.metric import Kind, MetricSample, Series
from streams.shippers.cache import Remembered
from streams.shippers.faults import DECODE_FAULTS, MAX_RECORD_BYTES, check_size, json_fault
from streams.shippers.histograms import explicit, of_samples
from streams.shippers.identity import Identities, canonical
from streams.shippers.reader import Reader
from streams.shippers.series import series_of, unit_by_name
from streams.shippers.times import any_time_ns, message_time
from streams.shippers.values import checked

_GAMMA = 1.0 + 2.0 / 128.0
_BIAS = 1338
"""Of the Datadog agent's sketch: bin k > 0 begins at gamma ** (k - bias)."""
_KINDS = {"absolute": Kind.CUMULATIVE, "incremental": Kind.DELTA}
_Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Of 64 bits: a larger one may be no double."""


class _Number(Struct):
    value: float | None = None


class _Set(Struct):
    values: list[str] = []


class _DistributionSample(Struct):
    value: float
    rate: _Integer


class _Distribution(Struct):
    samples: list[_DistributionSample] = []


class _Bucket(Struct):
    upper_limit: float | str
    count: _Integer


class _AggregatedHistogram(Struct):
    buckets: list[_Bucket]
    count: _Integer
    sum: float


class _Quantile(Struct):
    quantile: float
    value: float | None = None


class _AggregatedSummary(Struct):
    quantiles: list[_Quantile]
    count: _Integer
    sum: float


class _Bins(Struct):
    k: list[_Integer]
    n: list[_Integer]


class _AgentDDSketch(Struct):
    bins: _Bins
    sum: float = 0.0


class _AgentSketch(Struct):
    AgentDDSketch: _AgentDDSketch


class _Sketch(Struct):
    sketch: _AgentSketch


class _Metric(Struct):
    name: str = ""
    namespace: str | None = None
    tags: Raw = Raw()
    timestamp: str | int | float | None = None
    kind: str = ""
    counter: _Number | None = None
    gauge: _Number | None = None
    set: _Set | None = None
    distribution: _Distribution | None = None
    aggregated_histogram: _AggregatedHistogram | None = None
    aggregated_summary: _AggregatedSummary | None = None
    sketch: _Sketch | None = None
    metric: Raw = Raw()
    """The whole of it, wrapped by `native_json`."""


Tag = str | int | float | bool | None
_decode = msgspec.json.Decoder(_Metric).decode
_tags = msgspec.json.Decoder(dict[str, Tag | list[Tag]] | None).decode


class VectorMetrics(Reader):
    """Reads messages of one metric each."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._known: Remembered[tuple[str, bytes], tuple[Source, dict[str, str], Series]] = Remembered()

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[MetricSample | BadRecord]:
        """The samples of one message: one, but for a summary, whose quantiles are samples of their own.

        Raises:
            BadRecord: why there is none.
        """
        check_size(payload, MAX_RECORD_BYTES)
        try:
            metric = _decode(payload)
            if not metric.kind and bytes(metric.metric):
                metric = _decode(metric.metric)
        except DECODE_FAULTS as fault:
            raise json_fault(fault) from fault
        if metric.kind not in _KINDS:
            raise BadRecord(Reason.UNKNOWN_FORMAT, "no kind absolute or incremental: Vector did not write this")
        tags = bytes(metric.tags)
        name = f"{metric.namespace}_{metric.name}" if metric.namespace else metric.name
        source, attributes, plain = self._known.answers.recent.get((name, tags)) or self._known.of(
            (name, tags), 8 * len(tags) + 1000, lambda: self._described(name, tags)
        )
        stamp = metric.timestamp
        time_ns = message_time(message_time_ns) if stamp is None else any_time_ns(stamp)
        samples: list[MetricSample | BadRecord] = []
        for suffix, extra, kind, value in _values(metric):
            series = _series(name + suffix, attributes | extra) if suffix or extra else plain
            try:
                samples.append(MetricSample(source, time_ns, series, kind, checked(value, kind, series.name)))
            except BadRecord as bad:
                samples.append(bad.with_traceback(None))
        if len(samples) == 1 and isinstance(samples[0], BadRecord):
            raise samples[0]
        return samples

    def _described(self, name: str, tags: bytes) -> tuple[Source, dict[str, str], Series]:
        try:
            decoded = (_tags(tags) if tags else None) or {}
        except DECODE_FAULTS as fault:
            raise json_fault(fault, "tags") from fault
        texts = {key: text for key, value in decoded.items() if (text := _tag(value)) is not None}
        return self._identities.source(canonical(texts)), texts, _series(name, texts)


def _series(name: str, attributes: dict[str, str]) -> Series:
    return series_of(name, attributes, unit_by_name(name))


def _tag(value: Tag | list[Tag]) -> str | None:
    """The last value that is none of Vector's bare tags, as its own codec `single` has it."""
    if isinstance(value, list):
        return next((text for one in reversed(value) if (text := _tag(one)) is not None), None)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _values(metric: _Metric) -> Iterator[tuple[str, dict[str, str], Kind, float | Histogram | None]]:
    """(suffix of the name, further attributes, kind, value) of each sample that a metric makes.

    Raises:
        BadRecord: UNKNOWN_FORMAT, if it holds nothing known; BAD_VALUE.
    """
    kind = _KINDS[metric.kind]
    if metric.counter is not None:
        yield "", {}, kind, metric.counter.value
    elif metric.gauge is not None:
        if kind is Kind.DELTA:
            raise BadRecord(Reason.BAD_VALUE, f"{metric.name[:80]}: an incremental gauge, whose level is not known")
        yield "", {}, Kind.GAUGE, metric.gauge.value
    elif metric.set is not None:
        yield "", {}, Kind.GAUGE, float(len(set(metric.set.values)))
    elif metric.distribution is not None:
        yield "", {}, kind, of_samples((one.value, one.rate) for one in metric.distribution.samples)
    elif metric.aggregated_histogram is not None:
        yield "", {}, kind, _aggregated(metric.aggregated_histogram)
    elif metric.aggregated_summary is not None:
        summary = metric.aggregated_summary
        yield "_count", {}, kind, float(summary.count)
        yield "_sum", {}, kind, summary.sum
        for one in summary.quantiles:
            yield "", {"quantile": f"{one.quantile:g}"}, Kind.GAUGE, one.value
    elif metric.sketch is not None:
        sketch = metric.sketch.sketch.AgentDDSketch
        yield "", {}, kind, _sketched(sketch)
    else:
        raise BadRecord(Reason.UNKNOWN_FORMAT, f"{metric.name[:80]}: no value of a known type")


def _aggregated(histogram: _AggregatedHistogram) -> Histogram:
    """Buckets count by themselves; the one up to infinity is left out, and is what the count has more."""
    bounds: list[float] = []
    counts: list[int] = []
    beyond = 0
    for bucket in histogram.buckets:
        limit = bucket.upper_limit
        if limit == "inf":
            beyond += bucket.count
        elif isinstance(limit, str):
            if limit != "-inf" or bucket.count:
                raise BadRecord(Reason.BAD_VALUE, f"an upper limit {limit[:40]!r}")
        else:
            bounds.append(limit)
            counts.append(bucket.count)
    overflow = max(histogram.count - sum(counts), beyond)
    return explicit(bounds, (*counts, overflow), histogram.sum, histogram.count)


def _sketched(sketch: _AgentDDSketch) -> Histogram:
    """Bins as samples of their middle, within the sketch's own 1 in 128."""
    bins = sketch.bins
    if len(bins.k) != len(bins.n) or any(abs(k) >= 2**15 - 1 for k in bins.k):
        raise BadRecord(Reason.BAD_VALUE, "bins that do not fit")
    histogram = of_samples((_bin_value(k), number) for k, number in zip(bins.k, bins.n, strict=True))
    return msgspec.structs.replace(histogram, total=sketch.sum)


def _bin_value(k: int) -> float:
    if k == 0:
        return 0.0
    return math.copysign(math.pow(_GAMMA, abs(k) - _BIAS + 0.5), k)
