"""What does a recording hold of each of its cases?

Lines of several cases may stand in one file in any order, and files may be larger than memory. So they are read once
and laid out by case in a scratch directory; then each case is read by itself, record by record. What cannot be used is
counted by reason and told by file and line; it is never fatal.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from streams.errors import BadPolicy, BadRecord, Reason
from streams.shippers.faults import JSON_FAULTS, MAX_RECORD_BYTES, json_fault
from topology.recording.cases import FILE, Case, Cases, Told, read_cases
from topology.recording.lines import Record, log_record, metric_sample

_KEPT_BYTES = 8 * 2**20
"""Of lines that wait to be laid out."""
_TOLD = 5
"""Faults of one file that are told one by one; the others are counted."""
_READERS: dict[str, Callable[[bytes], Record]] = {"logs": log_record, "metrics": metric_sample}


class Faults(Struct):
    """Records that could not be used."""

    counts: dict[str, int] = {}
    """Reason -> records."""
    examples: list[str] = []
    """The first few: file, line, reason, detail."""

    def add(self, where: str, bad: BadRecord) -> None:
        """One more."""
        self.counts[str(bad.reason)] = self.counts.get(str(bad.reason), 0) + 1
        if len(self.examples) < _TOLD:
            self.examples.append(f"{where}: {bad}")

    def merge(self, other: Faults) -> None:
        """Those of another file or case."""
        for reason, count in other.counts.items():
            self.counts[reason] = self.counts.get(reason, 0) + count
        self.examples += other.examples[: max(0, _TOLD - len(self.examples))]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


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
    told: dict[str, Told]
    faults: Faults
    """Lines that could not be given to any case."""


class _CaseOf(Struct, gc=False):
    case: str = ""


_case_of = msgspec.json.Decoder(_CaseOf).decode


def open_recording(directory: Path, scratch: Path, read: Callable[[int], None] = lambda _: None) -> Recording:
    """Lay a recording out by case.

    Args:
        directory: of the layout that `topology.recording` describes.
        scratch: an empty directory that outlives the recording.
        read: told the bytes of each file's part that has been read (compressed, where it is), for a progress bar.

    Raises:
        BadPolicy: it is no recording.
    """
    found = read_cases(directory)
    faults = Faults()
    laid: dict[str, list[tuple[str, str, str]]] = {case.id: [] for case in found.cases}
    for content in _READERS:
        for path in (directory / f"{content}.jsonl.gz", directory / f"{content}.jsonl"):
            if path.is_file():
                for case_id, target in _lay_out(path, found, scratch, faults, read).items():
                    laid[case_id].append((content, path.name, target))
    cases = tuple(CaseFiles(case, tuple(laid[case.id])) for case in found.cases)
    return Recording(directory.resolve().name, cases, found.told, faults)


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


def _lay_out(path: Path, found: Cases, scratch: Path, faults: Faults, read: Callable[[int], None]) -> dict[str, str]:
    """Every line to its case's file; case id -> that file."""
    numbers = {case.id: number for number, case in enumerate(found.cases)}
    only = found.cases[0].id if len(found.cases) == 1 else ""
    waiting: dict[str, list[bytes]] = {}
    targets: dict[str, str] = {}
    kept = 0

    def write() -> None:
        for case_id, lines in waiting.items():
            target = targets.setdefault(case_id, str(scratch / f"{numbers[case_id]}-{path.name}"))
            with Path(target).open("ab") as file:
                file.writelines(lines)
        waiting.clear()

    for number, line in _lines(path, faults, read):
        try:
            case_id = _case_of(line).case or only
        except JSON_FAULTS as fault:
            faults.add(f"{path.name}:{number}", json_fault(fault))
            continue
        if case_id not in numbers:
            detail = f"case {case_id[:80]!r} is not in {FILE}" if case_id else "it names no case, and there are several"
            faults.add(f"{path.name}:{number}", BadRecord(Reason.BAD_NAME, detail))
            continue
        waiting.setdefault(case_id, []).append(b"%d\t%s\n" % (number, line.rstrip(b"\r\n")))
        kept += len(line)
        if kept > _KEPT_BYTES:
            write()
            kept = 0
    write()
    return targets


def _lines(path: Path, faults: Faults, read: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) of all that are not empty; a file that breaks off is read as far as it goes."""
    number = told = 0
    with path.open("rb") as raw:
        file: BinaryIO = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        try:
            while line := file.readline(MAX_RECORD_BYTES + 1):
                number += 1
                position = raw.tell()
                if position - told > 2**18:
                    read(position - told)
                    told = position
                if len(line) > MAX_RECORD_BYTES:
                    _skip_rest(file, line)
                    faults.add(f"{path.name}:{number}", BadRecord(Reason.TOO_LARGE, f"over {MAX_RECORD_BYTES} bytes"))
                elif line.strip():
                    yield number, line
        except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
            faults.add(f"{path.name}:{number + 1}", BadRecord(Reason.NOT_JSON, f"the file breaks off here: {fault}"))
        except OSError as error:
            raise BadPolicy(str(path), type(error).__name__, "it must be readable") from error
        read(raw.tell() - told)


def _skip_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_RECORD_BYTES)
