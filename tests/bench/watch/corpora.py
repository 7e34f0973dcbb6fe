"""The labelled streams of a data directory, as series with windows: NAB, the Nezha sets, ms-cloud-monitoring.

Layout: `nab/data/*/*.csv` with `nab/combined_windows.json`; `nezha-*/*.csv.gz` with `labels.json`;
`ms-cloud-monitoring/*/*.csv.gz` with a column of labels.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streams.records.metric import Series
from streams.signals.catalogue import read_series
from streams.signals.rule import SignalRule

Windows = list[tuple[int, int]]


@dataclass
class Stream:
    """One workload's series over one stretch of time."""

    name: str
    series: dict[str, tuple[list[int], list[float]]]
    """Times in ns and values, by the name of the signal."""
    windows: Windows
    """Labelled: first and last ns."""
    ignored: Windows = field(default_factory=list)
    """Where an alarm is neither right nor wrong."""


def time_ns(text: str) -> int:
    """Of a NAB or RFC 3339 time; UTC where it does not say."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000) * 1_000_000


def _rows(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return list(csv.reader(lines))


def nab(directory: Path) -> Iterator[Stream]:
    """Every file there is."""
    windows = msgspec.json.decode((directory / "combined_windows.json").read_bytes(), type=dict[str, list[list[str]]])
    for path in sorted(directory.glob("data/*/*.csv")):
        rows = _rows(path)[1:]
        name = f"{path.parent.name}/{path.name}"
        labelled = [(time_ns(begin), time_ns(end)) for begin, end in windows.get(name, [])]
        yield Stream(name, {"value": ([time_ns(row[0]) for row in rows], [float(row[1]) for row in rows])}, labelled)


def nezha(directory: Path) -> Iterator[Stream]:
    """One stream a service and day, all its metrics; the faults of other services are ignored."""
    labels = msgspec.json.decode((directory / "labels.json").read_bytes())
    for path in sorted(directory.glob("*.csv.gz")):
        rows = _rows(path)
        series: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for row in rows[1:]:
            for signal, value in zip(rows[0][1:], row[1:], strict=False):
                if value:
                    series[signal][0].append(time_ns(row[0]))
                    series[signal][1].append(float(value))
        told = labels[path.name]
        windows, ignored = (
            [(time_ns(each["start"]), time_ns(each["end"])) for each in told[kind]]
            for kind in ("anomaly_windows", "other_service_fault_windows")
        )
        yield Stream(path.name, dict(series), windows, ignored)


def ms_cloud(directory: Path) -> Iterator[Stream]:
    """One stream a file; neighbouring labelled points are one window."""
    for path in sorted(directory.glob("*/*.csv.gz")):
        rows = [row for row in _rows(path) if len(row) > 2 and row[1]][1:]
        times, values = [time_ns(row[0]) for row in rows], [float(row[1]) for row in rows]
        windows: Windows = []
        before = False
        for at, row in zip(times, rows, strict=True):
            labelled = row[2].strip() not in ("", "0", "0.0")
            if labelled:
                windows[-1:] = [(windows[-1][0], at)] if before else [*windows[-1:], (at, at)]
            before = labelled
        yield Stream(path.name, {"value": (times, values)}, windows)


CORPORA = {
    "nezha-ob": nezha,
    "nezha-ts": nezha,
    "ms-cloud-monitoring": ms_cloud,
}


def rule(signal: str) -> SignalRule:
    """As the pipeline finds it by the name of a gauge; any change of one without a name counts."""
    if signal == "value":
        return SignalRule(signal, "level", tolerance_up=0.0)
    _, rules = read_series(Series(signal))
    return next((each for each in rules if each.kind == "level"), rules[0])
