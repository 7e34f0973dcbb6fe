"""One picture a case: the risk over time, and a page that shows them all.

What is shown was written by strangers: templates escape it, files are named by number and by what is harmless of an id,
and the page allows no script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from topology.backtest.replay import Played
from topology.backtest.row import Row
from topology.backtest.run import Backtest
from topology.errors import unwritable
from topology.recording.cases import GroundTruth
from topology.serve import chart

_PAGE = "index.html"
_HARMLESS = re.compile(r"[^A-Za-z0-9_-]")
_COLOURS = {"pass": "#1a7f4b", "fail": "#c4262e", "marginal": "#a86400", "none": "#5b6b7d"}


def prepare(directory: Path) -> None:
    """Make the directory.

    Raises:
        BadPolicy: it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _PAGE).touch()
    except OSError as error:
        raise unwritable("plot", directory, error) from error


def draw(results: Sequence[Backtest], directory: Path) -> None:
    """Write `index.html` and an SVG a case into the directory, which is there.

    Raises:
        BadPolicy: it cannot be written.
    """
    templates = Environment(
        loader=PackageLoader("topology.backtest"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    picture_of, page = templates.get_template("case.svg"), templates.get_template("index.html")
    try:
        shown: list[tuple[str, list[tuple[Row, GroundTruth | None, str]]]] = []
        for number, result in enumerate(results):
            rows = []
            for index, row in enumerate(result.rows):
                name = f"{number}-{index}-{_HARMLESS.sub('_', row.case)[:80]}.svg"
                told, played = result.recording.truth.get(row.case), result.played[row.case]
                found = _chart(played, row)
                if found is not None:
                    picture = picture_of.render(chart=found, title=_title(row, told), colour=_COLOURS[row.verdict])
                    (directory / name).write_text(picture, encoding="utf-8")
                rows.append((row, told, name if found is not None else ""))
            shown.append((result.recording.name, rows))
        (directory / _PAGE).write_text(page.render(recordings=shown), encoding="utf-8")
    except OSError as error:
        raise unwritable("plot", directory, error) from error


def _chart(played: Played, row: Row) -> chart.Chart | None:
    decided_ns = played.failed_ns if played.failed_ns is not None else played.passed_ns
    return chart.draw(played.risk, None if decided_ns is None else decided_ns / 1e9, row.verdict)


def _title(row: Row, told: GroundTruth | None) -> str:
    known = f" ({told.label}{f', {told.fault_type}' if told.fault_type else ''})" if told else ""
    return f"{row.case}: {row.namespace}/{row.workload}, {row.verdict}{known}"
