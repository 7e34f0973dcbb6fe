"""The whole of it, as a new user meets it: on the embedded broker, every role a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from tests.bench.records import spread
from topology.codecs import decode_bundle
from topology.embedded import EmbeddedBroker
from topology.ingest.worker import IngestWorker
from topology.pipeline import prepare
from topology.settings import IngestSettings, Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import LOGS, SUMMARIES


@pytest.mark.timeout(240)
def test_the_demo_tells_a_broken_rollout_from_a_healthy_one():
    """Promise: `serinus demo` loses nothing, fails the broken canary, spares the healthy one, and says so in JSON."""
    command = [sys.executable, "-m", "topology.cli", "demo", "--seconds", "60", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=220, check=False)
    assert done.stdout, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    verdicts = {each["workload"]: (each["expected"], each["verdict"]) for each in result["comparisons"]}
    assert verdicts["payments"] == ("fail", "fail")
    assert verdicts["checkout"][1] != "fail"
    assert result["lost"] == 0
    assert result["records"] > 10_000
    assert done.returncode == 0


def test_the_end_of_the_input_closes_windows_too():
    """Promise: after the last record of a partition its report goes on with the clock, so that no window stays open."""
    with EmbeddedBroker() as broker:
        kafka = Kafka(broker.bootstrap_servers)
        prepare(kafka, 2)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        sent_s = time.time()
        for number, payload in enumerate(spread(1000, sent_s - 1, sent_s)):
            producer.produce(LOGS, payload, partition=number % 2)
        producer.flush()
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "test"})
        consumer.assign([TopicPartition(SUMMARIES, 0, OFFSET_BEGINNING)])
        telemetry = Telemetry.start("ingest", TelemetrySettings())
        worker = IngestWorker(IngestSettings(kafka, session_timeout_s=3, lateness_s=0.5), telemetry)
        reports: dict[str, int] = {}
        counted, deadline = 0, time.monotonic() + 60
        while len(reports) < 4 or min(reports.values()) < (sent_s + 1) * 1e9:
            assert time.monotonic() < deadline, reports
            counted += worker.cycle(threading.Event())
            for message in consumer.consume(100, 0.0):
                if message.error() is None:
                    reports |= decode_bundle(message.value()).reports
        worker.close()
        consumer.close()
        telemetry.shutdown()
        assert counted == 1000
