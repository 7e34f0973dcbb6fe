"""A CSV file of times and values, row by row. A bad row is counted and keeps its place; none stops it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.shippers.times import rfc3339_ns, unix_ns
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


def rows(lines: Iterable[str], faults: Faults) -> Iterator[Row]:
    """The rows of a file; a first row that holds names says which columns are meant, else they are the first two.

    Args:
        lines: of the file.
        faults: what cannot be read is added.
    """
    time_at, value_at = 0, 1
    for place, fields in _fields(lines, faults):
        if place == 1 and (found := _columns(fields)):
            time_at, value_at = found
        elif fields:
            try:
                row = _row(fields, time_at, value_at)
            except BadRecord as bad:
                faults.add(f"row {place}", bad)
                row = Row(_at(fields, time_at), _at(fields, value_at), None, 0.0)
            yield row


def time_of(text: str) -> int:
    """Nanoseconds since 1970 of a time as NAB writes it, of RFC 3339, or of a Unix time; UTC unless it says otherwise.

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
    whole = f"{text}:00" if len(text) == 16 else text  # minutes only
    try:
        return rfc3339_ns(whole if zoned else f"{whole}Z")
    except BadRecord as bad:
        raise BadRecord(bad.reason, f"not a time within 1970..2262: {text[:64]!r}") from bad


def _fields(lines: Iterable[str], faults: Faults) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            faults.add(f"line {reader.line_num}", BadRecord(Reason.WRONG_TYPE, f"no CSV: {fault}"))
            continue
        yield reader.line_num, fields


def _columns(fields: list[str]) -> tuple[int, int] | None:
    """Places of time and value, if these are names."""
    names = [field.strip().lower().lstrip("\ufeff") for field in fields]
    times = [names.index(name) for name in _TIMES if name in names]
    values = [names.index(name) for name in _VALUES if name in names]
    if times or values:
        time_at = times[0] if times else 0
        return time_at, values[0] if values else 1 - min(time_at, 1)
    return None


def _at(fields: list[str], place: int) -> str:
    return fields[place] if place < len(fields) else ""


def _row(fields: list[str], time_at: int, value_at: int) -> Row:
    if max(time_at, value_at) >= len(fields):
        raise BadRecord(Reason.NO_VALUE, f"{len(fields)} field(s): a time and a value are needed")
    timestamp, value = fields[time_at], fields[value_at]
    try:
        number = float(value)
    except ValueError as fault:
        raise BadRecord(Reason.BAD_VALUE, f"not a number: {value[:64]!r}") from fault
    return Row(timestamp, value, time_of(timestamp), number)
