"""When does a score worker not begin?"""

from __future__ import annotations

import threading

import pytest
from confluent_kafka.admin import NewTopic

from streams.errors import BadPolicy
from topology.connect import admin_client
from topology.embedded import EmbeddedBroker
from topology.errors import Unavailable
from topology.score import worker
from topology.settings import Kafka, ScoreSettings, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import ALARMS, COPARTITIONED, WATCH


def test_told_to_end_before_it_began_it_does_not_begin():
    """Promise: it ends without asking Kafka, which is not there."""
    told = threading.Event()
    told.set()
    worker.run(ScoreSettings(Kafka("127.0.0.1:1")), Telemetry.start("score", TelemetrySettings()), told)


def test_topics_of_unlike_partitions_are_named():
    """Promise: whoever has given one of them more partitions is told so; it waited for those of the others for ever."""
    with EmbeddedBroker() as broker:
        kafka = Kafka(broker.bootstrap_servers)
        admin = admin_client(kafka)
        scorer = ScoreSettings(kafka), Telemetry.start("score", TelemetrySettings())
        for name in (*COPARTITIONED, ALARMS):
            with pytest.raises(Unavailable, match="is not there"):
                worker.run(*scorer, threading.Event())
            admin.create_topics([NewTopic(name, num_partitions=2 + (name == WATCH))])[name].result(30)
        with pytest.raises(BadPolicy, match=r"'serinus\.watch': 3.*the same number of partitions"):
            worker.run(*scorer, threading.Event())
