"""What does a recording hold of each of its cases?

Lines of several cases may stand in one file in any order, and files may be larger than memory. So they are read once
and laid out by case in a scratch directory; then each case is read by itself, record by record. What cannot be used is
counted by reason and told by file and line; it is never fatal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click
from msgspec import Struct

from streams.errors import BadRecord, Reason
from topology.recording.cases import FILE, Case, GroundTruth, read_cases
from topology.recording.faults import Faults
from topology.recording.layout import Layout
from topology.recording.lines import Record, log_record, metric_sample

_READERS: dict[str, Callable[[bytes], Record]] = {"logs": log_record, "metrics": metric_sample}


class CaseFiles(Struct, frozen=True):
    """Where one case's lines have been laid; enough for another process to read them."""

    case: Case
    files: tuple[tuple[str, str, str], ...]
    """(`logs` or `metrics`, name of the recording's file, path of what was laid out)."""


class Recording(Struct, frozen=True):
    """One directory, laid out by case."""

    name: str
    cases: tuple[CaseFiles, ...]
    """In order of start."""
    truth: dict[str, GroundTruth]
    faults: Faults
    """Lines that could not be given to any case."""


def open_recording(directory: Path, scratch: Path) -> Recording:
    """Lay a recording out by case.

    Args:
        directory: of the layout that `topology.recording` describes.
        scratch: an empty directory that outlives the recording.

    Raises:
        BadPolicy: it is no recording.
    """
    found = read_cases(directory)
    faults, layout = Faults(), Layout(found.cases, scratch)
    laid: dict[str, list[tuple[str, str, str]]] = {case.id: [] for case in found.cases}
    for content in _READERS:
        for path in (directory / f"{content}.jsonl.gz", directory / f"{content}.jsonl"):
            if path.is_file():
                for case_id, target in layout.lay_out(path, faults).items():
                    laid[case_id].append((content, path.name, target))
    cases = tuple(CaseFiles(case, tuple(laid[case.id])) for case in found.cases)
    return Recording(click.format_filename(directory.resolve().name), cases, found.truth, faults)


def is_recording(directory: Path) -> bool:
    """Whether it claims to be one."""
    return (directory / FILE).is_file()


def records(of: CaseFiles, faults: Faults) -> Iterator[Record]:
    """The records of a case, each file's in its own order; what cannot be used is added to `faults`."""
    case = of.case
    for content, name, path in of.files:
        parse = _READERS[content]
        with Path(path).open("rb") as file:
            for laid in file:
                number, _, line = laid.partition(b"\t")
                try:
                    record = parse(line)
                    _check_belongs(record, case)
                except BadRecord as bad:
                    faults.add(f"{name}:{int(number)}", bad)
                else:
                    yield record


def _check_belongs(record: Record, case: Case) -> None:
    revision = record.source.revision
    if revision.workload != case.workload:
        raise BadRecord(Reason.BAD_NAME, f"of {revision.workload.key}, but case {case.id} is {case.workload.key}'s")
    if not case.start_ns <= record.time_ns < case.end_ns:
        late = record.time_ns >= case.end_ns
        reason = Reason.TOO_LATE if late else Reason.TOO_EARLY
        raise BadRecord(reason, f"{'at or after the end' if late else 'before the start'} of case {case.id}")
