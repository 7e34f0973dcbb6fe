"""`serinus watch --replay FILE`: a recorded signal in; the same with score and alarm out."""

from __future__ import annotations

from pathlib import Path

import click

from topology.options import Finite


@click.command()
@click.option(
    "--replay",
    "source",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="CSV with timestamp,value; may be gzipped; `-`: standard input.",
)
@click.option(
    "--csv",
    "csv_to",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    metavar="OUT",
    help="Write timestamp,value,score,alarm.  [default: to standard output]",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw it (.svg or .png).")
@click.option("--logs", is_flag=True, help="FILE holds log lines: JSON with ts and message, or texts that begin so.")
@click.option(
    "--window-s",
    type=Finite(0.001),
    default=5.0,
    show_default=True,
    help="With --logs: length of a window in which lines are counted.",
)
@click.option(
    "--arl-days",
    type=Finite(0.001),
    default=30.0,
    show_default=True,
    help="Average time to a false alarm while all is normal.",
)
def watch(source: Path, csv_to: Path, plot: Path | None, logs: bool, window_s: float, arl_days: float) -> None:
    """Replay a recorded signal through the watch.

    Gives a score and an alarm for every value. Each value is judged by what came before it alone, by the code of
    production, with one set of parameters. Score is 0 to 1, rising with how abnormal the value is by itself; alarm is 1
    while an alarm is raised or held.
    """
    from topology.watch import run  # noqa: PLC0415 - other commands do not need it

    run.watch(source, csv_to, plot, int(window_s * 1e9) if logs else None, arl_days * 86_400.0)
