"""How much did each side have to do, and which share of it the canary?

Requests are taken from the first source of truth that the baseline has. Scrapes of the two sides do not fall into the
same windows, so shares by requests are of the recent past. Where none are counted, shares are those of pods; but before
there is a history, which knows the load (`horizon`), traces with an id stand for requests: by pods alone nearly every
healthy canary that has four times the traffic of a baseline pod would fail (`load 80%` in the simulations). A window
may hold but a few, so they are shrunk to the share of pods. An operator may ask for shares of pods or of plain log
lines instead (`exposure` says what that means).
"""

from __future__ import annotations

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.logs.beside import ExposureShares
from streams.judging.side import Side
from streams.judging.sources import requests_of
from streams.policy.written import ExposureSource
from streams.signals.requests import best_source

_MEMORY = 0.9
"""Weight of recent requests after one more window: of 50 s at 5 s, so that scrapes of either side level out."""
_SHRINKING = 10.0
"""Requests' worth of the share of pods."""


class Work(Struct, array_like=True):
    """What one side had to do."""

    pod_s: float = 0.0
    requests: float = 0.0
    traces: float = 0.0
    """Those with an id."""

    def add(self, side: Side, requests: float) -> None:
        """One window."""
        self.pod_s += cut(side.pod_s)
        self.requests += cut(requests)
        self.traces += sum(trace.count for trace in side.traces if trace.shape)


class Works(Struct, array_like=True):
    """Both sides, in the windows in which their logs were heard."""

    canary: Work = field(default_factory=Work)
    baseline: Work = field(default_factory=Work)
    recent_canary: float = 0.0
    """Requests, fading."""
    recent_baseline: float = 0.0
    traces_canary: float = 0.0
    """Traces with an id, fading."""
    traces_baseline: float = 0.0
    lines_canary: float = 0.0
    """Plain log lines, fading."""
    lines_baseline: float = 0.0

    def add(self, baseline: Side, canary: Side | None) -> None:
        """One window; without a canary it says nothing of shares, and what is recent stays as it was."""
        source = best_source(baseline.requests)
        before = self.canary.traces, self.baseline.traces
        theirs = requests_of(baseline, source)
        self.baseline.add(baseline, theirs)
        if canary is None:
            return
        mine = requests_of(canary, source)
        self.canary.add(canary, mine)
        self.recent_canary = self.recent_canary * _MEMORY + mine
        self.recent_baseline = self.recent_baseline * _MEMORY + theirs
        self.lines_canary = self.lines_canary * _MEMORY + cut(canary.plain_lines)
        self.lines_baseline = self.lines_baseline * _MEMORY + cut(baseline.plain_lines)
        self.traces_canary = self.traces_canary * _MEMORY + self.canary.traces - before[0]
        self.traces_baseline = self.traces_baseline * _MEMORY + self.baseline.traces - before[1]

    @property
    def counts_requests(self) -> bool:
        """Either side has been seen to have any lately."""
        return self.recent_canary + self.recent_baseline > 0.0

    def shares(
        self, baseline: Side, canary: Side, saturation: float, *, by_traces: bool, exposure: ExposureSource = "auto"
    ) -> ExposureShares:
        """The canary's shares in a window that has been added.

        Args:
            baseline: what it did.
            canary: the same of the canary.
            saturation: see `ExposureShares`.
            by_traces: traces stand for requests where none are counted.
            exposure: what the policy asks for.
        """
        both = cut(baseline.pod_s) + cut(canary.pod_s)
        by_pods = cut(canary.pod_s) / both if both > 0.0 else 0.0
        mine, theirs = self.recent_canary, self.recent_baseline
        if exposure == "pod_seconds":
            mine, theirs = 0.0, 0.0
        elif exposure == "log_lines":
            mine, theirs = self.lines_canary, self.lines_baseline
        elif mine + theirs <= 0.0 and by_traces:
            mine, theirs = self.traces_canary, self.traces_baseline
        by_requests = (mine + _SHRINKING * by_pods) / (mine + theirs + _SHRINKING)
        return ExposureShares(by_requests, by_pods, saturation)
