"""What is in a topic: everything from its beginning, or what has come since one last asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

_WAIT_S = 60.0


class TopicReader:
    """Reads all partitions of one topic, again and again to its end."""

    def __init__(
        self,
        servers: str,
        topic: str,
        isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
        start: dict[int, int] | None = None,
    ) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": "test-reader",
                "isolation.level": isolation,
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 20,
            }
        )
        self._partitions = sorted(self._consumer.list_topics(topic, timeout=30).topics[topic].partitions)
        self._topic = topic
        self._read_to = dict.fromkeys(self._partitions, -1)
        self._consumer.assign(
            [TopicPartition(topic, number, (start or {}).get(number, 0)) for number in self._partitions]
        )

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()

    def ends(self) -> dict[int, int]:
        """Partition -> the offset that its next message will have."""
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(self._topic, number), timeout=30)[1]
            for number in self._partitions
        }

    def poll(self, timeout_s: float) -> Message | None:
        """The next message, if one comes in time."""
        message = self._consumer.poll(timeout_s)
        return message if message is not None and self._is_record(message) else None

    def read(self) -> Iterator[Message]:
        """What there is that was not read before; what an open transaction hides is not there yet."""
        ends = self.ends()
        deadline = time.monotonic() + _WAIT_S
        while any(self._read_to[number] < end for number, end in ends.items()):
            assert time.monotonic() < deadline, f"{self._topic} could not be read to its end in {_WAIT_S:g} s"
            for message in self._consumer.consume(10_000, 0.1):
                if self._is_record(message):
                    yield message

    def _is_record(self, message: Message) -> bool:
        """Whether it is one; else it is the end of a partition, which is also beyond what no reader is shown."""
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            self._read_to[message.partition()] = message.offset()
        return error is None
