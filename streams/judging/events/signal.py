"""When is a bin of one event signal complete, and what is counted in it against what?

What an event is, and its exposure, depends on what the counters tell:

- with **attempts** on both sides (failed calls of all calls), every event counts, in clumps (`clumps`);
- else an **incident** counts: a pod that had at least one since its last sample. Counters grow by 50 when one thing
  goes wrong once, and counting lines for incidents fails healthy pairs (`incidents`). Of what follows requests
  (group `errors`) the exposure is requests where both sides count them, guarded by pod-seconds (`signal`); of
  restarts, kills and the rest it is pod-seconds. Where the policy asks for pod-seconds or log lines, of all of them;
  where it asks for requests, a bin without requests brings no evidence of what follows them.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.settings import BY_REQUESTS, PATIENCE_WINDOWS, JudgeSettings
from streams.judging.share import RecentShare
from streams.judging.side import EventCount, Side
from streams.judging.signal import Counted, Signal, SignalState
from streams.policy.counted import CountedSignal
from streams.signals.rule import SignalRule

LEAST_WINDOWS = 3
"""Least windows of a bin: 15 s at 5 s, the usual scrape, so that all pods are in."""
MARGIN = 2.0
"""Non-inferiority ratio, as of requests and error lines (`policy.counted`)."""
FLOOR_PER_REQUEST = 1 / 200
"""Events per attempt, or per request, at which nobody minds: that of failed requests there."""
FLOOR_PER_POD_S = 1 / 300
"""Incidents per pod-second at which nobody minds: that of critical log lines there."""
By = Literal["attempts", "requests", "pods"]


class EventBin(Struct, array_like=True, gc=False):
    """Windows of one signal that are judged together."""

    windows: int = 0
    baseline: EventCount = field(default_factory=EventCount)
    canary: EventCount = field(default_factory=EventCount)
    baseline_requests: float = 0.0
    canary_requests: float = 0.0


class EventSignalState(Struct, array_like=True):
    """All that is kept of one event signal."""

    rule: SignalRule
    signal: SignalState = field(default_factory=SignalState)
    open: EventBin = field(default_factory=EventBin)
    wagers: object = None
    """Of failed calls in snapshots of earlier versions; not read any more."""
    recent: RecentShare = field(default_factory=RecentShare)
    log_e: float = 0.0
    """Natural log of the e-value after the last event."""
    sup_log_e: float = 0.0
    """The largest so far."""
    baseline_reports: bool = False
    """The baseline has reported it at any time."""
    canary_reports: bool = False
    baseline: float = 0.0
    """Events of the baseline, all of them."""
    canary: float = 0.0
    baseline_exposure: float = 0.0
    """In the unit of `by`, since it is counted in that."""
    canary_exposure: float = 0.0
    by: By = "pods"
    """What the exposure is; requests also where a bin without any was judged by pods."""


class EventSignal:
    """One event signal: `add` each window with both sides, then read."""

    def __init__(self, settings: JudgeSettings, state: EventSignalState) -> None:
        self._settings = settings
        self.state = state
        own = state.rule
        self._margin = MARGIN if own.margin is None else 1.0 + own.margin
        self._tolerance = 1.0 + own.tolerance_up
        rule = CountedSignal(own.signal, 1.0, self._margin, FLOOR_PER_REQUEST, FLOOR_PER_POD_S, self._tolerance)
        self._signal = Signal(rule, settings, state.signal)
        state.wagers = None

    @property
    def log_e(self) -> float:
        """Natural log of the e-value now, against "no more often than tolerated".

        What was counted before attempts were known, and among attempts since: one after the other, so a product.
        """
        return self.state.log_e

    @property
    def log_not_worse(self) -> float:
        """Natural log of the e-value towards a PASS, now."""
        return self.state.signal.not_worse

    @property
    def effect_ratio(self) -> float | None:
        """Canary's rate per exposure over the baseline's; None without events of the baseline."""
        return self._signal.effect_ratio

    @property
    def comparable(self) -> bool:
        """A known counter that one side does not have has not counted, unless the policy says otherwise.

        An unknown one may be new instrumentation.
        """
        state = self.state
        return self._absence_counts or (state.baseline_reports and state.canary_reports)

    @property
    def _absence_counts(self) -> bool:
        """A side that does not report it has not counted."""
        rule = self.state.rule
        return rule.known if rule.missing_data is None else rule.missing_data == "zero"

    def add(self, baseline: Side, canary: Side, source: str | None, requests: tuple[float, float]) -> None:
        """One window.

        Args:
            baseline: what it did.
            canary: what it did.
            source: of request counts, where both sides have one.
            requests: of the baseline and of the canary, by that source.
        """
        state = self.state
        name, bin_ = state.rule.signal, state.open
        ours, theirs = baseline.events.get(name), canary.events.get(name)
        state.baseline_reports = state.baseline_reports or ours is not None
        state.canary_reports = state.canary_reports or theirs is not None
        by_pods = self._absence_counts
        _collect(bin_.baseline, ours, baseline.pod_s if by_pods else 0.0)
        _collect(bin_.canary, theirs, canary.pod_s if by_pods else 0.0)
        bin_.baseline_requests += requests[0]
        bin_.canary_requests += requests[1]
        bin_.windows += 1
        if bin_.windows < LEAST_WINDOWS:
            return
        by = self._exposure(source)
        if _is_settled(bin_, by):
            state.open = EventBin()
            if self.comparable and min(bin_.baseline.pod_s, bin_.canary.pod_s) > 0.0:
                self._judge(bin_, by)

    def _exposure(self, source: str | None) -> By:
        bin_ = self.state.open
        if self.state.by == "attempts" or bin_.baseline.attempts > 0.0 or bin_.canary.attempts > 0.0:
            return "attempts"
        follows = self.state.rule.group == "errors" and self._settings.exposure in BY_REQUESTS
        return "requests" if follows and source is not None else "pods"

    def _judge(self, bin_: EventBin, by: By) -> None:
        state, baseline, canary = self.state, bin_.baseline, bin_.canary
        self._expose(bin_, by)
        pod_share = canary.pod_s / (canary.pod_s + baseline.pod_s)
        if by == "attempts":
            self._judge_attempts(bin_)
        elif by == "requests" and min(bin_.baseline_requests, bin_.canary_requests) > 0.0:
            share = self._recent(bin_.baseline_requests, bin_.canary_requests, pod_share)
            expected = min(canary.pod_s * FLOOR_PER_POD_S, bin_.canary_requests * FLOOR_PER_REQUEST)
            self._count_incidents(bin_, share, pod_share, expected)
        elif state.rule.group != "errors" or self._settings.exposure != "requests":
            self._count_incidents(bin_, pod_share, pod_share, canary.pod_s * FLOOR_PER_POD_S)

    def _judge_attempts(self, bin_: EventBin) -> None:
        events, tried = (bin_.baseline.events, bin_.canary.events), (bin_.baseline.attempts, bin_.canary.attempts)
        if min(tried) > 0.0:
            share = tried[1] / sum(tried)
            expected = tried[1] * FLOOR_PER_REQUEST
            self._signal.add(Counted(events[1], events[0], share, share, 0.0, expected, requests=tried))
            self._weigh(sum(events))

    def _count_incidents(self, bin_: EventBin, share: float, pod_share: float, expected: float) -> None:
        counts = (float(bin_.canary.incidents), float(bin_.baseline.incidents))
        self._signal.add(Counted(*counts, share, pod_share, float(bin_.baseline.reports), expected))
        self._weigh(sum(counts))

    def _weigh(self, events: float) -> None:
        """Reckon the evidence anew, if there were any events: without, it stays as it is."""
        state = self.state
        if events > 0.0:
            state.log_e = self._signal.log_e
            state.sup_log_e = max(state.sup_log_e, state.log_e)

    def _expose(self, bin_: EventBin, by: By) -> None:
        """Count what is told: all events, and the exposure since it is counted in this unit."""
        state, baseline, canary = self.state, bin_.baseline, bin_.canary
        if by != state.by:
            state.by, state.baseline_exposure, state.canary_exposure = by, 0.0, 0.0
        exposure = {
            "attempts": (baseline.attempts, canary.attempts),
            "requests": (bin_.baseline_requests, bin_.canary_requests),
            "pods": (baseline.pod_s, canary.pod_s),
        }[by]
        state.baseline += baseline.events
        state.canary += canary.events
        state.baseline_exposure += exposure[0]
        state.canary_exposure += exposure[1]

    def _recent(self, baseline: float, canary: float, prior: float) -> float:
        share = self.state.recent.shrink(canary, baseline, prior, self._settings.pseudo_requests)
        self.state.recent.learn(canary, baseline, self._settings.share_memory_requests)
        return share


def _collect(into: EventCount, window: EventCount | None, pod_s: float) -> None:
    """Add one window; `pod_s` is the exposure of pods whether they report or not, 0 where only reports count."""
    if window is None:
        into.pod_s += cut(pod_s)
    else:
        into.pod_s += max(cut(window.pod_s), cut(pod_s))
        into.events += cut(window.events)
        into.attempts += cut(window.attempts)
        into.incidents += window.incidents
        into.reports += window.reports


def _is_settled(bin_: EventBin, by: By) -> bool:
    """It has waited for long, or both sides have an exposure."""
    if bin_.windows >= PATIENCE_WINDOWS:
        return True
    if by == "requests":
        return bin_.baseline_requests > 0.0 and bin_.canary_requests > 0.0
    if by == "attempts":
        return bin_.baseline.attempts > 0.0 and bin_.canary.attempts > 0.0
    return bin_.baseline.pod_s > 0.0 and bin_.canary.pod_s > 0.0
