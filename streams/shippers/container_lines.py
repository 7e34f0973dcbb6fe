"""Container log lines, from bytes to records: the hot path.

Each shipper puts what it knows of the pod into an object `kubernetes`, which is the same, byte for byte, for all lines
of a container. So it is decoded once per container: its bytes are the key to the pod it describes and to the layout
that wrote it. What does not fit `Line`'s types, or may have been doubled, takes the slow road through `merged_keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from streams.errors import BadRecord, Reason
from streams.records.found import Found
from streams.records.identity import Source
from streams.records.log import Fielded, LogRecord, Piece, Severity
from streams.records.severity import of_field
from streams.shippers.cache import Remembered
from streams.shippers.faults import DECODE_FAULTS, MAX_BATCH_BYTES, MAX_RECORD_BYTES, check_size, json_fault, too_large
from streams.shippers.identity import Identities
from streams.shippers.line import Layout, Line, PlainLine
from streams.shippers.merged_keys import may_be_doubled, merged_line, undoubled
from streams.shippers.reader import Reader, outcome
from streams.shippers.times import message_time

_DECODE = msgspec.json.Decoder(Line).decode
_DECODE_PLAIN = msgspec.json.Decoder(PlainLine).decode
_KUBERNETES = msgspec.json.Decoder(dict[str, object])
_NOT_PLAIN = 10
"""Lines of a run that are not plain after which no more are looked for."""
_LONGEST_NAME = 63
"""A container's is a DNS label."""
Otherwise = Callable[[bytes, int], Sequence[LogRecord | BadRecord]]


_Origin = tuple[Source, Layout, bool, str]
"""What a `kubernetes` object tells: of which pod, who wrote it, that one's `line_in_log`, and of which container; a
tuple for speed."""


class ContainerLines(Reader):
    """Reads messages of one line each, in any of some layouts."""

    def __init__(
        self,
        layouts: Sequence[Layout],
        identities: Identities,
        otlp: Otherwise | None = None,
        *,
        keep_fields: bool = False,
    ) -> None:
        """Take some layouts, of which at most one fits an object.

        Args:
            layouts: of the shippers that there may be.
            identities: tell of which revision a pod is.
            otlp: reads what turns out to be an OTLP message.
            keep_fields: records carry what else their messages hold.
        """
        self._layouts = layouts
        self._identities = identities
        self._otlp = otlp
        self._keep_fields = keep_fields
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
        except DECODE_FAULTS as fault:
            check_size(payload, MAX_RECORD_BYTES)
            line = merged_line(payload, fault)
        return self._read_line(payload, line, message_time_ns)

    def read_all(self, payloads: Sequence[bytes], message_time_ns: Callable[[int], int]) -> list[Found]:
        """As `read` of each, with no call but the decoder's for a plain line of a container met before.

        The decoder tells which lines are plain (`PlainLine`); where it says no, `read` starts anew. That costs an
        exception, so after a few of them the rest of the run is read as it is. So is all where fields are kept.
        """
        found: list[Found] = []
        append, decode, origins, unset = found.append, _DECODE_PLAIN, self._origins.answers, Severity.UNSET
        not_plain = _NOT_PLAIN if self._keep_fields else 0
        for payload in payloads:
            if not_plain < _NOT_PLAIN and len(payload) <= MAX_RECORD_BYTES:
                try:
                    line = decode(payload)
                except DECODE_FAULTS:
                    not_plain += 1
                else:
                    origin = origins.recent.get(bytes(line.kubernetes))
                    log = line.log
                    if (
                        origin is not None
                        and origin[2]
                        and log[:1] != "{"
                        and (b'\\"' not in payload or not may_be_doubled(payload))
                    ):
                        time_ns = int(line.at_timestamp * 1e6 + 0.5) * 1000  # as `seconds_ns`, without its call
                        append(LogRecord(origin[0], time_ns, log.rstrip("\r\n"), unset, None, origin[3], line.stream))
                        continue
            append(outcome(self.read, payload, message_time_ns(len(found))))
        return found

    def _read_large(self, payload: bytes, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        """What is too large for a line: an OTLP message, or refused."""
        if self._otlp is not None and len(payload) <= MAX_BATCH_BYTES:
            try:
                if _DECODE(payload).is_otlp():
                    return self._otlp(payload, message_time_ns)
            except DECODE_FAULTS as fault:
                raise json_fault(fault) from fault
        raise too_large(payload, MAX_RECORD_BYTES)

    def _read_line(self, payload: bytes, line: Line, message_time_ns: int) -> Sequence[LogRecord | BadRecord]:
        origin = self._origins.answers.recent.get(bytes(line.kubernetes))
        if origin is None or origin[2]:
            if self._otlp is not None and line.is_otlp():
                return self._otlp(payload, message_time_ns)
            line = undoubled(line, payload)
            origin = self._origin(bytes(line.kubernetes))
        return (_record(line, origin, message_time_ns, payload if self._keep_fields else None),)

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
        except DECODE_FAULTS as fault:
            raise json_fault(fault, "kubernetes") from fault
        for layout in self._layouts:
            attributes = layout.attributes(described)
            if attributes is not None:
                return self._identities.source(attributes), layout, layout.line_in_log, _container(described)
        names = ", ".join(layout.name for layout in self._layouts)
        raise BadRecord(Reason.UNKNOWN_FORMAT, f"kubernetes is not laid out as by {names}")


def _container(described: Mapping[str, object]) -> str:
    """The container's name, as all but Filebeat and as Filebeat write it; empty where none does."""
    name = described.get("container_name")
    if name is None and isinstance(nested := described.get("container"), Mapping):
        name = nested.get("name")
    return name[:_LONGEST_NAME] if isinstance(name, str) else ""


def _record(line: Line, origin: _Origin, message_time_ns: int, fields: bytes | None) -> LogRecord:
    source, layout, _, container = origin
    time_ns, message = layout.event(line)
    if message is None:
        raise BadRecord(Reason.NO_MESSAGE, f"none of log, message, msg; pod {source.pod}")
    time_ns = time_ns or message_time(message_time_ns)
    severity, trace_id = of_field(line.any_level()), line.any_trace_id()
    rest = source, time_ns, message.rstrip("\r\n"), severity, trace_id, container, line.any_stream()
    if line.is_partial():
        return Piece(*rest)
    return LogRecord(*rest) if fields is None else Fielded(*rest, fields)
