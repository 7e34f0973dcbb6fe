"""What the webhook was told of each alarm, in Kafka (`serinus.alerts`, compacted), so that a restart doubles nothing.

It is written after the webhook has taken a message. A process that dies in between sends that message once more, with
the same `webhook-id`: by it the receiver knows that it has it.
"""

from __future__ import annotations

import logging
import threading
from typing import Literal

import msgspec
from confluent_kafka import KafkaException, Message, Producer
from msgspec import Struct

from streams.shippers.faults import DECODE_FAULTS
from topology.connect import RECONNECT
from topology.freshness import Freshness
from topology.settings import Kafka
from topology.telemetry import Telemetry
from topology.topic_follower import TopicFollower
from topology.topics import ALERTS

log = logging.getLogger(__name__)

_FLUSH_S = 5.0

Change = Literal["raised", "cleared"]


class Delivery(Struct, frozen=True):
    """A message of `serinus.alerts`, keyed by the alarm's id, compacted."""

    change: Change
    """The last that the webhook has taken."""
    at: str
    """When, RFC 3339."""
    version: int = 1


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Delivery).decode


class Ledger(Freshness):
    """The same in memory; what is written is known at once."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._told: dict[str, Delivery] = {}

    def told(self, alarm_id: str) -> Delivery | None:
        """What the webhook was told last of an alarm."""
        return self._told.get(alarm_id)

    def put(self, alarm_id: str, told: Delivery | None) -> None:
        """Know this from now on; a `cleared` is not taken back."""
        with self._lock:
            before = self._told.get(alarm_id)
            if told is None:
                self._told.pop(alarm_id, None)
            elif before is None or before.change == "raised":
                self._told[alarm_id] = told

    def forgettable(self, before: str) -> list[str]:
        """Alarms of which nothing was told since a moment (RFC 3339, UTC)."""
        with self._lock:
            return [alarm_id for alarm_id, told in self._told.items() if told.at < before]


class LedgerFollower(TopicFollower):
    """Reads what was written before."""

    def __init__(self, kafka: Kafka, ledger: Ledger, telemetry: Telemetry) -> None:
        super().__init__("alert.ledger", kafka, (ALERTS,), ledger, telemetry)
        self._ledger = ledger

    def _apply(self, message: Message) -> None:
        name = (message.key() or b"").decode(errors="replace")
        value = message.value()
        try:
            self._ledger.put(name, None if value is None else _decode(value))
        except DECODE_FAULTS as error:
            log.warning("skipped %s[%d]@%d: %s", ALERTS, message.partition(), message.offset(), error)

    def _held(self) -> str:
        return "what the webhook was told"


class LedgerWriter:
    """Writes into Kafka; belongs to one thread at a time."""

    def __init__(self, kafka: Kafka) -> None:
        self._producer = Producer(
            kafka.librdkafka(
                **{
                    "enable.idempotence": True,
                    "message.timeout.ms": 300_000,
                    **RECONNECT,
                    "logger": log,
                }
            )
        )

    def write(self, alarm_id: str, told: Delivery | None) -> bool:
        """Write, and wait a little; False if it is still on its way, and is tried further."""
        try:
            value = None if told is None else _encode(told)
            self._producer.produce(ALERTS, value, key=alarm_id.encode(), on_delivery=_delivered)
        except (BufferError, KafkaException) as error:
            log.error("%s cannot be written: %s", ALERTS, error)  # noqa: TRY400 - no stack
            return False
        return int(self._producer.flush(_FLUSH_S)) == 0

    def close(self) -> None:
        """Write what is left, if it can be written soon."""
        self._producer.flush(_FLUSH_S / 2)


def _delivered(error: object, message: Message) -> None:
    if error is not None:
        log.error("what the webhook was told of %r was not written: after a restart it is told again", message.key())
