"""One log line as the rest of Serinus sees it, whatever shipped it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

from msgspec import Struct

from streams.records.identity import Source


class Severity(IntEnum):
    """Least OpenTelemetry severity number of each range (logs data model, section "SeverityNumber")."""

    UNSET = 0
    """The record does not say; the line may."""
    TRACE = 1
    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17
    FATAL = 21


Stream = Literal["", "stdout", "stderr"]


STACK_KEYS = ("exception", "exc_info", "stack_trace", "stack", "stacktrace", "error.stack_trace", "@x")
"""Under which loggers write what was thrown, with its trace: structlog, python-json-logger, logstash-logback-encoder
and ECS, pino, zap, Serilog."""
THROWN_KEYS = ("exception.type", "error.type", "exception_class", "exceptionclass")
"""Under which they write its type."""


class LogRecord(Struct, frozen=True, gc=False):
    """One decoded log line."""

    source: Source
    time_ns: int
    """Event time, nanoseconds since 1970 UTC."""
    message: str
    severity: Severity = Severity.UNSET
    """Of the record's own field; UNSET where only the text can tell."""
    trace_id: str | None = None
    """Trace or request id, where the record carries one."""
    container: str = ""
    """Name of the pod's container that wrote it, where the shipper says."""
    stream: Stream = ""
    """What it wrote to, where the shipper says."""

    def is_beside(self, other: LogRecord) -> bool:
        """Whether both are of one container."""
        return self.source == other.source and self.container == other.container

    def may_go_on(self, other: LogRecord) -> bool:
        """Whether it may be part of a line, or of an event, that the other began: on one stream of one container."""
        return self.is_beside(other) and self.stream == other.stream


class Fielded(LogRecord, frozen=True, gc=False):
    """A record with the fields that the shipper has taken out of the line.

    There are such only where somebody asks for them: one more field of every record would cost the hot path 4%.
    """

    fields: bytes | Mapping[str, object] = b""
    """The JSON object that holds them, or they themselves."""


class Piece(LogRecord, frozen=True, gc=False):
    """A piece of a line that the container runtime has cut: the pod's next record goes on with it."""
