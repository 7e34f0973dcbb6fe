"""Do more of the canary's requests fail? The signal `requests/error`, whose failures come in clumps.

A backend that is away for a moment fails all requests that a pod sends it then. The binomial core of `signal` takes
each as a game of its own, which fails healthy canaries; so a bin is one game, as for failed calls (`attempts`).
"""

from __future__ import annotations

from streams.judging.attempts import Attempts
from streams.judging.counts import log_mean_exp
from streams.judging.noninferiority import expected_still_needed
from streams.judging.settings import JudgeSettings, SignalSettings
from streams.judging.signal import Counted, Signal, SignalState


class FailedRequests(Signal):
    """The same calls as `Signal`."""

    def __init__(self, rule: SignalSettings, settings: JudgeSettings, state: SignalState, attempts: Attempts) -> None:
        super().__init__(rule, settings, state)
        self._attempts = attempts

    @property
    def log_e(self) -> float:
        """Log of the e-value now; of a comparison that an earlier version began, times what that had counted."""
        return super().log_e + self._attempts.worse.log_e

    def add(self, bin_: Counted) -> None:
        """One settled bin."""
        state, attempts = self.state, self._attempts
        state.canary += bin_.canary
        state.baseline += bin_.baseline
        attempts.add((bin_.baseline, bin_.canary), bin_.share_by_requests, (self._tolerance, self.rule.margin))
        attempts.add_quiet(bin_.canary, bin_.expected)
        attempts.dispersion.learn(bin_.baseline, bin_.baseline_requests)
        state.weighted_canary, state.weighted_baseline = attempts.weighted_canary, attempts.weighted_baseline
        state.not_worse = attempts.not_worse
        state.sup_worse = max(state.sup_worse, self.log_e)

    def floors_needed(self, log_goal: float) -> float:
        """See `Signal.floors_needed`."""
        return expected_still_needed(log_mean_exp(self._attempts.better), self._attempts.quiet, log_goal)
