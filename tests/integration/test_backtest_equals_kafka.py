"""The same records through Kafka, ingest and score, and through record and backtest: the same documents."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka import Producer
from msgspec import structs

from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded
from streams.risk.document import RiskDocument
from tests.integration.role_process import RoleProcess
from tests.integration.topic_reader import TopicReader
from topology.backtest.rules import rules_of
from topology.backtest.run import run
from topology.codecs import decode_risk_document, encode_json
from topology.demo.service import Rates, Service
from topology.demo.shipped import NAMESPACE, fluent_bit_line, otlp_counters
from topology.embedded import EmbeddedBroker
from topology.pipeline import prepare
from topology.recording.cases import Case, CaseEntry
from topology.recording.recorder import RecordSettings, record
from topology.recording.writing import RecordingWriter
from topology.settings import Kafka
from topology.topics import LOGS, METRICS, RISK, ROLLOUTS, partition_of

PARTITIONS = 4
LENGTH_S, PAUSE_S = 120, 60
"""Of each rollout, and between them: longer than pods may be silent before they are gone."""
WINDOW_NS = 5_000_000_000
WAIT_S = 90.0
ROLLOUTS_PLAYED = (
    Service("payments", "6f87c5d5d5", "9b7f4d6c8f", Rates(), 20, seed=11),
    Service("payments", "7c6d5b4f8c", "5d4c7b8f6d", Rates(canary_only_error=0.05), 20, seed=12),
)
"""A healthy one, and one that breaks, judged by what the first has taught."""


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
    now_s = time.time() // 5 * 5 - 5
    begins_s = (now_s - 2 * LENGTH_S - PAUSE_S, now_s - LENGTH_S)
    sent = [send(servers, service, begun_s) for service, begun_s in zip(ROLLOUTS_PLAYED, begins_s, strict=True)]
    for service, number in zip(ROLLOUTS_PLAYED, sent, strict=True):
        write_down(servers, tmp_path / "r", service, number)
    (tmp_path / "scratch").mkdir()
    rules = structs.replace(rules_of(None, 0.05, None), planned_by_case=False)  # score has no policy that plans
    (result,) = run([tmp_path / "r"], rules, tmp_path / "scratch", jobs=1)
    assert [row.records for row in result.rows] == sent
    assert result.rows[0].verdict != "fail"
    assert result.rows[1].verdict == "fail"
    for files in result.recording.cases:
        ask(servers, files.case, result.played[files.case.id].document.outcome)
    ingest = ["ingest", "--bootstrap-servers", servers, "--session-timeout-s", 3, "--max-late-s", 86_400]
    # Ingest begins when all is there: no input partition may hurry ahead with the clock, however slow this machine is.
    score = ["score", "--bootstrap-servers", servers, "--session-timeout-s", 3, "--hold-s", 86_400, "--alpha", 0.05]
    with RoleProcess(*score), RoleProcess(*ingest):
        documents = until_ended(servers, len(result.rows))
    for played in result.played.values():
        said = [document for document in documents if document.comparison == played.document.comparison]
        assert judged(said[-1]) == judged(played.document)
        risk = {point.time_s: point.risk for point in played.risk}
        assert {each.history[-1].time_s: each.risk for each in said if each.history}.items() <= risk.items()


def judged(document):
    """Without the examples of its templates: which lines are shown, depends on what was read together."""
    templates = tuple(
        structs.replace(one, examples=(), contexts=(), canary_examples=0, baseline_examples=0)
        for one in document.templates
    )
    return structs.replace(document, templates=templates)


def send(servers, service, begun_s):
    """A rollout, as shippers write it; the number of its records."""
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 10})
    sent = 0
    for second in range(LENGTH_S):
        for line in sorted(service.lines(begun_s + second, begun_s + second + 1, 0.3), key=lambda each: each.time_s):
            producer.produce(LOGS, fluent_bit_line(line)[0], partition=sent % PARTITIONS)
            sent += 1
        if second % 5 == 2:
            for payload, points in otlp_counters(service.counters(begun_s + second)):
                producer.produce(METRICS, payload, partition=second % PARTITIONS)
                sent += points
    assert producer.flush(30) == 0
    return sent


def write_down(servers, directory, service, sent):
    """What `serinus record` makes of a rollout: one more case."""
    pair = pair_of(service)
    settings = RecordSettings(Kafka(servers), pair, {LOGS: "auto"}, {METRICS: "auto"}, seconds=WAIT_S, since_s=3600)
    entry = CaseEntry(
        id=pair.canary,
        namespace=pair.namespace,
        workload=pair.workload,
        baseline_hash=pair.baseline,
        canary_hash=pair.canary,
        start="",
        end="",
    )
    stop = threading.Event()
    with RecordingWriter(directory, entry) as writer:
        recorder = threading.Thread(target=record, args=(settings, writer, stop))
        recorder.start()
        while writer.lines + writer.samples < sent and recorder.is_alive():
            recorder.join(0.1)
        stop.set()
        recorder.join()
        assert writer.lines + writer.samples == sent


def pair_of(service):
    """Its two revisions."""
    return Comparison("", NAMESPACE, service.name, baseline=service.baseline, canary=service.canary)


def ask(servers, case: Case, outcome):
    """Compare from the case's start on; it ends with the window in which the case ends."""
    producer = Producer({"bootstrap.servers": servers})
    pair, ended_ns = case.comparison, -(-case.end_ns // WINDOW_NS) * WINDOW_NS
    for event, time_ns in ((CompareRequest(pair), case.start_ns), (ComparisonEnded(pair, outcome), ended_ns)):
        producer.produce(
            ROLLOUTS,
            encode_json(event),
            pair.of.key,
            partition=partition_of(pair.of, PARTITIONS),
            timestamp=time_ns // 1_000_000,
        )
    assert producer.flush(30) == 0


def until_ended(servers, comparisons) -> list[RiskDocument]:
    """All that score says, up to its last word on so many comparisons."""
    reader, deadline = TopicReader(servers, RISK), time.monotonic() + WAIT_S
    found: list[RiskDocument] = []
    try:
        while sum(document.state == "ended" for document in found) < comparisons:
            assert time.monotonic() < deadline, f"{comparisons} comparisons did not end in {WAIT_S:g} s"
            found += [decode_risk_document(message.value()) for message in reader.read()]
    finally:
        reader.close()
    return found
