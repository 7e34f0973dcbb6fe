"""When is a bin of one event signal complete, and what is counted in it against what?

What an event is, and its exposure, depends on what the counters tell:

- with **attempts** on both sides (failed calls of all calls), every event counts, among the attempts;
- else an **incident** counts: a pod that had at least one since its last sample. Counters grow by 50 when one thing
  goes wrong once, and counting lines for incidents fails healthy pairs (`incidents`). Of what follows requests
  (group `errors`) the exposure is requests where both sides count them, guarded by pod-seconds (`signal`); of
  restarts, kills and the rest it is pod-seconds.

Attempts still come in clumps (a dependency that is away for a second), so their counts are deflated by the dispersion
of the baseline's own bins so far: phi = (10 + sum of (b - m)^2/m) / (10 + bins), at least 1, m = the attempts times the
share failed before. Dividing counts by phi >= 1 tempers the likelihood ratio and leaves an e-process one (Jensen); with
independent events nothing is lost but power. What is *not* shown to hold is a first incident larger than any before it
that only the canary's calls were there to see.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.settings import JudgeSettings, SignalSettings
from streams.judging.share import RecentShare
from streams.judging.side import EventCount, Side
from streams.judging.signal import Counted, Signal, SignalState
from streams.signals.rule import SignalRule

LEAST_WINDOWS = 3
"""Least windows of a bin of requests or attempts: 15 s at 5 s, the usual scrape, so that all pods are in."""
PATIENCE_WINDOWS = 12
"""A bin whose exposure one side does not report is judged by pod-seconds after so many windows (as in `exposure`)."""
MARGIN = 2.0
"""Non-inferiority ratio, as of requests and error lines (`settings.DEFAULT_SIGNALS`)."""
FLOOR_PER_REQUEST = 1 / 200
"""Events per attempt, or per request, at which nobody minds: that of failed requests there."""
FLOOR_PER_POD_S = 1 / 300
"""Incidents per pod-second at which nobody minds: that of critical log lines there."""
_PRIOR_BINS = 10.0

By = Literal["attempts", "requests", "pods"]


class EventBin(Struct, array_like=True):
    """Windows of one signal that are judged together."""

    windows: int = 0
    baseline: EventCount = field(default_factory=EventCount)
    canary: EventCount = field(default_factory=EventCount)
    baseline_requests: float = 0.0
    canary_requests: float = 0.0


class Dispersion(Struct, array_like=True):
    """How much more than independent events the baseline's vary from bin to bin."""

    events: float = 0.0
    attempts: float = 0.0
    chi2: float = 0.0
    bins: int = 0

    @property
    def phi(self) -> float:
        """At least 1; from the bins so far."""
        return max(1.0, (_PRIOR_BINS + self.chi2) / (_PRIOR_BINS + self.bins))

    def learn(self, events: float, attempts: float) -> None:
        """One more bin of the baseline."""
        expected = attempts * (self.events + 0.5) / (self.attempts + 1.0)
        if self.attempts > 0.0 and expected > 0.0:
            self.chi2 += min(100.0, (events - expected) ** 2 / max(expected, 0.25))
            self.bins += 1
        self.events += events
        self.attempts += attempts


class EventSignalState(Struct, array_like=True):
    """All that is kept of one event signal."""

    rule: SignalRule
    signal: SignalState = field(default_factory=SignalState)
    open: EventBin = field(default_factory=EventBin)
    recent: RecentShare = field(default_factory=RecentShare)
    dispersion: Dispersion = field(default_factory=Dispersion)
    baseline_reports: bool = False
    """The baseline has reported it at any time."""
    canary_reports: bool = False
    attempted: int = 0
    """Bins in which both sides had attempts; from the first on they are the exposure."""
    baseline: float = 0.0
    """Events of the baseline, all of them."""
    canary: float = 0.0
    baseline_exposure: float = 0.0
    """In the unit of `by`."""
    canary_exposure: float = 0.0
    by: By = "pods"
    """What the exposure was last."""


class EventSignal:
    """One event signal: `add` each window with both sides, then read."""

    def __init__(self, settings: JudgeSettings, state: EventSignalState) -> None:
        self._settings = settings
        self.state = state
        rule = SignalSettings(state.rule.signal, 1.0, MARGIN, FLOOR_PER_REQUEST, FLOOR_PER_POD_S)
        self._signal = Signal(rule, settings, state.signal)

    @property
    def log_e(self) -> float:
        """Natural log of the e-value now, against "no more often than tolerated"."""
        return self._signal.log_e

    @property
    def effect_ratio(self) -> float | None:
        """Canary's rate per exposure over the baseline's; None without events of the baseline."""
        return self._signal.effect_ratio

    @property
    def comparable(self) -> bool:
        """A known counter that one side does not have has not counted; an unknown one may be new instrumentation."""
        state = self.state
        return state.rule.known or (state.baseline_reports and state.canary_reports)

    def add(self, baseline: Side, canary: Side, source: str | None) -> None:
        """One window.

        Args:
            baseline: what it did.
            canary: what it did.
            source: of request counts, where both sides have one.
        """
        state = self.state
        name, bin_, known = state.rule.signal, state.open, state.rule.known
        state.baseline_reports = state.baseline_reports or name in baseline.events
        state.canary_reports = state.canary_reports or name in canary.events
        _collect(bin_.baseline, baseline.events.get(name), baseline.pod_s if known else 0.0)
        _collect(bin_.canary, canary.events.get(name), canary.pod_s if known else 0.0)
        bin_.baseline_requests += _requests(baseline, source)
        bin_.canary_requests += _requests(canary, source)
        bin_.windows += 1
        by = self._exposure(source)
        if _is_settled(bin_, by):
            state.open = EventBin()
            if self.comparable and min(bin_.baseline.pod_s, bin_.canary.pod_s) > 0.0:
                self._judge(bin_, by)

    def _exposure(self, source: str | None) -> By:
        bin_ = self.state.open
        if self.state.attempted > 0 or bin_.baseline.attempts > 0.0 or bin_.canary.attempts > 0.0:
            return "attempts"
        return "requests" if self.state.rule.group == "errors" and source is not None else "pods"

    def _judge(self, bin_: EventBin, by: By) -> None:
        state, baseline, canary = self.state, bin_.baseline, bin_.canary
        state.baseline += baseline.events
        state.canary += canary.events
        state.by = by
        pod_share = canary.pod_s / (canary.pod_s + baseline.pod_s)
        if by == "attempts":
            self._judge_attempts(bin_, pod_share)
        elif by == "requests" and min(bin_.baseline_requests, bin_.canary_requests) > 0.0:
            self._expose(bin_.baseline_requests, bin_.canary_requests)
            share = self._recent(bin_.baseline_requests, bin_.canary_requests, pod_share)
            expected = min(canary.pod_s * FLOOR_PER_POD_S, bin_.canary_requests * FLOOR_PER_REQUEST)
            self._count_incidents(bin_, share, pod_share, expected)
        else:
            state.by = "pods"
            self._expose(baseline.pod_s, canary.pod_s)
            self._count_incidents(bin_, pod_share, pod_share, canary.pod_s * FLOOR_PER_POD_S)

    def _judge_attempts(self, bin_: EventBin, pod_share: float) -> None:
        state, baseline, canary = self.state, bin_.baseline, bin_.canary
        self._expose(baseline.attempts, canary.attempts)
        if min(baseline.attempts, canary.attempts) <= 0.0:
            return
        state.attempted += 1
        phi = state.dispersion.phi
        state.dispersion.learn(baseline.events, baseline.attempts)
        share = self._recent(baseline.attempts, canary.attempts, pod_share)
        expected = canary.attempts * FLOOR_PER_REQUEST / phi
        self._signal.add(Counted(canary.events / phi, baseline.events / phi, share, share, 0.0, expected))

    def _count_incidents(self, bin_: EventBin, share: float, pod_share: float, expected: float) -> None:
        counts = (float(bin_.canary.incidents), float(bin_.baseline.incidents))
        self._signal.add(Counted(*counts, share, pod_share, float(bin_.baseline.reports), expected))

    def _expose(self, baseline: float, canary: float) -> None:
        state = self.state
        state.baseline_exposure += baseline
        state.canary_exposure += canary

    def _recent(self, baseline: float, canary: float, prior: float) -> float:
        share = self.state.recent.shrink(canary, baseline, prior, self._settings.pseudo_requests)
        self.state.recent.learn(canary, baseline, self._settings.share_memory_requests)
        return share


def _collect(into: EventCount, window: EventCount | None, pod_s: float) -> None:
    """Add one window; `pod_s` counts where the window itself has no exposure."""
    into.pod_s += cut(window.pod_s) if window is not None and window.pod_s > 0.0 else cut(pod_s)
    if window is not None:
        into.events += cut(window.events)
        into.attempts += cut(window.attempts)
        into.incidents += window.incidents
        into.reports += window.reports


def _is_settled(bin_: EventBin, by: By) -> bool:
    if by == "pods" or bin_.windows >= PATIENCE_WINDOWS:
        return True
    both = (bin_.baseline.attempts, bin_.canary.attempts)
    if by == "requests":
        both = (bin_.baseline_requests, bin_.canary_requests)
    return bin_.windows >= LEAST_WINDOWS and min(both) > 0.0


def _requests(side: Side, source: str | None) -> float:
    return cut(side.requests[source].requests) if source is not None and source in side.requests else 0.0
