"""How is a record written as a line of a recording, and read back?

Both ways in one place, so that what is read back is what was written, to the bit. A metric line with just `name` and
`value` is the level of a gauge; what other streams hold has optional keys:

kind        gauge (default), cumulative or delta
attributes  object of texts
unit        UCUM
start       RFC 3339, of a cumulative total
histogram   in place of `value`, as `histograms` says
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.records.histogram import Histogram
from streams.records.identity import Revision, Source, Workload
from streams.records.log import Fielded, LogRecord, Piece, Severity, Stream
from streams.records.metric import Kind, MetricSample, Series
from streams.records.severity import of_field
from streams.records.times import rfc3339_ns
from streams.shippers.faults import DECODE_FAULTS, json_fault
from streams.shippers.values import checked
from topology.recording.histograms import histogram_of, written

Record: TypeAlias = LogRecord | MetricSample
Found = TypeVar("Found")
_LONGEST_NAME = 253


class Line(Struct, kw_only=True, omit_defaults=True):
    """What lines of either file have in common."""

    case: str = ""
    """Id of the case; may be left out where the recording holds one."""
    ts: str
    """RFC 3339."""
    cluster: str = ""
    namespace: str
    workload: str
    pod: str
    pod_template_hash: str


class LogLine(Line, kw_only=True, omit_defaults=True):
    """A line of `logs.jsonl`."""

    severity: str | int | None = None
    message: str
    trace_id: str | None = None
    container: str = ""
    stream: Stream = ""
    fields: dict[str, object] = {}
    """Of what the shipper had taken out of the line, that which was asked for, by name."""
    partial: bool = False
    """The container runtime has cut the line: the pod's next one goes on with it."""


class MetricLine(Line, kw_only=True, omit_defaults=True):
    """A line of `metrics.jsonl`."""

    name: str
    value: float | None = None
    histogram: msgspec.Raw = msgspec.Raw()
    kind: Literal["gauge", "cumulative", "delta"] = "gauge"
    attributes: dict[str, str] = {}
    unit: str = ""
    start: str = ""


_encode = msgspec.json.Encoder().encode
_decode_log = msgspec.json.Decoder(LogLine).decode
_decode_metric = msgspec.json.Decoder(MetricLine).decode


def log_record(line: bytes) -> LogRecord:
    """The log record of a line.

    Raises:
        BadRecord: it holds none.
    """
    found = _decoded(_decode_log, line)
    severity = Severity.UNSET if found.severity is None else of_field(found.severity)
    time_ns = rfc3339_ns(found.ts)
    record = _source(found), time_ns, found.message, severity, found.trace_id, found.container, found.stream
    if found.partial:
        return Piece(*record)
    return Fielded(*record, found.fields) if found.fields else LogRecord(*record)


def metric_sample(line: bytes) -> MetricSample:
    """The metric sample of a line.

    Raises:
        BadRecord: it holds none.
    """
    found = _decoded(_decode_metric, line)
    source, kind = _source(found), Kind(found.kind)
    if not 0 < len(found.name) <= _LONGEST_NAME:
        raise BadRecord(Reason.BAD_NAME, f"metric name {found.name[:80]!r}")
    value = checked(_value(found), kind, found.name)
    if isinstance(value, Histogram) and kind is Kind.GAUGE:
        raise BadRecord(Reason.BAD_VALUE, f"{found.name}: a histogram is cumulative or delta, never a gauge")
    series = Series(found.name, tuple(sorted(found.attributes.items())), found.unit)
    start_ns = rfc3339_ns(found.start) if found.start else 0
    return MetricSample(source, rfc3339_ns(found.ts), series, kind, value, start_ns)


def line_of(record: Record, case: str) -> bytes:
    """The line of a record, without its end."""
    revision = record.source.revision
    common: dict[str, Any] = {
        "case": case,
        "ts": timestamp(record.time_ns),
        "cluster": revision.workload.cluster,
        "namespace": revision.workload.namespace,
        "workload": revision.workload.name,
        "pod": record.source.pod,
        "pod_template_hash": revision.pod_template_hash,
    }
    if isinstance(record, LogRecord):
        severity = record.severity.name if record.severity else None
        line_of_log = LogLine(**common, severity=severity, message=record.message, trace_id=record.trace_id)
        line_of_log.container, line_of_log.stream = record.container, record.stream
        line_of_log.partial = isinstance(record, Piece)
        if isinstance(record, Fielded) and not isinstance(record.fields, bytes):
            line_of_log.fields = dict(record.fields)
        return _encode(line_of_log)
    line = MetricLine(
        **common,
        name=record.series.name,
        kind=record.kind.value,
        attributes=dict(record.series.attributes),
        unit=record.series.unit,
        start=timestamp(record.start_ns) if record.start_ns else "",
    )
    if isinstance(record.value, Histogram):
        line.histogram = msgspec.Raw(written(record.value))
    else:
        line.value = record.value
    return _encode(line)


def timestamp(time_ns: int) -> str:
    """RFC 3339 in UTC, to the nanosecond, no longer than it has to be.

    >>> timestamp(1_787_300_000_123_000_000), timestamp(1_787_300_000_000_000_007)
    ('2026-08-21T08:13:20.123Z', '2026-08-21T08:13:20.000000007Z')
    """
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    digits = f"{fraction:09d}"
    digits = digits[:3] if digits.endswith("000000") else digits
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{digits}Z"


def _decoded(decode: Callable[[bytes], Found], line: bytes) -> Found:
    try:
        return decode(line)
    except DECODE_FAULTS as fault:
        raise json_fault(fault) from fault


def _source(line: Line) -> Source:
    for name, text in (
        ("namespace", line.namespace),
        ("workload", line.workload),
        ("pod", line.pod),
        ("pod_template_hash", line.pod_template_hash),
    ):
        if not 0 < len(text) <= _LONGEST_NAME or "/" in text:
            raise BadRecord(Reason.BAD_NAME, f"{name} {text[:80]!r}: 1 to {_LONGEST_NAME} characters, no slash")
    workload = Workload(line.cluster, line.namespace, line.workload)
    return Source(Revision(workload, line.pod_template_hash), line.pod)


def _value(line: MetricLine) -> float | Histogram | None:
    histogram = bytes(line.histogram)
    if not histogram:
        return line.value
    if line.value is not None:
        raise BadRecord(Reason.BAD_VALUE, f"{line.name}: either a value or a histogram")
    return histogram_of(line.name, histogram)
