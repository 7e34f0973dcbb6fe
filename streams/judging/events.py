"""Does the canary restart, time out, fail its calls or log errors more often than its exposure explains?

Events that counters tell of, judged by the core of `counts`, signal by signal (`signal`), each with its stake
(`stakes`). What an event is, and its exposure, depends on what the counters tell:

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

A known counter that one side does not have has not counted: that side's pods are its exposure. Of a counter that no
rule knows that cannot be told from new instrumentation: it is judged once both sides report it, and told of until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.settings import JudgeSettings, SignalSettings
from streams.judging.share import RecentShare
from streams.judging.side import EventCount, Side
from streams.judging.signal import Counted, Signal, SignalState
from streams.judging.stakes import Stakes
from streams.signals.requests import REQUEST_SOURCES
from streams.signals.rule import SignalRule

SIGNALS = 100
"""Event signals judged in one comparison; more find no place, and are told of."""
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
    """Bins in which both sides had attempts: from the second on they are the exposure."""
    baseline: float = 0.0
    """Events of the baseline, all of them."""
    canary: float = 0.0
    baseline_exposure: float = 0.0
    """In the unit of `by`."""
    canary_exposure: float = 0.0
    by: By = "pods"
    """What the exposure was last."""


class EventPartState(Struct, array_like=True):
    """All that is remembered; bounded."""

    begun: bool = False
    stakes: Stakes = field(default_factory=Stakes)
    signals: dict[str, EventSignalState] = {}
    sup_log_e: float = 0.0
    source: str | None = None
    """Of request counts: the best that both sides have had."""
    baseline_sources: list[str] = []
    canary_sources: list[str] = []
    left_out: list[str] = []


class EventEvidence(Struct, frozen=True):
    """What one event signal shows."""

    rule: SignalRule
    stake: float
    """Its share of the part's e-value; it fails the part alone at E >= 1/(stake*alpha). 0 = only watched."""
    log_e: float
    """Largest natural log of its e-value so far, >= 0."""
    log_not_worse: float
    """The same towards a PASS."""
    baseline: float
    """Events, all of them."""
    canary: float
    by: By
    """Unit of the exposure: attempts, requests, or pod-seconds."""
    baseline_exposure: float
    canary_exposure: float
    effect_ratio: float | None
    """Canary's rate per exposure over the baseline's; None without events of the baseline."""


class EventPart:
    """`add` each window of a comparison, then read."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: EventPartState) -> None:
        self._settings = settings
        self._window_ns = window_ns
        self.state = state
        self._signals = {name: self._made(kept) for name, kept in state.signals.items()}

    def add(self, baseline: Side | None, canary: Side | None, rules: Mapping[str, SignalRule]) -> None:
        """One closed window, in order of time; windows may be missing.

        Args:
            baseline: None where it was not there; such a window brings no evidence.
            canary: the same.
            rules: of the signals; at the first call those that are known before any data of the canary. A signal's
                rule is that of its first window for the comparison's whole life.
        """
        state = self.state
        if not state.begun:
            state.begun = True
            state.stakes.begin(rule for _, rule in sorted(rules.items()) if rule.kind == "events")
        if baseline is None or canary is None:
            return
        self._see_sources(baseline, canary)
        for name in sorted({*baseline.events, *canary.events, *state.signals}):
            kept = self._kept(name, rules)
            if kept is not None:
                self._add_window(kept, baseline, canary)
        log_es = {name: signal.log_e for name, signal in self._signals.items() if name in state.stakes.given}
        state.sup_log_e = max(state.sup_log_e, state.stakes.log_e(log_es))

    @property
    def log_e(self) -> float:
        """Natural log of the part's e-value now, to be averaged with that of failed requests."""
        log_es = {name: one.log_e for name, one in self._signals.items() if name in self.state.stakes.given}
        return self.state.stakes.log_e(log_es)

    @property
    def log_p(self) -> float:
        """Natural log of one p-value for the whole life: P(ever p <= a) <= a if no signal is worse than tolerated."""
        return -self.state.sup_log_e

    @property
    def log_not_worse(self) -> float | None:
        """Natural log of the e-value for a PASS: the least over the known signals judged; None if there is none."""
        return min((one.log_not_worse for one in self.evidence() if one.stake > 0.0 and one.rule.known), default=None)

    def evidence(self) -> list[EventEvidence]:
        """Of each signal judged, by name."""
        return [self._evidence(name, kept) for name, kept in sorted(self.state.signals.items()) if _comparable(kept)]

    def unjudged(self) -> list[str]:
        """What could not be judged and why."""
        found = []
        for name, kept in sorted(self.state.signals.items()):
            if not _comparable(kept):
                side = "baseline" if kept.baseline_reports else "canary"
                found.append(f"{name}: only the {side} reports it; no rule tells it from new instrumentation")
        if self.state.left_out:
            names = ", ".join(self.state.left_out[:5])
            found.append(f"events: {len(self.state.left_out)} or more found no place within {SIGNALS} ({names}, ...)")
        return found

    def _evidence(self, name: str, kept: EventSignalState) -> EventEvidence:
        return EventEvidence(
            rule=kept.rule,
            stake=self.state.stakes.given.get(name, 0.0),
            log_e=kept.signal.sup_worse,
            log_not_worse=kept.signal.sup_better,
            baseline=kept.baseline,
            canary=kept.canary,
            by=kept.by,
            baseline_exposure=kept.baseline_exposure,
            canary_exposure=kept.canary_exposure,
            effect_ratio=self._signals[name].effect_ratio,
        )

    def _kept(self, name: str, rules: Mapping[str, SignalRule]) -> EventSignalState | None:
        state = self.state
        known, rule = state.signals.get(name), rules.get(name)
        if known is not None or rule is None or rule.kind != "events":
            return known
        if len(state.signals) >= SIGNALS:
            if name not in state.left_out and len(state.left_out) < SIGNALS:
                state.left_out = sorted((*state.left_out, name))
            return None
        state.stakes.give(rule)
        kept = state.signals[name] = EventSignalState(rule)
        self._signals[name] = self._made(kept)
        return kept

    def _made(self, kept: EventSignalState) -> Signal:
        rule = SignalSettings(kept.rule.signal, 1.0, MARGIN, FLOOR_PER_REQUEST, FLOOR_PER_POD_S)
        return Signal(rule, self._settings, kept.signal)

    def _see_sources(self, baseline: Side, canary: Side) -> None:
        state = self.state
        for side, known in ((baseline, state.baseline_sources), (canary, state.canary_sources)):
            new = set(side.requests).intersection(REQUEST_SOURCES).difference(known)
            if new:
                known[:] = sorted((*known, *new))
        if state.source is None:
            both = set(state.baseline_sources).intersection(state.canary_sources)
            state.source = min(both, key=REQUEST_SOURCES.index, default=None)

    def _add_window(self, kept: EventSignalState, baseline: Side, canary: Side) -> None:
        name, bin_, source = kept.rule.signal, kept.open, self.state.source
        kept.baseline_reports = kept.baseline_reports or name in baseline.events
        kept.canary_reports = kept.canary_reports or name in canary.events
        _collect(bin_.baseline, baseline.events.get(name), baseline.pod_s if kept.rule.known else 0.0)
        _collect(bin_.canary, canary.events.get(name), canary.pod_s if kept.rule.known else 0.0)
        if source is not None:
            bin_.baseline_requests += cut(baseline.requests[source].requests) if source in baseline.requests else 0.0
            bin_.canary_requests += cut(canary.requests[source].requests) if source in canary.requests else 0.0
        bin_.windows += 1
        by = self._exposure_of(kept)
        if _is_settled(bin_, by):
            kept.open = EventBin()
            self._judge(kept, bin_, by)

    def _exposure_of(self, kept: EventSignalState) -> By:
        if kept.attempted > 0:
            return "attempts"
        bin_ = kept.open
        if bin_.baseline.attempts > 0.0 or bin_.canary.attempts > 0.0:
            return "attempts"
        return "requests" if kept.rule.group == "errors" and self.state.source is not None else "pods"

    def _judge(self, kept: EventSignalState, bin_: EventBin, by: By) -> None:
        baseline, canary = bin_.baseline, bin_.canary
        if not _comparable(kept) or min(baseline.pod_s, canary.pod_s) <= 0.0:
            return
        kept.by = by
        kept.baseline += baseline.events
        kept.canary += canary.events
        kept.attempted += baseline.attempts > 0.0 and canary.attempts > 0.0
        pod_share = canary.pod_s / (canary.pod_s + baseline.pod_s)
        signal = self._signals[kept.rule.signal]
        if by == "attempts":
            self._expose(kept, baseline.attempts, canary.attempts)
            if baseline.attempts > 0.0 and canary.attempts > 0.0:
                share, phi = self._recent(kept, baseline.attempts, canary.attempts, pod_share), kept.dispersion.phi
                kept.dispersion.learn(baseline.events, baseline.attempts)
                expected = canary.attempts * FLOOR_PER_REQUEST / phi
                signal.add(Counted(canary.events / phi, baseline.events / phi, share, share, 0.0, expected))
            return
        share, expected = pod_share, canary.pod_s * FLOOR_PER_POD_S
        if by == "requests" and bin_.baseline_requests > 0.0 and bin_.canary_requests > 0.0:
            self._expose(kept, bin_.baseline_requests, bin_.canary_requests)
            share = self._recent(kept, bin_.baseline_requests, bin_.canary_requests, pod_share)
            expected = min(expected, bin_.canary_requests * FLOOR_PER_REQUEST)
        else:
            self._expose(kept, baseline.pod_s, canary.pod_s)
        counts = (float(canary.incidents), float(baseline.incidents))
        signal.add(Counted(*counts, share, pod_share, float(baseline.reports), expected))

    def _expose(self, kept: EventSignalState, baseline: float, canary: float) -> None:
        kept.baseline_exposure += baseline
        kept.canary_exposure += canary

    def _recent(self, kept: EventSignalState, baseline: float, canary: float, prior: float) -> float:
        settings = self._settings
        share = kept.recent.shrink(canary, baseline, prior, settings.pseudo_requests)
        kept.recent.learn(canary, baseline, settings.share_memory_requests)
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


def _comparable(kept: EventSignalState) -> bool:
    return kept.rule.known or (kept.baseline_reports and kept.canary_reports)
