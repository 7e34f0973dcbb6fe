"""`serinus record`: which pair of revisions, from which cluster, into which directory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from streams.errors import BadPolicy
from streams.risk.comparison import Comparison
from streams.windows.log_fields import fields_of
from topology import log, options
from topology.errors import Unavailable

_SECONDS = "How long, and until what --since-s asks for is read.  [default: until Ctrl-C]"


@click.command()
@options.cluster_options
@options.cluster_option
@options.input_options
@click.option("--namespace", required=True, help="Of the workload.")
@click.option("--workload", required=True, help="Name of the Rollout or Deployment.")
@click.option("--baseline", required=True, metavar="HASH", help="Pod-template hash of the revision that serves now.")
@click.option("--canary", required=True, metavar="HASH", help="Pod-template hash of the revision on trial.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Made if it is not there; gets one more case.",
)
@click.option("--seconds", type=options.Finite(0, min_open=True), help=_SECONDS)
@click.option("--since-s", type=options.Finite(0), default=0.0, help="Begin so far back.  [default: now]")
@options.log_fields_option
@click.option("--label", type=click.Choice(["healthy", "faulty"]), help="How it was, if you know.")
@click.option("--fault-type", help="What was wrong, for the tables of a backtest.")
def record(bootstrap_servers: str | None, kafka_config: Path | None, log_level: str, out: Path, **given: Any) -> None:
    """Record what two revisions log and count.

    For `serinus backtest`. DIR gets one more case: recordings of several rollouts of a workload belong into one
    directory, so that a backtest of the later ones knows the earlier ones.
    """
    log.start("record", log_level)
    comparison = _comparison({name: given[name] for name in ("cluster", "namespace", "workload", "baseline", "canary")})
    kafka = options.required_kafka(bootstrap_servers, kafka_config)
    from topology.connect import admin_client, wait_for_kafka  # noqa: PLC0415 - other commands do not need it
    from topology.recording.cases import CaseEntry  # noqa: PLC0415 - the same
    from topology.recording.recorder import RecordSettings, record  # noqa: PLC0415 - the same
    from topology.recording.writing import RecordingWriter  # noqa: PLC0415 - the same
    from topology.signals import stop_on_signal  # noqa: PLC0415 - the same

    settings = RecordSettings(
        kafka,
        comparison,
        options.topic_formats(given["log_topic"], "log-topic"),
        options.topic_formats(given["metric_topic"], "metric-topic"),
        given["seconds"],
        given["since_s"],
        fields_of(given["log_fields"]),
    )
    entry = CaseEntry(
        id=f"{comparison.workload}-{comparison.canary}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        namespace=comparison.namespace,
        workload=comparison.workload,
        baseline_hash=comparison.baseline,
        canary_hash=comparison.canary,
        start="",
        end="",
        cluster=comparison.cluster,
        label=given["label"],
        kind="recorded",
        fault_type=given["fault_type"],
    )
    if given["fault_type"] is not None and not given["fault_type"].isprintable():
        raise BadPolicy("fault-type", given["fault_type"], "write printable text, in UTF-8")
    stop = stop_on_signal()
    admin_client(kafka)
    with RecordingWriter(out, entry) as writer:
        if wait_for_kafka(kafka, stop):
            click.echo(f"records {comparison.key} into {out}", err=True)
            faults = record(settings, writer, stop)
            for example in faults.examples:
                click.echo(f"could not be used: {example}", err=True)
    if not writer.lines + writer.samples:
        raise Unavailable(f"no record of either revision of {comparison.of.key} came")
    click.echo(f"{writer.case}: {writer.lines} log lines and {writer.samples} samples")


def _comparison(names: dict[str, str]) -> Comparison:
    from topology.serve.queries import ALLOWED  # noqa: PLC0415 - other commands do not need it

    for each in msgspec.structs.fields(Comparison):
        try:
            msgspec.convert(names[each.name], each.type)
        except msgspec.ValidationError as error:
            raise BadPolicy(each.name, names[each.name], f"give {ALLOWED[each.name]}") from error
    comparison = Comparison(**names)
    if comparison.is_alone:
        raise BadPolicy("canary", comparison.canary, "give another hash than the baseline's")
    return comparison
