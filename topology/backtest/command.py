"""`serinus backtest`: directories and flags in; tables, rows and pictures out."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from topology import options
from topology.errors import unwritable

_WIDTH = 120
"""Characters of a line where the output is no terminal."""


@click.command()
@click.argument("directories", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path))
@click.option("--policy", type=click.Path(path_type=Path), metavar="FILE", help="Judge as this policy says.")
@click.option("--alpha", type=float, help="Bound on failing a canary no worse than tolerated.  [default: 0.01]")
@click.option("--beta", type=float, help="Bound on passing a canary that is worse.  [default: 0.05]")
@options.log_fields_option
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Write a list with one row a case; - is stdout.",
)
@click.option("--plot", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Draw each case's risk.")
@click.option("--reverse", is_flag=True, help="Let time run backwards: another causal order of the same cases.")
@click.option("--jobs", type=click.IntRange(1), help="Processes.  [default: one a core]")
def backtest(
    directories: tuple[Path, ...],
    policy: Path | None,
    alpha: float | None,
    beta: float | None,
    log_fields: tuple[str, ...],
    json_file: Path | None,
    plot: Path | None,
    reverse: bool,
    jobs: int | None,
) -> None:
    """Replay recorded rollouts through the judge.

    Counts what it found and what it failed for nothing. DIR holds a recording (cases.json, logs.jsonl.gz,
    metrics.jsonl.gz), or recordings. Each case is judged with the past that it would have had: the baselines of the
    same workload that had ended when it began.
    """
    from rich.console import Console  # noqa: PLC0415 - other commands do not need it

    from topology.backtest import plots, report, rules, run  # noqa: PLC0415 - the same

    judged_by = rules.rules_of(policy, alpha, beta, log_fields)
    found = run.find(directories)
    on_stdout = str(json_file) == "-"
    width = None if (sys.stderr if on_stdout else sys.stdout).isatty() else _WIDTH
    people = Console(stderr=on_stdout, highlight=False, width=width)
    faults_to = Console(stderr=True, highlight=False, soft_wrap=True)
    # A path that cannot be written is told before the work, not after.
    if json_file is not None and not on_stdout:
        _write(json_file, b"")
    if plot is not None:
        plots.prepare(plot)
    with tempfile.TemporaryDirectory(prefix="serinus-backtest-") as scratch, _progress() as progress:
        results = run.run(
            found, judged_by, Path(scratch), jobs=jobs or os.cpu_count() or 1, reverse=reverse, progress=progress
        )
    for result in results:
        report.show_faults(faults_to, result.recording.name, result.faults)
    report.show(people, results)
    if plot is not None:
        plots.draw(results, plot)
    if json_file is not None:
        written = report.as_json(results)
        if on_stdout:
            sys.stdout.buffer.write(written)
        else:
            _write(json_file, written)


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise unwritable("json", file, error) from error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, if that is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - other commands do not need it
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415 - the same

    console = Console(stderr=True)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console, transient=True) as bar:
        task = bar.add_task("cases", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
