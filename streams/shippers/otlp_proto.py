"""OTLP in protobuf: message -> rows, through the generated messages of the package opentelemetry-proto.

A message is decoded at once. Where that fails, it is taken apart level by level, as unknown fields of an empty message,
and each record or metric is decoded by itself, so that one that cannot be read spoils no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2, message, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from streams.errors import BadRecord, Reason
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

_LENGTH_DELIMITED: Final = 2


def log_rows(payload: bytes) -> Iterator[tuple[Group, LogRow | BadRecord]]:
    """The log records of an ExportLogsServiceRequest (or LogsData: the same bytes).

    Raises:
        BadRecord: the whole message cannot be read.
    """
    try:
        data = logs_pb2.LogsData.FromString(payload)
    except message.DecodeError:
        for group, raw, where in _taken_apart(payload):
            try:
                yield group, _log_row(logs_pb2.LogRecord.FromString(raw))
            except message.DecodeError:
                yield group, _unreadable(logs_pb2.LogRecord.DESCRIPTOR.full_name, raw, where)
            except BadRecord as bad:
                yield group, bad
        return
    for resource in data.resource_logs:
        group = _group(resource)
        for scope in resource.scope_logs:
            for record in scope.log_records:
                try:
                    yield group, _log_row(record)
                except BadRecord as bad:
                    yield group, bad


def point_rows(payload: bytes) -> Iterator[tuple[Group, PointRow | BadRecord]]:
    """The data points of an ExportMetricsServiceRequest (or MetricsData: the same bytes).

    Raises:
        BadRecord: the whole message cannot be read.
    """
    try:
        data = metrics_pb2.MetricsData.FromString(payload)
    except message.DecodeError:
        for group, raw, where in _taken_apart(payload):
            try:
                metric = metrics_pb2.Metric.FromString(raw)
            except message.DecodeError:
                yield group, _unreadable(metrics_pb2.Metric.DESCRIPTOR.full_name, raw, where)
                continue
            for row in _points_of(metric):
                yield group, row
        return
    for resource in data.resource_metrics:
        group = _group(resource)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for row in _points_of(metric):
                    yield group, row


def _group(resource: Any) -> Group:
    return Group(resource.resource.SerializeToString(), _resource_attributes)


def _resource_attributes(resource: bytes) -> dict[str, Plain]:
    try:
        return _attributes(resource_pb2.Resource.FromString(resource).attributes)
    except message.DecodeError as fault:
        raise _unreadable(resource_pb2.Resource.DESCRIPTOR.full_name, resource, "resource") from fault


def _log_row(record: Any) -> LogRow:
    if not record.time_unix_nano and _is_metric(record):
        raise BadRecord(Reason.UNKNOWN_FORMAT, "a metric where a log record is expected")
    return LogRow(
        record.time_unix_nano,
        record.observed_time_unix_nano,
        record.severity_number,
        record.severity_text,
        _plain(record.body, MAX_DEPTH),
        _attributes(record.attributes),
        record.trace_id.hex(),
        record.event_name,
    )


def _is_metric(record: Any) -> bool:
    """Whether it has a text in field 1, as Metric has its name, where LogRecord has its time.

    The two are told apart by nothing else: a gauge's points, field 5 of Metric, even decode as a log record's body.
    """
    fields = UnknownFieldSet(record)
    return any(fields[i].field_number == 1 and fields[i].wire_type == _LENGTH_DELIMITED for i in range(len(fields)))


def _points_of(metric: Any) -> Iterator[PointRow | BadRecord]:
    shape = metric.WhichOneof("data")
    if shape not in SHAPES:
        yield BadRecord(Reason.WRONG_TYPE, f"metric {metric.name[:80]!r} without data of a known kind")
        return
    data = getattr(metric, shape)
    for point in data.data_points:
        try:
            yield _point_row(metric, shape, data, point)
        except BadRecord as bad:
            yield BadRecord(bad.reason, f"metric {metric.name[:80]!r}: {bad.detail}")


def _point_row(metric: Any, shape: str, data: Any, point: Any) -> PointRow:
    row = PointRow(
        shape,
        metric.name,
        metric.unit,
        data.aggregation_temporality if shape not in {"gauge", "summary"} else 0,
        data.is_monotonic if shape == "sum" else False,
        _attributes(point.attributes),
        point.start_time_unix_nano,
        point.time_unix_nano,
        point.flags,
    )
    if shape in {"gauge", "sum"}:
        value = point.WhichOneof("value")
        row.number = None if value is None else float(getattr(point, value))
        return row
    row.count = point.count
    if shape == "summary":
        row.total = point.sum
        row.quantiles = [(one.quantile, one.value) for one in bounded(point.quantile_values)]
        return row
    row.total = point.sum if point.HasField("sum") else None
    if shape == "histogram":
        row.bounds = list(bounded(point.explicit_bounds))
        row.bucket_counts = list(bounded(point.bucket_counts))
        return row
    row.scale, row.zero_count = point.scale, point.zero_count
    row.positive = Buckets(point.positive.offset, list(bounded(point.positive.bucket_counts)))
    row.negative = Buckets(point.negative.offset, list(bounded(point.negative.bucket_counts)))
    return row


def _attributes(pairs: Any) -> dict[str, Plain]:
    check_attributes(len(pairs))
    return {pair.key: _plain(pair.value, MAX_DEPTH) for pair in pairs}


def _plain(value: Any, depth: int) -> Plain:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind not in {"array_value", "kvlist_value"}:
        plain: Plain = getattr(value, kind)
        return plain
    if depth == 0:
        raise BadRecord(Reason.TOO_DEEP, f"a value nested deeper than {MAX_DEPTH}")
    if kind == "array_value":
        return [_plain(one, depth - 1) for one in value.array_value.values]
    return {pair.key: _plain(pair.value, depth - 1) for pair in value.kvlist_value.values}


def _taken_apart(payload: bytes) -> Iterator[tuple[Group, bytes, str]]:
    """Every log record or metric, undecoded, with its resource and its place.

    Logs and metrics are nested alike: field 1 of the message the resources' groups, whose field 1 is the resource and
    field 2 the scopes, whose field 2 the log records or metrics.

    Raises:
        BadRecord: NOT_PROTOBUF, if even the outer levels are malformed. Nothing is returned then.
    """
    found = []
    for i, part in enumerate(_members(payload, 1)):
        group = Group(b"".join(_members(part, 1)), _resource_attributes)
        for j, scope in enumerate(_members(part, 2)):
            for k, member in enumerate(_members(scope, 2)):
                found.append((group, member, f"resource {i}, scope {j}, member {k}"))
    if not found:
        raise BadRecord(Reason.NOT_PROTOBUF, "malformed, and nothing readable in it")
    yield from found


def _members(raw: bytes, number: int) -> list[bytes]:
    """The length-delimited fields of a number."""
    try:
        fields = UnknownFieldSet(empty_pb2.Empty.FromString(raw))
    except message.DecodeError as fault:
        raise BadRecord(Reason.NOT_PROTOBUF, "truncated or otherwise malformed protobuf") from fault
    parts = (fields[i] for i in range(len(fields)))
    return [one.data for one in parts if one.field_number == number and one.wire_type == _LENGTH_DELIMITED]


def _pool_without_text() -> descriptor_pool.DescriptorPool:
    """The same messages with every text as bytes, to tell text that is not UTF-8 from malformed protobuf."""
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, logs_pb2, metrics_pb2):
        file = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        messages = list(file.message_type)
        while messages:
            one = messages.pop()
            messages.extend(one.nested_type)
            for member in one.field:
                if member.type == member.TYPE_STRING:
                    member.type = member.TYPE_BYTES
        pool.Add(file)
    return pool


_POOL: Final = _pool_without_text()


def _unreadable(name: str, raw: bytes, where: str) -> BadRecord:
    without_text = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))
    try:
        without_text.FromString(raw)
    except message.DecodeError:
        return BadRecord(Reason.NOT_PROTOBUF, f"{where}: malformed, or nested too deep")
    return BadRecord(Reason.NOT_UTF8, f"{where}: text that is not UTF-8")
