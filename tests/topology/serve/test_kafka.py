"""Between Kafka and the view, against an embedded broker."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.errors import BadPolicy
from streams.risk.comparison import CompareRequest, Comparison, TemplateFeedback
from topology.codecs import decode_rollout_event, encode_json
from topology.create_topics import create
from topology.embedded import EmbeddedBroker
from topology.serve import server
from topology.serve.follower import Follower
from topology.serve.rollouts import Asked, ComparisonRequests, Throttle
from topology.serve.view import View
from topology.settings import Kafka, ServeSettings, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import RISK, ROLLOUTS, definitions, partition_of


@pytest.fixture
def telemetry():
    """Telemetry that sends nothing."""
    made = Telemetry.start("serve", TelemetrySettings())
    yield made
    made.shutdown()


def _publish(kafka, *messages, headers=None):
    producer = Producer(kafka.librdkafka())
    for key, value in messages:
        producer.produce(RISK, value, key, headers=headers or [])
    assert producer.flush(10) == 0


def _read_rollouts(kafka, eventually, take):
    """Every event of `serinus.rollouts` with its message, from the beginning, until `take` has enough."""
    consumer = Consumer(kafka.librdkafka(**{"group.id": "test", "auto.offset.reset": "earliest"}))
    consumer.assign([TopicPartition(ROLLOUTS, number, 0) for number in range(3)])

    def read() -> bool:
        enough = False
        for message in consumer.consume(100, timeout=0.2):
            assert message.error() is None
            enough |= take(message, decode_rollout_event(message.value()))
        return enough

    eventually(read)
    consumer.close()


def _documents(judged, number):
    for each in range(number):
        pair = Comparison("", "prod", f"shop-{each}", "1", "2")
        yield pair.key.encode(), encode_json(judged(comparison=pair, risk=each % 90 + 1.0))


def test_follows(kafka, telemetry, judged, pair, eventually):
    """What was there at start is read before the view is caught up; what comes later follows; bad ones are skipped."""
    _publish(kafka, *_documents(judged, 50), (b"junk", b"{"), (pair.key.encode(), encode_json(judged())))
    view = View()
    follower = Follower(kafka, view, telemetry, probe_s=0.2)
    follower.start()
    try:
        eventually(lambda: view.caught_up)
        assert len(view) >= 51
        _publish(kafka, (pair.key.encode(), encode_json(judged(risk=5.0))))
        eventually(lambda: view.get(pair).document.risk == 5.0)
        _publish(kafka, (pair.key.encode(), None))
        eventually(lambda: view.get(pair) is None)
        eventually(lambda: view.lag_messages == 0)
    finally:
        follower.stop()
    assert follower.failure is None
    assert not follower.alive


def test_replicas_are_alike(kafka, telemetry, judged, eventually):
    """Two views of the same topic hold the same."""
    _publish(kafka, *_documents(judged, 20))
    views = [View(), View()]
    followers = [Follower(kafka, view, telemetry) for view in views]
    for follower in followers:
        follower.start()
    try:
        eventually(lambda: all(view.caught_up for view in views))
    finally:
        for follower in followers:
            follower.stop()
    one, other = ({entry.document.comparison: entry for entry in view} for view in views)
    assert one == other
    assert len(one) >= 20


def test_span_is_linked(kafka, judged, pair, eventually):
    """The span of a batch links to the span in which its document was made."""
    spans = InMemorySpanExporter()
    telemetry = Telemetry.start("serve", TelemetrySettings(), spans_to=spans)
    with telemetry.tracer.start_as_current_span("score") as span:
        _publish(kafka, (pair.key.encode(), encode_json(judged())), headers=telemetry.headers())
    view = View()
    follower = Follower(kafka, view, telemetry)
    follower.start()
    eventually(lambda: view.caught_up)
    follower.stop()
    telemetry.shutdown()
    linked = {
        link.context.span_id
        for each in spans.get_finished_spans()
        if each.name == "serve.view.apply"
        for link in each.links
    }
    assert span.get_span_context().span_id in linked


def test_survives_without_broker(telemetry, judged, pair, eventually):
    """A view whose broker is gone keeps what it has and says how long it has heard nothing."""
    with EmbeddedBroker() as embedded:
        own = Kafka(embedded.bootstrap_servers)
        create(own, definitions(partitions=1))
        _publish(own, (pair.key.encode(), encode_json(judged())))
        view = View()
        follower = Follower(own, view, telemetry, probe_s=0.2)
        follower.start()
        eventually(lambda: view.caught_up)
    eventually(lambda: view.contact_age_s > 2.5)
    assert follower.alive
    assert view.get(pair) is not None
    follower.stop(10)
    assert follower.failure is None


def test_starts_without_broker(telemetry):
    """Without a broker the view is not caught up, and stopping ends the thread."""
    view = View()
    follower = Follower(Kafka("127.0.0.1:1"), view, telemetry)
    follower.start()
    follower.stop(10)
    assert not follower.alive
    assert not view.caught_up


def test_asks(kafka, telemetry, eventually):
    """An unknown pair becomes one message under its workload's key in its workload's partition, once a minute."""
    requests = ComparisonRequests(kafka, telemetry, Throttle(most=5))
    requests.start()
    pairs = [Comparison("", "prod", f"asked-{number}", "1", "2") for number in range(8)]
    outcomes = [requests.ask(pair) for pair in [pairs[0], *pairs]]
    assert outcomes == [Asked.SENT, Asked.ALREADY, *[Asked.SENT] * 4, *[Asked.TOO_MANY] * 3]
    requests.stop(10)
    assert requests.failure is None

    found = {}

    def take(message: Message, event: object) -> bool:
        found.setdefault(event.comparison, []).append((message.key(), message.partition(), event))
        return len(found) >= 5

    _read_rollouts(kafka, eventually, take)
    assert found == {
        pair: [(pair.of.key.encode(), partition_of(pair.of, 3), CompareRequest(pair, "query"))] for pair in pairs[:5]
    }


def test_what_is_said_for_all_reaches_every_partition(kafka, telemetry, eventually):
    """Promise: one copy each, with one time; what is said for one workload goes to its own partition alone."""
    said = TemplateFeedback("", "prod", "told", "00000000000000ff", "ignore", who="eve", scope="all", text="x")
    requests = ComparisonRequests(kafka, telemetry)
    requests.start()
    own = msgspec.structs.replace(said, scope="workload")
    for event in (said, own, said):
        assert requests.tell(event)
    requests.stop(20)
    assert requests.failure is None

    found = {}

    def take(message: Message, event: object) -> bool:
        if event in (said, own):
            found.setdefault((event.scope, message.timestamp()[1]), []).append(message.partition())
        return sum(map(len, found.values())) >= 7

    _read_rollouts(kafka, eventually, take)
    everywhere = [sorted(numbers) for (scope, _), numbers in found.items() if scope == "all"]
    assert everywhere in ([[0, 1, 2], [0, 1, 2]], [[0, 0, 1, 1, 2, 2]])  # the two may have been sent in one millisecond
    assert [numbers for (scope, _), numbers in found.items() if scope == "workload"] == [[partition_of(said.of, 3)]]


def test_asking_never_waits(telemetry, pair):
    """Without a broker `ask` answers before anything is known of its delivery, and stopping does not hang."""
    requests = ComparisonRequests(Kafka("127.0.0.1:1"), telemetry)
    requests.start()
    assert requests.ask(pair) == Asked.SENT
    requests.stop(10)
    assert requests.failure is None


async def test_run(kafka, telemetry, judged, pair):
    """The role as a whole: ready once caught up, answers what was published, ends when it is told to."""
    await asyncio.to_thread(_publish, kafka, (pair.key.encode(), encode_json(judged(as_of=None))))
    stop = asyncio.Event()
    urls: list[str] = []
    settings = ServeSettings(kafka, port=0)
    role = asyncio.create_task(server.run(settings, telemetry, stop, urls.append))
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while not urls:  # noqa: ASYNC110 - polls from outside, as a kubelet does
            await asyncio.sleep(0.02)
        while (await session.get(f"{urls[0]}/readyz")).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        response = await session.get(f"{urls[0]}/v1/risk", params=msgspec.structs.asdict(pair))
        assert (await response.json())["risk"] == 37.5
        for length, status in ((9_000, 200), (70_000, 400)):  # what is too long for a name is told as other faults are
            response = await session.get(f"{urls[0]}/v1/risk", params={"canary": "a" * length})
            assert response.status == status
            assert ("canary: " in await response.text()) == (status == 200)
        text = await (await session.get(f"{urls[0]}/metrics")).text()
    assert "serinus_serve_view_caught_up 1.0" in text
    assert "serinus_serve_view_contact_age_seconds" in text
    assert 'serinus_serve_risk_messages_total{outcome="applied"}' in text
    stop.set()
    await asyncio.wait_for(role, 30)


async def test_port_taken(telemetry):
    """A port that cannot be had stops the role at start and names it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = ServeSettings(Kafka("127.0.0.1:1"), port=other.getsockname()[1])
        with pytest.raises(BadPolicy, match=r"port: '127\.0\.0\.1:"):
            await server.run(settings, telemetry, asyncio.Event())
