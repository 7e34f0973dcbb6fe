"""What is written together: one transaction at a time, on one producer, until Kafka or librdkafka gives that one up.

A broker that restarts in the middle of a transaction may know nothing of it afterwards, or have ended it: to abort it
is then refused (INVALID_TXN_STATE, or fenced), which librdkafka takes for the end of the producer. It need not be that
of the process: a new producer of the same name ends, one way or the other, what the old one left open, and fences it;
where to read on is then what the group has committed, for the transaction given up may have been committed after all.
"""

from __future__ import annotations

import logging
import threading
import time

from confluent_kafka import KafkaError, KafkaException, Producer

from topology.settings import IngestSettings

log = logging.getLogger(__name__)

WAIT_S = 30.0
"""For one answer of the broker."""
_AGAIN_S = 1.0
_FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - its public name
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)
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
        """Abort the transaction at hand, however long Kafka is away: to end and start again would only wait elsewhere.

        Args:
            error: that kept it from being committed.
            stop: set, it waits no longer.

        Returns:
            Whether it is known to be aborted; if not, the group's committed offsets alone tell what became of it.

        Raises:
            KafkaException: this worker has to end, because it is told to, is not let in, or has another's name.
        """
        while not error.args[0].fatal():
            try:
                self.producer.abort_transaction(WAIT_S)
            except KafkaException as refusal:
                if stop.is_set():
                    raise
                error = refusal
                if not error.args[0].retriable():
                    break
                log.warning("the transaction cannot be aborted yet: %s", error.args[0])
            else:
                return True
        self._replace(error, stop)
        return False

    def _replace(self, error: KafkaException, stop: threading.Event) -> None:
        if error.args[0].code() in _FENCED:
            fenced_s, self._fenced_s = self._fenced_s, time.monotonic()
            if self._fenced_s - fenced_s < _FENCED_AGAIN_S:
                raise error
        log.warning("the producer is of no use any more, a new one takes its place: %s", error.args[0])
        self.producer.purge()
        self.producer = Producer(self._configuration)
        while True:
            try:
                self.producer.init_transactions(WAIT_S)
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
            "message.max.bytes": 8 * 2**20,
            "queue.buffering.max.messages": 1_000_000,
            "reconnect.backoff.ms": 1000,  # at its default of 100 an outage is 20 lines of log a second
            "reconnect.backoff.max.ms": 2000,
            "logger": log,
        }
    )
