"""The brokers of the integration tests: Apache Kafka itself and the embedded one, each started once a session.

A fixture is ready when its broker answers, never after a fixed time. Tests share a broker, so they name their own
topics, groups and transactional ids.
"""

from __future__ import annotations

import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.integration.apache_kafka import START_S, ApacheKafka, fetch
from topology.embedded import EmbeddedBroker
from topology.pipeline import prepare
from topology.settings import Kafka
from topology.topics import definitions


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
    fetch()
    with tempfile.TemporaryDirectory(prefix="serinus-kafka-", ignore_cleanup_errors=True) as directory:
        broker = ApacheKafka(_free_port(), Path(directory))
        try:
            broker.start()
            yield Cluster(broker.bootstrap_servers)
        finally:
            broker.stop()


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
