"""Lays the lines of a file out by case, a file a case: cases may be mixed, and files larger than memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.shippers.faults import DECODE_FAULTS, MAX_RECORD_BYTES, json_fault
from topology.errors import unreadable
from topology.recording.cases import FILE, Case
from topology.recording.faults import Faults

_KEPT_BYTES = 8 * 2**20
"""Of lines that wait to be laid out."""


class _CaseOf(Struct, gc=False):
    case: str = ""


_case_of = msgspec.json.Decoder(_CaseOf).decode


class Layout:
    """The lines of one file, by case, in a scratch directory."""

    def __init__(self, cases: Sequence[Case], scratch: Path) -> None:
        self._numbers = {case.id: number for number, case in enumerate(cases)}
        self._only = cases[0].id if len(cases) == 1 else ""
        self._scratch = scratch

    def lay_out(self, path: Path, faults: Faults) -> dict[str, str]:
        """Write every line to its case's file, after its number and a tab; case id -> that file.

        Raises:
            BadPolicy: the file cannot be read.
        """
        targets: dict[str, str] = {}
        waiting: dict[str, list[bytes]] = {}
        kept = 0
        for number, line in _lines(path, faults):
            try:
                case_id = self._case_of(line)
            except BadRecord as bad:
                faults.add(f"{path.name}:{number}", bad)
                continue
            waiting.setdefault(case_id, []).append(b"%d\t%s\n" % (number, line.rstrip(b"\r\n")))
            kept += len(line)
            if kept > _KEPT_BYTES:
                self._write(path, waiting, targets)
                kept = 0
        self._write(path, waiting, targets)
        return targets

    def _case_of(self, line: bytes) -> str:
        try:
            case_id = _case_of(line).case or self._only
        except DECODE_FAULTS as fault:
            raise json_fault(fault) from fault
        if not case_id:
            raise BadRecord(Reason.BAD_NAME, "it names no case, and there are several")
        if case_id not in self._numbers:
            raise BadRecord(Reason.BAD_NAME, f"case {case_id[:80]!r} is not in {FILE}")
        return case_id

    def _write(self, path: Path, waiting: dict[str, list[bytes]], targets: dict[str, str]) -> None:
        for case_id, lines in waiting.items():
            target = targets.setdefault(case_id, str(self._scratch / f"{self._numbers[case_id]}-{path.name}"))
            with Path(target).open("ab") as file:
                file.writelines(lines)
        waiting.clear()


def _lines(path: Path, faults: Faults) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) of all that are not empty; a file that breaks off is read as far as it goes."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(MAX_RECORD_BYTES + 1):
                number += 1
                if len(line) > MAX_RECORD_BYTES:
                    _skip_rest(file.readline, line)
                    faults.add(f"{path.name}:{number}", BadRecord(Reason.TOO_LARGE, f"over {MAX_RECORD_BYTES} bytes"))
                elif line.strip():
                    yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        faults.add(f"{path.name}:{number + 1}", BadRecord(Reason.NOT_JSON, f"the file breaks off here: {fault}"))
    except OSError as error:
        raise unreadable("DIR", path, error) from error


def _skip_rest(readline: Callable[[int], bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = readline(MAX_RECORD_BYTES)
