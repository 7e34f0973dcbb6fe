"""Rolls records up into summaries: the hot path.

Lives for one transaction at a time: `add` many, then `drain` once. Per log record it does no more than find the pod's
open window and count the folded line; what a line means is worked out once per distinct line, at the drain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from streams.errors import BadRecord, Reason
from streams.records.found import Found, Record
from streams.records.histogram import Histogram
from streams.records.identity import Revision, Source
from streams.records.log import LogRecord, Severity
from streams.records.metric import Kind, MetricSample, Series, exact
from streams.windows.correlation import Place, id_place, trace_number
from streams.windows.signature import Signature, fold, signature, signature_id
from streams.windows.summary import (
    Limits,
    PodSummary,
    Summary,
    merge_points,
    merge_states,
    series_id,
    trim,
)

_CACHED_LINES = 50_000
_CACHED_SERIES = 50_000
_Line = bytes | tuple[Severity, bytes]


class Rolled(Struct, frozen=True):
    """What one transaction's records came to."""

    summaries: list[Summary]
    signatures: dict[int, Signature]
    series: dict[int, Series]
    other_samples: int = 0
    """Samples whose series or pod found no place within the limits."""


class Added(Struct, frozen=True):
    """What became of a run of messages."""

    records: int
    """Records in it, rejected ones included."""
    newest_ns: int
    """Newest event time of a record that counts, ns; 0 if none does."""
    rejected: list[tuple[int, BadRecord]]
    """Position of the message and why of what does not count."""


class _Slot:
    """One pod in one window, while it is being filled."""

    __slots__ = ("end_ns", "lines", "pod", "samples", "source", "start_ns", "traced", "traces")

    def __init__(self, source: Source, start_ns: int, end_ns: int) -> None:
        self.source = source
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.lines: dict[_Line, int] = {}
        self.traced: dict[_Line, Place] = {}
        """Lines of this window that hold an id, and where."""
        self.traces: dict[str, set[_Line]] = {}
        """Trace id -> its lines."""
        self.samples = 0
        self.pod = PodSummary()


class Roller:
    """Records in, summaries out."""

    def __init__(self, window_ns: int, limits: Limits) -> None:
        self._window_ns = window_ns
        self._limits = limits
        self._slots: dict[tuple[Source, int], _Slot] = {}
        self._current: dict[Source, _Slot] = {}
        self._earliest_ns = 0
        self._latest_ns = 2**63
        self._line_ids: dict[_Line, tuple[int, Signature]] = {}
        self._places: dict[_Line, Place | None] = {}
        self._series_ids: dict[Series, int] = {}
        self._series: dict[int, Series] = {}

    def accept(self, earliest_ns: int, latest_ns: int) -> None:
        """From now on a record outside [earliest, latest] is too late or too early."""
        self._earliest_ns = earliest_ns
        self._latest_ns = latest_ns
        self._current.clear()

    def add(self, record: Record) -> None:
        """Count one record.

        Raises:
            BadRecord: its time is out of bounds; nothing was counted.
        """
        slot = self._current.get(record.source)
        if slot is None or not slot.start_ns <= record.time_ns < slot.end_ns:
            slot = self._slot(record.source, record.time_ns)
        if isinstance(record, LogRecord):
            line = _line(record)
            count = slot.lines.get(line, 0)
            slot.lines[line] = count + 1
            if not count:
                self._find_id(slot, line)
            if slot.traced or record.trace_id:
                _trace(slot, line, record)
        else:
            slot.samples += 1
            self._add_sample(slot.pod, record)

    def add_all(self, found: Sequence[Found]) -> Added:
        """Count all that was found in a run of messages; a line of a window that is open costs no call but `fold`'s."""
        records, newest_ns = len(found), 0
        rejected: list[tuple[int, BadRecord]] = []
        open_slot = self._current.get
        for position, record in enumerate(found):
            if type(record) is LogRecord:
                time_ns = record.time_ns
                slot = open_slot(record.source)
                if slot is not None and slot.start_ns <= time_ns < slot.end_ns:
                    line = fold(record.message) if not record.severity else _line(record)
                    lines = slot.lines
                    count = lines.get(line, 0)
                    lines[line] = count + 1
                    if not count:
                        self._find_id(slot, line)
                    if slot.traced or record.trace_id:
                        _trace(slot, line, record)
                    if time_ns > newest_ns:  # noqa: PLR1730 - max() costs a call a record
                        newest_ns = time_ns
                    continue
            several = record if isinstance(record, Sequence) else (record,)
            records += len(several) - 1
            for one in several:
                try:
                    newest_ns = max(newest_ns, self._add(one))
                except BadRecord as bad:  # of one message's many the others still count
                    rejected.append((position, bad.with_traceback(None)))
        return Added(records, newest_ns, rejected)

    def drain(self) -> Rolled:
        """Everything added since the last drain; the roller is empty afterwards."""
        rolled = Rolled([], {}, {})
        dropped = 0
        trace_numbers: dict[str, int] = {}
        by_window: dict[tuple[Revision, int], Summary] = {}
        for slot in self._slots.values():
            revision = slot.source.revision
            summary = by_window.get((revision, slot.start_ns))
            if summary is None:
                summary = by_window[revision, slot.start_ns] = Summary(revision, slot.start_ns)
                rolled.summaries.append(summary)
            summary.records += slot.samples + sum(slot.lines.values())
            counts = slot.pod.lines
            for line, count in slot.lines.items():
                number, what = self._identify(line)
                counts[number] = counts.get(number, 0) + count
                rolled.signatures[number] = what
            if slot.traces:
                self._number_traces(slot, trace_numbers)
            summary.pods[slot.source.pod] = slot.pod
        for summary in rolled.summaries:
            dropped += trim(summary, self._limits, lambda number: _judged_severity(rolled.signatures[number]))
        rolled.series.update((number, self._series[number]) for number in _series_in(rolled.summaries))
        self._slots.clear()
        self._current.clear()
        if len(self._series_ids) > _CACHED_SERIES:
            self._series_ids.clear()
            self._series.clear()
        return structs.replace(rolled, other_samples=dropped)

    def _add(self, found: Record | BadRecord) -> int:
        """Count a record; its time, ns."""
        if isinstance(found, BadRecord):
            raise found
        self.add(found)
        return found.time_ns

    def _slot(self, source: Source, time_ns: int) -> _Slot:
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

    def _identify(self, line: _Line) -> tuple[int, Signature]:
        known = self._line_ids.get(line)
        if known is None:
            what = signature(line) if isinstance(line, bytes) else signature(line[1], line[0])
            if len(self._line_ids) >= _CACHED_LINES:
                self._line_ids.clear()
            known = self._line_ids[line] = (signature_id(what), what)
        return known

    def _number_traces(self, slot: _Slot, known: dict[str, int]) -> None:
        numbers = {line: self._identify(line)[0] for line in slot.lines}
        traces = slot.pod.traces
        for trace_id, lines in slot.traces.items():
            trace = known.get(trace_id)
            if trace is None:
                trace = known[trace_id] = trace_number(trace_id)
            if trace:
                ids = {numbers[line] for line in lines}
                traces[trace] = tuple(sorted(ids.union(traces.get(trace, ()))))

    def _find_id(self, slot: _Slot, line: _Line) -> None:
        if line in self._places:
            place = self._places[line]
        else:
            if len(self._places) >= _CACHED_LINES:
                self._places.clear()
            place = self._places[line] = id_place(line if isinstance(line, bytes) else line[1])
        if place is not None:
            slot.traced[line] = place

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
                known = pod.histogram_increases.get(number)
                pod.histogram_increases[number] = value if known is None else known.merge(value)
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
        slot.traces[trace_id] = {line}
    else:
        lines.add(line)


def _line(record: LogRecord) -> _Line:
    folded = fold(record.message)
    return (record.severity, folded) if record.severity else folded


def _judged_severity(what: Signature) -> int:
    return what.severity if what.severity >= Severity.WARN else 0


def _series_in(summaries: Iterable[Summary]) -> set[int]:
    return {number for summary in summaries for pod in summary.pods.values() for number in pod.series()}
