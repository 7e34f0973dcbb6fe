"""Reads whole topics for as long as it runs: all partitions, from the beginning, without a consumer group.

Every process that does so knows everything, and none waits for a rebalance. A broker that is away stops nothing: what
was read stays, and it is said since when nothing was heard.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Iterable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from topology.background import Background
from topology.connect import RECONNECT
from topology.freshness import Freshness
from topology.settings import Kafka
from topology.telemetry import Telemetry

log = logging.getLogger(__name__)

PROBE_S = 5.0
"""How often the ends of the partitions are asked for: it tells the lag, and that the broker is there."""
_BATCH = 1000
_POLL_S = 0.2
_ASK_S = 2.0
_MOST_LINKS = 128
"""OpenTelemetry's default limit of links a span."""

Place = tuple[str, int]
"""Topic and partition."""


class TopicFollower(Background):
    """Follows topics from `start` to `stop`; what is made of a message is `_apply`.

    Args:
        name: of the thread, and of the span of a batch.
        kafka: where the topics are.
        topics: all of them must be there before any is read.
        freshness: told how far it is.
        telemetry: gets a span for every batch, linked to those in which its messages were made.
        probe_s: between two looks at the ends of the partitions.
    """

    def __init__(
        self,
        name: str,
        kafka: Kafka,
        topics: Sequence[str],
        freshness: Freshness,
        telemetry: Telemetry,
        probe_s: float = PROBE_S,
    ) -> None:
        super().__init__(f"serinus-{name}")
        self._span = f"{name}.apply"
        self._topics = topics
        self._freshness = freshness
        self._telemetry = telemetry
        self._probe_s = probe_s
        self._read_to: dict[Place, int] = {}
        """Offset of the next message."""
        self._owed: dict[Place, int] = {}
        """The end at start, until it is reached."""
        self._consumer = Consumer(
            kafka.librdkafka(
                **{
                    "group.id": "serinus-serve",  # librdkafka wants one; assign() never joins it
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                    "fetch.wait.max.ms": 100,
                    **RECONNECT,
                    "queued.max.messages.kbytes": 32_768,
                    "logger": log,
                }
            )
        )

    @abstractmethod
    def _apply(self, message: Message) -> None:
        """Take in one message."""

    @abstractmethod
    def _held(self) -> str:
        """What is known now, in words for the log."""

    def _work(self) -> None:
        try:
            if self._assign():
                self._follow()
        finally:
            self._consumer.close()

    def _assign(self) -> bool:
        """Take all partitions, once the cluster tells which there are; False if stopped meanwhile."""
        while not self._stopping.is_set():
            try:
                places = self._places()
                if places:
                    self._owed = self._ends(places)
                    self._freshness.contact()
                    self._consumer.assign([TopicPartition(topic, number, 0) for topic, number in places])
                    self._settle()
                    return True
            except KafkaException as error:
                log.warning("%s cannot be read yet: %s", self._named(), error.args[0].str())
            self._stopping.wait(1.0)
        return False

    def _places(self) -> list[Place]:
        """All partitions of all topics; none while a topic is missing."""
        found: list[Place] = []
        for name in self._topics:
            topic = self._consumer.list_topics(name, timeout=_ASK_S).topics[name]
            if topic.error is not None or not topic.partitions:
                log.warning("no topic %s yet: %s", name, topic.error or "it has no partition")
                return []
            found += [(name, number) for number in topic.partitions]
        return found

    def _ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The offset after the last message of each partition that has any."""
        ends = {}
        for place in places:
            low, high = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_ASK_S, cached=False)
            if high > low:
                ends[place] = high
        return ends

    def _follow(self) -> None:
        probed = time.monotonic()
        while not self._stopping.is_set():
            messages = self._consumer.consume(_BATCH, timeout=_POLL_S)
            if messages:
                self._take(messages)
            if time.monotonic() - probed >= self._probe_s:
                self._probe()
                probed = time.monotonic()

    def _take(self, messages: list[Message]) -> None:
        """Apply one batch, within a span that links to those in which its messages were made."""
        whole = []
        for message in messages:
            place = (message.topic(), message.partition())
            if (error := message.error()) is None:
                whole.append(message)
                self._read_to[place] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name in librdkafka
                # Also where the last offsets hold no message: transaction markers, or compacted away.
                self._read_to[place] = message.offset()
                self._owed.pop(place, None)
            else:
                log.warning("reading %s: %s", self._named(), error.str())
                continue
            self._freshness.contact()
        if whole:
            headers = [message.headers() for message in whole[-_MOST_LINKS:]]
            links = [link for each in headers for link in self._telemetry.links(each)]
            with self._telemetry.tracer.start_as_current_span(self._span, links=links) as span:
                span.set_attribute("messaging.batch.message_count", len(whole))
                for message in whole:
                    self._apply(message)
        self._settle()

    def _settle(self) -> None:
        """Say so once everything that was there at start has been read."""
        self._owed = {place: end for place, end in self._owed.items() if self._read_to.get(place, 0) < end}
        if not self._owed and not self._freshness.caught_up:
            self._freshness.caught_up = True
            log.info("%s: the view is up to date: %s", self._named(), self._held())

    def _probe(self) -> None:
        """Ask for the partitions' ends, to know the lag and that somebody is there."""
        try:
            ends = self._ends([(place.topic, place.partition) for place in self._consumer.assignment()])
        except KafkaException as error:
            silence_s = self._freshness.contact_age_s
            log.warning("%s: no answer from the broker for %.0f s: %s", self._named(), silence_s, error.args[0].str())
            return
        self._freshness.contact()
        self._freshness.lag_messages = sum(max(0, end - self._read_to.get(place, 0)) for place, end in ends.items())

    def _named(self) -> str:
        return ", ".join(self._topics)
