"""What must be known before Faust's next message counts: read from the partitions themselves, outside of any group.

Two topics have no common order; this makes one. Faust reads `serinus.summaries` and `serinus.rollouts` side by side,
each as fast as it can. Before a bundle moves the watermark, the rollouts of its partition are read up to there; what
Faust brings later is then known already. While nothing new was asked for, this is one small request to the broker, at
most two a second and partition. And after a rebalance the changelog is read back here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from topology.log import SILENT
from topology.settings import Kafka
from topology.topics import ROLLOUTS, SUMMARIES

T = TypeVar("T")
log = logging.getLogger(__name__)

_WAIT_S = 2.0
_IN_FLIGHT_NS = 500_000_000
"""What was sent this long ago has arrived."""


class ReadAhead:
    """Reads rollouts outside of any group and commits nothing."""

    def __init__(self, kafka: Kafka) -> None:
        self._consumer = Consumer(
            kafka.librdkafka(
                **{
                    "group.id": "serinus-score-ahead",  # librdkafka wants a name; nothing joins or commits
                    "enable.auto.commit": False,
                    "enable.partition.eof": True,
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_committed",
                    "logger": SILENT,
                }
            )
        )
        self._complete_ns: dict[int, int] = {}
        self._read_to: dict[int, int] = {}
        self._polled_to = 0
        self._lock = threading.Lock()

    def forget(self) -> None:
        """The boards are new: what was read says nothing of them."""
        self._complete_ns.clear()
        self._read_to.clear()

    def close(self) -> None:
        """Leave the cluster."""
        with self._lock:
            self._consumer.close()

    async def ends(self, number: int) -> tuple[int, int]:
        """Next offset of each topic's partition: summaries, rollouts."""
        return await self._ask(lambda: (self._end(SUMMARIES, number), self._end(ROLLOUTS, number)))

    async def latest(self, topic: str, number: int) -> dict[bytes, bytes]:
        """The last value of each key in one partition of a compacted topic."""
        return await self._ask(lambda: self._latest(topic, number))

    async def between(self, topic: str, number: int, start: int, stop: int) -> list[Message]:
        """All messages of one partition from offset `start` up to, and without, `stop`, which is there."""
        return await self._ask(lambda: list(self._poll(topic, number, start, stop)))

    async def read(self, number: int, next_offset: int, time_ns: int) -> list[Message]:
        """Events of this partition from an offset on, until all that were sent by `time_ns` are among them."""
        if self._complete_ns.get(number, 0) >= time_ns:
            return []
        asked_ns = time.time_ns()
        messages = await self._ask(lambda: self._read(number, next_offset))
        self._complete_ns[number] = asked_ns - _IN_FLIGHT_NS
        return messages

    async def _ask(self, question: Callable[[], T]) -> T:
        """Ask until the broker answers: without an answer nothing can go on."""

        def alone() -> T:
            with self._lock:
                return question()

        while True:
            try:
                return await asyncio.to_thread(alone)
            except KafkaException as error:
                log.warning("%s; asking again", error.args[0])
                await asyncio.sleep(_WAIT_S / 4)

    def _latest(self, topic: str, number: int) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for message in self._poll(topic, number, 0, None):
            key, value = message.key(), message.value()
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value
        return found

    def _end(self, topic: str, number: int) -> int:
        _low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_WAIT_S)
        return int(high)

    def _read(self, number: int, next_offset: int) -> list[Message]:
        start = max(next_offset, self._read_to.get(number, 0))
        if start >= self._end(ROLLOUTS, number):
            return []
        found = list(self._poll(ROLLOUTS, number, start, None))
        self._read_to[number] = self._polled_to
        return found

    def _poll(self, topic: str, number: int, start: int, stop: int | None) -> Iterator[Message]:
        """Messages from an offset to another, or to the end."""
        self._consumer.assign([TopicPartition(topic, number, start)])
        try:
            while (message := self._consumer.poll(_WAIT_S)) is not None:
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                    raise KafkaException(error)
                self._polled_to = message.offset()
                if (error is not None and stop is None) or (stop is not None and message.offset() >= stop):
                    return
                if error is None:
                    yield message
        finally:
            self._consumer.unassign()
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - the same
