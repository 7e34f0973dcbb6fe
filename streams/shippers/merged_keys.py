"""JSON objects in which keys are doubled or of odd types, as Fluent Bit's `Merge_Log` makes them.

The application's own fields are merged into the record's root, so a key may occur twice: the `kubernetes` objects are
merged, of times the first is the shipper's own, of messages the longest is the most complete; of other keys the last
counts. An application's field of an odd type is passed over; a shipper's own field of an odd type is a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from streams.errors import BadRecord, Reason
from streams.shippers.faults import DECODE_FAULTS, json_fault
from streams.shippers.line import Line, LogObject

_VALIDATE = msgspec.json.Decoder(object).decode
_STAMP = msgspec.json.Decoder(float | str).decode
_FIRST_TIME = re.compile(rb'\s*\{\s*"@timestamp"\s*:\s*([-+.0-9eE]+|"[^"\\]*")\s*[,}]')
"""`out_kafka` writes its own time before all else."""
_DOUBLED = (b'"log"', b'"message"', b'"kubernetes"')
_TIMES = ("@timestamp", "timestamp", "time")
_MESSAGES = ("log", "message", "msg")
_LEVELS = ("level", "severity", "lvl", "log.level", "@l")
_TRACES = ("trace_id", "traceId", "trace.id", "request_id")
_OTLP = ("resourceLogs", "resource_logs")


def may_be_doubled(payload: bytes) -> bool:
    """Whether a key of a line that seems plain may be doubled; counts also what only looks like a key.

    Only where a JSON object in a text, and with it an escaped quote, was merged: without one there is no need to ask.
    """
    return any(payload.count(key) > 1 for key in (*_DOUBLED, b'"@timestamp"'))


def undoubled(line: Line, payload: bytes) -> Line:
    """The line, with what a doubled key or a nested message may have hidden.

    Counts also what only looks like a key: a wrong yes costs time, nothing else.

    Raises:
        BadRecord: as `merged_line`.
    """
    nowhere = not isinstance(line.log, str) and line.message is line.msg is None
    if nowhere or any(payload.count(key) > 1 for key in _DOUBLED):
        return merged_line(payload)
    if line.at_timestamp is None:
        return merged_line(payload) if payload.count(b'"time"') > 1 else line
    if payload.count(b'"@timestamp"') > 1:  # by far the most common: JSON encoders for Logstash write one too
        first = _FIRST_TIME.match(payload)
        if first is None:
            return merged_line(payload)
        try:
            line.at_timestamp = _STAMP(first[1])
        except DECODE_FAULTS as fault:
            raise json_fault(fault, "@timestamp") from fault
    return line


def merged_line(payload: bytes, fault: Exception | None = None) -> Line:
    """The line of one message by the rules above; `fault` is what the fast decoder made of it.

    Raises:
        BadRecord: it is no JSON object, or a field of the shipper is of another type.
    """
    if fault is not None and not isinstance(fault, msgspec.ValidationError):
        raise json_fault(fault) from fault
    try:
        _VALIDATE(payload)  # as strict as the fast decoder: json.loads alone admits NaN and lone surrogates
        return _line_of(json.loads(payload.decode(), object_pairs_hook=_Pairs))
    except DECODE_FAULTS as other:
        raise json_fault(other) from other
    except ValueError as other:  # an integer of thousands of digits
        raise BadRecord(Reason.WRONG_TYPE, str(other)) from other


def _line_of(root: object) -> Line:
    if not isinstance(root, _Pairs):
        raise BadRecord(Reason.UNKNOWN_FORMAT, "no JSON object")
    wrapped = root.get("log")
    if len(root) == 1 and isinstance(wrapped, _Pairs):
        root = wrapped  # Vector's native_json wraps its event
    return _line(root)


class _Pairs(dict[str, object]):
    """A JSON object that still knows every pair."""

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        self.pairs = list(pairs)
        super().__init__(self.pairs)

    def all_of(self, key: str) -> list[object]:
        """The values of a key, in order; none that is null."""
        return [value for name, value in self.pairs if name == key and value is not None]

    def plain(self) -> dict[str, object]:
        """As an ordinary dict, to be encoded."""
        return {key: _plain(value) for key, value in self.items()}


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        return value.plain()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value


def _line(root: _Pairs) -> Line:
    line = Line(kubernetes=_kubernetes(root.all_of("kubernetes")))
    line.at_timestamp, line.timestamp, line.time = (_time(root, key) for key in _TIMES)
    line.log, line.message, line.msg = (_longest(root, key) for key in _MESSAGES)
    if line.log is None:
        line.log = next(
            (LogObject(_scalar(one.get("level"))) for one in root.all_of("log") if isinstance(one, dict)), None
        )
        if line.log is None and line.message is None and line.msg is None:
            line.msg = _nested_message(root)
    line.level, line.severity, line.lvl, line.log_level, line.at_level = (_scalar(root.get(key)) for key in _LEVELS)
    traces = (root.get(key) for key in _TRACES)
    line.trace_id = next((trace for trace in traces if isinstance(trace, str) and trace), None)
    line.stream = root.get("stream")
    if any(key in root for key in _OTLP):
        line.resource_logs = Raw(b"[]")
    return line


def _kubernetes(found: list[object]) -> Raw:
    """All objects of that name as one; where they disagree the last, the shipper's own, is right."""
    if not found:
        return Raw()
    merged: dict[str, object] = {}
    for one in found:
        if not isinstance(one, Mapping):
            raise _odd("kubernetes", one)
        for key, value in one.items():
            known = merged.get(key)
            merged[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return Raw(msgspec.json.encode({key: _plain(value) for key, value in merged.items()}))


def _time(root: _Pairs, key: str) -> str | int | float | None:
    found = root.all_of(key)
    if not found:
        return None
    first = _scalar(found[0])
    if first is None and key == "@timestamp":
        raise _odd(key, found[0])
    return first


def _longest(root: _Pairs, key: str) -> str | None:
    found = root.all_of(key)
    texts = [value for value in found if isinstance(value, str)]
    if texts:
        return max(texts, key=len)
    for value in found:
        if isinstance(value, _Pairs):
            if key != "log":
                return msgspec.json.encode(value.plain()).decode()
        else:
            raise _odd(key, value)
    return None


def _nested_message(root: _Pairs) -> str | None:
    for key, value in root.items():
        if isinstance(value, _Pairs) and key != "kubernetes":
            for name in _MESSAGES:
                text = value.get(name)
                if isinstance(text, str):
                    return text
    return None


def _scalar(value: object) -> str | int | float | None:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _odd(key: str, value: object) -> BadRecord:
    kind = "an object" if isinstance(value, _Pairs) else f"of type {type(value).__name__}"
    return BadRecord(Reason.WRONG_TYPE, f"{key} is {kind}")
