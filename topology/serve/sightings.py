"""Whose records flow now: the workloads of the pod-template hashes in the latest messages of `serinus.summaries`.

Nothing is read until somebody asks by hashes alone. Then a thread looks at the last messages of each partition, and
goes on reading for a minute after it was last asked; every ingest worker writes to every partition several times a
second, so that a revision with records shows up within seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec import Raw, Struct

from streams.records.identity import Revision, Workload
from streams.shippers.faults import DECODE_FAULTS
from topology.background import Background
from topology.connect import RECONNECT
from topology.settings import Kafka
from topology.topics import SUMMARIES

log = logging.getLogger(__name__)

MOST_HASHES = 20_000
"""Remembered; past it those seen longest ago are forgotten."""
_MOST_WORKLOADS = 50
"""Of one hash."""
_BACK = 200
"""Messages of each partition that are looked back at."""
_WANTED_S = 60.0
_BATCH = 100
_POLL_S = 0.5
_ASK_S = 2.0


class _Sighted(Struct, array_like=True):
    """Of a Summary, whose it is."""

    revision: Revision


class _Sighting(Struct, array_like=True):
    """Of a Bundle, whose summaries it holds; the rest is passed over undecoded."""

    worker: Raw
    reports: Raw
    inputs: Raw
    signatures: Raw
    series: Raw
    summaries: list[_Sighted]


_decode = msgspec.msgpack.Decoder(_Sighting).decode


class Sightings(Background):
    """Reads while it is wanted, from `start` to `stop`."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__("serinus-sightings")
        self._kafka = kafka
        self._seen: OrderedDict[str, frozenset[Workload]] = OrderedDict()
        self._wake = threading.Event()
        self._wanted_at = 0.0

    def stop(self, timeout_s: float = 3.0) -> None:
        """Read no more."""
        self._stopping.set()
        self._wake.set()
        super().stop(timeout_s)

    def whose(self, pod_template_hash: str) -> frozenset[Workload]:
        """The workloads that were seen with this hash."""
        return self._seen.get(pod_template_hash, frozenset())

    def want(self) -> None:
        """Look, from now on and for a minute."""
        self._wanted_at = time.monotonic()
        self._wake.set()

    def learn(self, payload: bytes) -> None:
        """Take in one message of `serinus.summaries`; what is none is passed over."""
        try:
            bundle = _decode(payload)
        except DECODE_FAULTS:
            return
        for summary in bundle.summaries:
            name, workload = summary.revision.pod_template_hash, summary.revision.workload
            known = self._seen.get(name, frozenset())
            if workload not in known and len(known) < _MOST_WORKLOADS:
                self._seen[name] = known | {workload}
            elif known:
                self._seen.move_to_end(name)
        while len(self._seen) > MOST_HASHES:
            self._seen.popitem(last=False)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._stopping.is_set():
                self._look()

    def _look(self) -> None:
        """Read until nobody has wanted it for a minute, or Kafka does not answer: the next question tries anew."""
        consumer = Consumer(
            self._kafka.librdkafka(
                **{
                    "group.id": "serinus-serve",  # librdkafka wants one; assign() never joins it
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    **RECONNECT,
                    "queued.max.messages.kbytes": 16_384,
                    "logger": log,
                }
            )
        )
        try:
            self._assign(consumer)
            while time.monotonic() - self._wanted_at < _WANTED_S and not self._stopping.is_set():
                for message in consumer.consume(_BATCH, timeout=_POLL_S):
                    if message.error() is None:
                        self.learn(message.value() or b"")
        except KafkaException as error:
            log.warning("%s cannot be read: %s", SUMMARIES, error.args[0].str())
            self._stopping.wait(1.0)
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> None:
        """Begin a little before the end of each partition."""
        places = []
        for number in consumer.list_topics(SUMMARIES, timeout=_ASK_S).topics[SUMMARIES].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(SUMMARIES, number), timeout=_ASK_S, cached=False)
            places.append(TopicPartition(SUMMARIES, number, max(low, high - _BACK)))
        consumer.assign(places)
