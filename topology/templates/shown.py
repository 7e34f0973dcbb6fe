"""What a person sees of the templates of a file, and the CSV that other programs read."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.templates.template import OTHER
from streams.templates.topics import LOG_CLASSES
from topology.templates.lines import Lines
from topology.templates.listing import Listing, Row

COLUMNS = ("line", "template_id", "template", "class")
_COLOURS = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan", "ignore": "dim"}


def write_csv(listing: Listing, out: TextIO) -> None:
    """One row a line, RFC 4180."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(listing.each_line())


def show(console: Console, listing: Listing, lines: Lines, rows: Sequence[Row], most: int, passed_s: float) -> None:
    """The gravest classes first, each with its most frequent templates; then what was read, and what was cut."""
    by_class = Counter(row.log_class for row in rows)
    table = Table(box=None, pad_edge=False)
    table.add_column("lines", justify="right")
    table.add_column("class")
    table.add_column("template")
    ranked = sorted(rows, key=lambda row: (LOG_CLASSES.index(row.log_class), -row.lines, row.first_line))
    for row in ranked[:most]:
        table.add_row(f"{row.lines:,}", Text(row.log_class, style=_COLOURS[row.log_class]), Text(row.text))
    console.print(table)
    if len(rows) > most:
        console.print(f"... and {len(rows) - most:,} more; --top shows more, --csv all", style="dim")
    counts = ", ".join(f"{by_class[name]} {name}" for name in LOG_CLASSES if by_class[name])
    console.print(f"{listing.lines:,} lines, {len(rows):,} templates ({counts}), {_rate(listing.lines, passed_s)}")
    for number, what in (
        (lines.cut, "lines were longer than is read of a line"),
        (lines.not_utf8, "lines were not UTF-8"),
        (sum(row.lines for row in rows if row.text == OTHER), f"lines are of templates that found no room: {OTHER}"),
    ):
        if number:
            console.print(f"{number:,} {what}", style="yellow")


def _rate(lines: int, passed_s: float) -> str:
    return f"{lines / passed_s:,.0f} lines/s" if passed_s > 0 else "at once"
