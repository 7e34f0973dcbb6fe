"""What a person reads after a backtest: tables of what was found and what was false, with 95% intervals."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from topology.backtest.intervals import f1, f1_interval, wilson
from topology.backtest.row import Row
from topology.backtest.run import Backtest
from topology.backtest.tally import Group, Tally, pooled, tally
from topology.recording.faults import Faults

_encode = msgspec.json.Encoder().encode
_COLOURS = {"pass": "green", "fail": "red", "marginal": "yellow", "none": "cyan"}
_MOST_ROWS = 50


def show(console: Console, results: Sequence[Backtest]) -> None:
    """Everything: labelled cases as tables, the pool of them, the rows of those without labels, and what is empty."""
    labelled = [result for result in results if result.recording.truth]
    tallies = [tally(result.recording.name, result.rows, result.recording.truth) for result in labelled]
    for each in tallies:
        show_tally(console, each)
    if len(tallies) > 1:
        show_tally(console, pooled(tallies))
    for result in results:
        truth = result.recording.truth
        if not result.rows:
            console.print(Text(f"{result.recording.name}: holds no case"))
        unknown = [row for row in result.rows if row.case not in truth]
        if unknown:
            console.print(Text(f"{result.recording.name}: {'without a label' if truth else 'no case has a label'}"))
            show_rows(console, unknown)


def as_json(results: Sequence[Backtest]) -> bytes:
    """A JSON list of all rows, one a line."""
    rows = [_encode(row) for result in results for row in result.rows]
    return b"[" + b",".join(b"\n" + row for row in rows) + b"\n]\n"


def show_tally(console: Console, tally: Tally) -> None:
    """One recording, or several pooled."""
    healthy, faulty = tally.all_healthy, tally.all_faulty
    table = Table(title=Text(tally.name), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in ("cases", "of", "failed", "95%", "passed first", "95%"):
        table.add_column(name, justify="left" if name == "cases" else "right")
    for label, groups, whole in (("healthy", tally.healthy, healthy), ("faulty", tally.faulty, faulty)):
        for kind, group in sorted(groups.items()):
            _add_group(table, f"{label}: {kind}", group)
        if len(groups) > 1:
            _add_group(table, f"{label}, all", whole, "bold")
    console.print(table)
    for line in summary(tally):
        console.print(Text(line))
    console.print()


def summary(tally: Tally) -> list[str]:
    """Precision, recall, F1 and times, a line each."""
    false, found = tally.all_healthy.failed, tally.all_faulty.failed
    missed = tally.all_faulty.cases - found
    lines = [
        f"false alarms {_share(false, tally.all_healthy.cases)}",
        f"recall       {_share(found, tally.all_faulty.cases)}",
        f"precision    {_share(found, found + false)}",
    ]
    score = f1(found, missed, false)
    if score is not None:
        low, high = f1_interval(found, missed, false)
        lines.append(f"F1           {score:.2f} ({low:.2f}..{high:.2f})")
    if tally.median_detect_s is not None and tally.median_detect_share is not None:
        lines.append(
            f"median time to detect {tally.median_detect_s:.0f} s, {tally.median_detect_share:.2f} of the case"
        )
    lines.append(f"healthy that ended early with a pass {_share(tally.all_healthy.early, tally.all_healthy.cases)}")
    lines.append(f"faulty that passed first             {_share(tally.all_faulty.passed, tally.all_faulty.cases)}")
    if tally.unknown:
        cases = "1 case without a label is" if tally.unknown == 1 else f"{tally.unknown} cases without a label are"
        lines.append(f"{cases} not counted")
    return lines


def show_rows(console: Console, rows: Sequence[Row]) -> None:
    """The cases themselves, where nobody has said how they were."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("case", "workload", "verdict", "risk", "failed at", "passed at", "most important reason"):
        table.add_column(name, justify="right" if name in {"risk", "failed at", "passed at"} else "left")
    for row in rows[:_MOST_ROWS]:
        table.add_row(
            Text(row.case),
            Text(row.workload),
            Text(row.verdict, style=_COLOURS.get(row.verdict, "")),
            f"{row.risk:.1f}",
            _seconds(row.failed_at_s),
            _seconds(row.passed_at_s),
            Text(row.reasons[0] if row.reasons else ""),  # Text: what is in a log is never markup
        )
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"{len(rows) - _MOST_ROWS} more are not shown; --json has all of them")


def show_faults(console: Console, name: str, faults: Faults) -> None:
    """Records that could not be used."""
    if not faults.total:
        return
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(faults.counts.items()))
    console.print(Text(f"{name}: {faults.total} records could not be used ({counts}); the first:"))
    for example in faults.examples:
        console.print(Text(f"  {example}"))


def _add_group(table: Table, name: str, group: Group, style: str = "") -> None:
    table.add_row(
        Text(name, style=style),
        str(group.cases),
        str(group.failed),
        _interval(group.failed, group.cases),
        str(group.passed),
        _interval(group.passed, group.cases),
        style=style,
    )


def _interval(hits: int, tries: int) -> str:
    low, high = wilson(hits, tries)
    return f"{100 * low:.1f}..{100 * high:.1f} %"


def _share(hits: int, tries: int) -> str:
    if not tries:
        return "- (none)"
    return f"{hits} of {tries} = {100 * hits / tries:.1f} % ({_interval(hits, tries)})"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"
