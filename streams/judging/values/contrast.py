"""How much more do the sides of one comparison differ from bin to bin than requests that come alone would make them?

For one threshold and one block of bins: x values of the canary beyond it, of k in both; rho its share of all values;
D = sum of x - k*rho and V = sum of k*rho*(1-rho), the variance of D where each request has a cause of its own. Of two
neighbouring blocks

    chi2 = (D_1/V_1 - D_2/V_2)^2 / (1/V_1 + 1/V_2)

is then 1 on average (one degree of freedom), m where m requests at a time have one cause, and more where what makes one
side slow lasts. A canary that is slower all the time differs alike in both, so that a fault teaches next to nothing; a
load that both sides share cancels. Blocks of 1, 2, 4, 8, ... bins: a spell of six bins shows in blocks of four and
eight, in single bins hardly.

Where both sides are one revision (`rehearsal`) each block teaches by itself, chi2 = D^2/V with one degree of freedom:
what lasts is no fault there, but how pods differ.

Source: Pearson's dispersion as in `logs.dispersion`; D/V is the score estimate of a log odds ratio (Peto's one-step
estimate: Yusuf et al., Prog. Cardiovasc. Dis. 27, 1985).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, field

from streams.judging.counts import Floats
from streams.judging.onset import Incidents

_MOST_SCALES = 12
"""The longest block is of 2048 bins: eight hours of scrapes every 15 s."""


class Blocks(Struct, array_like=True):
    """Those of one length; by threshold."""

    chi2: list[float]
    df: list[float]
    waiting: list[list[float]] = []
    """D and V of one that has no neighbour yet."""

    def learn(self, threshold: int, square: float, variance: float) -> None:
        """One more degree of freedom of a threshold of which anything is known.

        Args:
            threshold: which.
            square: of how far the sides are apart.
            variance: its mean if requests come alone; 0 where there are none.
        """
        if variance > 0.0:
            self.chi2[threshold] += square / variance
            self.df[threshold] += 1.0

    def compare(
        self, apart: Sequence[float], variances: Sequence[float], after: Sequence[float], after_v: Sequence[float]
    ) -> None:
        """Two neighbours, D and V of each: (D_1*V_2 - D_2*V_1)^2 / (V_1*V_2*(V_1 + V_2)) is chi2."""
        for threshold, (one, of_one, other, of_other) in enumerate(zip(apart, variances, after, after_v, strict=True)):
            differ = one * of_other - other * of_one
            self.learn(threshold, differ * differ, of_one * of_other * (of_one + of_other))


class Sides(NamedTuple):
    """How far those of one bin are apart; by threshold where it is a list."""

    beyond: list[float]
    """k."""
    apart: list[float]
    """D."""
    variances: list[float]
    """V."""
    values: float
    """n_b*n_c/(n_b+n_c)."""


class Contrast(Struct, array_like=True):
    """Of one distribution in one comparison; mutable: `add` bin by bin."""

    scales: list[Blocks] = []
    """Each of blocks twice as long as the one before."""
    bins: int = 0
    beyond: list[float] = []
    """Values beyond each threshold, of both sides."""
    values: float = 0.0
    """Sum of n_b*n_c/(n_b+n_c) over bins, n the values of a side."""
    incidents: Incidents = field(default_factory=Incidents)
    """Of the baseline alone: how often such begin."""
    alike: bool = False
    """Both sides are one revision."""

    def add(self, bin_: Sides) -> None:
        """One bin."""
        beyond, apart, variances, values = bin_
        self.bins += 1
        self.values += values
        self.beyond = list(map(operator.add, self.beyond, beyond)) if self.beyond else beyond
        for scale in range(_MOST_SCALES):
            if scale == len(self.scales):
                self.scales.append(Blocks([0.0] * len(beyond), [0.0] * len(beyond)))
            mine = self.scales[scale]
            if self.alike:
                for threshold, (one, of_one) in enumerate(zip(apart, variances, strict=True)):
                    mine.learn(threshold, one * one, of_one)
            if not mine.waiting:
                mine.waiting = [apart, variances]
                return
            before, variances_before = mine.waiting
            mine.waiting = []
            if not self.alike:
                mine.compare(before, variances_before, apart, variances)
            apart = list(map(operator.add, before, apart))
            variances = list(map(operator.add, variances_before, variances))


def sides(canary: Floats, total: Floats, share: Floats, number: Floats) -> list[Sides]:
    """Of many bins at once.

    Args:
        canary: x, (bins, thresholds).
        total: k, likewise.
        share: rho, between 0 and 1, both exclusive, (bins, 1).
        number: of values in both sides, likewise.
    """
    spread = share * (1.0 - share)
    found = (total, canary - total * share, total * spread, (number * spread)[:, 0])
    return list(map(Sides, *(each.tolist() for each in found)))
