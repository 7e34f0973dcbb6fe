"""`serinus templates`: a file and flags in; a CSV and a summary out."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--csv",
    "csv_to",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    metavar="OUT",
    help="Write line,template_id,template,class; `-`: to standard output, the summary to standard error.",
)
@click.option("--mask", "masks", multiple=True, metavar="EXPRESSION", help="Also a value: what this (RE2) matches.")
@click.option("--topic", "topics", multiple=True, metavar="TEXT=CLASS", help="Class of the lines that hold a text.")
@click.option("--no-default-topics", is_flag=True, help="Only the topics given.")
@click.option("--top", type=click.IntRange(1), default=50, show_default=True, help="Most templates to show.")
def templates(
    source: Path,
    csv_to: Path | None,
    masks: tuple[str, ...],
    topics: tuple[str, ...],
    no_default_topics: bool,
    top: int,
) -> None:
    """Find the log templates in FILE, as the pipeline does.

    FILE has one message a line and may be gzipped; `-` is standard input.
    """
    from topology.templates import run  # noqa: PLC0415 - other commands do not need it

    run.list_templates(source, csv_to, masks, run.topics_of(topics), not no_default_topics, top)
