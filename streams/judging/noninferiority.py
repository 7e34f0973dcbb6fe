"""Is it shown that the canary is *not* worse than tolerated? PASS is evidence, never the absence of failure.

The null of one signal: in every bin the canary's rate is at least `margin` times the baseline's **and** at least the
floor, the rate below which nobody minds. Two e-processes hold under it, hence so does their average:

- relative: the core of `counts` with its roles changed, null ratio `margin`, alternatives below it;
- absolute: events are Poisson with at least `expected` of them in a bin at the floor; for alternatives a < 1 times
  that, log E = sum of x*log(a) + expected*(1 - a), a supermartingale at the floor and above.

The relative one needs events of the baseline, the absolute one needs exposure alone: a canary and a baseline that are
both silent pass by exposure, and an idle canary (no exposure) never does. A PASS asks every signal to reach 1/beta
by itself, so that no correction for many signals is due (intersection-union test: Berger 1982).

Source: Shin, Ramdas & Rinaldo (arXiv 2203.03532) for one-sided e-processes; the Poisson one is Wald's likelihood
ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from streams.judging.counts import log_mean_exp, log_mix

BETTER_FACTORS = (1 / 1.25, 1 / 1.5, 1 / 2.0, 1 / 3.0, 1 / 5.0)
"""Alternatives to the margin. Further ones would help only canaries much better than the baseline."""
QUIET_FACTORS = (1 / 2.0, 1 / 5.0, 1 / 50.0)
"""Alternatives to the floor: half of it, a fifth, all but silent."""
_LOGS_AND_REST = [(math.log(factor), 1.0 - factor) for factor in QUIET_FACTORS]


def log_quiet(canary: float, expected: float) -> list[float]:
    """What one bin adds to the absolute log E of each of `QUIET_FACTORS`.

    Args:
        canary: events of the canary.
        expected: events that the floor's rate would have brought at the canary's exposure.
    """
    return [canary * log_factor + expected * rest for log_factor, rest in _LOGS_AND_REST]


def log_not_worse(log_relative: float, quiet: Sequence[float]) -> float:
    """Log of the average of the relative and the absolute e-value."""
    return log_mix(((0.5, log_relative), (0.5, log_mean_exp(quiet))))


def expected_still_needed(log_relative: float, quiet: Sequence[float], log_goal: float) -> float:
    """Expected events at the floor, all of them missing, after which log E would reach the goal; +-1%.

    It says how much silent exposure a PASS is still short of.
    """
    low, high = 0.0, 1.0
    while _after_silence(log_relative, quiet, high) < log_goal:
        low, high = high, 2.0 * high
    while high - low > 0.01 * high and high > 0.01:
        middle = 0.5 * (low + high)
        if _after_silence(log_relative, quiet, middle) < log_goal:
            low = middle
        else:
            high = middle
    return high


def _after_silence(log_relative: float, quiet: Sequence[float], expected: float) -> float:
    silent = [value + more for value, more in zip(quiet, log_quiet(0.0, expected), strict=True)]
    return log_not_worse(log_relative, silent)
