"""OpenTelemetry log rows to log records."""

from __future__ import annotations

from collections.abc import Sequence

from streams.errors import BadRecord, Reason
from streams.records.log import Fielded, LogRecord, Severity, Stream
from streams.records.severity import of_field, of_otlp
from streams.records.times import within_range
from streams.shippers.faults import MAX_BATCH_BYTES, MAX_RECORD_BYTES, check_size
from streams.shippers.line import MAX_TRACE_ID
from streams.shippers.otlp import MAX_RECORDS, Group, LogRow, Plain, Rows, as_text
from streams.shippers.otlp_identity import OtlpIdentities
from streams.shippers.reader import Reader
from streams.shippers.times import message_time

_MESSAGE_KEYS = ("message", "msg", "log")
_LEVEL_KEYS = ("level", "severity", "log.level", "lvl")


class OtlpLogs(Reader):
    """Reads messages of many log records, in one encoding."""

    def __init__(self, rows: Rows[LogRow], identities: OtlpIdentities, *, keep_fields: bool = False) -> None:
        self._rows = rows
        self._identities = identities
        self._keep_fields = keep_fields

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        """The records of one message; those that cannot be used as BadRecord values.

        Raises:
            BadRecord: the whole message cannot be used; EMPTY, if there is nothing in it.
        """
        check_size(payload, MAX_BATCH_BYTES)
        records: list[LogRecord | BadRecord] = []
        for group, row in self._rows(payload):
            if isinstance(row, LogRow):
                try:
                    records.append(self._record(group, row, message_time_ns))
                except BadRecord as bad:
                    records.append(bad.with_traceback(None))
            else:
                records.append(row)
            if len(records) > MAX_RECORDS:
                raise BadRecord(Reason.TOO_LARGE, f"more than {MAX_RECORDS} records in one message")
        if not records:
            raise BadRecord(Reason.EMPTY, "an OTLP message without log records")
        return records

    def _record(self, group: Group, row: LogRow, message_time_ns: int) -> LogRecord:
        source = self._identities.source(group, row.attributes)
        message = _message(row)
        if len(message) > MAX_RECORD_BYTES:
            raise BadRecord(Reason.TOO_LARGE, f"a body of {len(message)} characters, above {MAX_RECORD_BYTES}")
        time_ns = row.time_ns or row.observed_ns
        record = (
            source,
            within_range(time_ns) if time_ns else message_time(message_time_ns),
            message.rstrip("\r\n"),
            of_otlp(row.severity_number, row.severity_text) or _attribute_severity(row),
            row.trace_id[:MAX_TRACE_ID] if row.trace_id.strip("0") else None,
            self._identities.container(group) or "",
            _stream(row),
        )
        return Fielded(*record, _fields(row)) if self._keep_fields else LogRecord(*record)


def _fields(row: LogRow) -> dict[str, Plain]:
    """The attributes; a structured body's own fields, which they do not hide."""
    return {**row.attributes, **row.body} if isinstance(row.body, dict) else row.attributes


def _stream(row: LogRow) -> Stream:
    """As the collector's container parser says."""
    found = row.attributes.get("log.iostream")
    return "stdout" if found == "stdout" else "stderr" if found == "stderr" else ""


def _message(row: LogRow) -> str:
    """The body; of a structured one its message field where it has one."""
    body = row.body
    if isinstance(body, str):
        return body
    if body is None:
        if row.event_name:
            return row.event_name
        raise BadRecord(Reason.NO_MESSAGE, "a log record without a body")
    if isinstance(body, dict):
        for key in _MESSAGE_KEYS:
            text = body.get(key)
            if isinstance(text, str):
                return text
    return as_text(body)


def _attribute_severity(row: LogRow) -> Severity:
    """Of an attribute, or of a structured body, where no severity parser ran."""
    places = (row.attributes, row.body) if isinstance(row.body, dict) else (row.attributes,)
    for place in places:
        for key in _LEVEL_KEYS:
            level: Plain = place.get(key)
            if isinstance(level, str | int | float) and not isinstance(level, bool):
                return of_field(level)
    return Severity.UNSET
