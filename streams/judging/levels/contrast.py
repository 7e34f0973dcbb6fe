"""How far do two sides stand apart at one moment, and how much is that in all?

Two contrasts of each signal. `level`: the running means since the beginning, on the signal's scale (`scale`). `step`:
how far the canary's latest block lies outside what the baseline shows, the span of its own latest block and its running
mean; without the latter an incident that both share, told a scrape apart, counts as a fault (judge-sketch.md: 2.4%
false at .01). Where levels have few samples (a mean latency exists only where there were requests), the level contrast
is divided by what the number of samples explains: half of the variance is taken to fall with it, half to be the pod's
own, both relative to what is typical in the history.

All: root of the sum over groups, by weight, of the mean of z squared within the group, both contrasts alike; one-sided
where a direction is worse. A group counts once, however many signals it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.judging.levels.scale import Floats, LevelRule, Scales


class Levels(NamedTuple):
    """One side at one or more moments; arrays (..., signals), not a number where there is nothing."""

    level: Floats
    """Running mean on the scale, pods averaged."""
    step: Floats
    """The latest block alone."""
    samples: Floats
    """In the running means, all pods together."""


def contrast(canary: Levels, baseline: Levels, typical: Floats, scales: Scales) -> Floats:
    """Level and step contrasts, positive = worse; (..., 2, signals).

    Args:
        canary: one side.
        baseline: the other, of a shape that broadcasts with it.
        typical: `unevenness` that is usual in the history, (..., signals).
        scales: of the signals.
    """
    with np.errstate(invalid="ignore"):
        uneven = unevenness(canary.samples, baseline.samples) / typical
        level = (canary.level - baseline.level) / np.sqrt(0.5 + 0.5 * np.where(np.isnan(uneven), 1.0, uneven))
        low, high = np.fmin(baseline.level, baseline.step), np.fmax(baseline.level, baseline.step)
        step = np.maximum(canary.step - high, 0.0) + np.minimum(canary.step - low, 0.0)
    signed: Floats = scales.sign * np.stack(np.broadcast_arrays(level, step), axis=-2)
    return signed


def unevenness(canary: Floats, baseline: Floats) -> Floats:
    """Variance of a difference of means of so many samples, in units of one sample's; not a number without any."""
    with np.errstate(invalid="ignore"):
        value = 0.5 / (1.0 + canary) + 0.5 / (1.0 + baseline)
    return np.where((canary > 0.0) & (baseline > 0.0), value, np.nan)


class Groups:
    """Which signals count together."""

    def __init__(self, rules: Sequence[LevelRule], scales: Scales) -> None:
        judged = sorted({rule.group for rule in rules if rule.weight > 0.0})
        self.names = judged
        """Sorted."""
        self.member = np.array([[rule.weight * (rule.group == group) for rule in rules] for group in judged])
        """(groups, signals): the signal's weight in its group."""
        self.member = self.member.reshape(len(judged), len(rules))
        self.weight = self.member.max(axis=1, initial=0.0) * _relative(rules, judged)
        """(groups,): that of its heaviest signal, less for groups that an operator gave less weight than others."""
        self._one_sided = scales.one_sided
        two_sided = self.member @ ~scales.one_sided
        self.one_way = (two_sided <= 0.0).tolist()
        """[groups]: all of its signals have a worse direction."""

    def squares(self, z: Floats) -> Floats:
        """Mean square of each group, what is missing left out; (..., 2, signals) -> (..., groups)."""
        worse = np.where(self._one_sided, np.maximum(z, 0.0), z)
        there = ~np.isnan(worse)
        total = np.where(there, worse * worse, 0.0).sum(axis=-2) @ self.member.T
        count = there.sum(axis=-2) @ self.member.T
        mean: Floats = np.divide(total, count, out=np.zeros_like(total), where=count > 0.0)
        return mean

    def contributions(self, z: Floats, weight: Floats) -> Floats:
        """What each signal adds to the square of `size`; (2, signals) -> (signals,)."""
        worse = np.where(self._one_sided, np.maximum(z, 0.0), z)
        there = ~np.isnan(worse)
        count = self.member @ there.sum(axis=0)
        scaled = np.divide(weight, count, out=np.zeros_like(weight), where=count > 0.0)
        added: Floats = (scaled @ self.member) * np.where(there, worse * worse, 0.0).sum(axis=0)
        return added

    def means(self, level: Floats) -> Floats:
        """Mean of one contrast in each group, not a number where there is none; (..., signals) -> (..., groups)."""
        there = ~np.isnan(level)
        total = np.where(there, level, 0.0) @ self.member.T
        count = there @ self.member.T
        mean: Floats = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.0)
        return mean


def size(squares: Floats, weight: Floats) -> Floats:
    """All groups in one number; (..., groups) -> (...)."""
    return np.sqrt(squares @ weight)


def _relative(rules: Sequence[LevelRule], groups: Sequence[str]) -> Floats:
    """Weights of the groups as parts of the largest.

    Never above 1, so that `size` is never larger than what the cluster's other workloads have taught of it: their tail
    stays on the safe side.
    """
    given = {rule.group: rule.group_weight for rule in rules if rule.weight > 0.0}
    weights = np.array([given[group] for group in groups], dtype=float)
    return weights / weights.max(initial=0.0) if len(weights) else weights
