"""Writes one more case into a recording, so that whatever ends the process leaves a recording that can be read.

Records go to their file in whole gzip members, each whole or not at all; `cases.json` is replaced at once. What an
earlier process left half written at the end of a file is cut off before anything is appended.
"""

from __future__ import annotations

import fcntl
import gzip
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from streams.errors import BadPolicy
from streams.records.log import LogRecord
from topology.errors import unwritable
from topology.recording.cases import FILE, CaseEntry, read_entries
from topology.recording.lines import Record, line_of, timestamp
from topology.recording.members import cut_broken_end

_MEMBER_BYTES = 4 * 2**20
"""Of lines that wait to be written."""
_LOCK = ".serinus-record"
_MILLISECOND_NS = 1_000_000


class RecordingWriter:
    """One case while it is being recorded; used as a context."""

    def __init__(self, directory: Path, entry: CaseEntry) -> None:
        """Name the case.

        Args:
            directory: made if it is not there; may hold other cases.
            entry: its id, start and end are filled in here.
        """
        self._directory = directory
        self._entry = entry
        self._waiting: dict[str, list[bytes]] = {"logs": [], "metrics": []}
        self._bytes = 0
        self._first_ns: int | None = None
        self._last_ns = 0
        self._others: list[dict[str, Any]] = []
        self._lock: IO[bytes] | None = None
        self.lines = 0
        """Log lines so far."""
        self.samples = 0
        """Metric samples so far."""

    def __enter__(self) -> Self:
        """Take the directory.

        Raises:
            BadPolicy: it cannot be written, holds a broken cases.json, or another process records into it.
        """
        with ExitStack() as stack:
            self._lock = stack.enter_context(_locked(self._directory))
            cases = self._directory / FILE
            if cases.exists():
                self._entry.id = _unused(self._entry.id, {entry.id for entry in read_entries(cases)})
                self._others = msgspec.json.decode(cases.read_bytes(), type=list[dict[str, Any]])
            for content in self._waiting:
                cut_broken_end(self._path(content))
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            if self._lock is not None:
                self._lock.close()

    @property
    def case(self) -> str:
        """Id of the case."""
        return self._entry.id

    def add(self, record: Record) -> None:
        """One record of either revision."""
        is_line = isinstance(record, LogRecord)
        line = line_of(record, self._entry.id) + b"\n"
        self._waiting["logs" if is_line else "metrics"].append(line)
        self._bytes += len(line)
        self.lines += is_line
        self.samples += not is_line
        self._first_ns = record.time_ns if self._first_ns is None else min(self._first_ns, record.time_ns)
        self._last_ns = max(self._last_ns, record.time_ns)
        if self._bytes > _MEMBER_BYTES:
            self.flush()

    def flush(self) -> None:
        """All that was added is in the files afterwards."""
        if self._first_ns is None or not self._bytes:
            return
        self._write_case(self._first_ns)
        for content, lines in self._waiting.items():
            if lines:
                _append(self._path(content), gzip.compress(b"".join(lines), 6))
                lines.clear()
        self._bytes = 0

    def _write_case(self, first_ns: int) -> None:
        """The case reaches from its first record to its last, the end exclusive, in whole milliseconds."""
        start_ns = first_ns // _MILLISECOND_NS * _MILLISECOND_NS
        end_ns = (self._last_ns // _MILLISECOND_NS + 1) * _MILLISECOND_NS
        self._entry.start, self._entry.end = timestamp(start_ns), timestamp(end_ns)
        text = msgspec.json.format(msgspec.json.encode([*self._others, self._entry]), indent=1)
        temporary = self._directory / f".{FILE}.new"
        temporary.write_bytes(text + b"\n")
        os.replace(temporary, self._directory / FILE)  # noqa: PTH105 - Path.replace says the same, less plainly

    def _path(self, content: str) -> Path:
        return self._directory / f"{content}.jsonl.gz"


def _append(path: Path, member: bytes) -> None:
    """Write a member at the end of a file, whole or not at all: behind half of one nothing could be read any more.

    Raises:
        OSError: there is no room for it.
    """
    with path.open("ab", buffering=0) as file:
        before, left = file.tell(), memoryview(member)
        try:
            while left:
                left = left[file.write(left) :]  # where room runs out some of it is written, without an error
        except OSError:
            file.truncate(before)
            raise


def _locked(directory: Path) -> IO[bytes]:
    """The directory, for us alone for as long as the file is open."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / _LOCK).open("ab")
    except OSError as error:
        raise unwritable("out", directory, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise BadPolicy("out", str(directory), "another process records into it") from error
    return lock


def _unused(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(candidate for number in range(2, len(taken) + 3) if (candidate := f"{name}-{number}") not in taken)
