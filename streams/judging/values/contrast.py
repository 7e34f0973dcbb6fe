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

from msgspec import Struct, field

from streams.judging.onset import Incidents

_MOST_SCALES = 12
"""The longest block is of 2048 bins: eight hours of scrapes every 15 s."""


class Blocks(Struct, array_like=True):
    """Those of one length; by threshold."""

    chi2: list[float]
    df: list[float]
    waiting: list[list[float]] = []
    """D and V of one that has no neighbour yet."""

    def learn(self, squares: Sequence[float], variances: Sequence[float]) -> None:
        """One more degree of freedom of each threshold of which anything is known.

        Args:
            squares: of how far the sides are apart.
            variances: their means if requests come alone; 0 where there are none.
        """
        for threshold, (square, variance) in enumerate(zip(squares, variances, strict=True)):
            if variance > 0.0:
                self.chi2[threshold] += square / variance
                self.df[threshold] += 1.0


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

    def add(self, canary: Sequence[float], total: Sequence[float], share: float, number: float) -> None:
        """One bin.

        Args:
            canary: x, of each threshold.
            total: k, likewise.
            share: rho, between 0 and 1, both exclusive.
            number: of values in both sides.
        """
        self.bins += 1
        self.values += number * share * (1.0 - share)
        self.beyond = list(map(operator.add, self.beyond, total)) if self.beyond else list(total)
        apart = [ours - both * share for ours, both in zip(canary, total, strict=True)]
        variances = [both * share * (1.0 - share) for both in total]
        for scale in range(_MOST_SCALES):
            if scale == len(self.scales):
                self.scales.append(Blocks([0.0] * len(total), [0.0] * len(total)))
            mine = self.scales[scale]
            if self.alike:
                mine.learn(list(map(operator.mul, apart, apart)), variances)
            if not mine.waiting:
                mine.waiting = [apart, variances]
                return
            apart_before, variances_before = mine.waiting
            mine.waiting = []
            if not self.alike:
                mine.learn(*_neighbours(apart_before, variances_before, apart, variances))
            apart = list(map(operator.add, apart_before, apart))
            variances = list(map(operator.add, variances_before, variances))


def _neighbours(
    apart: Sequence[float], variances: Sequence[float], next_apart: Sequence[float], next_variances: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Of each threshold (D_1*V_2 - D_2*V_1)^2 and V_1*V_2*(V_1 + V_2), whose ratio is chi2."""
    squares, products = [], []
    for one, of_one, other, of_other in zip(apart, variances, next_apart, next_variances, strict=True):
        differ = one * of_other - other * of_one
        squares.append(differ * differ)
        products.append(of_one * of_other * (of_one + of_other))
    return squares, products
