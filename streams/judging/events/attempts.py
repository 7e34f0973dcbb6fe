"""Do more of the canary's attempts fail than of the baseline's, when failures come in clumps?

A dependency that is away for a second fails all calls of that second: failed calls are not independent, and the
binomial core flags healthy canaries (clumps of five: 11% at alpha .05, though deflated by the dispersion of the bins
before, for what has not come yet is not known). So a bin is one game at odds that are right whatever the clumps
(`wagers`): x failures of the canary among k of both, its share of the attempts known. Simulated: 1%, and five times the
failures are found in 24 windows where the core took 14 (`tests/simulation/test_events.py`).

For a PASS the relative evidence is that of the wagers; the absolute one (`noninferiority`) takes failures as Poisson,
and is slowed down by the dispersion of the baseline's bins so far: phi = (10 + sum of (b - m)^2/m) / (10 + bins), at
least 1, m = the attempts times the share that failed before.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from streams.judging.counts import log_mean_exp
from streams.judging.noninferiority import QUIET_FACTORS, log_not_worse, log_quiet
from streams.judging.restarts import Restarted
from streams.judging.wagers import BETTER_WAGERS, WORSE_WAGERS, log_better, log_worse

_PRIOR_BINS = 10.0


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


class Attempts(Struct, array_like=True):
    """What the failures among attempts have shown so far; mutable: `add` each bin."""

    worse: Restarted = field(default_factory=lambda: Restarted(WORSE_WAGERS))
    """Log wealth of each wager that the canary fails more often than tolerated."""
    better: list[float] = field(default_factory=lambda: [0.0] * BETTER_WAGERS)
    """The same that it fails less often than the margin."""
    quiet: list[float] = field(default_factory=lambda: [0.0] * len(QUIET_FACTORS))
    not_worse: float = 0.0
    """Log E' now; what was shown earlier counts no more."""
    dispersion: Dispersion = field(default_factory=Dispersion)
    weighted_canary: float = 0.0
    """Sum of x*(1-rho), the numerator of the Mantel-Haenszel rate ratio."""
    weighted_baseline: float = 0.0
    bins: int = 0

    def add(self, failed: tuple[float, float], attempts: tuple[float, float], ratios: tuple[float, float]) -> None:
        """One bin.

        Args:
            failed: of the baseline and of the canary.
            attempts: the same; both above 0.
            ratios: the tolerated ratio of failure rates, and the margin.
        """
        (baseline, canary), share = failed, attempts[1] / (attempts[0] + attempts[1])
        total = baseline + canary
        self.worse.add(log_worse(canary, total, share, ratios[0]) if total > 0.0 else ())
        if total > 0.0:
            _add(self.better, log_better(canary, total, share, ratios[1]))
            self.weighted_canary += canary * (1.0 - share)
            self.weighted_baseline += baseline * share
        self.bins += 1

    def add_quiet(self, canary: float, expected: float) -> None:
        """The bin's failures against those that the floor's rate would have brought; after `add`."""
        phi = self.dispersion.phi
        _add(self.quiet, log_quiet(canary / phi, expected / phi))
        self.not_worse = log_not_worse(log_mean_exp(self.better), self.quiet)


def _add(sums: list[float], more: Sequence[float]) -> None:
    for index, value in enumerate(more):
        sums[index] += value
