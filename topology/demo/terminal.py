"""What the demo shows: per comparison its risk, verdict, exposure and the most important reason, as they change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from topology.demo.query import Answer

if TYPE_CHECKING:
    from topology.demo import Result

_COLOURS = {"pass": "green", "fail": "red", "marginal": "yellow", "none": "cyan"}
_LINE_EVERY_S = 5.0


class Terminal:
    """A live table on a terminal; lines where the output is a file; on stderr if stdout is for JSON."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(file=sys.stderr if quiet else sys.stdout, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._told_s = -_LINE_EVERY_S

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, passed_s: float, answers: Sequence[Answer]) -> None:
        """The state of all comparisons, some seconds into the play."""
        if self._live is not None:
            self._live.update(_table(passed_s, answers), refresh=True)
        elif passed_s - self._told_s >= _LINE_EVERY_S:
            self._told_s = passed_s
            for answer in answers:
                line = f"{passed_s:5.0f} s  {answer.workload:9} {answer.verdict:5} risk {answer.risk:5.1f}  "
                self._console.out(f"{line}{_exposure(answer)}  {answer.reasons[0]}")

    def conclude(self, result: Result) -> None:
        """The verdicts, and whether they are right."""
        for row in result.comparisons:
            when = "" if row.seconds_to_verdict is None else f" after {row.seconds_to_verdict:.0f} s"
            wanted = "it must fail" if row.expected == "fail" else "it must not fail"
            self._console.out(f"{row.workload}: {row.verdict}{when}, risk {row.risk:.1f} ({wanted})")
        told = "told apart" if result.told_apart else "NOT told apart"
        self._console.out(f"{told}; {result.records:,} records, {result.lost} lost")


def _table(passed_s: float, answers: Sequence[Answer]) -> Table:
    table = Table(title=f"Serinus, {passed_s:.0f} s into two rollouts (canary share 5, 25, 50%)", expand=True)
    for name, ratio in (("workload", 2), ("verdict", 1), ("risk", 1), ("exposure", 4), ("top reason", 10)):
        table.add_column(name, ratio=ratio)
    for answer in answers:
        colour = _COLOURS.get(answer.verdict, "")
        table.add_row(
            Text(answer.workload),
            Text(answer.verdict, style=colour),
            Text(f"{answer.risk:.1f}", style=colour),
            Text(_exposure(answer)),
            Text(answer.reasons[0]),  # Text: what is in a log is never markup
        )
    return table


def _exposure(answer: Answer) -> str:
    unit = str(answer.exposure["unit"]).replace("_", "-")
    return f"{answer.exposure['canary']:,.0f} : {answer.exposure['baseline']:,.0f} {unit}"
