"""Between Kafka and the view of alarms, against an embedded broker."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.topology.alarms.documents import RAISED_S, alarm, publish, word
from topology.alarms.follower import AlarmFollower
from topology.alarms.view import AlarmView
from topology.create_topics import create
from topology.embedded import EmbeddedBroker
from topology.settings import Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import ALARMS, definitions

PARTITIONS = 3


@pytest.fixture
def kafka() -> Iterator[Kafka]:
    """An embedded broker without topics."""
    with EmbeddedBroker() as embedded:
        yield Kafka(embedded.bootstrap_servers)


def eventually(holds) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_replicas_are_alike(kafka):
    """Two that began at different times hold the same, what people said and when included; junk is passed over."""
    telemetry = Telemetry.start("serve", TelemetrySettings())
    producer = Producer(kafka.librdkafka())
    views = [AlarmView(), AlarmView()]
    followers = [AlarmFollower(kafka, view, telemetry) for view in views]
    followers[0].start()
    assert not views[0].caught_up  # there are no topics yet
    create(kafka, definitions(partitions=PARTITIONS))
    many = [alarm(workload=f"shop-{number}") for number in range(20)]
    producer.produce(ALARMS, b"{", b"junk")
    for message in (*many, word(many[3], "acknowledge"), word(many[3], "silence")):
        publish(producer, message, PARTITIONS)
    publish(producer, alarm(workload="shop-4", cleared_s=RAISED_S + 20), PARTITIONS)
    followers[1].start()
    try:
        for view in views:
            eventually(lambda view=view: view.caught_up and len(view.active()) == 19)
            eventually(lambda view=view: len(view.get(many[3].id).words.all()) == 2)
    finally:
        for follower in followers:
            follower.stop(10)
        telemetry.shutdown()
    one, other = ({known.alarm.id: known for known in view.all()} for view in views)
    assert one == other
    assert one[many[3].id].silenced(RAISED_S + 1e6)
