"""OpenTelemetry rows: log records and data points with their resource, whatever the encoding.

`otlp_json` and `otlp_proto` turn bytes into these; `otlp_logs` and `otlp_metrics` turn these into records.
Source: opentelemetry-proto v1 logs.proto, metrics.proto, common.proto. Absent fields hold protobuf's defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Struct

from streams.errors import BadRecord, Reason

MAX_DEPTH = 32
"""Of arrays and maps within an attribute or a body."""
_MAX_BUCKETS = 4096
"""Of a histogram; OpenTelemetry SDKs make at most 160 or 320."""
_MAX_ATTRIBUTES = 512
MAX_RECORDS = 1 << 18
"""Log records, or samples, of a message: of 8 MiB, 32 bytes each, and no pod's record is as short as that. Of such as
hold nothing there would be four million, which take gigabytes."""

SHAPES = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
"""Of a metric's data."""
Values = TypeVar("Values", bound=Sized)
Plain = object
"""str | bool | int | float | bytes | list | dict | None: an AnyValue without its wrapping."""


class LogRow(Struct, gc=False):
    """A LogRecord of logs.proto."""

    time_ns: int
    observed_ns: int
    severity_number: int
    severity_text: str
    body: Plain
    attributes: dict[str, Plain]
    trace_id: str
    """Lower-case hex; empty where there is none."""
    event_name: str = ""


class Buckets(NamedTuple):
    """One side of an exponential histogram."""

    offset: int
    counts: Sequence[int]


class PointRow(Struct, gc=False):
    """A data point of metrics.proto with the fields of its Metric; which fields count depends on `shape`."""

    shape: str
    """One of `SHAPES`."""
    name: str
    unit: str
    temporality: int
    monotonic: bool
    attributes: dict[str, Plain]
    start_ns: int
    time_ns: int
    flags: int
    number: float | None = None
    count: int = 0
    total: float | None = None
    bounds: Sequence[float] = ()
    bucket_counts: Sequence[int] = ()
    scale: int = 0
    zero_count: int = 0
    positive: Buckets = Buckets(0, ())
    negative: Buckets = Buckets(0, ())
    quantiles: Sequence[tuple[float, float]] = ()


Row_co = TypeVar("Row_co", LogRow, PointRow, covariant=True)
Row = TypeVar("Row", LogRow, PointRow)


class Group(NamedTuple):
    """Rows of one resource."""

    resource: bytes
    """Its encoding, by which it is known again."""
    attributes: Callable[[bytes], dict[str, Plain]]
    """Decodes it. Raises BadRecord."""


class Rows(Protocol[Row_co]):
    """Splits a message into rows; what cannot be read comes back as a BadRecord, all else as rows."""

    def __call__(self, payload: bytes) -> Iterator[tuple[Group, Row_co | BadRecord]]:
        """Raise BadRecord, if the whole message is unusable."""


def as_text(value: Plain) -> str:
    """An attribute or body as text: JSON for arrays and maps, true and false for booleans.

    >>> as_text(500), as_text(True), as_text({"a": [1]})
    ('500', 'true', '{"a":[1]}')

    Raises:
        BadRecord: NOT_UTF8, for bytes that are no text.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as fault:
            raise BadRecord(Reason.NOT_UTF8, "bytes that are no text") from fault
    return msgspec.json.encode(value).decode()


def check_attributes(number: int) -> None:
    """Refuse what no SDK sends.

    Raises:
        BadRecord: TOO_LARGE.
    """
    if number > _MAX_ATTRIBUTES:
        raise BadRecord(Reason.TOO_LARGE, f"{number} attributes; at most {_MAX_ATTRIBUTES} are read")


def bounded(values: Values) -> Values:
    """A histogram's buckets, or a summary's quantiles, as they are.

    Raises:
        BadRecord: TOO_LARGE.
    """
    if len(values) > _MAX_BUCKETS:
        raise BadRecord(Reason.TOO_LARGE, f"{len(values)} buckets; at most {_MAX_BUCKETS} are read")
    return values
