"""Do more of the canary's requests fare badly than its share of the requests explains, if bad ones come in clumps?

For one bin: x bad ones of the canary (values beyond a threshold, failed calls) of k in both revisions; rho =
n_c/(n_c+n_b), the canary's share of all requests. If the canary is no worse than tolerated (its chance of a bad one at
most psi_0 times the baseline's), then

    E[x/k | k, all before] <= p_0 = psi_0*rho/(1 - rho + psi_0*rho),

*also when bad ones come in clumps* of any size, as long as a clump falls to a side with the chance of a single
request: which side a clump falls to is as good as drawn anew, whatever its size. So the bin is one game at these odds.
A wager of a share c of the wealth on the canary's part multiplies it by

    1 - c + c*(x/k)/p_0,        0 <= c < 1,

which has expectation at most 1: an e-process, exactly, without any estimate of dispersion. The binomial core of
`counts` takes each request as a game of its own; with bad ones in clumps of 8 it flags more than 30% of healthy
canaries at alpha .05, the wagers none to 2% (`tests/simulation/test_values.py`). Deflating the core by a dispersion
estimated on the way left 11 to 50%: what has not come yet is not known.

How much to wager is where the core comes in: for an alternative psi_j its likelihood ratio of one request is a wager of
c_1 = (p_j - p_0)/(1 - p_0), of k/kappa independent ones about 1 - (1 - c_1)^(k/kappa). Three alternatives and clumps of
1, 8 and 64 requests, equally weighted: where requests are independent it takes as long as the core at 100 requests a
bin (15 bins for +25% at a 10% share), and at 1,000, where the core needs 2, it needs 7: at most one bin's worth of
evidence a bin.

What it does not cover: clumps that are larger on one side *because* its pods get more requests each; and a difference
between pods that has nothing to do with the revision, beyond the tolerance.

Source: Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting" (JRSS B 2024; 2010.09686).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.judging.counts import Floats

WORSE_RATIOS = (1.5, 3.0, 10.0)
"""Alternatives to the tolerated ratio. Seven, as in `counts`, find nothing sooner here."""
BETTER_RATIOS = tuple(1.0 / ratio for ratio in WORSE_RATIOS[:2])
"""Alternatives to the margin; further ones would help only canaries much better than the baseline."""
CLUMPS = (1.0, 8.0, 64.0)
"""Requests that may have one fate."""
WORSE_WAGERS, BETTER_WAGERS = len(WORSE_RATIOS) * len(CLUMPS), len(BETTER_RATIOS) * len(CLUMPS)
"""How many wagers there are."""
LARGEST_WAGER = 0.95
"""So that no bin takes more than 3 nats."""
_RATIOS, _CLUMPS = np.array(WORSE_RATIOS), np.array(CLUMPS)


def all_log_wealth(canary: Floats, total: Floats, share: Floats, ratio: Floats, worse: NDArray[np.bool_]) -> Floats:
    """What each game adds to the log wealth of each wager that the canary has more beyond than so many times as much.

    Where it is asked whether the canary has less, the other side's part is wagered on, and only the first
    `BETTER_WAGERS` are meant.

    Args:
        canary: x; all arguments of one shape, or such that broadcast to it.
        total: k. A bin without any bad one adds nothing.
        share: rho, between 0 and 1, both exclusive.
        ratio: psi_0, above 0: tolerated, or the margin.
        worse: whether it is asked for more; else for less.

    Returns:
        (..., wagers): alternative by alternative, by size of clumps.
    """
    null = ratio * share / (1.0 - share)
    null = np.where(worse, null, 1.0 / null)
    part = canary / np.maximum(total, 1.0)
    gain = np.where(worse, part, 1.0 - part) * (1.0 + null) / null - 1.0
    null = null[..., None]
    singles = null * (_RATIOS - 1.0) / (1.0 + null * _RATIOS)
    kept = total[..., None] * np.log1p(-np.minimum(singles, LARGEST_WAGER))
    wagers = np.minimum(LARGEST_WAGER, -np.expm1(kept[..., None] / _CLUMPS))
    wealth: Floats = np.log1p(wagers * gain[..., None, None])
    return wealth.reshape(*wealth.shape[:-2], WORSE_WAGERS)
