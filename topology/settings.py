"""What an operator may set, role by role; every value is checked when the settings are made, never later.

No file, environment variable or flag is read here: `cli` does that.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field, structs

from streams.errors import BadPolicy
from streams.shippers.names import is_cluster_name, is_label_value
from streams.templates.examples import MAX_CONTEXT
from streams.windows.excerpts import CONTEXT_LINES
from streams.windows.log_fields import fields_of
from streams.windows.summary import Limits
from topology import kafka_properties
from topology.receivers import Receivers
from topology.topics import LOGS, METRICS

_SERVER = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?):([0-9]{1,5})")
_TOPIC = re.compile(r"[-._A-Za-z0-9]{1,249}")
_IDENTIFIER = re.compile(r"[-._A-Za-z0-9]{1,200}")
_OBJECT = re.compile(r"([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?)?")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def _require(holds: bool, name: str, value: object, allowed: str) -> None:
    """Raise a `BadPolicy` that names the field as its option is written, unless it holds."""
    if not holds:
        raise BadPolicy(name.replace("_", "-"), value, allowed)


def _within(settings: Struct, **bounds: tuple[float, float]) -> None:
    """Every named field is a number from least to most, both included."""
    for name, (least, most) in bounds.items():
        value = getattr(settings, name)
        if value is None and name == "metrics_port":
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        _require(is_number and least <= value <= most, name, value, f"give a number from {least:.10g} to {most:.10g}")


def _matches(settings: Struct, fits: Callable[[str], object], allowed: str, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        _require(isinstance(value, str) and bool(fits(value)), name, value, allowed)


def _worker_id(role: str) -> str:
    return f"{role}-{socket.gethostname()}-{os.getpid()}"


class Kafka(Struct, frozen=True, repr_omit_defaults=True):
    """Where the cluster is and how to be let in; its repr holds no secret."""

    bootstrap_servers: str
    """host:port, several separated by commas."""
    properties: dict[str, str] = {}
    """librdkafka's property names and values (security.protocol, sasl.*, ssl.*, ...)."""

    def __post_init__(self) -> None:
        allowed = "give host:port, several separated by commas"
        for server in self.servers:
            match = _SERVER.fullmatch(server)
            _require(
                match is not None and 0 < int(match[3]) < 65536, "bootstrap-servers", self.bootstrap_servers, allowed
            )
        kafka_properties.check(self.properties)

    @property
    def servers(self) -> list[str]:
        """The single servers of `bootstrap_servers`.

        >>> Kafka("a:9092, b:9092").servers
        ['a:9092', 'b:9092']
        """
        return [server.strip() for server in self.bootstrap_servers.split(",")]

    def librdkafka(self, **overrides: object) -> dict[str, object]:
        """The configuration of a confluent-kafka client; `overrides` win over the operator's properties.

        >>> Kafka("a:9092", {"client.id": "x"}).librdkafka(**{"group.id": "g"})
        {'client.id': 'x', 'bootstrap.servers': 'a:9092', 'group.id': 'g'}
        """
        return {**self.properties, "bootstrap.servers": ",".join(self.servers), **overrides}

    def faust(self) -> dict[str, Any]:
        """The keyword arguments that let a `faust.App` in to the same cluster.

        Raises:
            BadPolicy: a property that faust's client cannot follow.
        """
        from topology.faust_client import app_arguments  # noqa: PLC0415 - faust takes half a second to import

        return app_arguments(self.servers, self.properties)

    def __repr__(self) -> str:
        return f"Kafka({self.bootstrap_servers!r}, {kafka_properties.shown(self.properties)!r})"

    def __rich_repr__(self) -> Any:
        """What rich shows instead of the fields."""
        yield self.bootstrap_servers
        yield kafka_properties.shown(self.properties)


class IngestSettings(Struct, frozen=True):
    """One ingest worker."""

    kafka: Kafka
    cluster: str = ""
    """Kubernetes cluster of records that name none."""
    worker_id: str = field(default_factory=lambda: _worker_id("ingest"))
    """Unique among live workers."""
    log_topics: dict[str, str] = field(default_factory=lambda: {LOGS: "auto"})
    """Topic -> format name; `auto` detects it for each message."""
    metric_topics: dict[str, str] = field(default_factory=lambda: {METRICS: "auto"})
    """Topic -> format name; `auto` detects it for each message."""
    group: str = "serinus-ingest"
    """Consumer group."""
    window_s: int = 5
    """Length of an event-time window."""
    cycle_s: float = 0.25
    """Longest time between the first record of a transaction and its commit; four times as long for a worker behind."""
    batch_records: int = 100_000
    """Most records of one transaction."""
    lateness_s: float = 1.0
    """Margin by which an input partition read to its end is taken to be behind the clock."""
    max_late_s: float = 600
    """Records further behind their Kafka message's time are dead letters."""
    max_early_s: float = 60
    """Records further ahead of their Kafka message's time are dead letters."""
    signatures_per_revision: int = Limits().signatures
    """Most pairs of pod and log signature of one revision in one window; the rest count as `other`."""
    series_per_revision: int = Limits().series
    """Most pairs of pod and metric series of one revision in one window; the rest count as `other`."""
    context_lines: int = CONTEXT_LINES
    """Lines sent along before one of severity ERROR or graver, and as many after it; a policy may ask for fewer."""
    log_fields: tuple[str, ...] = ()
    """Fields of JSON log lines that are signals: NAME or NAME:UNIT of numbers, NAME=VALUE of lines to be counted."""
    transaction_timeout_s: float = 15
    """After this the broker aborts the transaction of a worker that is gone."""
    session_timeout_s: float = 6
    """After this the group takes the partitions of a worker that is gone."""
    metrics_port: int | None = None
    """Port of /metrics and /healthz; 0 is any free one, None is none."""

    def __post_init__(self) -> None:
        _matches(self, _IDENTIFIER.fullmatch, "use 1 to 200 of letters, digits, . _ -", "worker_id", "group")
        _matches(self, is_cluster_name, "begin and end with a letter or digit; . _ - between; at most 253", "cluster")
        _within(
            self,
            window_s=(1, 3600),
            cycle_s=(0.01, 60),
            batch_records=(1, 1_000_000),
            lateness_s=(0, 3600),
            max_late_s=(0, 7 * 86_400),
            max_early_s=(0, 86_400),
            signatures_per_revision=(1, 100_000),
            series_per_revision=(1, 100_000),
            context_lines=(0, MAX_CONTEXT),
            transaction_timeout_s=(1, 900),
            session_timeout_s=(1, 1800),
            metrics_port=(0, 65_535),
        )
        _require(isinstance(self.window_s, int), "window_s", self.window_s, "give whole seconds")
        _require(
            self.transaction_timeout_s > 2 * self.cycle_s,
            "transaction_timeout_s",
            self.transaction_timeout_s,
            f"give more than two cycles of {self.cycle_s:g} s",
        )
        fields_of(self.log_fields)
        for name in ("log_topics", "metric_topics"):
            for topic, shape in getattr(self, name).items():
                legal = _TOPIC.fullmatch(topic) is not None and topic not in {".", ".."} and bool(shape)
                _require(
                    legal,
                    name.removesuffix("s"),
                    f"{topic}={shape}",
                    "write topic=format; a topic has letters, digits, . _ -",
                )
        _require(bool(self.log_topics or self.metric_topics), "log_topic", None, "name at least one topic to read")
        both = self.log_topics.keys() & self.metric_topics.keys()
        _require(not both, "metric_topic", sorted(both), "a topic holds logs or metrics, not both")


class ScoreSettings(Struct, frozen=True):
    """One score worker."""

    kafka: Kafka
    group: str = "serinus-score"
    """Consumer group, and with it the name of the changelog."""
    worker_id: str = field(default_factory=lambda: _worker_id("score"))
    """Unique among live workers."""
    window_s: int = 5
    """Length of an event-time window; that of every ingest worker."""
    snapshot_s: float = 5.0
    """Time between two snapshots of a workload's state."""
    session_timeout_s: float = 10
    """After this the group takes the partitions of a worker that is gone."""
    alpha: float = 0.01
    """Highest probability that a canary like its baseline is ever failed."""
    beta: float = 0.05
    """Highest probability that a canary worse than tolerated is ever passed."""
    ring_s: int = 900
    """How long a revision's windows are kept for a comparison asked for late."""
    hold_s: float = 60
    """How long, in event time, an input partition without owner holds windows open."""
    expire_s: float = 1800
    """A comparison of which nothing was heard for so long has ended."""
    sight_s: int = 300
    """How long a revision is there, or silent, before the streams alone begin or end a comparison; 0: they never do."""
    false_alarm_days: float = 30.0
    """Average time to a false alarm of a workload in production, in days."""
    policy: Path | None = None
    """File that says what holds for which workload; None: the defaults for all."""
    metrics_port: int | None = None
    """Port of /metrics and /healthz; 0 is any free one, None is none."""

    def __post_init__(self) -> None:
        _matches(self, _IDENTIFIER.fullmatch, "use 1 to 200 of letters, digits, . _ -", "worker_id", "group")
        _within(
            self,
            window_s=(1, 3600),
            sight_s=(0, 86_400),
            snapshot_s=(0.1, 600),
            session_timeout_s=(1, 1800),
            alpha=(1e-9, 0.5),
            beta=(1e-9, 0.5),
            ring_s=(60, 86_400),
            hold_s=(0, 86_400),
            expire_s=(60, 30 * 86_400),
            false_alarm_days=(0.01, 10_000),
            metrics_port=(0, 65_535),
        )
        _require(isinstance(self.window_s, int), "window_s", self.window_s, "give whole seconds")
        if self.policy is not None:
            _require(_is_readable(self.policy), "policy", str(self.policy), "name a readable file")
        self.kafka.faust()


class ServeSettings(Struct, frozen=True):
    """One serve replica."""

    kafka: Kafka
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is all of them."""
    port: int = 8080
    """Port to listen on; 0 is any free one."""
    token_file: str | None = None
    """File that holds the bearer token every query must bring; None lets everyone in."""
    public_url: str | None = None
    """How people reach this server, for the links in answers; None: as the query did."""
    stale_s: float = 60.0
    """A risk document older than this answers verdict `none`."""
    ended_s: float = 30.0
    """The last document of a comparison that has ended is the answer for so long after its last window: whoever asked
    when it ended hears of it once more (the slowest that Argo asks by itself is every 15 s). Later a question is about
    another attempt; the pages show what has ended for as long as Kafka keeps it (7 days)."""
    kayenta_configs: tuple[str, ...] = ()
    """Files of Kayenta canary configs (JSON), whose names the Kayenta routes list."""

    def __post_init__(self) -> None:
        _within(self, port=(0, 65_535), stale_s=(1, 86_400), ended_s=(0, 7 * 86_400))
        _require(bool(self.host), "host", self.host, "give an address to listen on")
        structs.force_setattr(self, "public_url", _public_url(self.public_url))
        if self.token_file is not None:
            _require(_is_readable(Path(self.token_file)), "token_file", self.token_file, "name a readable file")


_ALERT_FILES = (
    "webhook_secret_file",
    "alertmanager_token_file",
    "webhook_token_file",
    "ca_file",
    "cert_file",
    "key_file",
)


class AlertSettings(Receivers, frozen=True):
    """The process that tells others of alarms."""

    kafka: Kafka
    public_url: str | None = None
    """How people reach serve, for the links; None: no links."""
    repeat_s: float = 60.0
    """How often an Alertmanager is told of what rings."""
    hold_s: float = 600.0
    """How long an Alertmanager is to hold what it does not hear of any more."""
    catch_up_s: float = 86_400
    """An alarm that the webhook was never told of and that cleared longer ago is not told."""
    metrics_port: int | None = None
    """Port of /metrics and /healthz; 0 is any free one, None is none."""

    def __post_init__(self) -> None:
        _within(self, repeat_s=(0.1, 3600), hold_s=(1, 86_400), catch_up_s=(0, 7 * 86_400), metrics_port=(0, 65_535))
        _require(self.hold_s >= 2 * self.repeat_s, "hold_s", self.hold_s, "give at least twice repeat-s")
        allowed = "give an http or https URL without credentials"
        for url in self.alertmanager_urls:
            _require(_is_http(url), "alertmanager_url", _without_user(url), allowed)
        if self.webhook_url is not None:
            _require(_is_http(self.webhook_url), "webhook_url", _without_user(self.webhook_url), allowed)
            _require(self.webhook_secret_file is not None, "webhook_secret_file", None, "name a file with the secret")
        structs.force_setattr(self, "public_url", _public_url(self.public_url))
        named = bool(self.alertmanager_urls or self.webhook_url)
        _require(named, "alertmanager_url", None, "name an Alertmanager or a webhook, or there is nobody to tell")
        for name, of, whose in (
            ("key_file", "cert_file", self.cert_file),
            ("webhook_secret_file", "webhook_url", self.webhook_url),
            ("webhook_token_file", "webhook_url", self.webhook_url),
            ("alertmanager_token_file", "alertmanager_url", self.alertmanager_urls),
        ):
            _require(getattr(self, name) is None or bool(whose), of, None, f"name that of {name.replace('_', '-')}")
        for name in _ALERT_FILES:
            file = getattr(self, name)
            _require(file is None or _is_readable(Path(file)), name, file, "name a readable file")
        for name in self.labels:
            _require(_LABEL.fullmatch(name) is not None, "label", name, "use letters, digits and _; no digit first")


class RolloutsSettings(Struct, frozen=True):
    """The watch of a cluster's Rollouts."""

    url: str
    """Base URL of the serve role."""
    kubeconfig: str | None = None
    """File that says where the API server is; None: that of the pod."""
    namespace: str = ""
    """The only one watched; empty: all."""
    cluster: str = ""
    """Name of the cluster in comparisons; empty where there is one."""
    token_file: str | None = None
    """File that holds serve's bearer token; None: none is needed."""

    def __post_init__(self) -> None:
        allowed = "give an http or https URL without credentials"
        _require(_is_http(self.url), "url", _without_user(self.url), allowed)
        _matches(self, is_cluster_name, "begin and end with a letter or digit; . _ - between; at most 253", "cluster")
        _matches(self, _OBJECT.fullmatch, "use a-z, 0-9, - and .; begin and end with a letter or digit", "namespace")
        for name in ("kubeconfig", "token_file"):
            file = getattr(self, name)
            _require(file is None or _is_readable(Path(file)), name, file, "name a readable file")


class VerifySettings(Struct, frozen=True):
    """One verification job."""

    url: str
    """Base URL of the serve role."""
    baseline: str
    """Pod-template hash."""
    canary: str
    """Pod-template hash."""
    namespace: str = ""
    """Of the Rollout; empty: the hashes tell."""
    workload: str = ""
    """Name of the Rollout; empty: the hashes tell."""
    cluster: str = ""
    lifetime_hours: float = 0.5
    """Without a verdict after so long it is inconclusive."""
    every_s: float = 5.0
    """Between two questions."""
    patience_s: float = 300.0
    """Without an answer for so long it is an error."""
    log_enabled: bool = False
    """Whether each answer is shown, or only what is new in them."""
    token_file: str | None = None
    """File that holds the bearer token; None: none is needed."""
    termination_log: str = "/dev/termination-log"
    """File that gets the ending."""

    def __post_init__(self) -> None:
        _within(self, lifetime_hours=(0, 30 * 24), every_s=(0.1, 600), patience_s=(0, 86_400))
        allowed = "give an http or https URL without credentials"
        _require(_is_http(self.url), "url", _without_user(self.url), allowed)
        _matches(
            self,
            is_label_value,
            "begin and end with a letter or digit; . _ - between; at most 63",
            "baseline",
            "canary",
        )
        _require(self.baseline != self.canary, "canary", self.canary, "give another hash than the baseline's")
        _matches(self, is_cluster_name, "begin and end with a letter or digit; . _ - between; at most 253", "cluster")
        _matches(
            self,
            _OBJECT.fullmatch,
            "use a-z, 0-9, - and .; begin and end with a letter or digit",
            "namespace",
            "workload",
        )


class TelemetrySettings(Struct, frozen=True):
    """Where a role's own traces and metrics go."""

    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP receiver; None: as the OTEL_EXPORTER_OTLP_* variables say, else nowhere."""

    def __post_init__(self) -> None:
        if self.otlp_endpoint is not None:
            allowed = "give an http or https URL without credentials, such as http://collector:4318"
            _require(_is_http(self.otlp_endpoint), "otlp_endpoint", _without_user(self.otlp_endpoint), allowed)


def _is_readable(file: Path) -> bool:
    try:
        return file.is_file() and os.access(file, os.R_OK)
    except OSError:  # it lies below a directory that we may not enter, or its name is too long
        return False


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_place = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        return parts.scheme in {"http", "https"} and is_place and url.isprintable() and " " not in url
    except ValueError:
        return False


def _public_url(url: str | None) -> str | None:
    """What paths of pages are written behind: without a slash at its end."""
    if url is not None:
        allowed = "give an http or https URL without credentials, query and fragment"
        _require(_is_http(url) and not {"?", "#"} & set(url), "public_url", _without_user(url), allowed)
    return url and url.rstrip("/")


def _without_user(url: str) -> str:
    """As it may be shown: what comes before an @ may hold a password, also where it is no URL."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1***@", url, flags=re.DOTALL)
