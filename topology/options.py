"""The options that several `serinus` commands share, and what they make of the words given.

Every option can also come from the environment: SERINUS_BOOTSTRAP_SERVERS, SERINUS_METRICS_PORT and so on for the
shared ones, SERINUS_INGEST_WINDOW_S and so on for those of one command.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from streams.errors import BadPolicy
from topology import kafka_properties
from topology.log import LEVELS
from topology.settings import Kafka, VerifySettings
from topology.topics import LOGS, METRICS

Command = TypeVar("Command", bound=Callable[..., Any])


def shared(*flags: str, **attributes: Any) -> Callable[[Command], Command]:
    """An option whose environment variable is SERINUS_<NAME> for every command."""
    name = flags[0].removeprefix("--").replace("-", "_").upper()
    attributes = {"envvar": f"SERINUS_{name}", "show_envvar": True, "show_default": True, **attributes}
    return click.option(*flags, **attributes)


class Finite(click.FloatRange):
    """A number within bounds, where click lets nan and infinity pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As click does, and more is refused."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


class Named(click.Option):
    """One whose value has another name, `--label` of `labels`: click would look for its variable by that alone."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """As click does; and by the option's own name."""
        found: str | None = super().resolve_envvar_value(ctx)
        if found is None and ctx.auto_envvar_prefix is not None:
            name = self.opts[0].removeprefix("--").replace("-", "_").upper()
            found = os.environ.get(f"{ctx.auto_envvar_prefix}_{name}") or None
        return found


def together(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


cluster_options = together(
    shared("--bootstrap-servers", metavar="HOST:PORT,...", help="Kafka brokers to ask first."),
    shared(
        "--kafka-config",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="librdkafka properties (security.protocol, sasl.*, ssl.*, ...), one name=value a line.",
    ),
    shared("--log-level", type=click.Choice(LEVELS), default="info", help="Least important lines to show."),
)

role_options = together(
    cluster_options,
    shared("--otlp-endpoint", metavar="URL", help="Base URL of an OTLP/HTTP receiver of our own traces and metrics."),
    shared("--host", default="127.0.0.1", help="Address that /metrics, or the API, listens on; 0.0.0.0: all."),
)

input_options = together(
    *(
        click.option(
            f"--{kind}-topic",
            multiple=True,
            default=(topic,),
            show_default=True,
            metavar="TOPIC[=FORMAT]",
            help=f"A topic of {kind} records; may be given more than once. "
            "Without FORMAT that of each message is detected.",
        )
        for kind, topic in (("log", LOGS), ("metric", METRICS))
    )
)

log_fields_option = click.option(
    "--log-fields",
    callback=lambda _context, _option, text: tuple(filter(None, map(str.strip, (text or "").split(",")))),
    metavar="NAME[:UNIT|=VALUE],...",
    help="Fields of JSON log lines, or beside them, that are signals: numbers, or lines that hold a value.",
)

metrics_port_option = shared("--metrics-port", type=int, default=0, help="Port of /metrics and /healthz; 0: any free.")

cluster_option = shared(
    "--cluster", default="", show_default=False, help="Kubernetes cluster of records that name none."
)

policy_option = shared(
    "--policy",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What holds for which workload (YAML); read again when it changes.",
)

serve_options = together(
    shared("--port", type=int, default=8080, help="Port of the API; 0: any free."),
    shared("--token-file", metavar="FILE", help="Holds the bearer token that queries must bring."),
    shared("--public-url", metavar="URL", help="How people reach this server, for links."),
)


receiver_options = together(
    click.option(
        "--alertmanager-url",
        "alertmanager_urls",
        cls=Named,
        multiple=True,
        metavar="URL",
        help="Is told of all alarms; any number.",
    ),
    click.option("--alertmanager-token-file", metavar="FILE", help="Holds the Alertmanagers' bearer token."),
    click.option("--webhook-url", metavar="URL", help="Gets a signed POST for each change of an alarm."),
    click.option("--webhook-secret-file", metavar="FILE", help="Holds the secrets that sign it, one a line."),
    click.option("--webhook-token-file", metavar="FILE", help="Holds the webhook's bearer token."),
    click.option("--ca-file", metavar="FILE", help="PEM of trusted authorities.  [default: the system's]"),
    click.option("--cert-file", metavar="FILE", help="PEM of the certificate shown to who asks for one."),
    click.option("--key-file", metavar="FILE", help="PEM of its key.  [default: in the same file]"),
    click.option(
        "--label", "labels", cls=Named, multiple=True, metavar="NAME=VALUE", help="Of every alert; any number."
    ),
)

alert_options = together(
    receiver_options,
    shared("--public-url", metavar="URL", help="How people reach serve, for links."),
    click.option("--repeat-s", type=float, help="How often an Alertmanager is told what rings.  [default: 60]"),
    click.option(
        "--hold-s", type=float, help="How long an Alertmanager holds what it no longer hears of.  [default: 600]"
    ),
    click.option(
        "--catch-up-s", type=float, help="A webhook is not told of what cleared longer ago.  [default: 86400]"
    ),
)

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod finds the name of its namespace."""
DEFAULT_URL = "http://serinus-serve.serinus.svc:8080"
"""Of the serve role, as deploy/kubernetes puts it up."""

url_option = click.option(
    "--url", envvar="SERINUS_URL", default=DEFAULT_URL, help="Of the serve role.", show_default=True, show_envvar=True
)

verify_options = together(
    url_option,
    click.option(
        "--baseline",
        envvar=["SERINUS_BASELINE", "BASELINE_HASH", "STABLE_POD_HASH"],
        show_envvar=True,
        help="Pod-template hash of the revision that serves now.",
    ),
    click.option(
        "--canary",
        envvar=["SERINUS_CANARY", "CANARY_HASH", "LATEST_POD_HASH", "EXPERIMENT_HASH"],
        show_envvar=True,
        help="Pod-template hash of the revision on trial.",
    ),
    click.option(
        "--namespace", envvar="SERINUS_NAMESPACE", show_envvar=True, help="Of the Rollout.  [default: the pod's own]"
    ),
    click.option(
        "--workload", envvar="SERINUS_WORKLOAD", show_envvar=True, help="Name of the Rollout.  [default: by the hashes]"
    ),
    click.option("--cluster", envvar="SERINUS_CLUSTER", show_envvar=True, help="Cluster of the Rollout."),
    click.option(
        "--lifetime-hours",
        type=float,
        envvar=["SERINUS_LIFETIME_HOURS", "LIFETIME_HOURS"],
        default=0.5,
        show_default=True,
        show_envvar=True,
        help="Without a verdict after so long it is inconclusive.",
    ),
    click.option(
        "--every-s", type=float, envvar="SERINUS_EVERY_S", show_envvar=True, help="Between two questions.  [default: 5]"
    ),
    click.option(
        "--patience-s",
        type=float,
        envvar="SERINUS_PATIENCE_S",
        show_envvar=True,
        help="Without any answer for so long it is an error.  [default: 300]",
    ),
    click.option(
        "--log-enabled",
        type=bool,
        envvar=["SERINUS_LOG_ENABLED", "LOG_ENABLED"],
        show_envvar=True,
        help="Show every answer, not only what is new.  [default: false]",
    ),
    click.option(
        "--token-file", envvar="SERINUS_TOKEN_FILE", show_envvar=True, metavar="FILE", help="Holds the bearer token."
    ),
    click.option(
        "--termination-log",
        envvar="SERINUS_TERMINATION_LOG",
        show_envvar=True,
        metavar="FILE",
        help="Gets the last line.  [default: /dev/termination-log]",
    ),
    shared("--log-level", type=click.Choice(LEVELS), default="info", help="Least important lines to show."),
)


class VerifyCommand(click.Command):
    """Ends with 1 where its words are not understood: 2 would say that the canary has failed."""

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        """As click does."""
        try:
            return super().make_context(*arguments, **named)
        except click.UsageError as error:
            error.exit_code = 1
            raise


def verify_settings(**given: Any) -> VerifySettings:
    """The settings that the options of `serinus verify` make.

    Raises:
        BadPolicy: a hash is missing, or something is not as it must be.
    """
    for name, variables in (("baseline", "BASELINE_HASH"), ("canary", "CANARY_HASH")):
        if not given[name]:
            raise BadPolicy(
                name, given[name], f"set {variables}, or give --{name}; `serinus --help` shows the other roles"
            )
    if not given["namespace"] and NAMESPACE_FILE.is_file():
        given["namespace"] = NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    return VerifySettings(**{name: value for name, value in given.items() if value is not None})


def kafka(bootstrap_servers: str | None, kafka_config: Path | None) -> Kafka | None:
    """The cluster that the options name; None if they name none.

    Raises:
        BadPolicy: they name it badly.
    """
    properties = kafka_properties.read(kafka_config) if kafka_config is not None else {}
    servers = bootstrap_servers or properties.get("bootstrap.servers")
    properties.pop("bootstrap.servers", None)
    if servers:
        return Kafka(servers, properties)
    if properties:
        raise BadPolicy("bootstrap-servers", None, f"{kafka_config} needs them: host:port, several with commas")
    return None


def required_kafka(bootstrap_servers: str | None, kafka_config: Path | None) -> Kafka:
    """The cluster that the options name.

    Raises:
        BadPolicy: they name none, or badly.
    """
    named = kafka(bootstrap_servers, kafka_config)
    if named is None:
        raise BadPolicy("bootstrap-servers", None, "give host:port of a Kafka broker, several with commas")
    return named


def label_values(words: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE, each name once.

    >>> label_values(("severity=critical", "team=a=b"))
    {'severity': 'critical', 'team': 'a=b'}

    Raises:
        BadPolicy: one has no value, or a name comes twice.
    """
    labels: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not value or name in labels:
            raise BadPolicy("label", word, "write name=value, each name once")
        labels[name] = value
    return labels


def topic_formats(words: tuple[str, ...], option: Literal["log-topic", "metric-topic"]) -> dict[str, str]:
    """TOPIC or TOPIC=FORMAT, each with the format `auto` unless said.

    >>> topic_formats(("app.logs=vector", "serinus.logs"), "log-topic")
    {'app.logs': 'vector', 'serinus.logs': 'auto'}

    Raises:
        BadPolicy: a topic is named twice, or a format that is none.
    """
    from streams.shippers.formats import AUTO, reader  # noqa: PLC0415 - other commands do not need it

    formats: dict[str, str] = {}
    for word in words:
        topic, equals, name = word.partition("=")
        if topic in formats:
            raise BadPolicy(option, word, "name each topic once")
        formats[topic] = name if equals else AUTO
        try:
            reader("logs" if option == "log-topic" else "metrics", formats[topic])
        except BadPolicy as error:
            raise BadPolicy(option, word, f"its format may be {error.allowed}") from None
    return formats
