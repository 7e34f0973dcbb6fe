"""Opens, replays, writes as it goes, and tells at the end what was found and what could not be read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from msgspec import Struct
from rich.console import Console

from streams.watch.points import cut_level
from topology.errors import Unavailable
from topology.output import files_told, give_up_output, keep, opened, reading, size_of, written
from topology.recording.faults import Faults
from topology.templates.lines import Lines
from topology.watch.logs import replay_logs
from topology.watch.plot import Picture
from topology.watch.replay import Judged, replay
from topology.watch.rows import rows

_MANY = 100_000
"""Bytes of a file from which its progress is shown."""
_MOST_TOLD = 20
"""Alarms that are told one by one."""


class Summary(Struct):
    """What is said at the end."""

    values: int = 0
    """Rows that could be used."""
    raised: list[str] = []
    """Times at which an alarm was raised."""
    rings: bool = False
    changes: list[str] = []
    """What each of the first told."""

    def add(self, judged: Judged) -> None:
        """One more value."""
        self.values += judged.reading is not None
        if judged.alarm and not self.rings:
            self.raised.append(judged.timestamp)
        if judged.told and len(self.changes) < _MOST_TOLD:
            self.changes.append(f"{judged.timestamp}: {judged.told}")
        self.rings = judged.alarm


def watch(source: Path, csv_to: Path, plot: Path | None, window_ns: int | None, arl_s: float) -> None:
    """Replay a file.

    Args:
        source: CSV, or log lines.
        csv_to: where the judged rows go.
        plot: where the picture goes, if one is wanted.
        window_ns: of log lines; None: the file is a CSV.
        arl_s: average seconds to a false alarm.

    Raises:
        Unavailable: a file cannot be read or written, or nothing that it holds can be used.
        BadPolicy: a picture of a kind that is not drawn, or one file to be read and written.
    """
    keep(source, csv_to)
    picture = None if plot is None else Picture(plot)
    faults, summary = Faults(), Summary()
    try:
        with files_told(source):
            with opened(source) as stream, written(csv_to) as out:
                lines = Lines(stream)
                texts = _shown(lines, source)
                found = (
                    replay(rows(texts, faults), arl_s, faults)
                    if window_ns is None
                    else replay_logs(texts, window_ns, arl_s, faults)
                )
                _write(found, out, summary, picture)
            if picture is not None:
                picture.save()
    except BrokenPipeError:
        give_up_output()
        return
    _tell(summary, faults, lines)
    if not summary.values:
        nothing = (
            f"{faults.total} row(s) or line(s), and none could be used" if faults.total else "no row or line is in it"
        )
        raise Unavailable(f"{source}: {nothing}")


def _write(found: Iterable[Judged], out: TextIO, summary: Summary, picture: Picture | None) -> None:
    written = csv.writer(out, lineterminator="\n")
    written.writerow(("timestamp", "value", "score", "alarm"))
    for each in found:
        written.writerow((each.timestamp, each.value, f"{each.score:.9g}", int(each.alarm)))
        summary.add(each)
        if picture is not None and each.reading is not None:
            picture.add(cut_level(float(each.value)), each.score, each.alarm)


def _tell(summary: Summary, faults: Faults, lines: Lines) -> None:
    say = Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print
    raised = ", ".join(summary.raised[:_MOST_TOLD])
    say(f"{summary.values} values, {len(summary.raised)} alarm(s){': ' if raised else ''}{raised}")
    for change in summary.changes:
        say(change)
    for example in faults.examples:
        say(f"not used: {example}")
    if faults.total:
        say(f"{faults.total} not used: " + ", ".join(f"{n} {reason}" for reason, n in sorted(faults.counts.items())))
    if lines.cut or lines.not_utf8:
        say(f"{lines.cut} line(s) cut, {lines.not_utf8} not UTF-8")


def _shown(lines: Lines, source: Path) -> Iterator[str]:
    """The lines, with a bar on standard error if that is a terminal and there are many."""
    console = Console(stderr=True)
    size = size_of(source) or 0
    if size < _MANY or not console.is_terminal:
        yield from lines
        return
    with reading(console) as progress:
        task = progress.add_task("reading", total=size)
        for place, line in enumerate(lines):
            if place % 1000 == 0:
                progress.update(task, completed=lines.read_bytes)
            yield line
