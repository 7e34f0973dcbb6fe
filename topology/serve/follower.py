"""Reads `serinus.risk` into the view: all partitions, from the beginning, without a consumer group.

Every replica reads everything, so each can answer every query, and none waits for a rebalance. A broker that is away
stops nothing: the view keeps what it has, and says since when it has heard nothing.
"""

from __future__ import annotations

import logging
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from opentelemetry.metrics import CallbackOptions, Observation

from topology.serve.background import Background
from topology.serve.view import View
from topology.settings import Kafka
from topology.telemetry import Telemetry
from topology.topics import RISK

log = logging.getLogger(__name__)

PROBE_S = 5.0
"""How often the ends of the partitions are asked for: it tells the lag, and that the broker is there."""
_BATCH = 1000
_POLL_S = 0.2
_ASK_S = 2.0
_MOST_LINKS = 128
"""OpenTelemetry's default limit of links a span."""


class Follower(Background):
    """Keeps a view up to date from `start` to `stop`; the view stays as it is then."""

    def __init__(self, kafka: Kafka, view: View, telemetry: Telemetry, probe_s: float = PROBE_S) -> None:
        super().__init__("serinus-risk")
        self._view = view
        self._telemetry = telemetry
        self._probe_s = probe_s
        self._read_to: dict[int, int] = {}
        """Partition -> offset of the next message."""
        self._owed: dict[int, int] = {}
        """Partition -> its end at start, until it is reached."""
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
                    "reconnect.backoff.ms": 1000,  # at its default of 100 an outage is 20 lines of log a second
                    "reconnect.backoff.max.ms": 2000,
                    "queued.max.messages.kbytes": 32_768,
                    "logger": log,
                }
            )
        )
        self._messages = telemetry.meter.create_counter(
            "serinus.serve.risk_messages", description="Messages of serinus.risk by what became of them"
        )
        self._observe()

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
                topic = self._consumer.list_topics(RISK, timeout=_ASK_S).topics[RISK]
                if topic.error is None and topic.partitions:
                    self._owed = self._ends(list(topic.partitions))
                    self._view.contact()
                    self._consumer.assign([TopicPartition(RISK, number, 0) for number in topic.partitions])
                    self._settle()
                    return True
                log.warning("no topic %s yet: %s", RISK, topic.error or "it has no partition")
            except KafkaException as error:
                log.warning("%s cannot be read yet: %s", RISK, error.args[0].str())
            self._stopping.wait(1.0)
        return False

    def _ends(self, partitions: list[int]) -> dict[int, int]:
        """The offset after the last message of each partition that has any."""
        ends = {}
        for number in partitions:
            low, high = self._consumer.get_watermark_offsets(TopicPartition(RISK, number), timeout=_ASK_S, cached=False)
            if high > low:
                ends[number] = high
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
        """Apply one batch, within a span that links to those in which its documents were made."""
        documents = []
        for message in messages:
            if (error := message.error()) is None:
                documents.append(message)
                self._read_to[message.partition()] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name in librdkafka
                # Also where the last offsets hold no message: transaction markers, or compacted away.
                self._read_to[message.partition()] = message.offset()
                self._owed.pop(message.partition(), None)
            else:
                log.warning("reading %s: %s", RISK, error.str())
                continue
            self._view.contact()
        if documents:
            headers = [message.headers() for message in documents[-_MOST_LINKS:]]
            links = [link for each in headers for link in self._telemetry.links(each)]
            with self._telemetry.tracer.start_as_current_span("serve.view.apply", links=links) as span:
                span.set_attribute("messaging.batch.message_count", len(documents))
                for message in documents:
                    self._apply(message)
        self._settle()

    def _apply(self, message: Message) -> None:
        refusal = self._view.apply(message.key(), message.value())
        self._messages.add(1, {"outcome": refusal or "applied"})
        if refusal is not None:
            log.warning("skipped %s[%d]@%d: %s", RISK, message.partition(), message.offset(), refusal)

    def _settle(self) -> None:
        """Say so once everything that was there at start has been read."""
        self._owed = {number: end for number, end in self._owed.items() if self._read_to.get(number, 0) < end}
        if not self._owed and not self._view.caught_up:
            self._view.caught_up = True
            log.info("the view is up to date: %d comparisons", len(self._view))

    def _probe(self) -> None:
        """Ask for the partitions' ends, to know the lag and that somebody is there."""
        try:
            ends = self._ends([place.partition for place in self._consumer.assignment()])
        except KafkaException as error:
            log.warning(
                "%s: the broker has not answered for %.0f s: %s", RISK, self._view.contact_age_s, error.args[0].str()
            )
            return
        self._view.contact()
        self._view.lag_messages = sum(max(0, end - self._read_to.get(number, 0)) for number, end in ends.items())

    def _observe(self) -> None:
        """Gauges of the view itself."""
        view = self._view

        def gauge(name: str, unit: str, description: str, read: str) -> None:
            def callback(_: CallbackOptions) -> list[Observation]:
                value = len(view) if read == "__len__" else getattr(view, read)
                return [Observation(float(value))]

            self._telemetry.meter.create_observable_gauge(
                f"serinus.serve.view.{name}", [callback], unit=unit, description=description
            )

        gauge("lag_messages", "", "Messages of serinus.risk not read yet", "lag_messages")
        gauge("contact_age", "s", "Time since the broker last answered", "contact_age_s")
        gauge("comparisons", "", "Comparisons held", "__len__")
        gauge("caught_up", "", "1 once all that was there at start was read", "caught_up")
        gauge("dropped", "", "Comparisons dropped because there were too many", "dropped")
