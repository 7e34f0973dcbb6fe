"""What do requests say one by one, as far as the past knows how they clump?

In `wagers` all of a bin is one game, whatever its requests: they may have one cause. Were each a game of its own, the
likelihood ratio of an alternative would be L, that of the core (`counts`). Where the sides differ phi times as much as
by single requests, L^(1/phi) keeps the bound (quasi-likelihood: the variance of log L is phi times as large, and so
must be what it is weighed by). phi is not known, but its law is (`known`): 1/phi ~ Gamma(a, b). Against the mixture
of nulls over that law the evidence is the harmonic mean, which is in closed form

    1 / E[L^(-1/phi)] = (1 + log L / b)^a        (log L > 0; below, L itself, which is less):

it grows like a power of what was seen, and the faster the more the past has shown, like the ratio of two Student laws.
After t bins that is asked of blocks of up to t bins, and the least counts. L goes on for as many bins as earlier
comparisons had, and a bin that has more values than theirs counts as theirs.

Of the canary those values count that are surely beyond what is tolerated (`signal`, the second way): where buckets are
coarse, how many more there may be beyond a threshold is a guess, which a single game a bin can bear, and one for each
request cannot.

A spell of one side that the past has not shown is no matter of dispersion: it begins at some moment, and then lasts. So
the mean over thresholds and alternatives is held against incidents that begin at a rate h (`onset`), whichever side's
pods are hit. What lasts from before the comparison to its end cannot be told from a revision that is slower, here as in
`wagers`.

With the wagers' clumps of 1, 8 and 64 requests this makes a fourth: it has a quarter of the signal's evidence, where
the past knows anything; else the wagers have it all, as in a first rollout.

Source: quasi-likelihood: Wedderburn, Biometrika 61 (1974), McCullagh & Nelder, 2nd ed., chapter 9; powers: Gruenwald,
"The safe Bayesian" (ALT 2012), section 2; mixtures over nulls as in `onset`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, field

from streams.judging.counts import Floats, log_mix
from streams.judging.onset import Onset
from streams.judging.values.known import Known
from streams.judging.wagers import CLUMPS, WORSE_RATIOS

SHARE = 1.0 / (len(CLUMPS) + 1.0)
"""Of the signal's evidence: that of one more size of clumps."""
_RATIOS = np.array(WORSE_RATIOS)
_LOG_RATIOS = np.log(_RATIOS)


class OneByOneState(Struct, array_like=True):
    """All that is kept."""

    known: Known
    """What the past knew when the comparison began."""
    bins: int = 0
    sums: list[list[float]] = []
    """Threshold -> alternative -> log L so far."""
    onset: Onset = field(default_factory=Onset)
    log_e: float = 0.0


class OneByOne:
    """One distribution; `add` bin by bin, then read `log_e`."""

    def __init__(self, state: OneByOneState) -> None:
        self.state = state
        state.onset.rate = state.known.rate
        shapes, rates = state.known.law()
        self._shapes, self._rates = shapes[:, :, None], rates[:, :, None]
        self.usual_clumps: list[float] = (rates / shapes).max(axis=0).tolist()
        """By how much more the sides differ at each threshold than by single requests, at the length at which it is
        most."""

    def add(self, surely: Sequence[float], baseline: Sequence[float], share: float, number: float) -> None:
        """One bin.

        Args:
            surely: values of the canary beyond what is tolerated of each threshold.
            baseline: values of the baseline beyond each threshold.
            share: the canary's, of all values; between 0 and 1, both exclusive.
            number: of values in both sides.
        """
        state = self.state
        state.onset.wait(1.0)
        state.bins += 1
        if state.bins > state.known.bins_each:
            return
        usual = min(1.0, state.known.values_each / (number * share * (1.0 - share)))
        null = share / (1.0 - share)
        costs = np.log1p(null * _RATIOS) - math.log1p(null)
        beyond = np.array([surely, baseline])[:, :, None]
        more = beyond[0] * _LOG_RATIOS - (beyond[0] + beyond[1]) * costs
        sums = usual * more + (np.array(state.sums) if state.sums else 0.0)
        state.sums = sums.tolist()
        state.log_e = state.onset.log_e_beside(self._mixed(sums))

    def beside(self, log_e: float) -> float:
        """Log of the signal's evidence, given that of the wagers."""
        return log_mix(((1.0 - SHARE, log_e), (SHARE, self.state.log_e)))

    def _mixed(self, sums: Floats) -> float:
        lengths = 1 + math.ceil(math.log2(self.state.bins))
        shapes, rates = self._shapes[:lengths], self._rates[:lengths]
        slowed = np.where(sums > 0.0, (shapes * np.log1p(np.maximum(sums, 0.0) / rates)).min(axis=0), sums)
        top = float(slowed.max())
        return top + math.log(np.exp(slowed - top).mean())
