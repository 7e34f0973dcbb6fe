"""Which formats there are, and the reader of a topic.

A topic carries logs or metrics: OTLP's protobuf does not tell which. Its format is fixed, or `auto`: told anew for each
message by marks of which no message bears two, so that what a message means never depends on those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from streams.errors import BadPolicy, BadRecord, Reason
from streams.records.found import Record
from streams.records.log import LogRecord
from streams.shippers import otlp_json, otlp_proto
from streams.shippers.container_lines import ContainerLines
from streams.shippers.faults import DECODE_FAULTS, MAX_BATCH_BYTES, check_size, json_fault
from streams.shippers.filebeat import FILEBEAT
from streams.shippers.fluent_bit import FLUENT_BIT
from streams.shippers.identity import Identities
from streams.shippers.line import Layout
from streams.shippers.otlp import LogRow, Rows
from streams.shippers.otlp_identity import OtlpIdentities
from streams.shippers.otlp_logs import OtlpLogs
from streams.shippers.otlp_metrics import OtlpMetrics
from streams.shippers.prometheus_kafka_adapter import PrometheusKafkaAdapter
from streams.shippers.reader import Reader
from streams.shippers.vector_logs import VECTOR
from streams.shippers.vector_metrics import VectorMetrics

AUTO = "auto"


class _AnyLogs(ContainerLines):
    """Logs in any format: JSON or protobuf by the first byte, then by the fields there are."""

    def __init__(self, identities: Identities, *, keep_fields: bool = False) -> None:
        otlp_identities = OtlpIdentities(identities)
        otlp = OtlpLogs(otlp_json.log_rows, otlp_identities, keep_fields=keep_fields)
        super().__init__([FLUENT_BIT, VECTOR, FILEBEAT], identities, otlp.read, keep_fields=keep_fields)
        self._proto = OtlpLogs(otlp_proto.log_rows, otlp_identities, keep_fields=keep_fields)

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        if payload[:1] != b"{" and _is_protobuf(payload):
            return self._proto.read(payload, message_time_ns)
        return super().read(payload, message_time_ns)


class _Marks(Struct, gc=False):
    """By what fields a JSON metric message is known."""

    resourceMetrics: Raw = Raw()  # noqa: N815 - as OTLP spells it
    resource_metrics: Raw = Raw()
    kind: Raw = Raw()
    metric: Raw = Raw()
    labels: Raw = Raw()


_marks = msgspec.json.Decoder(_Marks).decode


class _AnyMetrics(Reader):
    """Metrics in any format: JSON or protobuf by the first byte, then by the first mark in a fixed order."""

    def __init__(self, identities: Identities) -> None:
        otlp_identities = OtlpIdentities(identities)
        self._otlp_json = OtlpMetrics(otlp_json.point_rows, otlp_identities)
        self._otlp_proto = OtlpMetrics(otlp_proto.point_rows, otlp_identities)
        self._vector = VectorMetrics(identities)
        self._adapter = PrometheusKafkaAdapter(identities)

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[Record | BadRecord]:
        if payload[:1] != b"{" and _is_protobuf(payload):
            return self._otlp_proto.read(payload, message_time_ns)
        return self._of_json(payload).read(payload, message_time_ns)

    def _of_json(self, payload: bytes) -> Reader:
        check_size(payload, MAX_BATCH_BYTES)
        try:
            marks = _marks(payload)
        except DECODE_FAULTS as fault:
            raise json_fault(fault) from fault
        if bytes(marks.resourceMetrics) or bytes(marks.resource_metrics):
            return self._otlp_json
        if bytes(marks.kind) or bytes(marks.metric):
            return self._vector
        if bytes(marks.labels):
            return self._adapter
        raise BadRecord(
            Reason.UNKNOWN_FORMAT, "no field by which a metrics format is known: resourceMetrics, kind, labels"
        )


def _is_protobuf(payload: bytes) -> bool:
    """Whether it begins as OTLP does, with field 1; the same byte is a line feed, such as may stand before JSON."""
    if payload[:1] != b"\n":
        return False
    if payload.lstrip()[:1] != b"{":
        return True
    try:
        _marks(payload)
    except DECODE_FAULTS:
        return True
    return False


_Make = Callable[[Identities], Reader]


def _logs(*, keep_fields: bool) -> Mapping[str, _Make]:
    def lines(layout: Layout) -> _Make:
        return lambda identities: ContainerLines([layout], identities, keep_fields=keep_fields)

    def otlp(rows: Rows[LogRow]) -> _Make:
        return lambda identities: OtlpLogs(rows, OtlpIdentities(identities), keep_fields=keep_fields)

    return {
        "fluent-bit": lines(FLUENT_BIT),
        "vector": lines(VECTOR),
        "filebeat": lines(FILEBEAT),
        "otlp_json": otlp(otlp_json.log_rows),
        "otlp_proto": otlp(otlp_proto.log_rows),
        AUTO: lambda identities: _AnyLogs(identities, keep_fields=keep_fields),
    }


_METRICS: Mapping[str, _Make] = {
    "otlp_json": lambda identities: OtlpMetrics(otlp_json.point_rows, OtlpIdentities(identities)),
    "otlp_proto": lambda identities: OtlpMetrics(otlp_proto.point_rows, OtlpIdentities(identities)),
    "prometheus-kafka-adapter": PrometheusKafkaAdapter,
    "vector": VectorMetrics,
    AUTO: _AnyMetrics,
}
FORMATS: Mapping[str, Mapping[str, _Make]] = {"logs": _logs(keep_fields=False), "metrics": _METRICS}
"""Content of a topic -> name of a format -> its reader."""


def reader(
    content: Literal["logs", "metrics"],
    format_name: str = AUTO,
    *,
    cluster: str = "",
    keep_fields: bool = False,
) -> Reader:
    """The reader of a topic.

    Args:
        content: what the topic carries.
        format_name: a format of `FORMATS`, or `auto`.
        cluster: the cluster that the records come from, unless they say so themselves.
        keep_fields: log records carry the fields beside their message (`Fielded`).

    Raises:
        BadPolicy: an argument that is not allowed; says what is.
    """
    formats = _logs(keep_fields=True) if content == "logs" and keep_fields else FORMATS.get(content)
    if formats is None:
        raise BadPolicy("content", content, f"one of {', '.join(FORMATS)}")
    make = formats.get(format_name)
    if make is None:
        raise BadPolicy(f"format of {content}", format_name, f"one of {', '.join(formats)}")
    return make(Identities(cluster))
