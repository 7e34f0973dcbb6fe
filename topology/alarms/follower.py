"""Reads `serinus.alarms` and, for what people say of alarms, `serinus.rollouts` into an `AlarmView`."""

from __future__ import annotations

import logging

from confluent_kafka import Message

from topology.alarms.view import AlarmView
from topology.settings import Kafka
from topology.telemetry import Telemetry
from topology.topic_follower import PROBE_S, TopicFollower
from topology.topics import ALARMS, ROLLOUTS

log = logging.getLogger(__name__)


class AlarmFollower(TopicFollower):
    """Keeps a view up to date from `start` to `stop`."""

    def __init__(self, kafka: Kafka, view: AlarmView, telemetry: Telemetry, probe_s: float = PROBE_S) -> None:
        super().__init__("alarms.view", kafka, (ALARMS, ROLLOUTS), view, telemetry, probe_s)
        self._view = view
        self._messages = telemetry.meter.create_counter(
            "serinus.alarms.messages",
            description="Messages of serinus.alarms and serinus.rollouts by what became of them",
        )

    def _apply(self, message: Message) -> None:
        if message.topic() == ALARMS:
            refusal = self._view.apply_alarm(message.key(), message.value())
        else:
            refusal = self._view.apply_event(message.value(), message.timestamp()[1] / 1000)
        self._messages.add(1, {"topic": message.topic(), "outcome": refusal or "applied"})
        if refusal is not None and refusal != "older":
            log.warning("skipped %s[%d]@%d: %s", message.topic(), message.partition(), message.offset(), refusal)

    def _held(self) -> str:
        return f"{len(self._view)} alarms"
