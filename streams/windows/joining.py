"""Which records of a run are lines of one event? Joins them; stateless between runs.

A run is what was read at once, in order. Most runs hold no line that goes on with another, and cost one cheap question
a record. Where one does, the records of that pod are gone through: those of one event become one record, its first with
the whole text; a line whose first is in an earlier run is taken out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from streams.records.identity import Source
from streams.records.log import LogRecord
from streams.windows.events import BOUNDS, STARTS, Bounds, Event, Pieces, orphaned

Other = TypeVar("Other")
_Place = tuple[int, int]
"""Position in the run, and in what was found there."""


class Joined(Struct, frozen=True):
    """What a run came to."""

    found: Sequence[object]
    """As many as there were, in their order; () where a line has become part of an event, or of none."""
    continued: int = 0
    """Lines that are part of an event begun by another line of the run."""
    orphans: int = 0
    """Lines that go on with an event of an earlier run."""
    left_out: int = 0
    """Of the continued lines those that found no place in their event."""


class _Tail:
    """The latest lines of a pod, and the event they have become."""

    __slots__ = ("before", "event", "last", "places")

    def __init__(self) -> None:
        self.before: tuple[_Place, LogRecord] | None = None
        self.last: tuple[_Place, LogRecord] | None = None
        self.event: Event | None = None
        self.places: list[tuple[_Place, LogRecord]] = []


def joined(found: Sequence[LogRecord | Other | Sequence[LogRecord | Other]], bounds: Bounds = BOUNDS) -> Joined:
    """Join the log records of a run; whatever else was found stays as it is.

    Args:
        found: what each message of the run came to: a record, several, or what else there may be.
        bounds: on each event.
    """
    suspects = [
        one
        for one in found
        if type(one) is not LogRecord or (line := one.message) < "!" or line[:3] in STARTS or one.partial
    ]
    sources = (
        {one.source for one in _records_of(suspects) if one.partial or _may_continue(one.message)}
        if suspects
        else set()
    )
    return _Joining(found, sources, bounds).joined() if sources else Joined(found)


class _Joining:
    """Joins the records of some pods."""

    def __init__(self, found: Sequence[object], sources: set[Source], bounds: Bounds) -> None:
        self._found: list[object] = [list(one) if isinstance(one, Sequence) else one for one in found]
        self._sources = sources
        self._bounds = bounds
        self._pieces: Pieces[Source] = Pieces(bounds)
        self._cut: dict[Source, tuple[_Place, LogRecord]] = {}
        """First pieces of lines whose last piece has not come yet."""
        self._tails: dict[Source, _Tail] = {}
        self._continued = self._orphans = self._left_out = 0

    def joined(self) -> Joined:
        for place, record in self._records():
            if record.source in self._sources:
                self._piece(place, record)
        for source, text in self._pieces.drain():
            self._whole(source, text)
        for tail in self._tails.values():
            self._end(tail)
        found = [tuple(x for x in one if x is not None) if isinstance(one, list) else one for one in self._found]
        return Joined(found, self._continued, self._orphans, self._left_out)

    def _records(self) -> Iterator[tuple[_Place, LogRecord]]:
        for position, one in enumerate(self._found):
            for within, record in enumerate(one if isinstance(one, list) else (one,)):
                if isinstance(record, LogRecord):
                    yield (position, within), record

    def _piece(self, place: _Place, record: LogRecord) -> None:
        """Take a line, or a piece of one."""
        source = record.source
        first = self._cut.get(source)
        if first is None and not record.partial:
            self._take(place, record)
            return
        if first is None:
            self._cut[source] = place, record
        else:
            self._put(place, None)
            self._continued += 1
        text = self._pieces.add(source, record.message, record.partial)
        if text is not None:
            self._whole(source, text)

    def _whole(self, source: Source, text: str) -> None:
        """A line whose pieces have all come, or all that this run has of it."""
        place, first = self._cut.pop(source)
        whole = structs.replace(first, message=text, partial=False)
        self._put(place, whole)
        self._take(place, whole)

    def _take(self, place: _Place, record: LogRecord) -> None:
        tail = self._tails.get(record.source)
        if tail is None:
            if len(self._tails) >= self._bounds.events:
                return
            tail = self._tails[record.source] = _Tail()
        if tail.event is not None:
            if tail.event.take(record.message, record.time_ns):
                tail.places.append((place, record))
                return
            self._end(tail)
        if tail.last is None or _may_continue(record.message):
            if tail.last is not None and self._begin(tail, tail.last, place, record):
                return
            if orphaned(record.message):
                self._orphans += 1
                self._put(place, None)
                return
        tail.before, tail.last = tail.last, (place, record)

    def _begin(self, tail: _Tail, last: tuple[_Place, LogRecord], place: _Place, record: LogRecord) -> bool:
        """Whether the record goes on with the line before it, or with the two before it: then an event begins there."""
        for heads in ([tail.before, last], [last]):
            event = self._event([head for head in heads if head is not None])
            if event is not None and event.take(record.message, record.time_ns):
                tail.event = event
                tail.places = [head for head in (*heads, (place, record)) if head is not None]
                return True
        return False

    def _event(self, heads: list[tuple[_Place, LogRecord]]) -> Event | None:
        """An event of one line, or of two if the second goes on with the first."""
        _, first = heads[0]
        event = Event(first.message, first.time_ns, self._bounds)
        goes_on = all(event.take(record.message, record.time_ns) for _, record in heads[1:])
        return event if goes_on else None

    def _end(self, tail: _Tail) -> None:
        """Make one record of the event, if there is one."""
        if tail.event is None:
            return
        (place, first), *rest = tail.places
        self._put(place, structs.replace(first, message=tail.event.text))
        for place, _ in rest:
            self._put(place, None)
        self._continued += len(rest)
        self._left_out += tail.event.left_out
        tail.before = tail.last = tail.event = None

    def _put(self, place: _Place, record: LogRecord | None) -> None:
        position, within = place
        several = self._found[position]
        if isinstance(several, list):
            several[within] = record
        else:
            self._found[position] = () if record is None else record


def _records_of(found: Sequence[object]) -> Iterator[LogRecord]:
    for one in found:
        for record in one if isinstance(one, Sequence) else (one,):
            if isinstance(record, LogRecord):
                yield record


def _may_continue(line: str) -> bool:
    return line < "!" or line[:3] in STARTS
