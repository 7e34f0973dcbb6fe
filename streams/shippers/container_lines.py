"""Container log lines, from bytes to records: the hot path.

Each shipper puts what it knows of the pod into an object `kubernetes`, which is the same, byte for byte, for all lines
of a container. So it is decoded once per container: its bytes are the key to the pod it describes and to the layout
that wrote it. What does not fit `Line`'s types, or may have been doubled, takes the slow road through `merged_keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from streams.errors import BadRecord, Reason
from streams.records.identity import Source
from streams.records.log import LogRecord
from streams.records.severity import of_field
from streams.shippers.cache import Remembered
from streams.shippers.faults import JSON_FAULTS, MAX_BATCH_BYTES, MAX_RECORD_BYTES, check_size, json_fault, too_large
from streams.shippers.identity import Identities
from streams.shippers.line import Layout, Line
from streams.shippers.merged_keys import merged_line, undoubled
from streams.shippers.times import message_time, seconds_ns

_DECODE = msgspec.json.Decoder(Line).decode
_KUBERNETES = msgspec.json.Decoder(dict[str, object])
Otherwise = Callable[[bytes, int], Sequence[LogRecord | BadRecord]]


_Origin = tuple[Source, Layout, bool]
"""What a `kubernetes` object tells: of which pod, who wrote it, and that one's `line_in_log`; a tuple for speed."""


class ContainerLines:
    """Reads messages of one line each, in any of some layouts."""

    def __init__(self, layouts: Sequence[Layout], identities: Identities, otlp: Otherwise | None = None) -> None:
        """Take some layouts, of which at most one fits an object; `otlp` reads what turns out to be an OTLP message."""
        self._layouts = layouts
        self._identities = identities
        self._otlp = otlp
        self._origins: Remembered[bytes, _Origin] = Remembered()

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        """The record of one message.

        Raises:
            BadRecord: why there is none.
        """
        if len(payload) > MAX_RECORD_BYTES:
            return self._read_large(payload, message_time_ns)
        try:
            line = _DECODE(payload)
        except JSON_FAULTS as fault:
            check_size(payload, MAX_RECORD_BYTES)
            return self._read_slowly(payload, merged_line(payload, fault), message_time_ns)
        origin = self._origins.answers.recent.get(bytes(line.kubernetes))
        if origin is not None:
            source, layout, line_in_log = origin
            if not line_in_log:
                return (_record(line, source, layout, message_time_ns),)
            stamp, log = line.at_timestamp, line.log
            if (
                stamp.__class__ is float
                and log.__class__ is str
                and log[:1] != "{"
                and line.message is line.msg is line.level is line.severity is line.lvl is line.log_level is None
                and line.at_level is line.trace_id is line.trace_id_camel is None
                and line.trace_id_ecs is line.request_id is None
                and line.logtag != "P"
            ):  # Fluent Bit's plain line, of which there are most: nothing merged, nothing more to look for
                time_ns = int(stamp * 1e6 + 0.5) * 1000 if 0.0 < stamp < 9e9 else seconds_ns(stamp)
                return (LogRecord(source, time_ns, log.rstrip("\r\n")),)
        return self._read_slowly(payload, line, message_time_ns)

    def _read_large(self, payload: bytes, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        """What is too large for a line: an OTLP message, or refused."""
        if self._otlp is not None and len(payload) <= MAX_BATCH_BYTES:
            try:
                if _DECODE(payload).is_otlp():
                    return self._otlp(payload, message_time_ns)
            except JSON_FAULTS as fault:
                raise json_fault(fault) from fault
        raise too_large(payload, MAX_RECORD_BYTES)

    def _read_slowly(self, payload: bytes, line: Line, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        """Lines of containers not met before, and those with which an application's own fields were merged."""
        if self._otlp is not None and line.is_otlp():
            return self._otlp(payload, message_time_ns)
        origin = self._origins.answers.recent.get(bytes(line.kubernetes))
        if origin is None or origin[2]:
            line = undoubled(line, payload)
        source, layout, _ = self._origin(bytes(line.kubernetes))
        return (_record(line, source, layout, message_time_ns),)

    def _origin(self, key: bytes) -> _Origin:
        """What a `kubernetes` object tells.

        Raises:
            BadRecord: it names no pod of a revision.
        """
        return self._origins.of(key, len(key) + 900, lambda: self._decoded(key))

    def _decoded(self, key: bytes) -> _Origin:
        if not key:
            raise BadRecord(Reason.NO_HASH, "no object kubernetes: the shipper has not added what it knows of the pod")
        try:
            described = _KUBERNETES.decode(key)
        except JSON_FAULTS as fault:
            raise json_fault(fault, "kubernetes") from fault
        for layout in self._layouts:
            attributes = layout.attributes(described)
            if attributes is not None:
                return self._identities.source(attributes), layout, layout.line_in_log
        names = ", ".join(layout.name for layout in self._layouts)
        raise BadRecord(Reason.UNKNOWN_FORMAT, f"kubernetes is not laid out as by {names}")


def _record(line: Line, source: Source, layout: Layout, message_time_ns: int) -> LogRecord:
    time_ns, message = layout.event(line)
    if message is None:
        raise BadRecord(Reason.NO_MESSAGE, f"none of log, message, msg; pod {source.pod}")
    time_ns = time_ns or message_time(message_time_ns)
    severity, trace_id = of_field(line.any_level()), line.any_trace_id()
    return LogRecord(source, time_ns, message.rstrip("\r\n"), severity, trace_id, line.is_partial())
