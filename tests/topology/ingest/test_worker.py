"""A record is held against the time of its own Kafka message, whatever else is read beside it."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from streams.shippers.formats import reader
from topology.create_topics import create
from topology.demo.service import Line
from topology.demo.shipped import fluent_bit_line
from topology.ingest.worker import IngestWorker
from topology.settings import IngestSettings, Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import Topic, definitions

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def kafka(broker):
    """The topics, and two of input."""
    kafka = Kafka(broker.bootstrap_servers)
    create(kafka, [*definitions(2), Topic("held", 2)])
    return kafka


@pytest.fixture
def worker(kafka):
    """Owns nothing yet: it is given what it takes."""
    settings = IngestSettings(kafka, log_topics={"held": "auto"}, worker_id="held", group="held")
    worker = IngestWorker(settings, Telemetry.start("ingest", TelemetrySettings()))
    yield worker
    worker.close()


def line_of(time_s):
    """A log line as Fluent Bit sends it."""
    return fluent_bit_line(Line("shop-5d5-x", "5d5", time_s, "INFO ready"))[0]


def read(kafka, sent, written=line_of):
    """Messages as a consumer brings them, in the order in which they are asked for.

    Args:
        kafka: where.
        sent: (partition, Kafka time in s, event time in s) of each; None: the partition's end.
        written: the payload of an event time.
    """
    producer, consumer = (
        Producer(kafka.librdkafka()),
        Consumer(kafka.librdkafka(**{"group.id": "t", "enable.partition.eof": True})),
    )
    found = []
    for place in sent:
        if place is None:
            message = consumer.poll(10)
            assert message.error() is not None
        else:
            number, kafka_s, event_s = place
            _, end = consumer.get_watermark_offsets(TopicPartition("held", number), 10)
            producer.produce("held", written(event_s), partition=number, timestamp=round(kafka_s * 1000))
            assert producer.flush(10) == 0
            consumer.assign([TopicPartition("held", number, end)])
            message = consumer.poll(10)
            assert message.error() is None
        found.append(message)
    consumer.close()
    return found


def refused(worker):
    """Why each dead letter is one."""
    return [str(letter.reason) for letter in worker._letters]


def test_partitions_that_are_hours_apart_are_each_held_against_themselves(kafka, worker):
    """Promise: after an outage one partition lags; what another brings meanwhile is neither early nor late."""
    now_s = time.time()
    old_s = now_s - 3 * HOUR_S
    worker._take(read(kafka, [(0, old_s, old_s), (1, now_s, now_s), (0, old_s, old_s)]))
    worker._take(read(kafka, [(1, now_s, now_s), (0, old_s, old_s), (1, now_s, now_s)]))
    assert refused(worker) == []


def test_amid_a_run_each_is_held_against_its_own_time(kafka, worker):
    """Promise: one shipper of several catches up (Filebeat's messages have the time of the line): nothing is late."""
    now_s = time.time()
    old_s = now_s - HOUR_S
    worker._take(read(kafka, [(0, now_s, now_s), (0, old_s, old_s), (0, now_s, now_s)]))
    assert refused(worker) == []
    worker._take(read(kafka, [(0, now_s, now_s), (0, now_s, old_s), (0, now_s, now_s)]))
    assert refused(worker) == ["too_late"]


def test_an_end_in_the_batch_lets_no_record_pass_and_keeps_none_back(kafka, worker):
    """Promise: batches at the end of a partition, which hold that news as well, are held against their own time too."""
    now_s = time.time()
    worker._take(read(kafka, [(0, now_s - HOUR_S, now_s - HOUR_S)]))
    worker._take(read(kafka, [(0, now_s, now_s), None]))
    assert refused(worker) == []
    worker._take(read(kafka, [(0, now_s, now_s - HOUR_S), None]))
    worker._take(read(kafka, [(0, now_s, now_s + HOUR_S), None]))
    assert refused(worker) == ["too_late", "too_early"]


@pytest.mark.parametrize("kafka_ms", [-1, 0])
def test_a_message_without_a_time_is_held_against_the_clock(worker, kafka_ms):
    """Promise: it may be as old as it likes, and nothing that it says moves the watermark into the future."""
    now_s = time.time()
    for event_s in (now_s - 100 * HOUR_S, now_s + HOUR_S, now_s + 30):
        payload = line_of(event_s)
        worker._take([Message(topic="held", partition=0, offset=0, value=payload, timestamp=(0, kafka_ms))])
    assert refused(worker) == ["too_early"]
    assert now_s - HOUR_S < worker._inputs.reports()["held/0"] / 1e9 <= time.time()


def test_a_sample_that_says_that_there_is_no_value_is_no_dead_letter(kafka, worker):
    """Promise: HAProxy's exporter writes NaN for what it cannot tell; it is counted, and nothing is kept of it."""
    labels = {"namespace": "prod", "pod": "shop-5d5-x", "rollouts_pod_template_hash": "5d5"}
    sample = {"timestamp": "2026-08-21T08:13:20Z", "name": "haproxy_server_check_duration_seconds", "labels": labels}
    worker._readers["held"] = reader("metrics", "auto")
    (message,) = read(
        kafka, [(0, 1_787_300_000, 1_787_300_000)], lambda _: msgspec.json.encode(sample | {"value": "NaN"})
    )
    worker._take([message])
    assert refused(worker) == []
    assert worker._telemetry.registry.get_sample_value("serinus_ingest_no_value_total") == 1
    assert worker._records == 1


def test_a_message_of_many_gives_one_letter_a_reason(worker):
    """Promise: a batch of which no record can be used fills neither the memory nor the topic of the dead letters."""
    bad = b"1," * 5_000 + b'{"body":{"stringValue":"no hash"}},1'
    payload = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + bad + b"]}]}]}"
    worker._take([Message(topic="held", partition=0, offset=7, value=payload, timestamp=(1, 1_787_300_000_000))])
    letters = [(str(letter.reason), letter.records, letter.offset) for letter in worker._letters]
    assert letters == [("wrong_type", 5_001, 7), ("no_hash", 1, 7)]
    assert worker._records == 5_002
    counted = worker._telemetry.registry.get_sample_value
    assert counted("serinus_ingest_dead_letters_total", {"reason": "wrong_type"}) == 5_001


def test_leaving_while_partitions_are_dealt_out_is_no_fault(worker):
    """Promise: told to end before it has begun to read, it leaves; it was a RuntimeError of the consumer's."""
    worker._consumer.poll(0)  # asks to be let in
    worker.close()
    assert worker._inputs.offsets() == {}


def test_the_lag_grows_while_nothing_is_committed(kafka):
    """Promise: a worker that hangs after its last commit is seen to fall behind, and one that has ended is not."""
    create(kafka, [Topic("lagging", 1)])
    telemetry = Telemetry.start("ingest", TelemetrySettings())
    settings = IngestSettings(
        kafka, log_topics={"lagging": "auto"}, worker_id="lags", group="lags", session_timeout_s=3
    )
    worker, producer = IngestWorker(settings, telemetry), Producer(kafka.librdkafka())

    def lag():
        return telemetry.registry.get_sample_value("serinus_ingest_lag_records")

    def send(number):
        for _ in range(number):
            producer.produce("lagging", line_of(time.time()), partition=0)
        assert producer.flush(10) == 0

    deadline = time.monotonic() + 30
    send(2)
    committed = 0
    while committed < 2:
        assert time.monotonic() < deadline
        committed += worker.cycle(threading.Event())
    assert lag() == 0
    send(5)
    while lag() < 5:  # the fetcher hears of them by itself
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.close()
    assert lag() == 0


def test_the_lag_is_there_while_every_transaction_is_given_up(kafka, monkeypatch):
    """Promise: a worker that has committed nothing yet is seen to be behind, from its first transaction on."""
    create(kafka, [Topic("refused", 1)])
    telemetry = Telemetry.start("ingest", TelemetrySettings())
    settings = IngestSettings(
        kafka, log_topics={"refused": "auto"}, worker_id="is-refused", group="is-refused", session_timeout_s=3
    )
    producer = Producer(kafka.librdkafka())
    for _ in range(3):
        producer.produce("refused", line_of(time.time()), partition=0)
    assert producer.flush(10) == 0
    worker = IngestWorker(settings, telemetry)

    def refused():
        worker._transactions.producer.begin_transaction()
        raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))

    with monkeypatch.context() as broken:
        broken.setattr(worker, "_transact", refused)
        deadline = time.monotonic() + 30
        while telemetry.registry.get_sample_value("serinus_ingest_lag_records") != 3:
            assert time.monotonic() < deadline
            assert worker.cycle(threading.Event()) == 0
    worker.close()
