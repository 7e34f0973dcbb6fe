"""Does the canary have more events than its share of the exposure explains, by more than is tolerated?

For one window: x canary events of k in both revisions; rho = the canary's share of the exposure, known independently
of the events. Given k, and if the canary's rate is psi times the baseline's, x is binomial with odds o(psi) =
psi*rho/(1-rho), whatever the common rate does: a moving traffic split and incidents that both revisions share cancel.
The likelihood ratio of an alternative psi_j to the tolerated psi_0, with p = o/(1+o),

    x*log(p_j/p_0) + (k-x)*log((1-p_j)/(1-p_0)) = x*log(o_j/o_0) - k*log((1+o_j)/(1+o_0)),

is added up per alternative; the mixture over alternatives is an e-process (a test martingale at psi_0, a
supermartingale at any ratio on the null's side of it), so that P(sup E >= 1/alpha) <= alpha (Ville) however often it
is read.

Source: Lindon & Malek, NeurIPS 2022 (arXiv 2011.03567), section 3; method of mixtures as in Howard & Ramdas 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORSE_FACTORS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Alternatives to the tolerated ratio: how many times worse still. The grid of judging.md, section 1."""
LARGEST_COUNT = 1e12
"""Counts and exposures of one bin are cut here, so that sums stay finite for ever."""


def log_ratios(null: float, alternatives: Sequence[float], canary: float, total: float) -> list[float]:
    """What one bin adds to the log likelihood ratio of each alternative.

    Args:
        null: odds of an event to be the canary's under the null, > 0: psi_0*rho/(1-rho), see `saturation.odds`.
        alternatives: the same under each alternative, > 0.
        canary: events of the canary, 0..total.
        total: events of both.

    >>> [round(value, 4) for value in log_ratios(1 / 9, (2 / 9, 5 / 9), 3, 4)]
    [1.6982, 3.4824]
    """
    base = math.log1p(null)
    return [canary * math.log(odds / null) - total * (math.log1p(odds) - base) for odds in alternatives]


def all_log_ratios(null: Floats, ratios: Floats, canary: Floats, total: Floats) -> Floats:
    """`log_ratios` of many bins, (..., 1) each; alternatives in times the null, along the last axis."""
    found: Floats = canary * np.log(ratios) - total * (np.log1p(null * ratios) - np.log1p(null))
    return found


def add_each(sums: list[float], more: Sequence[float]) -> None:
    """Add what one bin says of each alternative to what all before it said."""
    for index, value in enumerate(more):
        sums[index] += value


def log_mean_exp(values: Sequence[float]) -> float:
    """Log of the equally weighted mean of exp(values), without overflow."""
    top = max(values)
    return top + math.log(sum([math.exp(value - top) for value in values]) / len(values))


def all_log_mean_exp(values: Floats) -> Floats:
    """`log_mean_exp` along the last axis."""
    top: Floats = np.maximum.reduce(values, axis=-1, keepdims=True)
    relative: Floats = values - top
    np.exp(relative, out=relative)  # in place: of many beginnings these are pages of memory
    means: Floats = top[..., 0] + np.log(np.add.reduce(relative, axis=-1) / values.shape[-1])
    return means


def log_mix(parts: Sequence[tuple[float, float]]) -> float:
    """Log of sum w*exp(value) over (w, value), w >= 0 and not all 0, without overflow."""
    present = [(weight, value) for weight, value in parts if weight > 0.0]
    top = max([value for _, value in present])
    return top + math.log(sum([weight * math.exp(value - top) for weight, value in present]))


def cut(value: float) -> float:
    """A count or exposure as it can be reckoned with: not a number or negative is 0, too large is cut.

    >>> cut(float("nan")), cut(-3.0), cut(float("inf"))
    (0.0, 0.0, 1000000000000.0)
    """
    if 0.0 < value <= LARGEST_COUNT:
        return value
    return LARGEST_COUNT if value > 0.0 else 0.0
