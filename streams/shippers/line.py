"""One container log line as a JSON object: the fields that Serinus reads, whichever shipper wrote it.

What to make of them is each shipper's own file; how they are read fast is `container_lines`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Raw, Struct, field

from streams.records.log import Stream
from streams.shippers.identity import Attributes

MAX_TRACE_ID = 128
Level = str | int | float | None


class LogObject(Struct, gc=False):
    """Filebeat's and ECS' `log`, an object where Fluent Bit has the line."""

    level: Level = None


class Line(Struct, gc=False):
    """The fields that Serinus reads, under the names of all three shippers and of merged application JSON."""

    kubernetes: Raw = Raw()
    log: str | LogObject | None = None
    message: str | None = None
    msg: str | None = None
    at_timestamp: str | int | float | None = field(default=None, name="@timestamp")
    timestamp: str | int | float | None = None
    time: str | int | float | None = None
    level: Level = None
    severity: Level = None
    lvl: Level = None
    log_level: Level = field(default=None, name="log.level")
    at_level: Level = field(default=None, name="@l")
    trace_id: str | None = None
    trace_id_camel: str | None = field(default=None, name="traceId")
    trace_id_ecs: str | None = field(default=None, name="trace.id")
    request_id: str | None = None
    logtag: object = None
    """`P` where the container runtime has cut the line (CRI log format), else `F`."""
    cut: object = field(default=None, name="_partial")
    """The same, true or absent, in Vector's words."""
    stream: object = None
    """`stdout` or `stderr`."""
    resource_logs: Raw = field(default=Raw(), name="resourceLogs")
    """Not a line at all, but an OTLP message."""
    resource_logs_snake: Raw = field(default=Raw(), name="resource_logs")

    def is_otlp(self) -> bool:
        """Whether the message is an OTLP batch, not a line."""
        return not bytes(self.kubernetes) and bool(bytes(self.resource_logs) or bytes(self.resource_logs_snake))

    def is_partial(self) -> bool:
        """Whether the next line goes on with this one."""
        return self.logtag == "P" or self.cut is True

    def any_stream(self) -> Stream:
        """Which stream it was written to, where that is told."""
        return "stdout" if self.stream == "stdout" else "stderr" if self.stream == "stderr" else ""

    def any_level(self) -> Level:
        """Of the level fields the first that there is."""
        for level in (self.level, self.severity, self.lvl, self.log_level, self.at_level):
            if level is not None:
                return level
        return self.log.level if isinstance(self.log, LogObject) else None

    def any_trace_id(self) -> str | None:
        """Of the trace and request ids the first that there is."""
        found = self.trace_id or self.trace_id_camel or self.trace_id_ecs or self.request_id
        return found[:MAX_TRACE_ID] if found else None


class PlainLine(Struct, gc=False):
    """A `Line` as Fluent Bit writes most: of its fields the three that it needs, and of the rest none."""

    kubernetes: Raw
    log: str
    at_timestamp: Annotated[float, Meta(gt=0, lt=9e9)] = field(name="@timestamp")
    """Seconds, up to 2255."""
    message: None = None
    msg: None = None
    level: None = None
    severity: None = None
    lvl: None = None
    log_level: None = field(default=None, name="log.level")
    at_level: None = field(default=None, name="@l")
    trace_id: None = None
    trace_id_camel: None = field(default=None, name="traceId")
    trace_id_ecs: None = field(default=None, name="trace.id")
    request_id: None = None
    logtag: Literal["F"] | None = None
    """A line that the runtime has cut (`P`) is not plain."""
    stream: Stream = ""


class Layout(NamedTuple):
    """How one shipper lays a line out."""

    name: str
    attributes: Callable[[Mapping[str, object]], Attributes | None]
    """What `kubernetes` says of the pod, in the words of `identity`; None if this shipper did not write it."""
    event: Callable[[Line], tuple[int, str | None]]
    """Event time in ns (0 = none) and message of a line."""
    line_in_log: bool = False
    """Whether the line is in `log` and the application's JSON may have been merged into the root (Fluent Bit)."""
