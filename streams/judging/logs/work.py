"""How much did each side have to do, and which share of it the canary?

Requests are taken from the first source of truth that the baseline has; scrapes of the two sides do not fall into the
same windows, so shares by requests are of the recent past. Where none are counted, shares are those of pods.
"""

from __future__ import annotations

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.logs.beside import ExposureShares
from streams.judging.side import Side
from streams.signals.requests import REQUEST_SOURCES

_MEMORY = 0.8
"""Weight of recent requests after one more window: scrapes of either side level out over half a minute at 5 s."""


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

    def add(self, baseline: Side, canary: Side | None) -> None:
        """One window."""
        source = next((name for name in REQUEST_SOURCES if name in baseline.requests), "")
        theirs = _requests(baseline, source)
        mine = _requests(canary, source) if canary is not None else 0.0
        self.baseline.add(baseline, theirs)
        if canary is not None:
            self.canary.add(canary, mine)
        self.recent_baseline = self.recent_baseline * _MEMORY + theirs
        self.recent_canary = self.recent_canary * _MEMORY + mine

    def shares(self, baseline: Side, canary: Side, saturation: float) -> ExposureShares:
        """The canary's shares in a window that has been added."""
        both = cut(baseline.pod_s) + cut(canary.pod_s)
        by_pods = cut(canary.pod_s) / both if both > 0.0 else 0.0
        mine, theirs = self.recent_canary, self.recent_baseline
        return ExposureShares(mine / (mine + theirs) if mine > 0.0 and theirs > 0.0 else by_pods, by_pods, saturation)


def _requests(side: Side, source: str) -> float:
    count = side.requests.get(source)
    return cut(count.requests) if count is not None else 0.0
