"""Whose records flow, against an embedded broker."""

from __future__ import annotations

import time

from confluent_kafka import Producer

from streams.records.identity import Revision, Workload
from streams.windows.summary import Bundle, Summary
from topology.codecs import encode_bundle
from topology.serve.sightings import MOST_HASHES, Sightings
from topology.settings import Kafka
from topology.topics import SUMMARIES

SHOP = Workload("", "prod", "shop")


def _bundle(*revisions: Revision) -> bytes:
    return encode_bundle(Bundle("worker", {}, {}, {}, {}, [Summary(revision, 0) for revision in revisions]))


def _send(kafka, number, *revisions):
    producer = Producer(kafka.librdkafka())
    producer.produce(SUMMARIES, _bundle(*revisions), partition=number)
    assert producer.flush(10) == 0


def test_finds_what_flows(kafka, eventually):
    """Nothing is read until it is wanted; then what was sent before and what comes later is found, in any partition."""
    _send(kafka, 0, Revision(SHOP, "aa1"))
    sightings = Sightings(kafka)
    sightings.start()
    try:
        time.sleep(0.2)
        assert sightings.whose("aa1") == frozenset()
        sightings.want()
        eventually(lambda: sightings.whose("aa1") == {SHOP})
        _send(kafka, 2, Revision(SHOP, "bb2"), Revision(Workload("eu", "prod", "shop"), "aa1"))
        eventually(lambda: sightings.whose("bb2") == {SHOP})
        assert len(sightings.whose("aa1")) == 2
    finally:
        sightings.stop(10)
    assert sightings.failure is None


def test_without_broker():
    """A broker that is away ends no thread and holds nobody up, neither now nor at the end."""
    sightings = Sightings(Kafka("127.0.0.1:1"))
    sightings.start()
    sightings.want()
    assert sightings.whose("aa1") == frozenset()
    sightings.stop(10)
    assert sightings.failure is None
    assert not sightings.alive


def test_bounded():
    """Of any number of hashes as many are remembered as are allowed, the latest; what is no bundle is nothing."""
    sightings = Sightings(Kafka("127.0.0.1:1"))
    for junk in (b"", b"\x00", b"\x96", b"{}", b"\xff" * 100):
        sightings.learn(junk)
    sightings.learn(_bundle(*(Revision(SHOP, f"h{number}") for number in range(MOST_HASHES + 10))))
    assert sightings.whose("h9") == frozenset()
    assert sightings.whose(f"h{MOST_HASHES}") == {SHOP}
    sightings.learn(_bundle(*(Revision(Workload("", "prod", f"w{number}"), "same") for number in range(1000))))
    assert len(sightings.whose("same")) == 50
