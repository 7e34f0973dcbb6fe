"""Rolls records up into summaries: the hot path.

Lives for one transaction at a time: `add` many, then `drain` once. Per log record it does no more than find the pod's
open window and count the folded line; what a line means is worked out once per distinct line. Lines that go on with
an event count as records and are no lines of their own (`continuation`), which by their form alone is decided so: where
runs and transactions end changes nothing that is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from heapq import nsmallest

from msgspec import Struct, structs

from streams.errors import BadRecord, Reason
from streams.records.found import Found, Record
from streams.records.histogram import Histogram
from streams.records.identity import Revision, Source
from streams.records.log import Fielded, LogRecord, Piece, Severity
from streams.records.metric import Kind, MetricSample, Series, exact
from streams.windows.continuation import goes_on
from streams.windows.correlation import Place, id_place, shown_id, trace_number
from streams.windows.cut_lines import CutLines, Pieces, is_rest
from streams.windows.excerpts import CONTEXT_LINES, GRAVE, Places, Rank, cut, rank, shown
from streams.windows.log_fields import LogField, LogFields, Values, settle
from streams.windows.signature import Signature, fold, signature, signature_id
from streams.windows.summary import (
    MOST_ALIKE,
    NAMED_TRACES,
    Limits,
    PodSummary,
    Summary,
    lines_together,
    merge_points,
    merge_states,
    name_traces,
    series_id,
    series_in,
    trim,
)

_CACHED_LINES = 50_000
_CACHED_BYTES = 16 * 2**20
"""Of folded lines and what they say."""
_CACHED_SERIES = 50_000
_SHOWN_WINDOWS = 2_000
"""Of revisions, of which is remembered what has been shown."""
_Line = bytes | tuple[Severity, bytes]


class Rolled(Struct, frozen=True):
    """What one transaction's records came to."""

    summaries: list[Summary]
    signatures: dict[int, Signature]
    series: dict[int, Series]
    other_samples: int = 0
    """Samples whose series or pod found no place within the limits."""
    continued: int = 0
    """Records that go on with a line, or with its event."""
    unread_fields: dict[str, int] = {}
    """Reason -> named fields, or lines that may hold them, that could not be read."""


class Added(Struct, frozen=True):
    """What became of a run of messages."""

    records: int
    """Records in it, rejected ones included."""
    newest_ns: int
    """Newest event time of a record that counts, ns; 0 if none does."""
    rejected: list[tuple[int, BadRecord]]
    """Position of the message and why of what does not count."""


class _Known(Struct, frozen=True):
    """What a folded line says."""

    number: int
    """Signature id; 0: none, the line goes on with another."""
    what: Signature
    place: Place | None
    """Of a trace id in it."""


class _Slot:
    """One pod in one window, while it is being filled."""

    __slots__ = (
        *("end_ns", "grave", "lines", "pod", "rests", "samples", "source", "start_ns", "traced", "traces", "values"),
    )

    def __init__(self, source: Source, start_ns: int, end_ns: int) -> None:
        self.source = source
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.lines: dict[_Line, int] = {}
        self.traced: dict[_Line, Place] = {}
        """Lines of this window that hold an id, and where."""
        self.traces: dict[str, dict[_Line, int]] = {}
        """Trace id -> its lines, and how often each."""
        self.samples = 0
        self.rests = 0
        """Records that are the rest of a line that was cut."""
        self.grave: set[int] = set()
        """Grave signatures that have been met."""
        self.pod = PodSummary()
        self.values: Values = {}
        """Of named fields of its lines."""


class Roller:
    """Records in, summaries out."""

    def __init__(
        self,
        window_ns: int,
        limits: Limits,
        context_lines: int = CONTEXT_LINES,
        log_fields: Sequence[LogField] = (),
    ) -> None:
        self._window_ns = window_ns
        self._limits = limits
        self._context_lines = context_lines
        self._fields = LogFields(log_fields) if log_fields else None
        self._slots: dict[tuple[Source, int], _Slot] = {}
        self._current: dict[Source, _Slot] = {}
        self._earliest_ns = 0
        self._latest_ns = 2**63
        self._widest: Callable[[], tuple[int, int]] | None = None
        self._known: dict[_Line, _Known] = {}
        self._known_bytes = 0
        self._shown: dict[tuple[Revision, int], Places] = {}
        """Revision and window -> what is shown of it, also by transactions before: nothing is cut out twice."""
        self._grave: list[tuple[Places, Rank, _Slot, LogRecord, int]] = []
        """Of the run at hand what may be shown: the record, and the position of its message."""
        self._cut_lines = CutLines()
        self._series_ids: dict[Series, int] = {}
        self._series: dict[int, Series] = {}

    def accept(
        self,
        earliest_ns: int,
        latest_ns: int,
        partition: Hashable = None,
        widest: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """From now on a record outside [earliest, latest] is too late or too early; said for a run of a partition.

        Args:
            earliest_ns: bounds that most records keep.
            latest_ns: the same.
            partition: of the run.
            widest: the bounds that decide, where finding them takes time; asked before the first is refused.
        """
        self._earliest_ns = earliest_ns
        self._latest_ns = latest_ns
        self._widest = widest
        self._current.clear()
        self._cut_lines.drop_before(partition, earliest_ns)

    def add(self, record: Record) -> None:
        """Count one record by itself: it is shown without what stood around it.

        Raises:
            BadRecord: its time is out of bounds; nothing was counted.
        """
        self._add(record, self._cut_lines.of(None), 0)
        if self._grave:
            self._cut_out((record,))

    def add_all(  # noqa: C901 - a call more a record would cost more than it tells
        self, found: Sequence[Found], partition: Hashable = None
    ) -> Added:
        """Count all that was found in a run of messages; a line of a window that is open costs no call but `fold`'s.

        Args:
            found: what each message came to.
            partition: of the input that the run was read from; lines go on in their own.
        """
        records, newest_ns = len(found), 0
        rejected: list[tuple[int, BadRecord]] = []
        open_slot, pieces, unset = self._current.get, self._cut_lines.of(partition), Severity.UNSET
        whole, fields = None if pieces else LogRecord, self._fields
        for position, record in enumerate(found):
            if type(record) is whole:
                time_ns = record.time_ns
                slot = open_slot(record.source)
                if slot is not None and slot.start_ns <= time_ns < slot.end_ns:
                    line = fold(record.message) if record.severity is unset else _line(record)
                    lines = slot.lines
                    count = lines.get(line, 0)
                    lines[line] = count + 1
                    if not count:
                        self._meet(slot, line, record, position)
                    if slot.traced or record.trace_id:
                        _trace(slot, line, record)
                    if fields is not None:
                        fields.read(record.message, slot.pod, slot.values)
                    if time_ns > newest_ns:  # noqa: PLR1730 - max() costs a call a record
                        newest_ns = time_ns
                    continue
            several = record if isinstance(record, Sequence) else (record,)
            records += len(several) - 1
            for one in several:
                try:
                    newest_ns = max(newest_ns, self._add(one, pieces, position))
                except BadRecord as bad:  # of one message's many the others still count
                    rejected.append((position, bad.with_traceback(None)))
            whole = None if pieces else LogRecord
        if self._grave:
            self._cut_out(found)
        return Added(records, newest_ns, rejected)

    def commit(self) -> None:
        """What has been added is not added again."""
        self._cut_lines.commit()

    def rewind(self) -> None:
        """Drop what was added since the last commit: it is read again."""
        self.drain()
        self._shown.clear()
        self._cut_lines.rewind()

    def forget(self) -> None:
        """Drop what was added: others read it, and what comes next was not read here."""
        self.drain()
        self._shown.clear()
        self._cut_lines.forget()

    def drain(self) -> Rolled:
        """Everything added since the last drain; the roller is empty afterwards."""
        rolled = Rolled([], {}, {})
        dropped = continued = 0
        trace_numbers: dict[str, int] = {}
        by_window: dict[tuple[Revision, int], Summary] = {}
        for slot in self._slots.values():
            revision = slot.source.revision
            summary = by_window.get((revision, slot.start_ns))
            if summary is None:
                summary = by_window[revision, slot.start_ns] = Summary(revision, slot.start_ns)
                rolled.summaries.append(summary)
            summary.records += slot.samples + slot.rests + sum(slot.lines.values())
            continued += slot.rests
            counts = slot.pod.lines
            for line, count in slot.lines.items():
                known = self._identify(line)
                number = known.number
                if number:
                    counts[number] = counts.get(number, 0) + count
                    rolled.signatures[number] = known.what
                else:
                    continued += count
            if slot.traces:
                self._number_traces(slot, trace_numbers)
                name_traces(summary, _names(slot, trace_numbers))
            settle(slot.values, slot.pod)
            summary.pods[slot.source.pod] = slot.pod
        for summary in rolled.summaries:
            dropped += trim(summary, self._limits, lambda number: _judged_severity(rolled.signatures[number]))
            for pod in summary.pods.values():
                pod.excerpts.update((number, shown(excerpt)) for number, excerpt in pod.excerpts.items())
        self._tell_fields(rolled)
        rolled.series.update((number, self._series[number]) for number in series_in(rolled.summaries))
        self._slots.clear()
        self._current.clear()
        if len(self._shown) > _SHOWN_WINDOWS:
            self._shown.clear()
        if len(self._series_ids) > _CACHED_SERIES:
            self._series_ids.clear()
            self._series.clear()
        return structs.replace(rolled, other_samples=dropped, continued=continued)

    def _tell_fields(self, rolled: Rolled) -> None:
        if self._fields is not None:
            self._series.update(self._fields.series)
            rolled.unread_fields.update(self._fields.unread)
            self._fields.unread.clear()

    def _add(self, found: Record | BadRecord, pieces: Pieces, position: int) -> int:
        """Count a record; its time, ns."""
        if isinstance(found, BadRecord):
            raise found
        slot = self._current.get(found.source)
        if slot is None or not slot.start_ns <= found.time_ns < slot.end_ns:
            slot = self._slot(found.source, found.time_ns)
        if not isinstance(found, LogRecord):
            slot.samples += 1
            self._add_sample(slot.pod, found)
        elif (pieces or type(found) is Piece) and is_rest(pieces, found):
            slot.rests += 1
        else:
            line = _line(found)
            count = slot.lines.get(line, 0)
            slot.lines[line] = count + 1
            if not count:
                self._meet(slot, line, found, position)
            if slot.traced or found.trace_id:
                _trace(slot, line, found)
            if self._fields is not None:
                beside = found.fields if isinstance(found, Fielded) else None
                self._fields.read(found.message, slot.pod, slot.values, beside)
        return found.time_ns

    def _slot(self, source: Source, time_ns: int) -> _Slot:
        if not self._earliest_ns <= time_ns <= self._latest_ns and self._widest is not None:
            (self._earliest_ns, self._latest_ns), self._widest = self._widest(), None
        if not self._earliest_ns <= time_ns <= self._latest_ns:
            late = time_ns < self._earliest_ns
            raise BadRecord(
                Reason.TOO_LATE if late else Reason.TOO_EARLY,
                f"event time {time_ns} ns is outside {self._earliest_ns}..{self._latest_ns} ns",
            )
        start_ns = time_ns - time_ns % self._window_ns
        slot = self._slots.get((source, start_ns))
        if slot is None:
            slot = self._slots[source, start_ns] = _Slot(source, start_ns, start_ns + self._window_ns)
        self._current[source] = slot
        return slot

    def _identify(self, line: _Line) -> _Known:
        """What a line says; of each line worked out once, and kept within bounds."""
        known = self._known.get(line)
        if known is None:
            if len(self._known) >= _CACHED_LINES or self._known_bytes > _CACHED_BYTES:
                self._known.clear()
                self._known_bytes = 0
            text = line if isinstance(line, bytes) else line[1]
            what = signature(text) if isinstance(line, bytes) else signature(text, line[0])
            continued = goes_on(text.decode(), what.severity)
            known = self._known[line] = _Known(0 if continued else signature_id(what), what, id_place(text))
            self._known_bytes += len(text) + len(what.text)
        return known

    def _meet(self, slot: _Slot, line: _Line, record: LogRecord, position: int) -> None:
        """A line that its slot has not seen before."""
        known = self._identify(line)
        if known.place is not None:
            slot.traced[line] = known.place
        if known.what.severity >= GRAVE and known.number and known.number not in slot.grave:
            slot.grave.add(known.number)
            self._show(slot, known, record, position)

    def _show(self, slot: _Slot, known: _Known, record: LogRecord, position: int) -> None:
        window = slot.source.revision, slot.start_ns
        places = self._shown.get(window)
        if places is None:
            places = self._shown[window] = Places(self._limits.excerpts_per_signature, self._limits.excerpts)
        standing = rank(slot.source.pod, known.number, slot.start_ns, known.what.severity)
        if places.take(standing):
            self._grave.append((places, standing, slot, record, position))

    def _cut_out(self, run: Sequence[Found]) -> None:
        """Give the grave lines of a run what stands around them."""
        for places, standing, slot, record, position in self._grave:
            if places.holds(standing):
                slot.pod.excerpts[standing[1]] = cut(run, position, record, self._context_lines)
        self._grave.clear()

    def _number_traces(self, slot: _Slot, known: dict[str, int]) -> None:
        numbers = {line: self._identify(line).number for line in slot.lines}
        traces = slot.pod.traces
        for trace_id, lines in slot.traces.items():
            trace = known.get(trace_id)
            if trace is None:
                trace = known[trace_id] = trace_number(trace_id)
            if trace:
                ids = [number for line, count in lines.items() for number in (numbers[line],) * min(count, MOST_ALIKE)]
                more = lines_together(filter(None, ids), traces.get(trace, ()))
                if more:
                    traces[trace] = more

    def _add_sample(self, pod: PodSummary, sample: MetricSample) -> None:
        number = self._series_ids.get(sample.series)
        if number is None:
            number = self._series_ids[sample.series] = series_id(sample.series)
            self._series[number] = sample.series
        value = sample.value
        if isinstance(value, Histogram):
            if sample.kind is Kind.CUMULATIVE:
                states = pod.histogram_totals.setdefault(number, {})
                merge_states(states, {sample.time_ns: (sample.start_ns, value)})
            else:
                known, more = pod.histogram_increases.get(number), value.with_total(exact(value.total))
                pod.histogram_increases[number] = more if known is None else known.merge(more)
        elif sample.kind is Kind.GAUGE:
            merge_points(pod.gauges.setdefault(number, {}), {sample.time_ns: value})
        elif sample.kind is Kind.CUMULATIVE:
            merge_points(pod.totals.setdefault(number, {}), {sample.time_ns: (sample.start_ns, value)})
        else:
            pod.increases[number] = pod.increases.get(number, 0.0) + exact(value)


def _trace(slot: _Slot, line: _Line, record: LogRecord) -> None:
    trace_id = record.trace_id
    if not trace_id:
        place = slot.traced.get(line)
        if place is None:
            return
        trace_id = record.message[place[0] : place[1]]
    lines = slot.traces.get(trace_id)
    if lines is None:
        slot.traces[trace_id] = {line: 1}
    else:
        lines[line] = lines.get(line, 0) + 1


def _names(slot: _Slot, numbers: Mapping[str, int]) -> dict[int, str]:
    """Ids, as they may be shown, of the least traces of a slot."""
    least = frozenset(nsmallest(NAMED_TRACES, slot.pod.traces))
    names: dict[int, str] = {}
    for trace_id in slot.traces:
        number = numbers[trace_id]
        if number in least:
            name = shown_id(trace_id)
            names[number] = min(name, names.get(number, name))
    return names


def _line(record: LogRecord) -> _Line:
    folded = fold(record.message)
    return (record.severity, folded) if record.severity else folded


def _judged_severity(what: Signature) -> int:
    return what.severity if what.severity >= Severity.WARN else 0
