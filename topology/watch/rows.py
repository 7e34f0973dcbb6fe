"""A CSV file of times and values, row by row. A bad row is counted and keeps its place; none stops it."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.records.times import rfc3339_ns
from streams.shippers.times import unix_ns
from topology.recording.faults import Faults

_TIMES = ("timestamp", "time", "ts", "datetime", "date")
_VALUES = ("value", "val", "y")


class Row(Struct, frozen=True):
    """One row of the file."""

    timestamp: str
    """As it was written."""
    value: str
    time_ns: int | None
    """None: this row cannot be used."""
    number: float
    line: int
    """Of the file, from 1."""


def rows(lines: Iterable[str], faults: Faults) -> Iterator[Row]:
    """The rows of a file; a first row that holds names says which columns are meant, else they are the first two.

    A row is a line: a quote that is never closed costs that row and no other.

    Args:
        lines: of the file.
        faults: what cannot be read is added.
    """
    time_at, value_at = 0, 1
    for place, line in enumerate(lines, 1):
        fields = [line]
        try:
            fields = _fields(line)
            if place == 1 and (found := _columns(fields)):
                time_at, value_at = found
                continue
            if not fields:
                continue
            row = _row(fields, time_at, value_at, place)
        except BadRecord as bad:
            faults.add(f"line {place}", bad)
            row = Row(_at(fields, time_at), _at(fields, value_at), None, 0.0, place)
        yield row


def time_of(text: str) -> int:
    """Nanoseconds since 1970 of a time as NAB writes it, of RFC 3339, or of a Unix time; UTC unless it says otherwise.

    >>> time_of("2014-04-01") == time_of("2014-04-01 00:00")
    True
    >>> time_of("2014-04-01 00:05:00") == time_of("2014-04-01T02:05:00+02:00") == time_of("1396310700")
    True

    Raises:
        BadRecord: BAD_TIME, if it is none of these.
    """
    text = text.strip()
    try:
        return unix_ns(float(text)) if not text.isascii() or not text.isdigit() else unix_ns(int(text))
    except (ValueError, OverflowError):
        pass
    zoned = len(text) > 19 and (text[-1:] in ("Z", "z") or text[-6:-5] in ("+", "-"))
    whole = text + {10: " 00:00:00", 16: ":00"}.get(len(text), "")  # a day, or minutes only
    try:
        return rfc3339_ns(whole if zoned else f"{whole}Z")
    except BadRecord as bad:
        raise BadRecord(bad.reason, f"not a time within 1970..2262: {text[:64]!r}") from bad


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as fault:
        raise BadRecord(Reason.WRONG_TYPE, f"no CSV: {fault}") from fault


def _columns(fields: list[str]) -> tuple[int, int] | None:
    """Places of time and value, if these are names."""
    names = [field.strip().lower() for field in fields]
    times = [names.index(name) for name in _TIMES if name in names]
    values = [names.index(name) for name in _VALUES if name in names]
    if times or values:
        time_at = times[0] if times else 0
        return time_at, values[0] if values else 1 - min(time_at, 1)
    return None


def _at(fields: list[str], place: int) -> str:
    return fields[place] if place < len(fields) else ""


def _row(fields: list[str], time_at: int, value_at: int, line: int) -> Row:
    if max(time_at, value_at) >= len(fields):
        raise BadRecord(Reason.NO_VALUE, f"{len(fields)} field(s): a time and a value are needed, with a comma between")
    timestamp, value = fields[time_at], fields[value_at]
    try:
        number = float(value)
    except ValueError as fault:
        raise BadRecord(Reason.BAD_VALUE, f"not a number: {value[:64]!r}") from fault
    if not math.isfinite(number):
        raise BadRecord(Reason.BAD_VALUE, f"not a finite number: {value[:64]!r}")
    return Row(timestamp, value, time_of(timestamp), number, line)
