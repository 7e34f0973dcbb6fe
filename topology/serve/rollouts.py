"""Asks for a comparison that somebody queried and nobody has begun, and passes on what Argo told: `serinus.rollouts`.

Whatever the queries are, one process sends a pair at most once a minute and at most `MOST_PER_MINUTE` pairs a minute;
its memory is those pairs. The answer to the query never waits for Kafka: a thread of its own sends.

What was said for more than one workload goes to every partition in one transaction, with one time: to all or to none,
and two such words count in the same order everywhere, whatever order they arrive in.
"""

from __future__ import annotations

import logging
import queue
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.risk.comparison import CompareRequest, Comparison, TemplateFeedback
from streams.watch.feedback import WorkloadEvent
from topology.background import Background
from topology.codecs import encode_json
from topology.connect import RECONNECT
from topology.settings import Kafka
from topology.telemetry import Telemetry
from topology.topics import ROLLOUTS, partition_of

log = logging.getLogger(__name__)

MOST_PER_MINUTE = 600
"""Different pairs asked for by one process in any 60 seconds."""
_MINUTE_S = 60.0
_ASK_S = 2.0
_FLUSH_S = 1.5
_KAFKA_TAKES_S = 30.0
"""What it has not taken by then is given up, and said."""
_TRANSACTION_S = 10.0
"""After this the broker aborts the transaction of a process that is gone; the readers of the topic wait for it."""


class Asked(StrEnum):
    """What became of the wish for a comparison; the label value of `serinus_serve_compare_requests_total`."""

    SENT = "sent"
    """On its way to the scorers."""
    ALREADY = "already"
    """Asked for within the last minute."""
    TOO_MANY = "too_many"
    """More different pairs than one minute allows."""
    UNSENT = "unsent"
    """Kafka takes nothing at the moment, and enough is waiting."""


class Throttle:
    """Admits a comparison once a minute, and a number of them in any minute; remembers one minute."""

    def __init__(self, most: int = MOST_PER_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._admitted: OrderedDict[Comparison, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._admitted)

    def admit(self, comparison: Comparison) -> Asked:
        """SENT where it may be sent now, else why not."""
        now = self._clock()
        while self._admitted and now - next(iter(self._admitted.values())) >= _MINUTE_S:
            self._admitted.popitem(last=False)
        if comparison in self._admitted:
            return Asked.ALREADY
        if len(self._admitted) >= self._most:
            return Asked.TOO_MANY
        self._admitted[comparison] = now
        return Asked.SENT

    def forget(self, comparison: Comparison) -> None:
        """It was not sent after all."""
        self._admitted.pop(comparison, None)


class ComparisonRequests(Background):
    """Sends requests from `start` to `stop`, and then what is waiting, if it can be sent soon.

    `ask` and `tell` belong to one thread, the event loop's.
    """

    def __init__(self, kafka: Kafka, telemetry: Telemetry, throttle: Throttle | None = None) -> None:
        super().__init__("serinus-rollouts")
        self._throttle = Throttle() if throttle is None else throttle
        self._waiting: queue.Queue[WorkloadEvent] = queue.Queue(MOST_PER_MINUTE)
        self._partitions = 0
        self._kafka = kafka
        self._transactional: Producer | None = None
        """Made when it is first needed, and anew after each of its troubles."""
        self._name = f"serinus-serve-{uuid.uuid4().hex}"
        """Of its transactions: a successor of the same name ends what it left open."""
        self._producer = Producer(
            kafka.librdkafka(
                **{
                    "enable.idempotence": True,
                    "message.timeout.ms": round(_KAFKA_TAKES_S * 1000),
                    **RECONNECT,
                    "linger.ms": 5,
                    "logger": log,
                }
            )
        )
        self._asked = telemetry.meter.create_counter(
            "serinus.serve.compare_requests", description="Unknown pairs queried, by what became of the request"
        )
        self._failed = telemetry.meter.create_counter(
            "serinus.serve.compare_requests_failed", description="Requests that Kafka did not take in 30 s"
        )

    def ask(self, comparison: Comparison, again: bool = False) -> Asked:
        """Have a comparison begun; asking again changes nothing. Never waits.

        Args:
            comparison: that is wanted.
            again: an earlier one of the pair is known to have ended.
        """
        asked = self._throttle.admit(comparison)
        if asked is Asked.SENT and not self.tell(CompareRequest(comparison, source="query", again=again)):
            self._throttle.forget(comparison)
            asked = Asked.UNSENT
        self._asked.add(1, {"outcome": asked.value})
        return asked

    def tell(self, event: WorkloadEvent) -> bool:
        """Send an event, without waiting; False if too many wait already."""
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            return False
        return True

    def _work(self) -> None:
        while not (self._stopping.is_set() and self._waiting.empty()):
            self._producer.poll(0)
            try:
                event = self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            if not self._send(event):
                break
        self._producer.flush(_FLUSH_S)

    def _send(self, event: WorkloadEvent) -> bool:
        """Hand it to librdkafka, once the cluster tells how many partitions there are; False if stopped meanwhile."""
        while not (partitions := self._partition_count()):
            if self._stopping.wait(1.0):
                return False
        key, value = event.of.key.encode(), encode_json(event)
        if isinstance(event, TemplateFeedback) and event.shared:
            self._send_everywhere(key, value, partitions)
        else:
            number = partition_of(event.of, partitions)
            self._producer.produce(ROLLOUTS, value, key, partition=number, on_delivery=self._delivered)
        return True

    def _send_everywhere(self, key: bytes, value: bytes, partitions: int) -> None:
        """A copy to each partition, or to none; tried until Kafka takes it, for as long as it may take all else."""
        ends_s = time.monotonic() + _KAFKA_TAKES_S
        while True:
            try:
                self._transact(key, value, partitions)
            except KafkaException as error:
                log.warning("not sent to all partitions: %s", error.args[0].str())
            else:
                return
            if self._transactional is not None:
                self._transactional.purge()
                self._transactional = None
            if time.monotonic() > ends_s or self._stopping.wait(1.0):
                self._failed.add(1)
                log.error("what was said at %r for more than it was not sent", key)
                return

    def _transact(self, key: bytes, value: bytes, partitions: int) -> None:
        if self._transactional is None:
            self._transactional = Producer(
                self._kafka.librdkafka(
                    **{
                        "transactional.id": self._name,
                        "transaction.timeout.ms": round(_TRANSACTION_S * 1000),
                        **RECONNECT,
                        "logger": log,
                    }
                )
            )
            self._transactional.init_transactions(_TRANSACTION_S)
        self._transactional.begin_transaction()
        sent_ms = time.time_ns() // 1_000_000
        for number in range(partitions):
            self._transactional.produce(ROLLOUTS, value, key, partition=number, timestamp=sent_ms)
        self._transactional.commit_transaction(_TRANSACTION_S)

    def _partition_count(self) -> int:
        """Asked for once; 0 while the cluster does not tell."""
        if not self._partitions:
            try:
                topic = self._producer.list_topics(ROLLOUTS, timeout=_ASK_S).topics[ROLLOUTS]
                self._partitions = 0 if topic.error is not None else len(topic.partitions)
            except KafkaException as error:
                log.warning("%s cannot be written yet: %s", ROLLOUTS, error.args[0].str())
        return self._partitions

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed.add(1)
            log.error("a request for %r was not sent: %s", message.key(), error.str())
