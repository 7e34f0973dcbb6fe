"""Recorded log lines as counts of each class a window, judged as the watch judges counts.

Lines are JSON objects with a time (`ts`, `timestamp` or `time`), a `message` and perhaps a `severity`, or texts that
begin with a time. Their signatures and classes are found by the code of the pipeline; besides the classes, signatures
that were never seen before are counted, and those that come regularly are watched for being gone. The evidence of a
window is the average of the e-detectors of all of these.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any

import msgspec
from msgspec import Struct, field

from streams.errors import BadRecord, Reason
from streams.judging.side import SignatureInfo
from streams.records.log import Severity
from streams.records.severity import of_field
from streams.shippers.faults import DECODE_FAULTS
from streams.shippers.times import any_time_ns
from streams.templates.classes import Classes
from streams.templates.template import template
from streams.templates.topics import LOG_CLASSES
from streams.watch.points import Point
from streams.watch.regular import Logged, Regular, RegularState
from streams.windows.signature import fold, signature, signature_id
from topology.recording.faults import Faults
from topology.watch.replay import Judged
from topology.watch.rows import time_of
from topology.watch.ward import Ward

NEW = "new"
"""Counts signatures seen for the first time."""
_SIGNALS = (*sorted(LOG_CLASSES), NEW)
_BEGINS = re.compile(r"\s{0,8}\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:\d\d)?)\]?\s?")
_TIMES = ("ts", "timestamp", "time", "@timestamp")
_REMEMBERED = 200_000
"""Signatures that are known not to be new."""
_CACHED = 20_000
_MOST_EMPTY = 100_000
"""Windows without a line that are judged one by one; a longer gap is passed over."""
MOST_HELD = 100_000
"""Lines held back to be sorted, or fewer that hold more characters than these; some 100 MB."""
_MOST_CHARACTERS = 64 * 2**20
_TOO_LATE = f"its window is over; only lines within {MOST_HELD:,} (fewer long ones) are put in order: sort the file"
_decode = msgspec.json.Decoder().decode


class Line(Struct, frozen=True):
    """One recorded line."""

    time_ns: int
    message: str
    severity: Severity


def line_of(text: str) -> Line:
    """Read one line.

    Raises:
        BadRecord: it has no time or no message, or is no JSON though it begins like it.
    """
    if text[:1] == "{":
        try:
            found = _decode(text)
        except DECODE_FAULTS as fault:
            raise BadRecord(Reason.NOT_JSON, str(fault)) from fault
        return _of_object(found)
    begins = _BEGINS.match(text)
    if begins is None:
        raise BadRecord(Reason.NO_TIME, "the line begins with no time")
    return Line(time_of(begins[1].replace(",", ".")), text[begins.end() :], Severity.UNSET)


def _of_object(found: dict[str, Any]) -> Line:
    when = next((found[name] for name in _TIMES if name in found), None)
    message, severity = found.get("message", found.get("log")), found.get("severity", found.get("level"))
    if isinstance(when, bool) or not isinstance(when, str | int | float):
        raise BadRecord(Reason.NO_TIME, f"none of {', '.join(_TIMES)} is a time")
    if not isinstance(message, str):
        raise BadRecord(Reason.NO_MESSAGE, "no text under message")
    is_level = isinstance(severity, str | int) and not isinstance(severity, bool)
    known = of_field(severity) if is_level else Severity.UNSET
    return Line(any_time_ns(when), message, known)


class Counts(Struct):
    """What one window holds."""

    signals: Counter[str] = field(default_factory=Counter)
    """Lines of each class, and `NEW`."""
    templates: set[int] = field(default_factory=set)
    """Of its lines."""


class Counted:
    """Which signals one line counts for."""

    def __init__(self) -> None:
        self._classes = Classes()
        self._cache: dict[tuple[bytes, Severity], tuple[int, SignatureInfo]] = {}
        self._infos: dict[int, SignatureInfo] = {}
        self._seen: dict[int, None] = {}

    def add(self, line: Line, into: Counts) -> None:
        """Count it for its class, and for `NEW` if its signature is."""
        number, info = self._known(line)
        into.templates.add(number)
        into.signals[info.log_class] += 1
        if number not in self._seen:
            into.signals[NEW] += 1
            self._seen[number] = None
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def logged(self, counts: Counts) -> Logged:
        """A window as that of one pod."""
        return Logged(self._infos.get, {0: counts.templates} if counts.templates else {}, {0})

    def _known(self, line: Line) -> tuple[int, SignatureInfo]:
        key = fold(line.message), line.severity
        found = self._cache.get(key)
        if found is None:
            one = signature(*key)
            log_class = self._classes.classify(template(one.text, one.severity)).log_class
            found = signature_id(one), SignatureInfo(one.text, log_class)
            if len(self._cache) >= _CACHED:
                self._cache.clear()
                self._infos.clear()
            self._cache[key] = found
            self._infos[found[0]] = found[1]
        return found


def sorted_lines(texts: Iterable[str], faults: Faults, most: int = MOST_HELD) -> Iterator[tuple[int, Line]]:
    """(place in the file, from 1, and line) in order of time, of the file where times are equal.

    Args:
        texts: the lines.
        faults: those that cannot be used are added.
        most: so many are held back for those that come after them but belong before; fewer where they are long.
    """
    held: list[tuple[int, int, Line]] = []
    characters = 0
    for place, text in enumerate(texts, 1):
        try:
            line = line_of(text)
        except BadRecord as bad:
            faults.add(f"line {place}", bad)
            continue
        heappush(held, (line.time_ns, place, line))
        characters += len(line.message)
        while len(held) > most or characters > _MOST_CHARACTERS:
            _, first, earliest = heappop(held)
            characters -= len(earliest.message)
            yield first, earliest
    while held:
        _, first, earliest = heappop(held)
        yield first, earliest


def windows(texts: Iterable[str], window_ns: int, faults: Faults, counted: Counted) -> Iterator[tuple[int, Counts]]:
    """(start, what it holds) of every window from the first line's to the last's.

    Args:
        texts: the lines.
        window_ns: length of a window.
        faults: lines that cannot be used are added; so are those of a window that is over.
        counted: what each line counts for.
    """
    counts = Counts()
    start_ns: int | None = None
    for place, line in sorted_lines(texts, faults):
        begin_ns = line.time_ns // window_ns * window_ns
        if start_ns is not None and begin_ns < start_ns:
            faults.add(f"line {place}", BadRecord(Reason.TOO_LATE, _TOO_LATE))
            continue
        if start_ns is not None and begin_ns > start_ns:
            yield start_ns, counts
            empty_ns = range(start_ns + window_ns, begin_ns, window_ns)
            if len(empty_ns) <= _MOST_EMPTY:
                yield from ((at_ns, Counts()) for at_ns in empty_ns)
            counts = Counts()
        start_ns = begin_ns
        counted.add(line, counts)
    if start_ns is not None:
        yield start_ns, counts


def replay_logs(texts: Iterable[str], window_ns: int, arl_s: float, faults: Faults) -> Iterator[Judged]:
    """Watch the counts of log lines: value is how many lines a window holds, score that of the most abnormal signal."""
    ward, regular, counted = Ward(arl_s), Regular(RegularState(), window_ns), Counted()
    for start_ns, counts in windows(texts, window_ns, faults, counted):
        signals, logged = counts.signals, counted.logged(counts)
        points = [Point(signal, float(signals[signal]), 1.0, worse="either", tolerance=0.0) for signal in _SIGNALS]
        written = regular.points(logged, window_ns / 1e9)
        readings = ward.add(start_ns, [*points, *written]).values()
        for name in regular.add(start_ns, logged, ward.spoken_of):
            ward.drop(name)
        worst = max(readings, key=lambda each: (each.log_e, each.abnormality))
        lines = sum(signals[signal] for signal in LOG_CLASSES)
        at = datetime.fromtimestamp(start_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
        score = max(each.abnormality for each in readings)
        yield Judged(at, str(lines), worst, score, ward.rings, ward.told)
