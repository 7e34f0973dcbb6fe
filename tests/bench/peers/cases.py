"""What a peer is given of a case: its records, and which revision is which. Never a label."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from streams.records.histogram import Histogram
from streams.records.log import LogRecord
from streams.records.metric import MetricSample
from topology.recording.cases import Case, GroundTruth
from topology.recording.faults import Faults
from topology.recording.reading import open_recording, records


class Recorded(Struct):
    """One case, side by side."""

    case: Case
    baseline_log: list[LogRecord] = []
    """In order of time."""
    canary_log: list[LogRecord] = []
    baseline_values: dict[str, list[tuple[int, float]]] = {}
    """Metric -> (time in ns, value), in order of time, of all pods."""
    canary_values: dict[str, list[tuple[int, float]]] = {}


def read(directory: Path) -> Iterator[tuple[Recorded, GroundTruth | None]]:
    """The cases of a recording, in order of start, each with what is known of it, for the tables."""
    with tempfile.TemporaryDirectory(prefix="serinus-peers-") as scratch:
        opened = open_recording(directory, Path(scratch))
        for files in opened.cases:
            found = Recorded(files.case)
            for record in records(files, Faults()):
                _add(found, record)
            for log in (found.baseline_log, found.canary_log):
                log.sort(key=lambda line: line.time_ns)
            for values in (*found.baseline_values.values(), *found.canary_values.values()):
                values.sort()
            yield found, opened.truth.get(files.case.id)


def _add(found: Recorded, record: LogRecord | MetricSample) -> None:
    pair, revision = found.case.comparison, record.source.revision.pod_template_hash
    if revision not in {pair.baseline, pair.canary}:
        return
    is_canary = revision == pair.canary
    if isinstance(record, LogRecord):
        (found.canary_log if is_canary else found.baseline_log).append(record)
    elif not isinstance(record.value, Histogram):
        values = found.canary_values if is_canary else found.baseline_values
        values.setdefault(record.series.name, []).append((record.time_ns, record.value))
