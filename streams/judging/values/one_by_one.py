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
from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
from msgspec import Struct, field

from streams.judging.counts import Floats, all_log_mean_exp, all_log_ratios, log_mix
from streams.judging.onset import Onset
from streams.judging.values.known import Known
from streams.judging.wagers import CLUMPS, WORSE_RATIOS

SHARE = 1.0 / (len(CLUMPS) + 1.0)
"""Of the signal's evidence: that of one more size of clumps."""
_RATIOS = np.array(WORSE_RATIOS)


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
    """One distribution; `add_bins`, then read `log_e`."""

    def __init__(self, state: OneByOneState) -> None:
        self.state = state
        state.onset.rate = state.known.rate
        shapes, rates = state.known.law()
        self.shapes, self.rates = shapes[:, :, None], rates[:, :, None]
        """The law of 1/phi, (lengths, thresholds, 1) each."""
        self.usual_clumps: list[float] = (rates / shapes).max(axis=0).tolist()
        """By how much more the sides differ at each threshold than by single requests, at the length at which it is
        most."""

    def beside(self, log_e: float) -> float:
        """Log of the signal's evidence, given that of the wagers."""
        return log_mix(((1.0 - SHARE, log_e), (SHARE, self.state.log_e)))


def add_bins(ones: Mapping[int, OneByOne], surely: Floats, baseline: Floats, share: Floats, number: Floats) -> None:
    """One bin of each, by arrays for all of them at once.

    Args:
        ones: place of its bin among these -> whose.
        surely: values of the canary beyond what is tolerated of each threshold, (bins, thresholds).
        baseline: values of the baseline beyond each threshold, likewise.
        share: the canary's, of all values; between 0 and 1, both exclusive, (bins, 1).
        number: of values in both sides, likewise.
    """
    going = {}
    for place, one in ones.items():
        one.state.onset.wait(1.0)
        one.state.bins += 1
        if one.state.bins <= one.state.known.bins_each:
            going[place] = one
    if not going:
        return
    which, many = list(going), list(going.values())
    values_each = np.array([[one.state.known.values_each] for one in many])
    usual = np.minimum(1.0, values_each / (number * share * (1.0 - share))[which])
    null = (share / (1.0 - share))[:, :, None]
    more = all_log_ratios(null, _RATIOS, surely[:, :, None], (surely + baseline)[:, :, None])[which] * usual[:, :, None]
    nothing = [[0.0] * len(_RATIOS)] * more.shape[1]
    sums = more + np.array([one.state.sums or nothing for one in many])
    for one, kept, log_e in zip(many, sums.tolist(), _mixed(many, sums), strict=True):
        one.state.sums = kept
        one.state.log_e = one.state.onset.log_e_beside(log_e)


def _mixed(many: Sequence[OneByOne], sums: Floats) -> list[float]:
    """Of each the mean over thresholds and alternatives, by the length at which it is least."""
    lengths = [min(len(one.shapes), 1 + math.ceil(math.log2(one.state.bins))) for one in many]
    shapes, rates = (
        np.concatenate([each[:length] for each, length in zip(laws, lengths, strict=True)])
        for laws in zip(*((one.shapes, one.rates) for one in many), strict=True)
    )
    by_length = shapes * np.log1p(np.repeat(np.maximum(sums, 0.0), lengths, axis=0) / rates)
    slowed = np.minimum.reduceat(by_length, [0, *accumulate(lengths[:-1])]) + np.minimum(sums, 0.0)
    mixed: list[float] = all_log_mean_exp(slowed.reshape(len(many), -1)).tolist()
    return mixed
