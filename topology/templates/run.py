"""Reads, lists and shows: what `serinus templates` does with what it was given."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from streams.errors import BadPolicy
from streams.templates.classes import Classes
from streams.templates.expressions import service_masks
from streams.templates.topics import LOG_CLASSES, Topic, Topics
from topology.output import STANDARD, files_told, give_up_output, keep, opened, reading, size_of, written
from topology.templates.lines import Lines
from topology.templates.listing import Listing
from topology.templates.shown import show, write_csv


def list_templates(
    source: Path, csv_to: Path | None, masks: Sequence[str], topics: Sequence[Topic], defaults: bool, most: int
) -> None:
    """Find the templates of a file, write the CSV if one is asked for, and show a summary.

    Raises:
        BadPolicy: a mask or topic that is none, or one file to be read and written.
        Unavailable: a file cannot be read or written.
    """
    keep(source, csv_to)
    classes = Classes(Topics(topics, defaults))
    mask = service_masks(masks) if masks else None
    try:
        with files_told(source), tempfile.TemporaryFile() as spool:
            _list(Listing(classes, spool, mask), source, csv_to, most)
    except BrokenPipeError:
        give_up_output()


def topics_of(words: Sequence[str]) -> list[Topic]:
    """The topics that `TEXT=CLASS` names.

    Raises:
        BadPolicy: a word without a class.
    """
    found = []
    for word in words:
        text, _, log_class = word.rpartition("=")
        if log_class not in LOG_CLASSES:
            raise BadPolicy("topic", word, f"TEXT=CLASS with one of {', '.join(LOG_CLASSES)} is")
        found.append(Topic(text, log_class))
    return found


def _list(listing: Listing, source: Path, csv_to: Path | None, most: int) -> None:
    began_s = time.perf_counter()
    with opened(source) as stream:
        lines = Lines(stream)
        _read(listing, lines, size_of(source))
    passed_s = time.perf_counter() - began_s
    if csv_to is not None:
        with written(csv_to) as out:
            write_csv(listing, out)
    console = Console(stderr=csv_to == STANDARD, highlight=False)
    show(console, listing, lines, listing.rows(), most, passed_s)


def _read(listing: Listing, lines: Lines, size: int | None) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        listing.read(lines)
        return
    with reading(console) as progress:
        task = progress.add_task("reading", total=size)
        listing.read(lines, lambda: progress.update(task, completed=lines.read_bytes))
