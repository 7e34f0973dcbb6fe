"""Exactly once on Apache Kafka: whatever happens to workers, every record counts once and no document changes.

Ingest is judged by a ledger of what was sent; score by two others that saw the same topics: a scorer that nothing
happened to, and a replay without any Kafka or Faust.
"""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from streams.errors import Reason
from streams.records.identity import Revision, Workload
from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded, RolloutEvent, TemplateFeedback
from streams.risk.document import RiskDocument
from streams.risk.templates import template_id
from streams.windows.signature import fold, signature, signature_id
from streams.windows.summary import Bundle
from streams.workload.state import WorkloadSettings
from tests.integration.hostile import LONG_LINES, hostile
from tests.integration.role_process import RoleProcess
from tests.integration.topic_reader import TopicReader
from tests.integration.traffic import WINDOW_NS, Ledger, Traffic
from topology.codecs import decode_bundle, decode_risk_document, decode_rollout_event, encode_json
from topology.demo.service import Counter as RequestCounter
from topology.demo.service import Rates, Service
from topology.demo.shipped import NAMESPACE, otlp_counters
from topology.ingest.dead_letters import DeadLetter
from topology.score.board import Board
from topology.serve.rollouts import ComparisonRequests
from topology.settings import Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import DEAD_LETTERS, METRICS, RISK, ROLLOUTS, SUMMARIES, partition_of

pytestmark = pytest.mark.kafka

PARTITIONS = 4
SETTLE_S = 90.0
HOLD_NS = 60_000_000_000


# --- ingest -----------------------------------------------------------------------------------------------------


def test_ingest_killed_at_random_moments(pipeline_kafka):
    """Twenty SIGKILLs under load, half of them in the middle of a transaction: every record counts exactly once."""
    servers = pipeline_kafka.bootstrap_servers
    draw = random.Random(20)
    open_transactions = TopicReader(servers, SUMMARIES, "read_uncommitted")
    counted = _Counted(servers)
    with Traffic(servers, _services(750)) as traffic:
        for kill in range(20):
            with _ingest(servers, worker_id="the-same" if draw.random() < 0.5 else None) as worker:
                before = counted.total
                _until(lambda: counted.read() > before, "the worker commits", worker)  # noqa: B023 - called at once
                if kill % 2:
                    list(open_transactions.read())
                    _until(lambda: open_transactions.poll(0.2) is not None, "the worker sends", worker)
                else:
                    time.sleep(draw.uniform(0, 0.6))  # the random moment itself
                worker.kill()
        traffic.stop()
        with _ingest(servers) as worker:
            _until(lambda: counted.read() >= traffic.sent.total, "everything is counted", worker)
            assert worker.end() == 0
    _assert_counts(counted, traffic.sent)
    assert _Counted(servers, "read_uncommitted").read() > counted.total  # some of the transactions were left open
    assert _messages(servers, DEAD_LETTERS) == []


def test_hostile_records_among_good(pipeline_kafka):
    """Of 10,000 hostile messages each becomes a dead letter that says why and where; every good record counts."""
    servers = pipeline_kafka.bootstrap_servers
    places: set[tuple[str, int, int]] = set()

    def arrived(error: Any, message: Any) -> None:
        assert error is None, error
        places.add((message.topic(), message.partition(), message.offset()))

    config = {"message.max.bytes": 8 * 2**20, "compression.type": "lz4", "linger.ms": 10}
    producer = Producer({"bootstrap.servers": servers, **config})
    counted = _Counted(servers)
    with _ingest(servers) as worker:
        with Traffic(servers, _services(300)) as traffic:
            for number, (topic, payload) in enumerate(hostile(10_000, random.Random(4))):
                producer.produce(topic, payload, on_delivery=arrived)
                producer.poll(0.05 if number % 50 == 0 else 0)  # so that they come for as long as the good ones
            producer.poll(0)
            for payload, points in _half_late_counters():
                traffic.sent.records[_LATE_REVISION, _LATE_WINDOW_NS] += points
                producer.produce(METRICS, payload, on_delivery=arrived)
            assert producer.flush(60) == 0
        _until(lambda: counted.read() >= traffic.sent.total, "every good record is counted", worker)
        assert worker.end() == 0
    _assert_counts(counted, traffic.sent)
    letters = [msgspec.json.decode(message.value(), type=DeadLetter) for message in _messages(servers, DEAD_LETTERS)]
    assert {(letter.topic, letter.partition, letter.offset) for letter in letters} == places
    assert len(letters) == len(places) == 10_000 + LONG_LINES + 50
    assert all(letter.detail and len(letter.payload.encode()) <= 3 * 4096 for letter in letters)
    assert {letter.reason for letter in letters} >= {
        Reason.EMPTY, Reason.TOO_LARGE, Reason.TOO_DEEP, Reason.NOT_UTF8, Reason.NOT_JSON, Reason.NOT_PROTOBUF,
        Reason.WRONG_TYPE, Reason.BAD_TIME, Reason.BAD_HASH, Reason.NO_MESSAGE, Reason.TOO_LATE,
    }  # fmt: skip


# --- score ------------------------------------------------------------------------------------------------------


def test_score_killed_at_random_moments(pipeline_kafka):
    """Twelve SIGKILLs of two scorers, three of ingest: the last documents are those of scorers left in peace."""
    servers = pipeline_kafka.bootstrap_servers
    draw = random.Random(12)
    group = _group()
    services = _services(60)
    with ExitStack() as stack:
        traffic = stack.enter_context(Traffic(servers, services))
        ingest = stack.enter_context(_ingest(servers))
        scorers = [stack.enter_context(_score(servers, group)) for _ in range(2)]
        for step in range(12):
            _rollouts_of_step(servers, services, step)
            _until_passed(draw.uniform(0.5, 4.0), ingest)
            victim = draw.randrange(2)
            scorers[victim].kill()
            if step % 4 == 3:
                ingest.kill()
                ingest = stack.enter_context(_ingest(servers))
            scorers[victim] = stack.enter_context(_score(servers, group))
        _until_failed(servers, ingest)
        _settle(servers, traffic, ingest)
        _assert_documents(servers, scorers)
        told = _Latest(servers)
        told.read()
        documents = [decode_risk_document(value) for value in told.documents.values()]
        assert [[given.scope for given in one.feedback] for one in documents] == [["all"]] * len(services)


def test_workers_come_and_go(pipeline_kafka):
    """1, then 3, then 2 workers of each role while records flow: the counts and the last documents are the same."""
    servers = pipeline_kafka.bootstrap_servers
    group = _group()
    services = _services(200)
    with ExitStack() as stack:
        traffic = stack.enter_context(Traffic(servers, services))
        ingest = [stack.enter_context(_ingest(servers))]
        score = [stack.enter_context(_score(servers, group))]
        _rollouts_of_step(servers, services, 0)
        counted = _Counted(servers)
        _until(lambda: counted.read() > 1000, "records flow", *ingest)
        _rollouts_of_step(servers, services, 1)
        for _ in range(2):
            ingest.append(stack.enter_context(_ingest(servers)))
            score.append(stack.enter_context(_score(servers, group)))
        for worker in (*ingest[1:], *score[1:]):
            worker.await_output("reads serinus" if worker in ingest else "scores partitions ")
        _rollouts_of_step(servers, services, 4)
        _until_more(counted, 10_000, ingest)
        assert ingest.pop(0).end() == 0
        assert score.pop(0).end() == 0
        _rollouts_of_step(servers, services, 6)
        _until_more(counted, 10_000, ingest)
        _until_failed(servers, *ingest)
        _settle(servers, traffic, *ingest)
        counted.read()
        _assert_counts(counted, traffic.sent)
        _assert_documents(servers, score)


_LATE_REVISION = Revision(Workload("", NAMESPACE, "late"), "6f87c5d5d5")
_LATE_WINDOW_NS = int(time.time() // 5) * WINDOW_NS


def _half_late_counters() -> Iterator[tuple[bytes, int]]:
    """Fifty messages of three samples each, the second of which is hours old; how many are not."""
    for number in range(50):
        times_s = [_LATE_WINDOW_NS / 1e9 + each for each in (1 + number / 50, -10_000, 3 + number / 50)]
        counters = [RequestCounter("late-6f87c5d5d5-b4kx2", "6f87c5d5d5", time_s, 200, number) for time_s in times_s]
        yield otlp_counters(counters)[0][0], 2


# --- what the tests are made of ---------------------------------------------------------------------------------


def _services(requests_per_s: float) -> list[Service]:
    """Four workloads on three partitions, two of them broken."""
    broken, sound = Rates(canary_only_error=0.03), Rates()
    return [
        Service("checkout", "7d9c6b5f48", "5c4bd8f9f7", sound, requests_per_s, seed=1),
        Service("payments", "6f87c5d5d5", "9b7f4d6c8f", broken, requests_per_s, seed=2),
        Service("basket", "55b7d99c6d", "67d8f7b5c4", broken, requests_per_s, seed=3),
        Service("search", "84c9f65d7b", "78f6b4d9c5", sound, requests_per_s, seed=4),
    ]


def _rollouts_of_step(servers: str, services: list[Service], step: int) -> None:
    """What happens to the rollouts: comparisons are asked for one after the other, one twice; two end."""
    comparisons = [Comparison("", NAMESPACE, service.name, service.baseline, service.canary) for service in services]
    events: dict[int, list[RolloutEvent]] = {
        0: [CompareRequest(comparisons[0]), CompareRequest(comparisons[1])],
        1: [CompareRequest(comparisons[1])],
        4: [CompareRequest(comparisons[2]), CompareRequest(comparisons[3])],
        6: [ComparisonEnded(comparisons[0], "promoted"), CompareRequest(comparisons[0])],
        9: [ComparisonEnded(comparisons[2], "aborted")],
    }
    producer = Producer({"bootstrap.servers": servers})
    for event in events.get(step, ()):
        of = event.comparison.of
        producer.produce(ROLLOUTS, encode_json(event), key=of.key, partition=partition_of(of, PARTITIONS))
    assert producer.flush(30) == 0
    if step == 5:
        _say_for_all(servers, services[1])


def _say_for_all(servers: str, service: Service) -> None:
    """That one of the lines of a broken service is critical in all of them; as serve sends it."""
    alike = Service(service.name, service.baseline, service.canary, Rates(canary_only_error=1.0), 100.0, seed=5)
    line = next(line for line in alike.lines(0.0, 1.0, 1.0) if "JDBC" in line.text)
    what = signature(fold(line.text))
    said = TemplateFeedback(
        *("", NAMESPACE, service.name, template_id(signature_id(what)), "critical", "it is", (), "eve", "all"),
        what.text,
    )
    telemetry = Telemetry.start("serve", TelemetrySettings())
    requests = ComparisonRequests(Kafka(servers), telemetry)
    requests.start()
    assert requests.tell(said)
    requests.stop(30)
    telemetry.shutdown()
    assert requests.failure is None


def _ingest(servers: str, worker_id: str | None = None) -> RoleProcess:
    options = ["--session-timeout-s", 1, "--transaction-timeout-s", 1]
    named = ["--worker-id", worker_id] if worker_id else []
    return RoleProcess("ingest", "--bootstrap-servers", servers, *options, *named)


def _score(servers: str, group: str) -> RoleProcess:
    options = ["--session-timeout-s", 2, "--snapshot-s", 0.5]
    return RoleProcess("score", "--bootstrap-servers", servers, "--group", group, *options)


def _group() -> str:
    return f"test-{uuid.uuid4()}"


def _until(done: Callable[[], bool], what: str, *workers: RoleProcess) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not done():
        for worker in workers:
            assert worker.alive, f"ended with {worker.process.returncode}:\n{worker.output[-4000:]}"
        assert time.monotonic() < deadline, f"waited {SETTLE_S:g} s until {what}"


def _until_passed(seconds: float, *workers: RoleProcess) -> None:
    """To a random moment; the workers that nothing is done to live on."""
    ends_s = time.monotonic() + seconds
    while (left_s := ends_s - time.monotonic()) > 0:
        time.sleep(min(left_s, 0.1))
        assert all(worker.alive for worker in workers)


def _until_more(counted: _Counted, records: int, workers: list[RoleProcess]) -> None:
    enough = counted.read() + records
    _until(lambda: counted.read() >= enough, f"{records} more records are counted", *workers)


def _until_failed(servers: str, *workers: RoleProcess) -> None:
    """Until enough has come for a verdict, so that what the last documents say rests on more than a beginning."""
    told = _Latest(servers)
    _until(lambda: "fail" in map(_verdict, told.read().values()), "a broken canary fails", *workers)


def _settle(servers: str, traffic: Traffic, *ingest: RoleProcess) -> None:
    """No more traffic; ingest ends once all of it is summarised and the watermark is past its last window."""
    traffic.stop()
    counted = _Counted(servers)
    _until(lambda: counted.read() >= traffic.sent.total, "everything is counted", *ingest)

    def passed() -> bool:
        counted.read()
        return len(counted.lows) == PARTITIONS and min(counted.lows.values()) > traffic.latest_ns

    _until(passed, "the watermark is past the last record", *ingest)
    for worker in ingest:
        assert worker.end() == 0


class _Counted:
    """What the summaries say there was."""

    def __init__(self, servers: str, isolation: Any = "read_committed") -> None:
        self._reader = TopicReader(servers, SUMMARIES, isolation)
        self.ledger = Ledger()
        self._boards = {number: Board(WorkloadSettings(), HOLD_NS, number) for number in range(PARTITIONS)}
        self.lows: dict[int, int] = {}

    @property
    def total(self) -> int:
        return self.ledger.total

    def read(self) -> int:
        """Read on; all records so far."""
        for message in self._reader.read():
            bundle = decode_bundle(message.value())
            self._add(bundle)
            board = self._boards[message.partition()]
            board.apply_bundle(message.offset(), Bundle(bundle.worker, bundle.reports, bundle.inputs, {}, {}, []))
            self.lows[message.partition()] = board.low_ns
        return self.total

    def _add(self, bundle: Bundle) -> None:
        for summary in bundle.summaries:
            window = (summary.revision, summary.start_ns)
            self.ledger.records[window] += summary.records
            assert summary.other_lines == 0
            for name, pod in summary.pods.items():
                for number, lines in pod.lines.items():
                    self.ledger.lines[(*window, name, bundle.signatures[number])] += lines


def _assert_counts(counted: _Counted, sent: Ledger) -> None:
    assert _differences(counted.ledger.records, sent.records) == {}
    assert _differences(counted.ledger.lines, sent.lines) == {}


def _differences(found: Counter[Any], wanted: Counter[Any]) -> dict[Any, tuple[int, int]]:
    return {key: (found[key], wanted[key]) for key in found.keys() | wanted.keys() if found[key] != wanted[key]}


def _assert_documents(servers: str, disturbed: list[RoleProcess]) -> None:
    """The last documents are those of a replay and of a scorer left in peace, to the bit."""
    wanted = _replayed(servers, lambda _event: 0)
    assert wanted == _replayed(servers, lambda event: event.timestamp()[1])
    assert {_verdict(document) for document in wanted.values()} >= {"fail"}
    risk = _Latest(servers)
    _until(lambda: risk.read() == wanted, _Mismatch(risk, wanted), *disturbed)
    for worker in disturbed:
        assert worker.end() == 0
    assert risk.read() == wanted
    undisturbed = _Latest(servers, risk.ends())
    with _score(servers, _group()) as worker:
        _until(lambda: undisturbed.read() == wanted, _Mismatch(undisturbed, wanted), worker)
        assert worker.end() == 0
    assert undisturbed.read() == wanted


def _replayed(servers: str, time_of_event: Callable[[Any], int]) -> dict[bytes, bytes]:
    """The last documents of one pass over both topics; when an event is read among the bundles must not matter."""
    latest: dict[bytes, bytes] = {}
    events, bundles = _messages(servers, ROLLOUTS), _messages(servers, SUMMARIES)
    for number in range(PARTITIONS):
        board = Board(WorkloadSettings(), HOLD_NS, number)
        waiting = [event for event in events if event.partition() == number]
        for bundle in [bundle for bundle in bundles if bundle.partition() == number]:
            while waiting and time_of_event(waiting[0]) <= bundle.timestamp()[1]:
                event = waiting.pop(0)
                sent_ns = event.timestamp()[1] * 1_000_000
                _note(latest, board.apply_event(event.offset(), decode_rollout_event(event.value()), sent_ns))
            _note(latest, board.apply_bundle(bundle.offset(), decode_bundle(bundle.value())))
    return latest


def _note(latest: dict[bytes, bytes], documents: list[RiskDocument]) -> None:
    latest.update({document.comparison.key.encode(): encode_json(document) for document in documents})


class _Latest:
    """The latest document of each comparison, from an offset on."""

    def __init__(self, servers: str, start: dict[int, int] | None = None) -> None:
        self._reader = TopicReader(servers, RISK, start=start)
        self.documents: dict[bytes, bytes] = {}

    def read(self) -> dict[bytes, bytes]:
        for message in self._reader.read():
            self.documents[message.key()] = message.value()
        return self.documents

    def ends(self) -> dict[int, int]:
        return self._reader.ends()


class _Mismatch:
    """Says, when it comes to that, which documents are not as they should be."""

    def __init__(self, found: _Latest, wanted: dict[bytes, bytes]) -> None:
        self._found = found
        self._wanted = wanted

    def __format__(self, _: str) -> str:
        wrong = {
            key: (self._found.documents.get(key), document)
            for key, document in self._wanted.items()
            if self._found.documents.get(key) != document
        }
        return f"the documents are as they should be; found and wanted: {wrong}"


def _verdict(document: bytes) -> str:
    return decode_risk_document(document).verdict


def _messages(servers: str, topic: str) -> list[Any]:
    reader = TopicReader(servers, topic)
    found = list(reader.read())
    reader.close()
    return found
