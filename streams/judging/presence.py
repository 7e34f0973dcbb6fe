"""Which pods of one revision are there, and what did they do in the window that closes?

A pod is there from the first window in which anything of it was seen until it has been silent for `QUIET_NS`: quiet
pods are not gone pods. Cumulative counters of requests are followed per pod, so that the gap between two windows is
closed, a restart is a reset, and a series that appears later at a pod already known starts from zero.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.requests import RequestRole
from streams.judging.side import RequestCount, Side, SignatureInfo
from streams.windows.summary import PodSummary, Summary

QUIET_NS = 30_000_000_000
"""Twice the usual scrape interval."""


class CounterState(Struct, array_like=True):
    """Where a cumulative counter stood."""

    time_ns: int
    start_ns: int
    total: float


class PodState(Struct, array_like=True):
    """One pod that is there."""

    number: int
    """Of the pod within its revision, in order of appearance."""
    seen_ns: int
    """Start of the last window in which anything of it was seen."""
    counters: dict[int, CounterState] = {}
    """Series id -> where it stood."""
    sources: list[str] = []
    """Sources of request counts this pod has reported to, sorted."""


class PresenceState(Struct, array_like=True):
    """The pods of one revision."""

    pods: dict[str, PodState] = {}
    numbered: int = 0


class Presence:
    """Closes one revision's windows, in order of time."""

    def __init__(self, window_ns: int, state: PresenceState | None = None) -> None:
        self._window_ns = window_ns
        self.state = state or PresenceState()

    @property
    def gone(self) -> bool:
        """No pod is there any more."""
        return not self.state.pods

    def close(
        self,
        start_ns: int,
        summary: Summary | None,
        roles: Mapping[int, RequestRole | None],
        signatures: Mapping[int, SignatureInfo],
    ) -> Side:
        """What this revision did in the window that starts at `start_ns`.

        Args:
            start_ns: after that of the window closed before.
            summary: all that was heard of the revision in it; None for silence.
            roles: how each series counts requests, by series id.
            signatures: those judged (class warning and worse), by id.
        """
        side = Side()
        heard = summary.pods if summary else {}
        for name in sorted(heard):
            self._meet(name, start_ns)
            self._count_lines(heard[name], side, signatures)
            self._count_requests(self.state.pods[name], heard[name], side, roles)
        for name, pod in list(self.state.pods.items()):
            if start_ns - pod.seen_ns > QUIET_NS:
                del self.state.pods[name]
        present = self.state.pods.values()
        side.pod_s = len(present) * self._window_ns / 1e9
        if summary:
            side.lines += summary.other_lines
        for source in sorted({source for pod in present for source in pod.sources}):
            count = side.requests.setdefault(source, RequestCount())
            count.awaited = tuple(sorted(pod.number for pod in present if source in pod.sources))
            count.reported = tuple(sorted(count.reported))
        return side

    def _meet(self, name: str, start_ns: int) -> None:
        pod = self.state.pods.get(name)
        if pod is None:
            self.state.pods[name] = PodState(self.state.numbered, start_ns)
            self.state.numbered += 1
        else:
            pod.seen_ns = start_ns

    def _count_lines(self, heard: PodSummary, side: Side, signatures: Mapping[int, SignatureInfo]) -> None:
        for number, lines in sorted(heard.lines.items()):
            side.lines += lines
            if number in signatures:
                side.incidents[number] = side.incidents.get(number, 0) + 1

    def _count_requests(
        self, pod: PodState, heard: PodSummary, side: Side, roles: Mapping[int, RequestRole | None]
    ) -> None:
        known_sources = frozenset(pod.sources)
        increases: dict[int, float] = dict(heard.increases)
        for number, totals in heard.totals.items():
            if role := roles.get(number):
                increases[number] = _increase(pod, number, totals, from_zero=role.source in known_sources)
        for number, histogram in heard.histogram_increases.items():
            increases[number] = float(histogram.count)
        for number, states in heard.histogram_totals.items():
            if role := roles.get(number):
                counts = {time: (start, float(state.count)) for time, (start, state) in states.items()}
                increases[number] = _increase(pod, number, counts, from_zero=role.source in known_sources)
        for number in sorted(increases):
            role = roles.get(number)
            if role is None:
                continue
            count = side.requests.setdefault(role.source, RequestCount())
            count.requests += increases[number]
            count.errors += increases[number] if role.is_error else 0.0
            if pod.number not in count.reported:
                count.reported = (*count.reported, pod.number)
            if role.source not in pod.sources:
                pod.sources = sorted((*pod.sources, role.source))


def _increase(pod: PodState, number: int, points: Mapping[int, tuple[int, float]], *, from_zero: bool) -> float:
    """How much a cumulative counter grew up to its last point; a reset counts from zero.

    The first value ever seen of a counter is no increase, for it may be older than our view of the pod, unless the pod
    has reported to the same source before (`from_zero`): then the series is new, not our view of it.
    """
    grown = 0.0
    state = pod.counters.get(number)
    for time_ns in sorted(points):
        start_ns, total = points[time_ns]
        if state is None:
            grown += total if from_zero else 0.0
        elif time_ns <= state.time_ns:
            continue
        elif total < state.total or (start_ns > state.start_ns > 0):
            grown += total
        else:
            grown += total - state.total
        state = pod.counters[number] = CounterState(time_ns, start_ns, total)
    return grown
