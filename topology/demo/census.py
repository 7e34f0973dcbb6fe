"""Did every record arrive? Counts what the summaries and the dead letters hold."""

from __future__ import annotations

import threading
import time

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from topology.codecs import decode_bundle
from topology.ingest.dead_letters import DeadLetter
from topology.settings import Kafka
from topology.topics import DEAD_LETTERS, SUMMARIES


class Census:
    """Reads both topics from their beginnings, committed messages only."""

    def __init__(self, kafka: Kafka) -> None:
        self._consumer = Consumer(
            kafka.librdkafka(
                **{"group.id": "serinus-census", "enable.auto.commit": False, "isolation.level": "read_committed"}
            )
        )
        metadata = self._consumer.list_topics(timeout=30).topics
        self._consumer.assign(
            [
                TopicPartition(topic, number, OFFSET_BEGINNING)
                for topic in (SUMMARIES, DEAD_LETTERS)
                for number in metadata[topic].partitions
            ]
        )
        self.summarised = 0
        """Records in summaries."""
        self.dead_letters = 0
        """Records in dead letters."""

    def await_total(self, records: int, timeout_s: float, stop: threading.Event) -> int:
        """Read until so many records are accounted for, the time is up, or it is stopped; how many are."""
        deadline = time.monotonic() + timeout_s
        while self.total < records and time.monotonic() < deadline and not stop.is_set():
            for message in self._consumer.consume(500, 0.2):
                if message.error() is not None:
                    continue
                if message.topic() == DEAD_LETTERS:
                    self.dead_letters += msgspec.json.decode(message.value(), type=DeadLetter).records
                else:
                    self.summarised += sum(summary.records for summary in decode_bundle(message.value()).summaries)
        return self.total

    @property
    def total(self) -> int:
        """Records accounted for so far."""
        return self.summarised + self.dead_letters

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()
