"""What is written together: one transaction at a time, on one producer, until Kafka or librdkafka gives that one up.

A broker that restarts in the middle of a transaction may know nothing of it afterwards, or have ended it. To abort it
is then refused (INVALID_TXN_STATE, fenced), which librdkafka takes for the end of the producer; or it has numbered its
messages anew (OUT_OF_ORDER_SEQUENCE_NUMBER), and the next transaction waits for ever, whatever time it was given
(2.16.0; one or the other in seven of nine restarts). That need not be the end of the process: a new producer of the
same name ends, one way or the other, what the old one left open, and fences it; where to read on is then what the group
has committed, for the transaction given up may have been committed after all. Only where the group was in the way is
the old one kept.

Apache Kafka as a single node that comes back may note such a transaction as ended and never write its end into the
partitions (4.4.0, killed: three times in some fifteen): readers of committed messages then stand still before it, and
nobody learns what the group has committed. The end of any later transaction of the same name, in the same partitions,
is an end to it as well: `sweep`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from topology.connect import RECONNECT
from topology.settings import IngestSettings
from topology.topics import LARGEST_MESSAGE_BYTES

log = logging.getLogger(__name__)

WAIT_S = 30.0
"""For one answer of the broker."""
_TRY_S = 3.0
"""For one try to begin anew; told to stop, it ends after it."""
_AGAIN_S = 1.0
_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - its public name
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)
_OF_THE_GROUP = frozenset(
    {KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS, KafkaError.UNKNOWN_MEMBER_ID}
)
"""A rebalance came first: nothing is wrong with the producer."""
_FENCED_AGAIN_S = 60.0
"""Fenced once it may have been the broker, which ended a transaction past its time; twice within so long, it is another
worker that has our name, and one of the two has to end."""


class Transactions:
    """The producer of one worker; `producer` is another one after some of its troubles."""

    def __init__(self, settings: IngestSettings) -> None:
        self._configuration = _configuration(settings)
        self.producer = Producer(self._configuration)
        self.producer.init_transactions(WAIT_S)
        self._fenced_s = -_FENCED_AGAIN_S

    def give_up(self, error: KafkaException, stop: threading.Event) -> bool:
        """Give up the transaction at hand, and be ready for the next, however long Kafka is away.

        To end and start again would only wait elsewhere.

        Args:
            error: that kept it from being committed.
            stop: set, it waits no longer.

        Returns:
            Whether it is known to be aborted; if not, the group's committed offsets alone tell what became of it.

        Raises:
            KafkaException: this worker has to end, because it is told to, is not let in, or has another's name.
        """
        if error.args[0].code() in _OF_THE_GROUP:
            try:
                self.producer.abort_transaction(WAIT_S)
            except KafkaException as refusal:
                error = refusal
            else:
                return True
        self._replace(error, stop)
        return False

    def sweep(self, messages: Iterable[tuple[str, int, bytes]], offset: TopicPartition, group: object) -> None:
        """Begin a transaction in everything that an earlier one of this name may have been left open in, and abort it.

        Args:
            messages: topic, partition and payload: one for each partition that is written to.
            offset: of any partition the group reads, for that of its offsets.
            group: its metadata.

        Raises:
            KafkaException: it cannot be aborted.
        """
        self.producer.begin_transaction()
        for topic, partition, payload in messages:
            self.producer.produce(topic, payload, partition=partition)
        try:
            self.producer.send_offsets_to_transaction([offset], group, _TRY_S)
        except KafkaException as refusal:  # a group that takes no offsets from us has a place in the transaction too
            log.info("while sweeping: %s", refusal.args[0])
        self.producer.flush(_TRY_S)  # else the partitions may have no part in it
        self.producer.abort_transaction(WAIT_S)

    def _replace(self, error: KafkaException, stop: threading.Event) -> None:
        if error.args[0].code() in _FENCED:
            fenced_s, self._fenced_s = self._fenced_s, time.monotonic()
            if self._fenced_s - fenced_s < _FENCED_AGAIN_S:
                raise error
        log.warning("a new producer takes the place of the old: %s", error.args[0])
        self.producer.purge()
        self.producer = Producer(self._configuration)
        while True:
            try:
                self.producer.init_transactions(_TRY_S)
            except KafkaException as refusal:
                if not refusal.args[0].retriable() or stop.is_set():
                    raise
                log.warning("no new producer yet: %s", refusal.args[0])
                stop.wait(_AGAIN_S)
            else:
                return


def _configuration(settings: IngestSettings) -> dict[str, object]:
    return settings.kafka.librdkafka(
        **{
            "transactional.id": f"{settings.group}-{settings.worker_id}",
            "transaction.timeout.ms": round(settings.transaction_timeout_s * 1000),
            "compression.type": "lz4",
            "linger.ms": 5,
            "message.max.bytes": LARGEST_MESSAGE_BYTES,
            "queue.buffering.max.messages": 1_000_000,
            **RECONNECT,
            "logger": log,
        }
    )
