"""The brokers of the integration tests: Apache Kafka itself and the embedded one, each started once a session.

A fixture is ready when its broker answers, never after a fixed time. Tests share a broker, so they name their own
topics, groups and transactional ids.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from topology.children import leashed
from topology.embedded import EmbeddedBroker
from topology.log import SILENT
from topology.pipeline import prepare
from topology.settings import Kafka
from topology.topics import definitions

RUN = Path(__file__).parents[2] / "deploy/kafka/run"
START_S = 60.0
STOP_S = 20.0


@dataclass(frozen=True)
class Cluster:
    """Where a running Kafka cluster is reached."""

    bootstrap_servers: str


@pytest.fixture(scope="session")
def kafka() -> Iterator[Cluster]:
    """Apache Kafka: the cluster at SERINUS_TEST_BOOTSTRAP_SERVERS if set, else one node of deploy/kafka/run."""
    if servers := os.environ.get("SERINUS_TEST_BOOTSTRAP_SERVERS"):
        yield Cluster(servers)
        return
    fetched = subprocess.run(
        [RUN, "--fetch-only"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        pytest.fail(f"deploy/kafka/run --fetch-only ended with {fetched.returncode}:\n{fetched.stderr}", pytrace=False)
    with tempfile.TemporaryDirectory(prefix="serinus-kafka-", ignore_cleanup_errors=True) as directory:
        log = Path(directory, "broker.log")
        port = _free_port()
        command = [str(RUN), "--port", str(port), "--data", str(Path(directory, "data"))]
        with log.open("wb") as output:
            process = subprocess.Popen(
                leashed(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            _await_answer(process, f"127.0.0.1:{port}", log)
            yield Cluster(f"127.0.0.1:{port}")
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def pipeline_kafka(kafka: Cluster) -> Cluster:
    """Apache Kafka with all topics of Serinus new and empty, four partitions each."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    stale = admin.list_topics(timeout=30).topics.keys() & {topic.name for topic in definitions()}
    for done in admin.delete_topics(list(stale)).values() if stale else ():
        done.result(30)
    deadline = time.monotonic() + START_S
    while stale & admin.list_topics(timeout=30).topics.keys():
        assert time.monotonic() < deadline, "the topics are still there"
    prepare(Kafka(kafka.bootstrap_servers), 4)
    return kafka


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedBroker]:
    """The embedded broker: quick, but it neither hides aborted transactions nor survives its end."""
    with EmbeddedBroker() as broker:
        yield broker


def _free_port() -> int:
    """A port nobody listens on, below the range from which systems give ports to clients' connections."""
    for port in random.sample(range(10_000, 20_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port between 10000 and 20000")


def _await_answer(process: subprocess.Popen[bytes], servers: str, log: Path) -> None:
    admin = AdminClient({"bootstrap.servers": servers, "reconnect.backoff.max.ms": 200, "logger": SILENT})
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            admin.list_topics(timeout=1)
        except KafkaException:
            continue  # the call has waited already
        if process.poll() is None:
            return
    state = "does not answer" if process.poll() is None else f"ended with {process.returncode}"
    pytest.fail(f"Apache Kafka on {servers} {state}:\n{log.read_text(errors='replace')[-4000:]}", pytrace=False)
