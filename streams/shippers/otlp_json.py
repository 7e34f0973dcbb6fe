"""OTLP in JSON: message -> rows.

By the protobuf JSON mapping with OTLP's exceptions (opentelemetry-proto, docs/specification.md, "JSON Protobuf
Encoding"): 64-bit integers as text or numbers, enums as numbers (names are admitted), trace ids in hex, NaN and
Infinity as text. Keys in snake_case are admitted too. Each record or point is decoded by itself, so that one that
cannot be read spoils no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw

from streams.errors import BadRecord, Reason
from streams.shippers.faults import DECODE_FAULTS, json_fault
from streams.shippers.otlp import (
    MAX_DEPTH,
    SHAPES,
    Buckets,
    Group,
    LogRow,
    Plain,
    PointRow,
    bounded,
    check_attributes,
)
from streams.shippers.otlp_json_messages import (
    AnyValue,
    BucketsMessage,
    Data,
    Int,
    KeyValue,
    LogRecord,
    Members,
    Metric,
    Number,
    Point,
    Resource,
    Resources,
    Scopes,
)
from streams.shippers.values import number_in_text

_LOG_LEVELS: Final = ("resourceLogs", "scopeLogs", "logRecords")
_METRIC_LEVELS: Final = ("resourceMetrics", "scopeMetrics", "metrics")
_TEMPORALITIES: Final = {"AGGREGATION_TEMPORALITY_DELTA": 1, "AGGREGATION_TEMPORALITY_CUMULATIVE": 2}
_SEVERITIES: Final = {
    f"SEVERITY_NUMBER_{name}{part or ''}": first + max(part - 1, 0)
    for name, first in {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}.items()
    for part in (0, 2, 3, 4)
}
_SNAKE: Final = (b'_unix_nano"', b'_value"', b'_logs"', b'_metrics"', b'_points"', b'_records"')

_NO_GROUP = Group(b"", lambda _: {})
_resources = msgspec.json.Decoder(Resources).decode
_scopes = msgspec.json.Decoder(Scopes).decode
_members = msgspec.json.Decoder(Members).decode
_resource = msgspec.json.Decoder(Resource).decode
_log_record = msgspec.json.Decoder(LogRecord).decode
_metric = msgspec.json.Decoder(Metric).decode
_point = msgspec.json.Decoder(Point).decode


def log_rows(payload: bytes) -> Iterator[tuple[Group, LogRow | BadRecord]]:
    """The log records of an ExportLogsServiceRequest.

    Raises:
        BadRecord: the whole message cannot be read.
    """
    resources = _opened(payload).resource_logs
    if resources is None:
        raise BadRecord(Reason.UNKNOWN_FORMAT, "no resourceLogs")
    for group, member, where in _each(resources, logs=True):
        if isinstance(member, BadRecord):
            yield group, member
            continue
        try:
            yield group, _log_row(_log_record(member))
        except DECODE_FAULTS as fault:
            yield group, json_fault(fault, where)
        except BadRecord as bad:
            yield group, BadRecord(bad.reason, f"{where}: {bad.detail}")


def point_rows(payload: bytes) -> Iterator[tuple[Group, PointRow | BadRecord]]:
    """The data points of an ExportMetricsServiceRequest.

    Raises:
        BadRecord: the whole message cannot be read.
    """
    resources = _opened(payload).resource_metrics
    if resources is None:
        raise BadRecord(Reason.UNKNOWN_FORMAT, "no resourceMetrics")
    for group, member, where in _each(resources, logs=False):
        if isinstance(member, BadRecord):
            yield group, member
            continue
        try:
            metric = _metric(member)
        except DECODE_FAULTS as fault:
            yield group, json_fault(fault, where)
            continue
        for row in _points_of(metric, where):
            yield group, row


def _opened(payload: bytes) -> Resources:
    if any(key in payload for key in _SNAKE):
        payload = _in_camel_case(payload)
    try:
        return _resources(payload)
    except DECODE_FAULTS as fault:
        raise json_fault(fault) from fault


def _each(resources: list[Raw], *, logs: bool) -> Iterator[tuple[Group, Raw | BadRecord, str]]:
    """Every log record or metric, undecoded, with its resource and its place in the message."""
    top, middle, leaf = _LOG_LEVELS if logs else _METRIC_LEVELS
    for i, raw in enumerate(resources):
        where = f"{top}[{i}]"
        try:
            scopes = _scopes(raw)
        except DECODE_FAULTS as fault:
            yield _NO_GROUP, json_fault(fault, where), where
            continue
        group = Group(bytes(scopes.resource), _resource_attributes)
        for j, scope in enumerate(scopes.scope_logs if logs else scopes.scope_metrics):
            try:
                members = _members(scope)
            except DECODE_FAULTS as fault:
                yield group, json_fault(fault, f"{where}.{middle}[{j}]"), where
                continue
            for k, member in enumerate(members.log_records if logs else members.metrics):
                yield group, member, f"{where}.{middle}[{j}].{leaf}[{k}]"


def _points_of(metric: Metric, where: str) -> Iterator[PointRow | BadRecord]:
    found = [(shape, data) for shape in SHAPES if (data := getattr(metric, shape)) is not None]
    if len(found) != 1:
        yield BadRecord(Reason.WRONG_TYPE, f"{where}: {len(found)} kinds of data where one is expected")
        return
    [(shape, data)] = found
    for i, raw in enumerate(data.data_points):
        try:
            yield _point_row(metric, shape, data, _point(raw))
        except DECODE_FAULTS as fault:
            yield json_fault(fault, f"{where}.dataPoints[{i}]")
        except BadRecord as bad:
            yield BadRecord(bad.reason, f"{where}.dataPoints[{i}]: {bad.detail}")


def _log_row(record: LogRecord) -> LogRow:
    number = record.severity_number
    return LogRow(
        _integer(record.time_unix_nano),
        _integer(record.observed_time_unix_nano),
        _SEVERITIES.get(number, 0) if isinstance(number, str) and not number.isdigit() else _integer(number),
        record.severity_text,
        None if record.body is None else _plain(record.body, MAX_DEPTH),
        _attributes(record.attributes),
        record.trace_id.lower(),
        record.event_name,
    )


def _point_row(metric: Metric, shape: str, data: Data, point: Point) -> PointRow:
    temporality = data.aggregation_temporality
    if isinstance(temporality, str) and not temporality.isdigit():
        temporality = _TEMPORALITIES.get(temporality, 0)
    number = point.as_double if point.as_int is None else _integer(point.as_int)
    row = PointRow(
        shape,
        metric.name,
        metric.unit,
        _integer(temporality),
        data.is_monotonic,
        _attributes(point.attributes),
        _integer(point.start_time_unix_nano),
        _integer(point.time_unix_nano),
        _integer(point.flags),
        None if number is None else _number(number),
    )
    if shape in {"gauge", "sum"}:
        return row
    row.count = _integer(point.count)
    row.total = None if point.sum is None else _number(point.sum)
    row.bounds = [_number(bound) for bound in bounded(point.explicit_bounds)]
    row.bucket_counts = [_integer(count) for count in bounded(point.bucket_counts)]
    row.scale, row.zero_count = _integer(point.scale), _integer(point.zero_count)
    row.positive, row.negative = _side(point.positive), _side(point.negative)
    row.quantiles = [(_number(one.quantile), _number(one.value)) for one in bounded(point.quantile_values)]
    if shape == "summary" and row.total is None:
        row.total = 0.0  # no optional field there, so left out means zero
    return row


def _side(buckets: BucketsMessage | None) -> Buckets:
    if buckets is None:
        return Buckets(0, ())
    return Buckets(_integer(buckets.offset), [_integer(count) for count in bounded(buckets.bucket_counts)])


def _resource_attributes(resource: bytes) -> dict[str, Plain]:
    try:
        return _attributes(_resource(resource).attributes)
    except DECODE_FAULTS as fault:
        raise json_fault(fault, "resource") from fault


def _attributes(pairs: list[KeyValue]) -> dict[str, Plain]:
    check_attributes(len(pairs))
    return {pair.key: None if pair.value is None else _plain(pair.value, MAX_DEPTH) for pair in pairs}


def _plain(value: AnyValue, depth: int) -> Plain:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.double_value is not None:
        return _number(value.double_value)
    if value.array_value is None and value.kvlist_value is None:
        return value.bytes_value if value.bool_value is None else value.bool_value
    return _nested(value, depth)


def _nested(value: AnyValue, depth: int) -> Plain:
    if depth == 0:
        raise BadRecord(Reason.TOO_DEEP, f"a value nested deeper than {MAX_DEPTH}")
    if value.array_value is not None:
        return [_plain(one, depth - 1) for one in value.array_value.values]
    pairs = [] if value.kvlist_value is None else value.kvlist_value.values
    return {pair.key: None if pair.value is None else _plain(pair.value, depth - 1) for pair in pairs}


def _integer(value: Int) -> int:
    """A 64-bit integer, also from text and from a float that holds one."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
            raise BadRecord(Reason.WRONG_TYPE, f"{value[:40]!r} is no integer")
        value = int(value)
    elif isinstance(value, float):
        if not value.is_integer():
            raise BadRecord(Reason.WRONG_TYPE, f"{value!r} is no integer")
        value = int(value)
    if not -(2**63) <= value < 2**64:
        raise BadRecord(Reason.WRONG_TYPE, "an integer of more than 64 bits")
    return value


def _number(value: Number) -> float:
    """A double, also from text: `NaN`, `Infinity`, `-Infinity`, or digits."""
    if isinstance(value, str):
        return number_in_text(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _in_camel_case(payload: bytes) -> bytes:
    """The same message with keys as protobuf's JSON mapping prefers them."""
    try:
        return msgspec.json.encode(_renamed(msgspec.json.decode(payload)))
    except DECODE_FAULTS as fault:
        raise json_fault(fault) from fault
    except OverflowError as fault:
        raise BadRecord(Reason.WRONG_TYPE, "an integer of more than 64 bits") from fault


def _renamed(value: object) -> object:
    if isinstance(value, dict):
        return {_camel(key): _renamed(member) for key, member in value.items()}
    return [_renamed(member) for member in value] if isinstance(value, list) else value


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)
