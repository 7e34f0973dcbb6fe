"""What have earlier comparisons taught of how a workload's requests beyond a threshold clump?

Per distribution and length of a block: the sum of chi2 (`contrast`) and its degrees of freedom nu, older ones weighing
less. So 1/phi, phi by how much more the sides differ than by single requests, is known as far as

    1/phi ~ Gamma(nu/2, chi2/2)

(the conjugate law of a variance: Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6). What is known before any
is one degree of freedom, at which everything of a bin beyond the threshold has one cause. Of blocks twice as long half
as much is known, so what shorter ones have taught counts for them, at half its degrees of freedom (power prior: Ibrahim
& Chen, Statist. Sci. 15, 2000). phi is never believed to be below 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct, field

from streams.judging.counts import Floats
from streams.judging.onset import Incidents, incident_rate
from streams.judging.values.contrast import Contrast

_PRIOR = 1.0
"""Degrees of freedom of what is known before any comparison."""
MOST_KNOWN = 50
"""Distributions that are remembered: as many as are judged in one comparison."""


class Known(Struct, array_like=True, frozen=True):
    """Of one distribution; sums over comparisons, decayed."""

    comparisons: float = 0.0
    bins: float = 0.0
    beyond: list[float] = []
    """Values beyond each threshold, of both sides."""
    values: float = 0.0
    """As of `Contrast.values`."""
    chi2: list[list[float]] = []
    """Length of a block -> threshold -> sum."""
    df: list[list[float]] = []
    incidents: float = 0.0
    """Of one side alone."""

    @property
    def teaches(self) -> bool:
        """Whether neighbours were ever compared."""
        return any(map(any, self.df))

    @property
    def bins_each(self) -> float:
        """Of a comparison, on average; more of them have not been seen to hang together or not."""
        return self.bins / self.comparisons

    @property
    def values_each(self) -> float:
        """`values` of a bin, on average."""
        return self.values / self.bins

    @property
    def rate(self) -> float:
        """Incidents of one side per bin."""
        return incident_rate(Incidents(found=self.incidents, seconds=self.bins), Incidents(), self.bins_each)

    def law(self) -> tuple[Floats, Floats]:
        """(shape, rate) of the Gamma law of 1/phi, (lengths, thresholds) each."""
        weight: Floats = np.full(len(self.beyond), _PRIOR)
        usual: Floats = np.maximum(1.0, np.array(self.beyond) / self.bins)
        shapes, rates = [], []
        for chi2, df in zip(np.array(self.chi2), np.array(self.df), strict=True):
            shapes.append(0.5 * (weight + df))
            rates.append(0.5 * (weight * usual + np.maximum(chi2, df)))
            usual = rates[-1] / shapes[-1]
            weight = np.maximum(_PRIOR, shapes[-1])
        return np.array(shapes), np.array(rates)

    def learned(self, one: Contrast, fading: float) -> Known:
        """With one more comparison; what was known before weighs less."""
        lengths = max(len(self.chi2), len(one.scales))
        shape = (lengths, len(one.beyond))
        chi2, df = np.zeros(shape), np.zeros(shape)
        chi2[: len(self.chi2)] += fading * np.array(self.chi2).reshape(-1, shape[1])
        df[: len(self.df)] += fading * np.array(self.df).reshape(-1, shape[1])
        chi2[: len(one.scales)] += [blocks.chi2 for blocks in one.scales]
        df[: len(one.scales)] += [blocks.df for blocks in one.scales]
        beyond = fading * np.array(self.beyond) if self.beyond else np.zeros(shape[1])
        return Known(
            fading * self.comparisons + 1.0,
            fading * self.bins + one.bins,
            (beyond + one.beyond).tolist(),
            fading * self.values + one.values,
            chi2.tolist(),
            df.tolist(),
            fading * self.incidents + one.incidents.found,
        )


class ValuePast(Struct, array_like=True):
    """Of a workload's distributions: `learn` a comparison when it has ended."""

    signals: dict[str, Known] = field(default_factory=dict)

    def learn(self, contrasts: Mapping[str, Contrast], fading: float) -> None:
        """Take in one comparison; of more than `MOST_KNOWN` distributions those that are known best stay."""
        for name in sorted(contrasts):
            if contrasts[name].bins:
                self.signals[name] = self.signals.get(name, Known()).learned(contrasts[name], fading)
        best = sorted(self.signals, key=lambda name: (name not in contrasts, -self.signals[name].comparisons, name))
        self.signals = {name: self.signals[name] for name in sorted(best[:MOST_KNOWN])}
