"""Rows in, the same rows with score and alarm out: each judged by what came before it alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from streams.errors import BadRecord
from streams.watch.levels import LevelWatch
from streams.watch.mean import FadingMean
from streams.watch.reading import Reading
from streams.watch.ringing import Ringing, log_budget
from topology.recording.faults import Faults
from topology.watch.rows import Row

_STEPS = 100.0
"""Rows whose distance in time says how many there are in an average run length."""


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


def replay(rows: Iterable[Row], arl_s: float, faults: Faults) -> Iterator[Judged]:
    """Watch one signal.

    Args:
        rows: in the order of the file.
        arl_s: average seconds to a false alarm while all is normal.
        faults: rows that the watch refuses are added.
    """
    watch, ringing, step = LevelWatch(), Ringing(), FadingMean(_STEPS)
    last_ns: int | None = None
    rings = False
    for place, row in enumerate(rows, 1):
        reading = None
        if row.time_ns is not None:
            try:
                reading = watch.add(row.time_ns, row.number)
            except BadRecord as bad:
                faults.add(f"value {place}", bad)
        if reading is not None and row.time_ns is not None:
            if last_ns is not None:
                gap_s = (row.time_ns - last_ns) / 1e9
                step.learn(min(gap_s, 3.0 * step.value) if step.weight else gap_s)
            last_ns = row.time_ns
            rings = ringing.add(reading.log_e, log_budget(arl_s, step.value or 1.0)) and reading.warm
        yield Judged(row.timestamp, row.value, reading, reading.abnormality if reading else 0.0, rings)
