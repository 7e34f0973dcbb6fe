"""The same records through Kafka, ingest and score, and through record and backtest: the same documents."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from msgspec import structs

from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded
from streams.risk.document import RiskDocument
from tests.integration.role_process import RoleProcess
from tests.integration.topic_reader import TopicReader
from topology.backtest.replay import replay
from topology.backtest.rules import rules_of
from topology.codecs import decode_risk_document, encode_json
from topology.demo.service import Rates, Service
from topology.demo.shipped import NAMESPACE, fluent_bit_line, otlp_counters
from topology.embedded import EmbeddedBroker
from topology.pipeline import prepare
from topology.recording.cases import Case, CaseEntry
from topology.recording.faults import Faults
from topology.recording.reading import open_recording, records
from topology.recording.recorder import RecordSettings, record
from topology.recording.writing import RecordingWriter
from topology.settings import Kafka
from topology.topics import LOGS, METRICS, RISK, ROLLOUTS, partition_of

PARTITIONS = 4
LENGTH_S = 120
WINDOW_NS = 5_000_000_000
WAIT_S = 90.0
SERVICE = Service("payments", "6f87c5d5d5", "9b7f4d6c8f", Rates(canary_only_error=0.05), 20, seed=11)
PAIR = Comparison("", NAMESPACE, SERVICE.name, baseline=SERVICE.baseline, canary=SERVICE.canary)


def test_on_the_embedded_broker(tmp_path):
    """Promise: replay from Kafka equals backtest, to the bit."""
    with EmbeddedBroker() as broker:
        prepare(Kafka(broker.bootstrap_servers), PARTITIONS)
        assert_equal(broker.bootstrap_servers, tmp_path)


@pytest.mark.kafka
def test_on_apache_kafka(pipeline_kafka, tmp_path):
    """Promise: the same on Apache Kafka."""
    assert_equal(pipeline_kafka.bootstrap_servers, tmp_path)


def assert_equal(servers, tmp_path):
    """Send, record, backtest; then let ingest and score read what was sent; compare."""
    sent = send(servers)
    case, played = backtested(servers, tmp_path, sent)
    assert played.document.verdict == "fail"
    ask(servers, case, played.document.outcome)
    ingest = ["ingest", "--bootstrap-servers", servers, "--session-timeout-s", 3, "--max-late-s", 86_400]
    # Ingest begins when all is there: no input partition may hurry ahead with the clock, however slow this machine is.
    score = ["score", "--bootstrap-servers", servers, "--session-timeout-s", 3, "--hold-s", 86_400, "--alpha", 0.05]
    with RoleProcess(*score), RoleProcess(*ingest):
        documents = list(until_ended(servers))
    assert documents[-1] == played.document
    risk = {point.time_s: point.risk for point in played.risk}
    on_the_way = {document.history[-1].time_s: document.risk for document in documents if document.history}
    assert on_the_way.items() <= risk.items()


def send(servers):
    """Two minutes of a broken rollout that ended a moment ago, as shippers write it; the number of its records."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 10})
    begun_s = time.time() // 5 * 5 - LENGTH_S - 5
    sent = 0
    for second in range(LENGTH_S):
        for line in sorted(SERVICE.lines(begun_s + second, begun_s + second + 1, 0.3), key=lambda each: each.time_s):
            producer.produce(LOGS, fluent_bit_line(line)[0], partition=sent % PARTITIONS)
            sent += 1
        if second % 5 == 2:
            for payload, points in otlp_counters(SERVICE.counters(begun_s + second)):
                producer.produce(METRICS, payload, partition=second % PARTITIONS)
                sent += points
    assert producer.flush(30) == 0
    return sent


def backtested(servers, tmp_path, sent):
    """What `serinus record` wrote of it, replayed as `serinus backtest` does."""
    topics = {LOGS: "auto"}, {METRICS: "auto"}
    settings = RecordSettings(Kafka(servers), PAIR, *topics, seconds=WAIT_S, since_s=3600)
    entry = CaseEntry(
        id="x",
        namespace=PAIR.namespace,
        workload=PAIR.workload,
        baseline_hash=PAIR.baseline,
        canary_hash=PAIR.canary,
        start="",
        end="",
    )
    stop = threading.Event()
    with RecordingWriter(tmp_path / "r", entry) as writer:
        recorder = threading.Thread(target=record, args=(settings, writer, stop))
        recorder.start()
        while writer.lines + writer.samples < sent and recorder.is_alive():
            recorder.join(0.1)
        stop.set()
        recorder.join()
        assert writer.lines + writer.samples == sent
    (tmp_path / "scratch").mkdir()
    (files,) = open_recording(tmp_path / "r", tmp_path / "scratch").cases
    faults = Faults()
    rules = structs.replace(rules_of(None, 0.05, None), planned_by_case=False)  # score has no policy that plans
    played = replay(files.case, records(files, faults), rules, faults)
    assert (faults.total, played.records) == (0, sent)
    return files.case, played


def ask(servers, case: Case, outcome):
    """Compare from the case's start on; it ends with the window in which the case ends."""
    producer = Producer({"bootstrap.servers": servers})
    ended_ns = -(-case.end_ns // WINDOW_NS) * WINDOW_NS
    for event, time_ns in ((CompareRequest(PAIR), case.start_ns), (ComparisonEnded(PAIR, outcome), ended_ns)):
        producer.produce(
            ROLLOUTS,
            encode_json(event),
            PAIR.of.key,
            partition=partition_of(PAIR.of, PARTITIONS),
            timestamp=time_ns // 1_000_000,
        )
    assert producer.flush(30) == 0


def until_ended(servers) -> Iterator[RiskDocument]:
    """What score says of the pair, up to its last word."""
    reader, deadline = TopicReader(servers, RISK), time.monotonic() + WAIT_S
    try:
        while time.monotonic() < deadline:
            for message in reader.read():
                document = decode_risk_document(message.value())
                yield document
                if document.state == "ended":
                    return
        pytest.fail(f"the comparison did not end in {WAIT_S:g} s")
    finally:
        reader.close()
