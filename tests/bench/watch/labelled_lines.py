"""`python -m tests.bench.watch.labelled_lines DIR`: alarms laid over labelled log lines, by the code of the pipeline.

DIR holds `logs.jsonl.gz` (`ts`, `severity`, `message`) and `line_labels.csv.gz` (`anomalous_block` of each line, in the
same order): hdfs-stream. The lines are those of one pod of one workload; they are rolled up as ingest does and watched
as score does. A window is told of while an alarm rings, from its onset to its end; it is labelled if a line of it is.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.watch.alarm import Alarm
from streams.watch.watch import WatchSettings
from streams.windows.roller import Roller
from streams.windows.summary import Limits
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadSettings, WorkloadState
from topology.watch.logs import Line, line_of

WINDOW_NS = 5_000_000_000
_OF = Workload("", "hdfs", "datanode")
_SOURCE = Source(Revision(_OF, "one"), "one")
_PERIODS_S = (5, 60, 300, 3600)


def lines_of(directory: Path) -> Iterator[tuple[Line, bool]]:
    """Lines in order, and whether each is labelled."""
    with gzip.open(directory / "logs.jsonl.gz", "rt") as lines, gzip.open(directory / "line_labels.csv.gz", "rt") as of:
        for text, label in zip(lines, csv.DictReader(of), strict=True):
            yield line_of(text), label["anomalous_block"] == "1"


def watched(lines: Iterator[Line]) -> dict[str, Alarm]:
    """Id -> the last document of each alarm."""
    settings = WorkloadSettings(window_ns=WINDOW_NS, watch=WatchSettings(), sight_ns=0)
    life, roller, found = WorkloadLife(settings, WorkloadState(_OF)), Roller(WINDOW_NS, Limits()), dict[str, Alarm]()
    end_ns = 0
    for line in lines:
        if line.time_ns >= end_ns:
            rolled = roller.drain()
            for summary in rolled.summaries:
                life.add(summary, rolled.signatures, rolled.series)
            life.close(line.time_ns // WINDOW_NS * WINDOW_NS)
            found |= {alarm.id: alarm for alarm in life.alarms()}
            end_ns = (line.time_ns // WINDOW_NS + 1) * WINDOW_NS
        roller.add(LogRecord(_SOURCE, line.time_ns, line.message, line.severity))
    return found


def make(directory: Path) -> Iterator[str]:
    """The table, as Markdown."""
    lines = list(lines_of(directory))
    alarms = watched(line for line, _ in lines)
    spans = [(_ns(alarm.onset_at), _ns(alarm.cleared_at or alarm.as_of)) for alarm in alarms.values()]
    hours = (lines[-1][0].time_ns - lines[0][0].time_ns) / 3.6e12
    yield f"{len(lines)} lines in {hours:.1f} h, {sum(label for _, label in lines)} labelled; {len(alarms)} alarms"
    yield ""
    yield "| windows of | labelled | told of | precision | recall | precision of telling of all |"
    yield "|---|---|---|---|---|---|"
    for period_s in _PERIODS_S:
        period_ns = period_s * 1_000_000_000
        every = range(lines[0][0].time_ns // period_ns, lines[-1][0].time_ns // period_ns + 1)
        labelled = {line.time_ns // period_ns for line, label in lines if label}
        told = {at for begin, end in spans for at in range(begin // period_ns, (end - 1) // period_ns + 1)}
        both, share = len(labelled & told), len(labelled) / len(every)
        figures = f"{both / max(len(told), 1):.2f} | {both / len(labelled):.2f} | {share:.2f}"
        yield f"| {period_s} s | {len(labelled)} of {len(every)} | {len(told)} | {figures} |"
    for alarm in alarms.values():
        yield f"- {alarm.raised_at}: {alarm.summary}"


def _ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


if __name__ == "__main__":
    for row in make(Path(sys.argv[1])):
        print(row)  # noqa: T201 - what it is for
