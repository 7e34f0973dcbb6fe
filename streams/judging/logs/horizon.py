"""How much exposure is the canary to have over the whole comparison?

The p against the past counts on it from the first window on. It is the planned time on all pods it has had at once so
far; where the canary has more requests (or, where those are not counted, traces) a pod-second than history had, so
many times more. A comparison that outlasts its plan goes on at twice the horizon, and so on, each at a share of its
own: 9/10 for the plan, then 1/20, 1/40, ...
"""

from __future__ import annotations

from msgspec import Struct

from streams.judging.counts import cut

_CAUTION = 10.0
"""Requests or traces to be seen before the load counts as higher than history's."""


class Work(Struct, array_like=True):
    """What one side, or the past, had to do."""

    pod_s: float = 0.0
    requests: float = 0.0
    traces: float = 0.0

    def add(self, pod_s: float, requests: float, traces: float) -> None:
        """One window."""
        self.pod_s += cut(pod_s)
        self.requests += cut(requests)
        self.traces += cut(traces)


class Horizon(Struct, array_like=True):
    """Of one canary."""

    planned_s: float
    """Seconds the comparison is to take."""
    past: Work
    pods: float = 0.0
    """Most pods at once so far."""
    doublings: int = 0

    def see(self, pods: float, canary: Work) -> None:
        """One window."""
        self.pods = max(self.pods, pods)
        while self.pods > 0.0 and canary.pod_s > self.planned_s * self.pods * 2.0**self.doublings:
            self.doublings += 1

    def exposure_s(self, canary: Work) -> float:
        """Pod-seconds planned, at history's load."""
        return self.planned_s * self.pods * 2.0**self.doublings * self.load(canary)

    def load(self, canary: Work) -> float:
        """How many times more than history the canary has to do per pod-second, at least 1."""
        past = self.past
        if past.pod_s <= 0.0:
            return 1.0
        mine, theirs = (
            (canary.requests, past.requests)
            if canary.requests > 0.0 and past.requests > 0.0
            else (canary.traces, past.traces)
        )
        if theirs <= 0.0:
            return 1.0
        return max(1.0, (mine + _CAUTION) / (theirs * canary.pod_s / past.pod_s + _CAUTION))

    @property
    def share(self) -> float:
        """Of the error, for looks within the present horizon."""
        return 0.9 if self.doublings == 0 else 0.1 * 0.5**self.doublings
