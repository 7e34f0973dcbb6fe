"""10,000 hostile records among good ones, on Apache Kafka: the good are all counted, the bad all kept with a reason."""

from __future__ import annotations

import json
import random
import time
from collections import Counter

import pytest
from confluent_kafka import Producer

from streams.errors import Reason
from tests.bench.records import fluent_bit
from tests.integration.role_process import RoleProcess
from tests.integration.topic_reader import TopicReader
from topology.codecs import decode_bundle
from topology.topics import DEAD_LETTERS, LOGS, METRICS, SUMMARIES

HOSTILE = 10_000
GOOD = 5_000
HUGE = 20
"""Lines of 5 MB among them; each is 5 MB through the broker."""


def _hostile(number: int, draw: random.Random) -> bytes:
    """One of many ways to be unusable."""
    good = fluent_bit(time.time(), draw)
    record = json.loads(good)
    labels = record["kubernetes"]["labels"]
    match number % 10:
        case 0:
            return good[: draw.randrange(1, len(good) - 1)]
        case 1:
            return good.replace(b"customer", b"\xff\xfe\xfd", 1)
        case 2:
            return b"[" * 50_000
        case 3:
            record["@timestamp"] = 10**400
        case 4:
            return good.replace(str(record["@timestamp"]).encode(), b"NaN")
        case 5:
            record["log"] = {"deep": [1, 2, 3]}
        case 6:
            labels["rollouts-pod-template-hash"] = "a" * 10_000
        case 7:
            record["kubernetes"] = "no object"
        case 8:
            del labels["rollouts-pod-template-hash"]
        case _:
            return draw.choice([b"", b"\x0a\xff\xff\xff\xff\xff", b"plain text", b"null", b"\x00" * 30])
    return json.dumps(record).encode()


@pytest.mark.kafka
def test_good_records_among_hostile_ones(pipeline_kafka):
    """Promise: no record stops the worker; good ones all count, bad ones all become dead letters that name them."""
    servers = pipeline_kafka.bootstrap_servers
    draw = random.Random(10)
    producer = Producer({"bootstrap.servers": servers, "message.max.bytes": 8 * 2**20, "compression.type": "lz4"})
    huge = json.loads(fluent_bit(time.time(), draw))
    huge["log"] = "x" * 5_000_000
    payloads = [_hostile(number, draw) for number in range(HOSTILE - HUGE)]
    payloads += [json.dumps(huge).encode()] * HUGE + [fluent_bit(time.time(), draw) for _ in range(GOOD)]
    draw.shuffle(payloads)
    for payload in payloads:
        topic = METRICS if payload[:1] == b"[" else LOGS
        while True:
            try:
                producer.produce(topic, payload)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    assert producer.flush(120) == 0
    summaries, letters = TopicReader(servers, SUMMARIES), TopicReader(servers, DEAD_LETTERS)
    counted, kept = 0, []
    deadline = time.monotonic() + 120
    with RoleProcess("ingest", "--bootstrap-servers", servers) as worker:
        while (counted < GOOD or len(kept) < HOSTILE) and time.monotonic() < deadline:
            assert worker.alive, worker.output
            counted += sum(
                summary.records for message in summaries.read() for summary in decode_bundle(message.value()).summaries
            )
            kept += [json.loads(message.value()) for message in letters.read()]
        assert worker.end() == 0
    assert counted == GOOD
    assert len(kept) == HOSTILE
    places = {(letter["topic"], letter["partition"], letter["offset"]) for letter in kept}
    assert len(places) == HOSTILE
    reasons = Counter(Reason(letter["reason"]) for letter in kept)
    assert reasons[Reason.TOO_LARGE] >= HUGE
    assert len(reasons) >= 7
    assert all(letter["detail"] for letter in kept)
    assert max(len(letter["payload"]) for letter in kept) <= 4096
