"""What the alert role tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from topology.alert.post import Outcome


class Instruments:
    """Counters of what was sent, and gauges of what waits."""

    def __init__(self, meter: Meter, active: Callable[[], int], waiting: Callable[[], dict[str, int]]) -> None:
        self._posts = meter.create_counter("serinus.alert.posts", description="Requests made, by what became of them.")
        self._sent = meter.create_counter(
            "serinus.alert.alarms_sent", description="Alarms in requests that were taken."
        )

        def count_active(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(active())]

        def count_waiting(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(number, {"receiver": name}) for name, number in waiting().items()]

        meter.create_observable_gauge(
            "serinus.alert.active", [count_active], description="Alarms that are raised or held."
        )
        meter.create_observable_gauge(
            "serinus.alert.waiting", [count_waiting], description="Alarms of whose state a receiver does not know yet."
        )

    def told(self, receiver: str) -> Callable[[Outcome, int], None]:
        """Counts for one receiver: what became of a request with so many alarms."""

        def count(outcome: Outcome, alarms: int) -> None:
            self._posts.add(1, {"receiver": receiver, "outcome": outcome.value})
            if outcome is Outcome.TAKEN:
                self._sent.add(alarms, {"receiver": receiver})

        return count
