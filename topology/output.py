"""What commands that read a file and write another have in common: standard streams, a bar, and readers who leave."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

STANDARD = Path("-")
"""Standard input, or output."""


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
