"""The whole of it, as a new user meets it: on the embedded broker, every role a process of its own."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.policy.workload_policy import SignalPolicy, WorkloadPolicy
from streams.records.identity import Workload
from streams.risk.comparison import CompareRequest, Comparison
from streams.windows.summary import Bundle
from streams.windows.watermark import Watermark
from streams.workload.state import WorkloadSettings
from tests.bench.records import spread
from tests.integration.role_process import RoleProcess
from topology.codecs import decode_bundle, decode_risk_document, encode_bundle, encode_json
from topology.embedded import EmbeddedBroker, free_port
from topology.ingest.worker import IngestWorker
from topology.pipeline import prepare
from topology.score.board import Board
from topology.settings import IngestSettings, Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import LOGS, RISK, ROLLOUTS, SUMMARIES, partition_of


@pytest.mark.timeout(240)
def test_the_demo_tells_a_broken_rollout_from_a_healthy_one():
    """Promise: `serinus demo` loses nothing, fails the broken canary, spares the healthy one, and says so in JSON.

    Whatever is exported for another Serinus: with windows of a minute at ingest alone nothing is judged.
    """
    command = [sys.executable, "-m", "topology", "demo", "--seconds", "60", "--json"]
    exported = {**os.environ, "SERINUS_INGEST_WINDOW_S": "60"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=220, check=False, env=exported)
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


def test_an_input_that_is_taken_out_of_the_settings_holds_no_windows_back():
    """Promise: once it is not named any more, windows close behind the inputs that are, and not by the hold later."""
    hold_ns = 1_000_000_000
    watermark = Watermark(hold_ns)
    read_to_ns = watermark.state.read_to_ns
    with EmbeddedBroker() as broker:
        kafka = Kafka(broker.bootstrap_servers)
        prepare(kafka, 1)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        admin.create_topics([NewTopic("old", 1)])["old"].result(30)
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "test"})
        consumer.assign([TopicPartition(SUMMARIES, 0, OFFSET_BEGINNING)])
        telemetry = Telemetry.start("ingest", TelemetrySettings())
        left_ns = 0
        for topics in ({LOGS: "auto", "old": "auto"}, {LOGS: "auto"}):
            settings = IngestSettings(kafka, log_topics=topics, session_timeout_s=3, lateness_s=0.1)
            worker, deadline = IngestWorker(settings, telemetry), time.monotonic() + 60
            while watermark.state.low_ns <= (left_ns + 2 * hold_ns if left_ns else 0):
                assert time.monotonic() < deadline, watermark.state
                worker.cycle(threading.Event())
                for message in consumer.consume(100, 0.0):
                    if message.error() is None:
                        bundle = decode_bundle(message.value())
                        watermark.learn(bundle.reports, bundle.inputs)
            worker.close()
            left_ns = left_ns or read_to_ns["old/0"]
        consumer.close()
        telemetry.shutdown()
    assert watermark.state.low_ns > max(read_to_ns.values()) - hold_ns // 2


def test_fields_of_log_lines_are_judged():
    """Promise: a canary that says in its JSON lines that it is slow fails by that signal, as the policy has it."""
    pair = Comparison("", "prod", "shop", "5d5c7b9f4", "6f8d9c6b77")
    draw, sent_s = random.Random(1), time.time()
    begun_s = sent_s - 300
    with EmbeddedBroker() as broker:
        kafka = Kafka(broker.bootstrap_servers)
        prepare(kafka, 2)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for second in range(300):
            for hash_, slower in ((pair.baseline, 1.0), (pair.canary, 2.0)):
                for pod in range(2):
                    took_ms = slower * draw.lognormvariate(3.0, 0.5)
                    line = _json_line(pair, hash_, pod, begun_s + second, f'"took_ms":{took_ms:.3f},"status":200')
                    producer.produce(LOGS, line, partition=pod)
        producer.flush()
        board = Board(WorkloadSettings(sight_ns=0), 60_000_000_000, partition_of(pair.of, 2), _policy)
        board.apply_event(0, CompareRequest(pair), round(begun_s * 1e9))
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "test"})
        consumer.assign([TopicPartition(SUMMARIES, board.number, OFFSET_BEGINNING)])
        telemetry = Telemetry.start("ingest", TelemetrySettings())
        fields = ("took_ms:ms", "status=5*", "bytes")
        worker = IngestWorker(IngestSettings(kafka, lateness_s=0.5, log_fields=fields), telemetry)
        latest, deadline = None, time.monotonic() + 60
        while latest is None or board.low_ns < (sent_s - 10) * 1e9:
            assert time.monotonic() < deadline, board.low_ns
            worker.cycle(threading.Event())
            for message in consumer.consume(100, 0.0):
                if message.error() is None:
                    for document in board.apply_bundle(message.offset(), decode_bundle(message.value())):
                        latest = document
        worker.close()
        consumer.close()
        telemetry.shutdown()
    signals = {one.signal: one for one in latest.signals}
    assert latest.verdict == "fail"
    assert "log.field.took_ms" in latest.reasons[0]
    took = signals["log.field.took_ms"]
    assert (took.group, took.part, took.criticality) == ("latency", "values", "critical")
    assert "log.field.status=5*" in signals
    assert "log.field.bytes" not in signals


def test_what_cannot_be_used_stops_no_scorer():
    """Promise: what is no message, and summaries of other windows, are skipped, counted, told; the rest is heard."""
    pair = Comparison("", "prod", "shop", "5d5c7b9f4", "6f8d9c6b77")
    with EmbeddedBroker() as broker:
        prepare(Kafka(broker.bootstrap_servers), 1)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
        for topic in (SUMMARIES, ROLLOUTS):
            for junk in (
                b"",
                b"{",
                b'{"type": "\xff"}',
                b'{"a": ' + b"[" * 100_000,
                b"\x96\xa1\xff" + b"\x90" * 5,
                None,
            ):
                producer.produce(topic, junk)
        for _ in range(3):
            other = Bundle("ingest-7", {"logs/0": 10**18}, {"logs": 1}, {}, {}, [], window_ns=10_000_000_000)
            producer.produce(SUMMARIES, encode_bundle(other))
        request = encode_json(CompareRequest(pair))
        producer.produce(ROLLOUTS, request.replace(b'"told_ns":0', b'"told_ns":%d' % 2**70))  # no snapshot holds it
        producer.produce(ROLLOUTS, request, pair.of.key)
        producer.flush()
        where = ["--bootstrap-servers", broker.bootstrap_servers, "--metrics-port", port := free_port()]
        with RoleProcess("score", *where, "--session-timeout-s", 3) as score:
            consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "test"})
            consumer.assign([TopicPartition(RISK, 0, OFFSET_BEGINNING)])
            deadline = time.monotonic() + 60
            while (message := consumer.poll(0.5)) is None:
                assert time.monotonic() < deadline
                assert score.alive, score.output
            consumer.close()
            metrics = f"http://127.0.0.1:{port}/metrics"
            while _skipped(metrics) != {"unreadable": 6.0, "window": 3.0}:
                assert time.monotonic() < deadline, _skipped(metrics)
                time.sleep(0.2)
            told = "ingest's window-s: 10.0 is not allowed; give ingest-7 the --window-s of this scorer, 5"
            assert score.output.count(told) == 1
    assert decode_risk_document(message.value()).comparison == pair


def _skipped(metrics: str) -> dict[str, float]:
    """Summaries that were left out, by reason."""
    with urllib.request.urlopen(metrics, timeout=5) as answer:  # noqa: S310 - our own address
        text = answer.read().decode()
    found = re.findall(r'serinus_score_skipped_total\{.*reason="(\w+)",topic="serinus.summaries"\} (\S+)', text)
    return {reason: float(count) for reason, count in found}


def _policy(_workload: Workload) -> WorkloadPolicy:
    return WorkloadPolicy(signals=(SignalPolicy("log.field.took_*", criticality="critical"),))


def _json_line(pair: Comparison, hash_: str, pod: int, time_s: float, fields: str) -> bytes:
    """As Fluent Bit ships it."""
    name = f"{pair.workload}-{hash_}-{pod}"
    labels = {"rollouts-pod-template-hash": hash_}
    kubernetes = {"pod_name": name, "namespace_name": pair.namespace, "labels": labels}
    line = f'{{"level":"info","msg":"request done",{fields}}}'
    return json.dumps({"@timestamp": time_s, "log": line, "kubernetes": kubernetes}).encode()
