"""Serinus beside its peers on the same cases: the table of docs/judging.md, made anew between its two marks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from streams.judging.evidence import Exposure
from tests.bench.peers import kayenta, new_cluster, peeked
from tests.bench.peers.cases import Recorded, read
from topology.backtest import rules, run
from topology.backtest.intervals import f1
from topology.backtest.row import Row
from topology.backtest.tally import Tally, pooled, tally

PAGE = Path("docs/judging.md")
BEGIN, END = "<!-- peers: made by `python -m tests.bench --only peers --data DIR` -->", "<!-- peers end -->"

Judge = Callable[[Recorded], float | None]

PEERS: Mapping[str, tuple[Literal["metrics", "logs"], Judge]] = {
    "Kayenta's judge, one look at the end": ("metrics", lambda recorded: kayenta.failed_at_s(recorded, 1, 1)),
    "Kayenta's judge, ten looks, from two points a side on": (
        "metrics",
        lambda recorded: kayenta.failed_at_s(recorded, 10, 2),
    ),
    "Kayenta's judge, ten looks, as it is (one point will do)": (
        "metrics",
        lambda recorded: kayenta.failed_at_s(recorded, 10, 1),
    ),
    "a new error cluster in the canary, at the end": ("logs", new_cluster.failed_at_s),
    "z-test on error lines at 5%, after every bin": ("logs", peeked.failed_at_s),
}
"""Name -> what it reads, and the judge."""


def make(data: Path) -> str:
    """Judge all recordings in `data` by everyone; the table, which is also written into the page."""
    directories = run.find([data])
    tallies: dict[str, list[Tally | None]] = {name: [] for name in PEERS}
    for directory in directories:
        cases = list(read(directory))
        told = {recorded.case.id: known for recorded, known in cases if known is not None}
        for name, (reads, judge) in PEERS.items():
            readable = any(each.baseline_log if reads == "logs" else each.baseline_values for each, _ in cases)
            rows = [_row(each, judge(each)) for each, _ in cases] if readable else None
            tallies[name].append(None if rows is None else tally(directory.name, rows, told))
    for alpha in (0.05, 0.01):
        for reverse in (False, True):
            name = f"**Serinus, alpha {alpha:g}**" + (", time reversed" if reverse else "")
            tallies[name] = [*_serinus(directories, alpha, reverse=reverse)]
    text = "\n".join(_table(tallies))
    _write(text)
    return text


def _serinus(directories: Sequence[Path], alpha: float, *, reverse: bool) -> list[Tally]:
    with tempfile.TemporaryDirectory(prefix="serinus-peers-") as scratch:
        results = run.run(
            directories,
            rules.rules_of(None, alpha, None),
            Path(scratch),
            jobs=os.cpu_count() or 1,
            reverse=reverse,
        )
    return [tally(each.recording.name, each.rows, each.recording.truth) for each in results]


def _row(recorded: Recorded, failed_at_s: float | None) -> Row:
    case = recorded.case
    return Row(
        case=case.id,
        verdict="none" if failed_at_s is None else "fail",
        risk=50.0 if failed_at_s is None else 100.0,
        failed_at_s=failed_at_s,
        passed_at_s=None,
        reasons=(),
        set="",
        namespace=case.comparison.namespace,
        workload=case.comparison.workload,
        length_s=case.length_s,
        exposure=Exposure(),
        parts={},
        confidence=0.0,
        unjudged=(),
        records=0,
    )


def _table(tallies: Mapping[str, Sequence[Tally | None]]) -> list[str]:
    """Markdown: false alarms / found, for each recording; what a judge cannot read it has not found."""
    whole = [each for each in list(tallies.values())[-1] if each is not None]
    sets = [f"{each.name} ({each.all_healthy.cases} / {each.all_faulty.cases})" for each in whole]
    head = [
        "false alarms / found",
        *sets,
        "false, of those it reads",
        "F1, all",
        "median time to detect, share of the case",
    ]
    faulty = sum(each.all_faulty.cases for each in whole)
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, each in tallies.items():
        pool = pooled(one for one in each if one is not None)
        false, found = pool.all_healthy.failed, pool.all_faulty.failed
        score = f1(found, faulty - found, false)
        when = pool.median_detect_share
        cells = [name, *("-" if one is None else f"{one.all_healthy.failed} / {one.all_faulty.failed}" for one in each)]
        cells.append(f"{100 * false / max(1, pool.all_healthy.cases):.1f}%")
        cells.append("-" if score is None else f"{score:.2f}")
        cells.append("-" if when is None else f"{when:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest:
        raise SystemExit(f"{PAGE} has no line {BEGIN}")
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
