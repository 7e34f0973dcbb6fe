"""What the tests with the real Prometheus and Alertmanager share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.topology.alert.receiver import Receiver
from topology.create_topics import create
from topology.embedded import EmbeddedBroker
from topology.settings import Kafka
from topology.topics import definitions

PARTITIONS = 2


@pytest.fixture
def broker() -> Iterator[str]:
    """An embedded broker of its own, with all topics; its address."""
    with EmbeddedBroker() as embedded:
        create(Kafka(embedded.bootstrap_servers), definitions(partitions=PARTITIONS))
        yield embedded.bootstrap_servers


@pytest.fixture
def producer(broker) -> Producer:
    """Writes to it."""
    return Producer({"bootstrap.servers": broker})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who is told."""
    with Receiver() as listening:
        yield listening
