"""How much exposure is the canary to have over the whole comparison?

The p against the past counts on it from the first window on. It is the planned time on all pods it has had at once so
far; where the canary has more requests (or, where those are not counted, traces) a pod-second than history had, so
many times more.

What a canary shows in the first quarter of its plan is judged by the exposure of a quarter, at 1/10 of the error: most
of what is wrong is wrong from the first request on, and x rare events in a quarter of the plan are 4^x times less
likely than in all of it, so that from two on the look pays. The plan itself has 8/10, and 1/10 is for a comparison that
outlasts it: 1/20 for twice its length, 1/40 for four times, and so on. Where an operator has set its lifetime the plan
has 9/10, and what comes later is not judged by the past any more. The looks follow each other, and their shares sum to
1: by the union bound P(p <= a at any of them) <= a.
"""

from __future__ import annotations

from msgspec import Struct

from streams.judging.logs.work import Work

_CAUTION = 10.0
"""Requests or traces to be seen before the load counts as higher than history's."""
FIRST_LOOK = -2
"""A quarter of the plan, in doublings of it."""
_FIRST_SHARE, _LATE_SHARE = 0.1, 0.1


class Horizon(Struct, array_like=True):
    """Of one canary."""

    planned_s: float
    """Seconds the comparison is to take."""
    busiest: Work
    """Most requests, and most traces, per pod-second of any cohort of the past; 0 where none were counted."""
    pods: float = 0.0
    """Most pods at once so far."""
    doublings: int = FIRST_LOOK
    """How far the present look reaches, in doublings of the plan."""
    ends: bool = False
    """The plan is a lifetime that is set."""

    def see(self, pods: float, canary: Work) -> None:
        """One window."""
        self.pods = max(self.pods, pods)
        while self.pods > 0.0 and canary.pod_s > self.planned_s * self.pods * 2.0**self.doublings:
            self.doublings = 0 if self.doublings < 0 else self.doublings + 1

    def look_s(self, canary: Work, baseline: Work | None) -> float:
        """Pod-seconds up to the end of the present look, at the load of the past; the arguments are those of `load`."""
        return self.planned_s * self.pods * 2.0**self.doublings * self.load(canary, baseline)

    def exposure_s(self, canary: Work, baseline: Work | None) -> float:
        """The same up to the end of the plan, or of what it has become."""
        return self.look_s(canary, baseline) * 2.0 ** max(0, -self.doublings)

    def load(self, canary: Work, baseline: Work | None) -> float:
        """How many times more than in the past there is to do per pod-second, at least 1.

        Args:
            canary: what it had to do so far.
            baseline: the same beside it; None: there is none, and the past alone tells what is usual.
        """
        if baseline is None:
            by_requests = canary.requests > 0.0 and self.busiest.requests > 0.0
            mine = canary.requests if by_requests else canary.traces
            return _times(mine, canary.pod_s, self.busiest.requests if by_requests else self.busiest.traces, 1.0)
        requests = canary.requests > 0.0 and baseline.requests > 0.0
        mine, theirs = (canary.requests, baseline.requests) if requests else (canary.traces, baseline.traces)
        busiest = self.busiest.requests if requests else self.busiest.traces
        return _times(mine, canary.pod_s, theirs, baseline.pod_s) * _times(theirs, baseline.pod_s, busiest, 1.0)

    @property
    def share(self) -> float:
        """Of the error, for the present look; 0: it is not judged."""
        if self.doublings < 0:
            return _FIRST_SHARE
        if self.doublings == 0:
            return 1.0 - _FIRST_SHARE - (0.0 if self.ends else _LATE_SHARE)
        return 0.0 if self.ends else _LATE_SHARE * 0.5**self.doublings


def _times(mine: float, my_s: float, theirs: float, their_s: float) -> float:
    if theirs <= 0.0 or their_s <= 0.0:
        return 1.0
    return max(1.0, (mine + _CAUTION) / (theirs * my_s / their_s + _CAUTION))
