"""Golden records in a form that people read: one JSON object per record, written beside what the shipper sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams.errors import BadRecord
from streams.records.histogram import Histogram
from streams.records.log import LogRecord, Piece
from streams.records.metric import MetricSample
from streams.shippers.reader import Reader

ROOT = Path(__file__).parents[2] / "golden"
MESSAGE_TIME_NS = 1_787_307_209_000_000_000
"""Kafka's time of every golden message: nine seconds after the records' own."""


def cases() -> Iterator[tuple[str, str, str, bytes]]:
    """(content, format, case, payload) of every golden message."""
    for path in sorted(ROOT.glob("*/*/*.json")):
        if not path.name.endswith(".expected.json"):
            content, format_name = path.parts[-3:-1]
            yield content, format_name, path.stem, path.read_bytes().rstrip(b"\n")


def expected(content: str, format_name: str, case: str) -> Any:
    """What the reader must make of it."""
    return json.loads((ROOT / content / format_name / f"{case}.expected.json").read_text())


def read(reader: Reader, payload: bytes) -> list[dict[str, Any]]:
    """What the reader makes of it, readable."""
    try:
        return readable(reader.read(payload, MESSAGE_TIME_NS))
    except BadRecord as bad:
        return [{"message_refused": bad.reason.value}]


def readable(records: Iterable[LogRecord | MetricSample | BadRecord]) -> list[dict[str, Any]]:
    """Records as plain objects; defaults are left out."""
    return [_plain(record) for record in records]


def _plain(record: LogRecord | MetricSample | BadRecord) -> dict[str, Any]:
    if isinstance(record, BadRecord):
        return {"refused": record.reason.value}
    revision = record.source.revision
    plain: dict[str, Any] = {
        "workload": revision.workload.key,
        "pod_template_hash": revision.pod_template_hash,
        "pod": record.source.pod,
        "time": _time(record.time_ns),
    }
    if isinstance(record, LogRecord):
        plain |= {"severity": record.severity.name, "message": record.message}
        plain |= {"partial": True} if isinstance(record, Piece) else {}
        plain |= {"container": record.container} if record.container else {}
        plain |= {"stream": record.stream} if record.stream else {}
        return plain | ({"trace_id": record.trace_id} if record.trace_id else {})
    plain |= {"series": record.series.name, "attributes": dict(record.series.attributes), "unit": record.series.unit}
    plain |= {"kind": record.kind.value, "value": _value(record.value)}
    return plain | ({"start": _time(record.start_ns)} if record.start_ns else {})


def _value(value: float | Histogram) -> Any:
    if not isinstance(value, Histogram):
        return value
    shown = {"scale": value.scale, "count": value.count, "total": value.total, "zero_count": value.zero_count}
    return shown | {
        side: {str(index): count for index, count in buckets.items()}
        for side, buckets in (("positive", value.positive), ("negative", value.negative))
        if buckets
    }


def _time(time_ns: int) -> str:
    second, rest_ns = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"
