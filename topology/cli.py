"""The command `serinus`: words and environment in, settings out; what is done with them is elsewhere.

Exit status: 0 ended as asked, 1 a fault, 2 a configuration that cannot be followed, 130 interrupted; `verify` has its
own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from streams.errors import BadPolicy
from streams.policy import kayenta_config
from topology import log, options, policy_commands
from topology.backtest.command import backtest
from topology.errors import Unavailable
from topology.output import NO_ROOM, give_up_output
from topology.receivers import Receivers
from topology.recording.command import record
from topology.settings import (
    AlertSettings,
    IngestSettings,
    RolloutsSettings,
    ScoreSettings,
    ServeSettings,
    TelemetrySettings,
)
from topology.signals import INTERRUPTED
from topology.templates.command import templates
from topology.watch.command import watch

_PARTITIONS = click.option("--partitions", type=int, help="Overrides the number of partitions of every topic.")

_workers = partial(click.option, cls=options.Named, type=click.IntRange(0), default=1, show_default=True)

_KAYENTA_CONFIG = "Kayenta canary config (JSON) whose name a `kayenta:` template gives; any number."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="serinus")
def command() -> None:
    """Continuous release risk for Argo Rollouts, from logs and metrics in Kafka."""


@command.command()
@options.role_options
@options.cluster_option
@options.metrics_port_option
@options.input_options
@click.option("--worker-id", help="Unique among live workers.  [default: ingest-<host>-<pid>]")
@click.option("--group", help="Consumer group.  [default: serinus-ingest]")
@click.option("--window-s", type=int, help="Length of an event-time window.  [default: 5]")
@click.option("--cycle-s", type=float, help="Longest time of one transaction's reading.  [default: 0.25]")
@click.option("--batch-records", type=int, help="Most records of one transaction.  [default: 100000]")
@click.option("--lateness-s", type=float, help="How far event time may lag at a partition's end.  [default: 1]")
@click.option("--max-late-s", type=float, help="Later records are dead letters.  [default: 600]")
@click.option("--max-early-s", type=float, help="Earlier records are dead letters.  [default: 60]")
@click.option(
    "--signatures-per-revision", type=int, help="Bound on its pairs of pod and log signature.  [default: 20000]"
)
@click.option("--series-per-revision", type=int, help="Bound on its pairs of pod and series.  [default: 20000]")
@click.option("--context-lines", type=int, help="Lines sent along on each side of an error.  [default: 5]")
@options.log_fields_option
@click.option("--transaction-timeout-s", type=float, help="The broker's patience with a lost worker.  [default: 15]")
@click.option("--session-timeout-s", type=float, help="The group's patience with a lost worker.  [default: 6]")
def ingest(host: str, log_topic: tuple[str, ...], metric_topic: tuple[str, ...], **given: Any) -> None:
    """Count log and metric records into summaries.

    One worker; as many may run as there are input partitions.
    """
    log.start("ingest", given.pop("log_level"))
    observe = TelemetrySettings(given.pop("otlp_endpoint"))
    settings = IngestSettings(
        kafka=options.required_kafka(given.pop("bootstrap_servers"), given.pop("kafka_config")),
        log_topics=options.topic_formats(log_topic, "log-topic"),
        metric_topics=options.topic_formats(metric_topic, "metric-topic"),
        **_said(given),
    )
    from topology import roles  # noqa: PLC0415 - telemetry's libraries are slow to import

    roles.ingest(settings, observe, host)


_SIGHT = "Seconds after which the records alone begin or end a comparison; 0: never.  [default: 300]"


@command.command()
@options.role_options
@options.metrics_port_option
@options.policy_option
@click.option("--worker-id", help="Unique among live workers.  [default: score-<host>-<pid>]")
@click.option("--group", help="Consumer group.  [default: serinus-score]")
@click.option("--window-s", type=int, help="Length of an event-time window, as ingest's.  [default: 5]")
@click.option("--snapshot-s", type=float, help="Time between snapshots of a workload.  [default: 5]")
@click.option("--session-timeout-s", type=float, help="The group's patience with a lost worker.  [default: 10]")
@click.option("--alpha", type=float, help="Bound on failing a canary no worse than tolerated.  [default: 0.01]")
@click.option("--beta", type=float, help="Bound on passing a canary that is worse.  [default: 0.05]")
@click.option("--ring-s", type=int, help="How long windows are kept for late comparisons.  [default: 900]")
@click.option("--hold-s", type=float, help="How long a partition without owner holds windows open.  [default: 60]")
@click.option("--false-alarm-days", type=float, help="Days to a false alarm of a workload, on average.  [default: 30]")
@click.option("--expire-s", type=float, help="Silence that ends a comparison.  [default: 1800]")
@click.option("--sight-s", type=int, help=_SIGHT)
def score(host: str, **given: Any) -> None:
    """Judge the summaries, and watch production.

    One worker; as many may run as serinus.summaries has partitions.
    """
    log.start("score", given.pop("log_level"))
    observe = TelemetrySettings(given.pop("otlp_endpoint"))
    kafka = options.required_kafka(given.pop("bootstrap_servers"), given.pop("kafka_config"))
    settings = ScoreSettings(kafka=kafka, **_said(given))
    from topology import roles  # noqa: PLC0415 - telemetry's libraries are slow to import

    roles.score(settings, observe, host)


@command.command()
@options.role_options
@options.serve_options
@click.option(
    "--stale-s", type=float, help="With a running comparison's older document the answer is `none`.  [default: 60]"
)
@click.option(
    "--ended-s", type=float, help="How long the verdict of a comparison that has ended is answered.  [default: 30]"
)
@click.option(
    "--kayenta-config", "kayenta_configs", cls=options.Named, multiple=True, metavar="FILE", help=_KAYENTA_CONFIG
)
def serve(**given: Any) -> None:
    """Answer queries, show the pages, expose the gauges.

    One replica; any number may run.
    """
    log.start("serve", given.pop("log_level"))
    observe = TelemetrySettings(given.pop("otlp_endpoint"))
    kafka = options.required_kafka(given.pop("bootstrap_servers"), given.pop("kafka_config"))
    settings = ServeSettings(kafka=kafka, **_said(given))
    from topology import roles  # noqa: PLC0415 - telemetry's libraries are slow to import

    roles.serve(settings, observe)


@command.command()
@options.role_options
@options.metrics_port_option
@options.alert_options
def alert(host: str, labels: tuple[str, ...], **given: Any) -> None:
    """Tell Alertmanager and a webhook of the alarms.

    Run one; it may be restarted at any time.
    """
    log.start("alert", given.pop("log_level"))
    observe = TelemetrySettings(given.pop("otlp_endpoint"))
    kafka = options.required_kafka(given.pop("bootstrap_servers"), given.pop("kafka_config"))
    settings = AlertSettings(kafka=kafka, labels=options.label_values(labels), **_said(given))
    from topology import roles  # noqa: PLC0415 - telemetry's libraries are slow to import

    roles.alert(settings, observe, host)


@command.command(cls=options.VerifyCommand)
@options.verify_options
def verify(log_level: str, **given: Any) -> None:
    """Ask until there is a verdict, and end with it.

    What the job of an AnalysisTemplate runs. Ends with 0: pass. 1: no answer could be had, or this configuration cannot
    be followed. 2: fail. 3: cannot tell, when the time was over. 4: told to end before.
    """
    log.start("verify", log_level)
    from topology import verify as job  # noqa: PLC0415 - other commands do not need it

    try:
        settings = options.verify_settings(**given)
    except BadPolicy as error:
        _say(error)
        sys.exit(job.Status.ERROR)  # 2 would say that the canary has failed
    sys.exit(job.run(settings))


@command.command()
@options.url_option
@click.option("--kubeconfig", metavar="FILE", help="Where the API server is.  [default: that of the pod]")
@click.option("--namespace", default="", metavar="NAME", help="The only one to watch.  [default: all]")
@options.shared("--cluster", default="", show_default=False, help="Its name, as the records that come from it have it.")
@click.option(
    "--token-file", envvar="SERINUS_TOKEN_FILE", show_envvar=True, metavar="FILE", help="Holds serve's bearer token."
)
@options.shared("--log-level", type=click.Choice(log.LEVELS), default="info", help="Least important lines to show.")
def rollouts(log_level: str, **given: Any) -> None:
    """Tell serve which Rollouts are under way.

    Watches the cluster's Rollouts and Experiments for what is to be compared, and what became of it.
    """
    log.start("rollouts", log_level)
    settings = RolloutsSettings(**_said(given))
    from topology import roles  # noqa: PLC0415 - the client of Kubernetes is slow to import

    roles.rollouts(settings)


@command.command("policy-from-kayenta")
@click.argument("file", type=click.File("rb"))
@options.shared("--log-level", type=click.Choice(log.LEVELS), default="info", help="Least important lines to show.")
def policy_from_kayenta(file: BinaryIO, log_level: str) -> None:
    """Print the policy for a Kayenta canary config.

    FILE is the config (JSON); the policy, which says the same, is JSON too, which is YAML. Ends with 2 and names all
    that has no equal, if anything in it has none.
    """
    log.start("policy-from-kayenta", log_level)
    document = kayenta_config.policy(file.read(kayenta_config.MOST_BYTES + 1))
    click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())


@command.command()
@options.cluster_options
@_PARTITIONS
def topics(bootstrap_servers: str | None, kafka_config: Path | None, log_level: str, partitions: int | None) -> None:
    """Create the topics that are missing.

    Also says how those that are there differ from what they should be.
    """
    log.start("topics", log_level)
    kafka = options.required_kafka(bootstrap_servers, kafka_config)
    from topology import pipeline  # noqa: PLC0415 - other commands do not need it

    for outcome in pipeline.prepare(kafka, partitions):
        click.echo(str(outcome))


@command.command()
@options.role_options
@options.cluster_option
@options.shared("--metrics-port", type=int, help="First of consecutive ports of the workers' /metrics; else any free.")
@options.serve_options
@options.policy_option
@options.receiver_options
@_PARTITIONS
@_workers("--ingest", "ingest_workers", help="Ingest workers.")
@_workers("--score", "score_workers", help="Score workers.")
def run(ingest_workers: int, score_workers: int, partitions: int | None, **given: Any) -> None:
    """Run all roles on this machine.

    Against a Kafka cluster or, if none is named, an embedded broker, which forgets everything on exit. `alert` is among
    them where an Alertmanager or a webhook is named.
    """
    log.start("run", given["log_level"])
    kafka = options.kafka(given["bootstrap_servers"], given["kafka_config"])
    from topology import pipeline  # noqa: PLC0415 - other commands do not need it

    told = {name: given.pop(name) for name in Receivers.__struct_fields__}
    receivers = Receivers(**told | {"labels": options.label_values(told["labels"])})
    plan = pipeline.Plan(
        ingest=ingest_workers,
        score=score_workers,
        partitions=partitions,
        receivers=receivers,
        **given,
    )
    sys.exit(pipeline.run(kafka, plan))


@command.command()
@click.option("--seconds", type=click.IntRange(1), default=90, show_default=True, help="How long to play.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--keep", is_flag=True, help="Go on playing until Ctrl-C.")
@options.shared("--log-level", type=click.Choice(log.LEVELS), default="warning", help="Least important lines to show.")
def demo(seconds: int, as_json: bool, keep: bool, log_level: str) -> None:
    """Play a healthy and a broken rollout through it all.

    Ends with 0 if the broken one failed and the healthy one did not, else with 1.
    """
    log.start("demo", log_level)
    from topology import demo as demonstration  # noqa: PLC0415 - other commands do not need it

    sys.exit(demonstration.play(seconds, as_json, keep, log_level))


command.add_command(backtest)
command.add_command(record)
command.add_command(templates)
command.add_command(watch)
command.add_command(policy_commands.policy)
command.add_command(policy_commands.print_schema)


def main() -> None:
    """Run the command; every fault ends in one line on stderr."""
    try:
        status = command(prog_name="serinus", auto_envvar_prefix="SERINUS", standalone_mode=False)
        sys.stdout.flush()  # what cannot be written is to be said here, not by the interpreter's end
        sys.exit(status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except BadPolicy as error:
        _say(error)
        sys.exit(2)
    except Unavailable as error:
        _say(error)
        sys.exit(1)
    except BrokenPipeError:
        give_up_output()
        sys.exit(1)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            _say(f"nothing more can be written: {error.strerror}")
            give_up_output()
            sys.exit(1)
        if isinstance(error, OSError) and error.filename is not None:
            _say(f"{error.filename}: {error.strerror}")
            sys.exit(1)
        logging.getLogger(__name__).critical("%s: %s", type(error).__name__, error, exc_info=True)
        sys.exit(1)


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, so that the settings' own defaults hold for the others."""
    return {name: value for name, value in given.items() if value is not None}


def _say(error: Exception | str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"serinus: {error}\n".replace("\n", " ").rstrip().encode(errors="backslashreplace") + b"\n")
