"""Rows in, the same rows with score and alarm out: each judged by what came before it alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.watch.points import Point, cut_level
from streams.watch.reading import Reading
from topology.recording.faults import Faults
from topology.watch.rows import Row
from topology.watch.ward import Ward

_SIGNAL = "value"


class Judged(Struct, frozen=True):
    """One row, and what is said of it."""

    timestamp: str
    value: str
    reading: Reading | None
    """None: the row could not be used."""
    score: float
    """0..1, rising with abnormality."""
    alarm: bool
    """It rings: raised or held."""
    told: str = ""
    """What changed, where an alarm is raised by this row."""


def replay(rows: Iterable[Row], arl_s: float, faults: Faults) -> Iterator[Judged]:
    """Watch one signal.

    Args:
        rows: in the order of the file.
        arl_s: average seconds to a false alarm while all is normal.
        faults: rows that the watch refuses are added.
    """
    ward = Ward(arl_s)
    last: Row | None = None
    for row in rows:
        reading = None
        if row.time_ns is not None:
            try:
                _check_order(row, last)
                reading = ward.add(row.time_ns, [_point(row.number)])[_SIGNAL]
                last = row
            except BadRecord as bad:
                faults.add(f"line {row.line}", bad)
        yield Judged(row.timestamp, row.value, reading, reading.abnormality if reading else 0.0, ward.rings, ward.told)


def _check_order(row: Row, last: Row | None) -> None:
    if last is not None and row.time_ns is not None and last.time_ns is not None and row.time_ns <= last.time_ns:
        before = f"{last.timestamp!r} of line {last.line}"
        detail = f"{row.timestamp!r} is not after {before}: rows have to be in time order, sort them first"
        raise BadRecord(Reason.BAD_TIME, detail)


def _point(value: float) -> Point:
    # Of a number without a name, any change counts, either way.
    return Point(_SIGNAL, cut_level(value), worse="either", tolerance=0.0)
