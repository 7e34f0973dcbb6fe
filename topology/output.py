"""What commands that read a file and write another have in common: standard streams, a bar, and readers who leave."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from streams.errors import BadPolicy
from topology.errors import Unavailable

STANDARD = Path("-")
"""Standard input, or output."""
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What is wrong with where is written to, never with what is read."""


@contextlib.contextmanager
def opened(source: Path) -> Iterator[BinaryIO]:
    """A file to read, unpacked if its name ends in .gz, or standard input.

    Raises:
        Unavailable: while it is read: it is no whole gzip file.
    """
    if source == STANDARD:
        yield sys.stdin.buffer
        return
    with source.open("rb") as stream:
        if source.suffix != ".gz":
            yield stream
            return
        try:
            with gzip.open(stream) as unpacked, io.BufferedReader(unpacked) as buffered:
                yield buffered
        except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
            raise Unavailable(f"{source}: not a whole gzip file: {fault}") from fault


@contextlib.contextmanager
def files_told(source: Path) -> Iterator[None]:
    """What goes wrong with the files of a command is told by name.

    Raises:
        Unavailable: one, `source` where it is not said which, cannot be read or written.
        BrokenPipeError: whoever reads our output has had enough.
        OSError: there is no room for what is written (`NO_ROOM`).
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as fault:
        if fault.errno in NO_ROOM:
            raise
        raise Unavailable(f"{fault.filename or source}: {fault.strerror or fault}") from fault


def size_of(source: Path) -> int | None:
    """Bytes that will be read of what `opened` opens; None where nobody knows."""
    return source.stat().st_size if source.is_file() and source.suffix != ".gz" else None


def keep(source: Path, target: Path | None) -> None:
    """See to it that what is written does not take the place of what is read.

    Raises:
        BadPolicy: both are one file.
    """
    if target is None or STANDARD in (source, target) or not (source.exists() and target.exists()):
        return
    if source.samefile(target):
        raise BadPolicy("csv", str(target), "name another file than the one that is read")


@contextlib.contextmanager
def written(target: Path) -> Iterator[TextIO]:
    """A file to write text into, or standard output."""
    if target == STANDARD:
        yield sys.stdout
        sys.stdout.flush()
    else:
        with target.open("w", encoding="utf-8", newline="") as out:
            yield out


def reading(console: Console) -> Progress:
    """The bar of a file that is read, which leaves nothing behind."""
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def give_up_output() -> None:
    """Whoever reads our output has had enough: what is still written, by the interpreter's end too, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
