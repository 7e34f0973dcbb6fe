"""Which pods of one revision are there, and what did they do in the window that closes?

A pod is there from the first window in which anything of it was seen until it has been silent for so long that it must
be gone: for `QUIET_NS`, or twice the longest silence after which a pod of the revision was heard again. (Some metrics
are written every five minutes.) A pod that comes back within `REMEMBERED_NS` is the same pod, its counters go on where
they were. What its series say: `pod_window`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.pod_window import STARTS_NS, PodState, PodWindow
from streams.judging.side import EventCount, Halves, RequestCount, Side, SignatureInfo
from streams.signals.catalogue import Catalogue
from streams.windows.summary import PodSummary, Summary

QUIET_NS = 30_000_000_000
"""Twice the usual scrape interval."""
REMEMBERED_NS = 900_000_000_000
"""A quarter of an hour: the slowest intervals of cloud metrics are five minutes."""
_MOST_REMEMBERED = 1000
"""Pods that are gone and remembered."""


class PresenceState(Struct, array_like=True):
    """The pods of one revision."""

    pods: dict[str, PodState] = {}
    numbered: int = 0
    unfollowed: int = 0
    """Times that a series found no place within `pod_window.SERIES_PER_POD`, for the document to tell."""
    silent: dict[str, PodState] = {}
    """Pods that were taken to be gone."""
    longest_silence_ns: int = 0
    """After which a pod was heard again."""
    most_unfollowed: int = 0
    """Most series of one window, of all pods, that found no place."""


class Presence:
    """Closes one revision's windows, in order of time."""

    def __init__(self, window_ns: int, state: PresenceState | None = None) -> None:
        self._window_ns = window_ns
        self.state = state or PresenceState()

    @property
    def there(self) -> bool:
        """At least one pod is."""
        return bool(self.state.pods)

    @property
    def seen_ns(self) -> int:
        """Start of the last window in which any pod of it was seen."""
        state = self.state
        return max((pod.seen_ns for pods in (state.pods, state.silent) for pod in pods.values()), default=0)

    @property
    def gone(self) -> bool:
        """No pod is there any more, and none is remembered."""
        return not self.state.pods and not self.state.silent

    def close(
        self,
        start_ns: int,
        summary: Summary | None,
        catalogue: Catalogue,
        signatures: Mapping[int, SignatureInfo],
        halves: Halves | None = None,
    ) -> Side:
        """What this revision did in the window that starts at `start_ns`.

        Args:
            start_ns: after that of the window closed before.
            summary: all that was heard of the revision in it; None for silence.
            catalogue: how each series is read, by series id; signals that are new are admitted to it.
            signatures: those judged (class warning and worse), by id.
            halves: where the values are put of pods with even and with odd numbers; None: nobody asks.
        """
        side, unfollowed = Side(), 0
        heard = summary.pods if summary else {}
        for name in sorted(heard):
            self._meet(name, start_ns)
            self._count_lines(heard[name], side, signatures)
            pod = self.state.pods[name]
            window = PodWindow(pod, heard[name], catalogue, start_ns)
            window.close(side, None if halves is None else halves[pod.number & 1])
            unfollowed += window.unfollowed
        self.state.unfollowed += unfollowed
        self.state.most_unfollowed = max(self.state.most_unfollowed, unfollowed)
        self._part(start_ns)
        side.born_ns = min((pod.born_ns for pod in self.state.pods.values() if pod.born_ns), default=0)
        side.starting = sum(start_ns - pod.born_ns < STARTS_NS for pod in self.state.pods.values() if pod.born_ns)
        side.pod_s = len(self.state.pods) * self._window_ns / 1e9
        if summary:
            side.lines += summary.other_lines
        self._expose(side, catalogue)
        return side

    def _meet(self, name: str, start_ns: int) -> None:
        state = self.state
        pod = state.pods.get(name)
        if pod is None and (pod := state.silent.pop(name, None)):
            state.longest_silence_ns = max(state.longest_silence_ns, start_ns - pod.seen_ns)
            state.pods[name] = pod
        if pod is None:
            state.pods[name] = PodState(state.numbered, start_ns, met_ns=start_ns)
            state.numbered += 1
        else:
            pod.seen_ns = start_ns

    def _part(self, start_ns: int) -> None:
        """From pods that have been silent for too long."""
        state = self.state
        quiet_ns = max(QUIET_NS, 2 * state.longest_silence_ns)
        for name in [name for name, pod in state.pods.items() if start_ns - pod.seen_ns > quiet_ns]:
            state.silent[name] = state.pods.pop(name)
        latest = sorted(state.silent.items(), key=lambda item: (-item[1].seen_ns, item[0]))[:_MOST_REMEMBERED]
        state.silent = {name: pod for name, pod in latest if start_ns - pod.seen_ns <= REMEMBERED_NS}

    def _count_lines(self, heard: PodSummary, side: Side, signatures: Mapping[int, SignatureInfo]) -> None:
        for number, lines in sorted(heard.lines.items()):
            side.lines += lines
            if number in signatures:
                side.incidents[number] = side.incidents.get(number, 0) + 1
            else:
                side.plain_lines += lines

    def _expose(self, side: Side, catalogue: Catalogue) -> None:
        """Say which pods could have counted: also those that had nothing to count in this window."""
        present = self.state.pods.values()
        for source in sorted({source for pod in present for source in pod.sources}):
            count = side.requests.setdefault(source, RequestCount())
            count.awaited = tuple(sorted(pod.number for pod in present if source in pod.sources))
            count.reported = tuple(sorted(count.reported))
        reporting: dict[str, int] = {}
        for pod in present:
            for signal in pod.signals:
                reporting[signal] = reporting.get(signal, 0) + 1
        for signal in sorted(reporting):
            rule = catalogue.rules.get(signal)
            if rule is not None and rule.kind == "events":
                pods = len(present) if rule.known else reporting[signal]
                side.events.setdefault(signal, EventCount()).pod_s = pods * self._window_ns / 1e9
