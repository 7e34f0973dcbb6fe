"""Does the traffic follow the split that was intended?

Where the canary's share is known beforehand, requests that do not follow it mean that the two revisions are not given
comparable traffic, and the comparison is void: it says `none`, with the reason, not `fail`. The test is two-sided and
anytime-valid: of n requests x are the canary's, binomial with the intended share s under the null, and beta-binomial
with a prior worth `PRIOR_REQUESTS` centred at s under the alternative; the Bayes factor is an e-process.

Source: Lindon & Malek, NeurIPS 2022 (arXiv 2011.03567), equation 9, for two outcomes.
"""

from __future__ import annotations

import math

from msgspec import Struct

PRIOR_REQUESTS = 100.0
"""Worth of the prior around the intended share: finds shifts of some per cent; the choice moves power only."""
GROUP_REQUESTS = 50.0
"""Requests of one client come in clumps; counts are divided by this many, so that a clump is one observation."""


class SplitState(Struct, array_like=True):
    """What has been seen of it."""

    canary: float = 0.0
    """Requests of the canary, in groups."""
    baseline: float = 0.0
    sup_log_e: float = 0.0
    """Largest log of the Bayes factor so far."""


def learn(state: SplitState, intended: float, canary: float, baseline: float) -> None:
    """Take in the requests of one settled bin.

    Args:
        state: changed in place.
        intended: the canary's share, between 0 and 1, both exclusive.
        canary: its requests.
        baseline: the same of the baseline.
    """
    state.canary += canary / GROUP_REQUESTS
    state.baseline += baseline / GROUP_REQUESTS
    state.sup_log_e = max(state.sup_log_e, log_bayes_factor(state.canary, state.baseline, intended))


def log_bayes_factor(canary: float, baseline: float, intended: float) -> float:
    """Log of the e-value against "each request goes to the canary with the intended probability".

    >>> log_bayes_factor(0.0, 0.0, 0.2)
    0.0
    >>> log_bayes_factor(50.0, 50.0, 0.2) > math.log(100.0) > log_bayes_factor(22.0, 78.0, 0.2)
    True
    """
    a, b = PRIOR_REQUESTS * intended, PRIOR_REQUESTS * (1.0 - intended)
    alternative = _log_beta(a + canary, b + baseline) - _log_beta(a, b)
    return alternative - canary * math.log(intended) - baseline * math.log1p(-intended)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
