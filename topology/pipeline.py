"""All roles on one machine: the broker if none is named, the topics, and which child processes are to run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct, structs

from streams.errors import BadPolicy
from topology.connect import wait_for_kafka
from topology.create_topics import Outcome, create
from topology.receivers import Receivers
from topology.settings import AlertSettings, IngestSettings, Kafka, ScoreSettings, ServeSettings, TelemetrySettings
from topology.signals import stop_on_signal
from topology.supervise import Children, supervise
from topology.topics import definitions

log = logging.getLogger(__name__)

_EMBEDDED_SESSION_S = 3.0
"""The embedded broker lets a group begin only after half of its session timeout."""


class Plan(Struct, frozen=True, kw_only=True):
    """What `serinus run` was asked for."""

    bootstrap_servers: str | None = None
    """None starts the embedded broker, unless `kafka_config` names brokers."""
    kafka_config: Path | None = None
    log_level: str = "info"
    otlp_endpoint: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int | None = None
    """Of the first worker, the others follow; None takes free ones."""
    token_file: str | None = None
    public_url: str | None = None
    cluster: str = ""
    policy: Path | None = None
    ingest: int = 1
    score: int = 1
    partitions: int | None = None
    receivers: Receivers = Receivers()
    """Without any, `alert` is not started."""

    @property
    def workers(self) -> list[tuple[str, str]]:
        """Name and role of each child but serve, in the order of their metrics ports."""
        names = [(f"ingest-{number}", "ingest") for number in range(self.ingest)]
        names += [(f"score-{number}", "score") for number in range(self.score)]
        return [*names, ("alert", "alert")] if self.receivers.named else names

    def commands(self, servers: str, session_timeout_s: float | None = None) -> Iterator[tuple[str, list[str]]]:
        """Name and arguments of each child, serve first: it answers while the others start.

        Args:
            servers: to connect to.
            session_timeout_s: of the workers' consumer groups; None leaves them as they are.

        >>> [name for name, _ in Plan(ingest=2).commands("localhost:9092")]
        ['serve', 'ingest-0', 'ingest-1', 'score-0']
        """
        everywhere: dict[str, object] = {
            "--bootstrap-servers": servers,
            "--log-level": self.log_level,
            "--host": self.host,
        }
        everywhere |= {"--kafka-config": self.kafka_config, "--otlp-endpoint": self.otlp_endpoint}
        served: dict[str, object] = {
            "--port": self.port,
            "--token-file": self.token_file,
            "--public-url": self.public_url,
        }
        yield "serve", _arguments("serve", everywhere | served)
        for index, (name, role) in enumerate(self.workers):
            own: dict[str, object] = {"--metrics-port": self.metrics_port + index if self.metrics_port else 0}
            if role == "ingest":
                own |= {"--cluster": self.cluster}
            if role == "score":
                own |= {"--policy": self.policy}
            if role == "alert":
                own |= {"--public-url": self.public_url}
                yield name, [*_arguments(role, everywhere | own), *self.receivers.words()]
                continue
            own |= {"--session-timeout-s": session_timeout_s}
            yield name, _arguments(role, everywhere | own)


def prepare(kafka: Kafka, partitions: int | None, stop: threading.Event | None = None) -> list[Outcome]:
    """Wait until the cluster answers, then create what topics it lacks; nothing if stopped meanwhile.

    Raises:
        BadPolicy: the topics cannot be as they must.
        Unavailable: the cluster refuses them.
    """
    topics = definitions(partitions)
    return create(kafka, topics) if wait_for_kafka(kafka, stop or threading.Event()) else []


def run(kafka: Kafka | None, plan: Plan) -> int:
    """Run everything until SIGINT or SIGTERM, or until a part of it ends by itself; the exit status.

    Raises:
        BadPolicy: before anything is started, if a role could not follow its settings.
    """
    from topology.embedded import EmbeddedBroker  # noqa: PLC0415 - against a cluster it is not needed

    definitions(plan.partitions)
    _check(kafka or Kafka("127.0.0.1:9092"), plan)
    stop = stop_on_signal()
    with ExitStack() as stack:
        needed, session_timeout_s = {}, None
        if kafka is None:
            broker = stack.enter_context(EmbeddedBroker())
            kafka = Kafka(broker.bootstrap_servers)
            needed, session_timeout_s = {"embedded broker": broker.process}, _EMBEDDED_SESSION_S
        for outcome in prepare(kafka, plan.partitions, stop):
            log.log(logging.WARNING if outcome.differences else logging.INFO, "topic %s", outcome)
        children = stack.enter_context(Children())
        if not stop.is_set():
            for name, arguments in plan.commands(kafka.bootstrap_servers, session_timeout_s):
                children.start(name, arguments)
            log.info("all roles started; Kafka at %s; Ctrl-C ends them", kafka.bootstrap_servers)
        return supervise(children, stop, needed)


def _check(kafka: Kafka, plan: Plan) -> None:
    """Let every role's settings speak before one of them has started."""
    first = plan.metrics_port or 0
    if not 0 <= first <= 65_536 - len(plan.workers):
        raise BadPolicy("metrics-port", plan.metrics_port, "the workers' consecutive ports must end before 65536")
    IngestSettings(kafka, cluster=plan.cluster, metrics_port=plan.metrics_port)
    ScoreSettings(kafka, metrics_port=plan.metrics_port, policy=plan.policy)
    ServeSettings(kafka, host=plan.host, port=plan.port, token_file=plan.token_file, public_url=plan.public_url)
    if plan.receivers.named:
        AlertSettings(kafka, public_url=plan.public_url, **structs.asdict(plan.receivers))
    TelemetrySettings(plan.otlp_endpoint)


def _arguments(role: str, options: dict[str, object]) -> list[str]:
    given = [(flag, str(value)) for flag, value in options.items() if value not in {None, ""}]
    return [role, *(word for pair in given for word in pair)]
