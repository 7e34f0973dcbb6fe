"""Is all known that was asked for before a window closes? Two topics have no common order; this makes one.

Faust reads `serinus.summaries` and `serinus.rollouts` side by side, each as fast as it can. Before a bundle moves the
watermark, the rollouts of its partition are read up to there by a consumer of our own; what Faust brings later is then
known already. While nothing new was asked for, this is one small request to the broker, at most two a second and
partition.
"""

from __future__ import annotations

import asyncio
import logging
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from topology.log import SILENT
from topology.settings import Kafka
from topology.topics import ROLLOUTS, SUMMARIES

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

    def forget(self) -> None:
        """The boards are new: what was read says nothing of them."""
        self._complete_ns.clear()
        self._read_to.clear()

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()

    async def ends(self, number: int) -> tuple[int, int]:
        """Next offset of each topic's partition: summaries, rollouts."""
        return await asyncio.to_thread(lambda: (self._end(SUMMARIES, number), self._end(ROLLOUTS, number)))

    async def read(self, number: int, next_offset: int, time_ns: int) -> list[Message]:
        """Events of this partition from an offset on, until all that were sent by `time_ns` are among them.

        Asks again until the broker answers: without an answer no window may close.
        """
        while self._complete_ns.get(number, 0) < time_ns:
            asked_ns = time.time_ns()
            try:
                messages = await asyncio.to_thread(self._read, number, next_offset)
            except KafkaException as error:
                log.warning("rollouts of partition %d: %s; asking again", number, error.args[0])
                await asyncio.sleep(_WAIT_S / 4)
                continue
            self._complete_ns[number] = max(asked_ns - _IN_FLIGHT_NS, time_ns if messages == [] else 0)
            return messages
        return []

    def _end(self, topic: str, number: int) -> int:
        _low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_WAIT_S)
        return int(high)

    def _read(self, number: int, next_offset: int) -> list[Message]:
        start = max(next_offset, self._read_to.get(number, 0))
        if start >= self._end(ROLLOUTS, number):
            return []
        found = []
        self._consumer.assign([TopicPartition(ROLLOUTS, number, start)])
        try:
            while (message := self._consumer.poll(_WAIT_S)) is not None:
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                    self._read_to[number] = message.offset()
                    return found
                else:
                    raise KafkaException(error)
        finally:
            self._consumer.unassign()
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - the same
