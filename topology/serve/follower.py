"""Reads `serinus.risk` into the view: every replica reads everything, so each can answer every query."""

from __future__ import annotations

import logging

from confluent_kafka import Message
from opentelemetry.metrics import CallbackOptions, Observation

from topology.serve.view import View
from topology.settings import Kafka
from topology.telemetry import Telemetry
from topology.topic_follower import PROBE_S, TopicFollower
from topology.topics import RISK

log = logging.getLogger(__name__)


class Follower(TopicFollower):
    """Keeps a view up to date from `start` to `stop`; the view stays as it is then."""

    def __init__(self, kafka: Kafka, view: View, telemetry: Telemetry, probe_s: float = PROBE_S) -> None:
        super().__init__("serve.view", kafka, (RISK,), view, telemetry, probe_s)
        self._view = view
        self._messages = telemetry.meter.create_counter(
            "serinus.serve.risk_messages", description="Messages of serinus.risk by what became of them"
        )
        self._observe()

    def _apply(self, message: Message) -> None:
        refusal = self._view.apply(message.key(), message.value())
        self._messages.add(1, {"outcome": refusal or "applied"})
        if refusal is not None:
            log.warning("skipped %s[%d]@%d: %s", RISK, message.partition(), message.offset(), refusal)

    def _held(self) -> str:
        return f"{len(self._view)} comparisons"

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
