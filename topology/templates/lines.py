"""Lines of a file or pipe, whatever is in them: bounded in memory, and nothing is skipped silently."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import BinaryIO

MAX_LINE_BYTES = 65_536
"""Kept of a line; more than signatures look at."""


class Lines:
    """Iterates over a stream's lines, without their ends, and without a byte order mark at its beginning."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read_bytes = 0
        """So far, of the stream."""
        self.cut = 0
        """Lines so far that were longer than is kept."""
        self.not_utf8 = 0
        """Lines so far that were not UTF-8: what is none is shown as U+FFFD."""

    def __iter__(self) -> Iterator[str]:
        readline, first = self._stream.readline, True
        while raw := readline(MAX_LINE_BYTES):
            self.read_bytes += len(raw)
            if raw[-1] != 10 and len(raw) == MAX_LINE_BYTES:
                self._skip()
            if first:
                raw, first = raw.removeprefix(BOM_UTF8), False
            try:
                line = raw.decode()
            except UnicodeDecodeError:
                self.not_utf8 += 1
                line = raw.decode("utf-8", "replace")
            yield line.rstrip("\r\n")

    def _skip(self) -> None:
        """Read on to the end of a line that is too long."""
        self.cut += 1
        while raw := self._stream.readline(MAX_LINE_BYTES):
            self.read_bytes += len(raw)
            if raw[-1] == 10:
                return
