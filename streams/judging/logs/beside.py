"""Does the canary have more events than the baseline beside it? The core of `counts` for one stream, and its p.

p_c = 1 / sup E. As in `signal`, the share of exposure by requests is guarded by that of pods, and presence (an incident
that a pod shows at most once a window) by `saturation`; clumps by E^(1/phi), whose expectation is at most 1 if that of
E is (Jensen).

Where nobody knows yet how events of this kind clump (no cohort of the workload, nor of the cluster, has shown two), all
of one window are one game at most, as if they had one cause (`clumps`, which holds for clumps of any size): else twenty
requests that fail together at one pod fail a third of the healthy canaries of a first rollout at alpha .05.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from streams.judging.clumps import Size, log_ratios_of_clumps
from streams.judging.counts import add_each, log_mean_exp, log_mix
from streams.judging.saturation import presence_odds

FEW_FACTORS = (3.0, 10.0, 100.0)
"""Alternatives of errors beside a history: it has the small effects, this has to confirm a few events."""
NEW_FACTORS = (10.0, 100.0)
"""The same of new things, of which a baseline that is no worse off shows next to none."""


class BesideState(Struct, array_like=True):
    """Log likelihood ratios per alternative, and the largest mixture."""

    by_requests: list[float] = []
    by_pods: list[float] = []
    sup_log_e: float = 0.0
    canary: float = 0.0
    """Events."""
    baseline: float = 0.0
    baseline_alone: float = 0.0
    """The baseline's in windows without a canary: they are no evidence, but they teach."""


class ExposureShares(Struct, frozen=True):
    """The canary's share of the exposure of a window, 0..1."""

    by_requests: float
    by_pods: float
    saturation: float = 0.0
    """Probability that a baseline pod shows the incident in a window; 0 where events are not presence."""


class Beside:
    """`add` window by window, then read `p`."""

    def __init__(
        self,
        tolerance: float,
        background: float,
        factors: Sequence[float],
        state: BesideState,
        *,
        clumps_known: bool = True,
    ) -> None:
        """Goes on from a state.

        Args:
            tolerance: ratio that is tolerated.
            background: prior chance that events follow pods, not requests.
            factors: alternatives.
            state: becomes its own.
            clumps_known: somebody knows how events clump; else a window is one game.
        """
        self._ratios = [tolerance * factor for factor in factors]
        self._tolerance = tolerance
        self._background = background
        self._clumps_known = clumps_known
        self.state = state
        if not state.by_pods:
            state.by_requests, state.by_pods = [0.0] * len(factors), [0.0] * len(factors)

    def add(self, canary: float, baseline: float, shares: ExposureShares) -> None:
        """One window in which both sides were there."""
        state, total = self.state, canary + baseline
        state.canary += canary
        state.baseline += baseline
        if total <= 0.0 or not 0.0 < shares.by_pods < 1.0 or not 0.0 < shares.by_requests < 1.0:
            return
        size = Size(1.0 if self._clumps_known else max(1.0, total))
        for sums, share in ((state.by_requests, shares.by_requests), (state.by_pods, shares.by_pods)):
            base, *odds = (
                presence_odds(ratio, share, shares.by_pods, shares.saturation)
                for ratio in (self._tolerance, *self._ratios)
            )
            add_each(sums, log_ratios_of_clumps(base, odds, canary, total, size))
        state.sup_log_e = max(state.sup_log_e, self._log_e())

    def p(self, phi: float) -> float:
        """p_c, for the whole life; phi >= 1 is how many events come at once."""
        return math.exp(-self.state.sup_log_e / phi)

    def _log_e(self) -> float:
        state, prior = self.state, self._background
        if state.by_requests == state.by_pods:
            return log_mean_exp(state.by_pods)
        return -log_mix(((1.0 - prior, -log_mean_exp(state.by_requests)), (prior, -log_mean_exp(state.by_pods))))
