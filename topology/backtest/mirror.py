"""The same recording with time running backwards: another causal order, in which other cases are the past.

A moment t becomes pivot - t, so that what lay in [start, end) lies in [pivot - end, pivot - start). Totals that only
grow would shrink; they become the increases between their samples, at the sample that then comes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from streams.records.histogram import Histogram
from streams.records.identity import Source
from streams.records.metric import Kind, MetricSample, Series
from topology.recording.cases import Case
from topology.recording.lines import Record


def pivot_ns(cases: Sequence[Case]) -> int:
    """The sum of each moment and its mirror image, such that all of them together stay where they are."""
    return min(case.start_ns for case in cases) + max(case.end_ns for case in cases)


def mirrored_case(case: Case, pivot: int) -> Case:
    """The case from its end to its start."""
    return structs.replace(case, start_ns=pivot - case.end_ns, end_ns=pivot - case.start_ns)


def mirrored(records: Iterable[Record], pivot: int) -> Iterator[Record]:
    """The records, each file's in its own (now descending) order."""
    totals: dict[tuple[Source, Series], MetricSample] = {}
    for record in records:
        if isinstance(record, MetricSample) and record.kind is Kind.CUMULATIVE:
            before = totals.get((record.source, record.series))
            totals[record.source, record.series] = record
            increase = _increase(before, record)
            if before is not None and increase is not None:
                time_ns = pivot - 1 - before.time_ns
                yield MetricSample(record.source, time_ns, record.series, Kind.DELTA, increase)
        else:
            yield structs.replace(record, time_ns=pivot - 1 - record.time_ns)


def _increase(before: MetricSample | None, now: MetricSample) -> float | Histogram | None:
    """From one total to the next; after a reset all of the next, None where that cannot be told."""
    if before is None or now.time_ns <= before.time_ns:
        return None
    if isinstance(now.value, Histogram):
        if not isinstance(before.value, Histogram) or now.start_ns != before.start_ns:
            return now.value
        return now.value.increase_since(before.value) or now.value
    if isinstance(before.value, Histogram) or now.start_ns != before.start_ns or now.value < before.value:
        return now.value
    return now.value - before.value
