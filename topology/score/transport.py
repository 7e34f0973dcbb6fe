"""What score makes of Faust's Kafka client: committed messages only, from where the snapshots end, patiently.

Faust has no options for these (0.15.3), so they are set on its objects.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Producer, Transport

from topology.score.patience import patient
from topology.topics import LARGEST_MESSAGE_BYTES

_FETCH_BYTES = 2**20
"""What a partition brings before the next one has its turn. Where a scorer cannot keep up, partitions take turns by the
whole of a fetch: with 8 MiB one waited for twelve minutes. A larger message comes whole all the same (KIP-74)."""
_FETCH_WAIT_MS = 100
"""The longest that a broker holds a fetch for want of messages. Faust says 1,500, and the embedded broker looks for new
messages as seldom as that allows: half a second later than Apache Kafka, which answers when there is one."""

_FAUST = logging.getLogger("faust")
"""What Faust's code says for a class of ours is Faust's news (`log`), where Faust would lay it to our module."""


class _CommittedThread(AIOKafkaConsumerThread):  # type: ignore[misc] # faust is untyped
    """Reads committed messages only; Faust offers that just with its own transactions."""

    logger = _FAUST

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - Faust passes no option on
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001 - the same
        patient(consumer._client)  # noqa: SLF001 - the same
        transport.client = consumer
        return consumer

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Log an error where the client fetches no more, and not, as Faust does, where no message has come for minutes.

        Behind its last message a partition may end with the marks of transactions, which no stream ever sees.
        """
        self.verify_recovery_event_path(now, tp)


class _CommittedConsumer(Consumer):  # type: ignore[misc]
    logger = _FAUST

    def _new_consumer_thread(self) -> Any:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> dict[Any, int]:
        """To where the snapshots end (`Board.resume`); to the committed offsets where there is no snapshot to ask.

        Faust alone would go on wherever it had come to if nothing was committed yet.
        """
        offsets = dict(await super().seek_to_committed())
        for partition in offsets:
            resume = self.transport.resume.get((partition.topic, partition.partition))
            if resume is not None:
                await self._seek(partition, resume)
                offsets[partition] = resume
        return offsets


class _PatientProducer(Producer):  # type: ignore[misc]
    logger = _FAUST

    def _new_producer(self, *arguments: Any, **options: Any) -> Any:
        producer = super()._new_producer(*arguments, **options)
        patient(producer.client)
        return producer


class CommittedTransport(Transport):  # type: ignore[misc]
    """Faust's, reading committed messages from where it is told to."""

    Consumer = _CommittedConsumer
    Producer = _PatientProducer

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.resume: dict[tuple[str, int], int] = {}
        """Input partition -> first offset that the snapshots do not include."""
        self.client: Any = None
        """What joins the group, once there is one."""


def configuration(partitions: int, session_timeout_s: float, scratch: Path) -> dict[str, Any]:
    """Options of the application but for brokers and security.

    Args:
        partitions: of all topics.
        session_timeout_s: silence after which the group deals out a worker's partitions.
        scratch: a directory that Faust insists on; nothing in it is kept.
    """
    return {
        "datadir": scratch,
        "web_enabled": False,
        "autodiscover": False,
        "topic_partitions": partitions,
        "topic_disable_leader": True,
        "processing_guarantee": "at_least_once",  # exactly_once crashes workers on a rebalance (robinhood/faust 658)
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": _FETCH_BYTES,
        "producer_max_request_size": LARGEST_MESSAGE_BYTES,
        "producer_linger": 0.005,
        "broker_session_timeout": session_timeout_s,
        "broker_heartbeat_interval": session_timeout_s / 5,
        "broker_commit_interval": 1.0,
        "stream_buffer_maxsize": 64,
        "stream_wait_empty": False,
        "worker_redirect_stdouts": False,
    }
