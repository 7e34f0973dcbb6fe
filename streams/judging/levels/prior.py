"""What do the workloads of a cluster have in common, for one that has little history of its own?

How far two of its pods stand apart on each signal, and how large the largest deviation of a healthy comparison is.
Spreads and sizes are shrunk to it (`replay`); a few numbers a signal.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class LevelSummary(Struct, array_like=True, frozen=True):
    """What one workload's past lends to others."""

    spreads: dict[str, tuple[float, float]]
    """Signal -> learned variance of its level and step contrasts."""
    mean: float
    """Of log(1 + s) in its replay."""
    variance: float
    units: int
    """Disjoint units that were replayed."""


class LevelPrior(Struct, array_like=True, frozen=True):
    """What the cluster's other workloads have in common; sums over them."""

    spreads: dict[str, tuple[float, float, int]] = {}
    """Signal -> sums of the variances of its level and step contrasts, and over how many workloads."""
    workloads: int = 0
    mean: float = 0.0
    """Sum of the means of log(1 + s)."""
    variance: float = 0.0
    units: int = 0


def pooled(summaries: Sequence[LevelSummary]) -> LevelPrior:
    """All of them together, the same to the bit in any order."""
    spreads: dict[str, tuple[float, float, int]] = {}
    mean = variance = 0.0
    for summary in sorted(summaries, key=_order):
        mean += summary.mean
        variance += summary.variance
        for signal, (level, step) in sorted(summary.spreads.items()):
            sums = spreads.get(signal, (0.0, 0.0, 0))
            spreads[signal] = (sums[0] + level, sums[1] + step, sums[2] + 1)
    units = sum(summary.units for summary in summaries)
    return LevelPrior(dict(sorted(spreads.items())), len(summaries), mean, variance, units)


def _order(summary: LevelSummary) -> tuple[float, float, int, list[tuple[str, tuple[float, float]]]]:
    return summary.mean, summary.variance, summary.units, sorted(summary.spreads.items())
