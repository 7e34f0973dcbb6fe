"""What has one signal shown so far, in both directions: worse than tolerated, and not worse than the margin?

"Worse" is kept under two shares of exposure, by requests and by pod-seconds, because log incidents need not follow
requests (`exposure`), and guarded by a mixture of the two nulls: E = 1 / ((1-g)/E_requests + g/E_pods) is at most
E_requests/(1-g) and at most E_pods/g, so that neither null is violated by much more than its prior allows. Where both
shares are the same, E is that of the core. "Not worse" goes by the exposure that was chosen. More canary events never
lower the first E nor raise the second; but of failed requests and calls, more of which may look like a larger clump
(`clumps`).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from streams.judging.clumps import Clumps, Size, log_ratios_of_clumps
from streams.judging.counts import WORSE_FACTORS, add_each, log_mean_exp, log_mix, log_ratios
from streams.judging.noninferiority import (
    BETTER_FACTORS,
    QUIET_FACTORS,
    expected_still_needed,
    log_not_worse,
    log_quiet,
)
from streams.judging.onset import Onset
from streams.judging.restarts import Restarted
from streams.judging.saturation import presence_odds
from streams.judging.settings import JudgeSettings
from streams.policy.counted import CountedSignal


class SignalState(Struct, array_like=True):
    """All that is kept of one signal."""

    worse_requests: Restarted = field(default_factory=lambda: Restarted(len(WORSE_FACTORS)))
    """Log likelihood ratio per alternative, share by requests."""
    worse_pods: Restarted = field(default_factory=lambda: Restarted(len(WORSE_FACTORS)))
    """The same, share by pod-seconds."""
    better: list[float] = field(default_factory=lambda: [0.0] * len(BETTER_FACTORS))
    """The same against the margin, share by requests."""
    quiet: list[float] = field(default_factory=lambda: [0.0] * len(QUIET_FACTORS))
    sup_worse: float = 0.0
    """Largest log E so far against "no worse than tolerated"; E_0 = 1."""
    not_worse: float = 0.0
    """Log E' now against "worse than the margin, and above the floor"; what was shown earlier counts no more."""
    canary: float = 0.0
    """Events in bins that were judged."""
    baseline: float = 0.0
    chances: float = 0.0
    """Pods times windows in which the baseline could have shown an incident."""
    weighted_canary: float = 0.0
    """Sum of x*(1-rho), the numerator of the Mantel-Haenszel rate ratio."""
    weighted_baseline: float = 0.0
    """Sum of (k-x)*rho, its denominator."""
    clumps: Clumps = field(default_factory=Clumps)
    """Of events that are a share of requests."""
    onset: Onset = field(default_factory=Onset)
    """Of log incidents."""

    def add_better(self, more: Sequence[float]) -> None:
        """What one bin adds to `better`."""
        add_each(self.better, more)


class Counted(Struct, frozen=True, gc=False):
    """One signal in one settled bin."""

    canary: float
    baseline: float
    share_by_requests: float
    """The canary's share of the exposure; the same as by pod-seconds where requests say nothing."""
    share_by_pods: float
    chances: float
    """Pods times windows of the baseline where an event can be seen but once in each; 0 where all are counted."""
    expected: float
    """Events that the floor's rate would have brought at the canary."""
    requests: tuple[float, float] | None = None
    """Of the baseline and of the canary, where events are a share of them and come in clumps; None: incidents."""


class Signal:
    """One signal of a comparison: `add` a bin, then read."""

    def __init__(self, rule: CountedSignal, settings: JudgeSettings, state: SignalState) -> None:
        self.rule = rule
        self.state = state
        self._tolerance = rule.tolerance_ratio
        self._background = settings.background
        self._worse = [self._tolerance * factor for factor in WORSE_FACTORS]
        self._better = [rule.margin_ratio * factor for factor in BETTER_FACTORS]
        self._log_e: float | None = None
        """None where it may have changed since somebody asked: a bin without events changes nothing."""
        self._log_better = log_mean_exp(state.better)
        """Likewise it changes with events alone."""

    @property
    def log_e(self) -> float:
        """Log of the e-value now, against "the canary's rate is at most the tolerated ratio times the baseline's"."""
        if self._log_e is None:
            self._log_e = self.state.onset.log_e_beside(self._mixed())
        return self._log_e

    @property
    def effect_ratio(self) -> float | None:
        """Mantel-Haenszel rate ratio, which a moving split does not bias; None without baseline events.

        Source: Rothman, Greenland & Lash, Modern Epidemiology, 3rd ed., ch. 15 (person-time data, strata = bins).
        """
        state = self.state
        return state.weighted_canary / state.weighted_baseline if state.weighted_baseline > 0.0 else None

    def add(self, bin_: Counted) -> None:
        """One settled bin."""
        state, total = self.state, bin_.canary + bin_.baseline
        state.canary += bin_.canary
        state.baseline += bin_.baseline
        state.chances += bin_.chances
        size = Size() if bin_.requests is None else state.clumps.size(total, bin_.requests)
        add_each(state.quiet, log_quiet(bin_.canary / size.usual, bin_.expected / size.usual))
        if total > 0.0 and 0.0 < bin_.share_by_requests < 1.0 and 0.0 < bin_.share_by_pods < 1.0:
            self._weigh(bin_, total, size)
        elif state.worse_requests.add(()) | state.worse_pods.add(()):
            self._log_e = None
        if bin_.requests is not None:
            state.clumps.learn((bin_.baseline, bin_.canary), bin_.requests, size)
        state.not_worse = log_not_worse(self._log_better, state.quiet)

    def _mixed(self) -> float:
        state, prior = self.state, self._background
        by_requests = state.worse_requests.log_e
        if state.worse_pods.sums == state.worse_requests.sums:
            return by_requests
        by_pods = state.worse_pods.log_e
        if by_requests == by_pods:
            return by_requests
        return -log_mix(((1.0 - prior, -by_requests), (prior, -by_pods)))

    def _weigh(self, bin_: Counted, total: float, size: Size) -> None:
        state = self.state
        if bin_.requests is None:
            self._add_incidents(bin_, total)
        else:
            self._add_failures(bin_, total, size)
        self._log_e, self._log_better = None, log_mean_exp(state.better)
        state.sup_worse = max(state.sup_worse, self.log_e)
        state.weighted_canary += bin_.canary * (1.0 - bin_.share_by_requests)
        state.weighted_baseline += bin_.baseline * bin_.share_by_requests

    def _add_failures(self, bin_: Counted, total: float, size: Size) -> None:
        state, share = self.state, bin_.share_by_requests
        odds = share / (1.0 - share)

        def log_ratios_to(null: float, ratios: Sequence[float]) -> list[float]:
            return log_ratios_of_clumps(null * odds, [ratio * odds for ratio in ratios], bin_.canary, total, size)

        worse = log_ratios_to(self._tolerance, self._worse)
        state.worse_requests.add(worse)
        state.worse_pods.add(worse)
        state.add_better(log_ratios_to(self.rule.margin_ratio, self._better))

    def _add_incidents(self, bin_: Counted, total: float) -> None:
        state, by_requests, by_pods = self.state, bin_.share_by_requests, bin_.share_by_pods
        saturation = state.baseline / (state.chances + 1.0) if state.chances > 0.0 else 0.0
        for add, null, ratios, share in (
            (state.worse_requests.add, self._tolerance, self._worse, by_requests),
            (state.worse_pods.add, self._tolerance, self._worse, by_pods),
            (state.add_better, self.rule.margin_ratio, self._better, by_requests),
        ):
            base, *odds = (presence_odds(ratio, share, by_pods, saturation) for ratio in (null, *ratios))
            add(log_ratios(base, odds, bin_.canary, total))

    def floors_needed(self, log_goal: float) -> float:
        """Events the floor would bring in the silent exposure that is still needed for log E' to reach the goal."""
        return expected_still_needed(self._log_better, self.state.quiet, log_goal)
