"""One log line as the rest of Serinus sees it, whatever shipped it."""

from __future__ import annotations

from enum import IntEnum

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


class Piece(LogRecord, frozen=True, gc=False):
    """A piece of a line that the container runtime has cut: the pod's next record goes on with it."""
