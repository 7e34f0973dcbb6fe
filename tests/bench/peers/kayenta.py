"""Kayenta's NetflixACAJudge, written anew from its source's method (spinnaker/kayenta, kayenta-judge; Apache-2.0).

Per metric: the Mann-Whitney test's 98% confidence interval of the shift between canary and baseline, by the normal
approximation with continuity correction. The metric is High where the interval's lower end exceeds a quarter of the
size of the Hodges-Lehmann estimate, Low where the upper end is below its negative, else Pass; no data on either side
counts nowhere; identical data pass. Score: 100 * passes / (passes + highs + lows) of one group that holds all metrics.
A canary fails below the marginal score. All settings are its defaults: direction either, outliers kept, NaN removed.

The test's interval is found there by a root finder; as the statistic is a step function of the shift, its roots are
order statistics of the pairwise differences, which is what is taken here (Bauer 1972, JASA 67).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from tests.bench.peers.cases import Recorded

TOLERANCE = 0.25
CONFIDENCE = 0.98
MARGINAL = 75.0
_Z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2)


def failed_at_s(recorded: Recorded, looks: int, least_points: int) -> float | None:
    """Seconds from the start of the first of so many evenly spaced looks at which it fails.

    Args:
        recorded: the case; the points of all pods of a side are one sample, as of a query that sums nothing.
        looks: 1 is the usual way.
        least_points: a metric with fewer on either side has no data yet. Kayenta itself asks for 1, with which any
            difference is significant.
    """
    case = recorded.case
    for look in range(1, looks + 1):
        until_ns = case.start_ns + (case.end_ns - case.start_ns) * look // looks
        score = _score(recorded, until_ns, least_points)
        if score is not None and score < MARGINAL:
            return (until_ns - case.start_ns) / 1e9
    return None


def _score(recorded: Recorded, until_ns: int, least_points: int) -> float | None:
    """0..100; None if no metric has data on both sides."""
    counts: Counter[str] = Counter()
    for name in recorded.baseline_values.keys() & recorded.canary_values.keys():
        control = _until(recorded.baseline_values[name], until_ns)
        experiment = _until(recorded.canary_values[name], until_ns)
        if min(len(control), len(experiment)) >= least_points:
            counts[classify(control, experiment)] += 1
    judged = counts["pass"] + counts["high"] + counts["low"]
    return 100.0 * counts["pass"] / judged if judged else None


def _until(values: Sequence[tuple[int, float]], until_ns: int) -> list[float]:
    return [value for time_ns, value in values if time_ns < until_ns]


def classify(control: Sequence[float], experiment: Sequence[float]) -> str:
    """`pass`, `high`, `low` or `nodata`."""
    if not control or not experiment:
        return "nodata"
    if sorted(control) == sorted(experiment) or len({*control, *experiment}) == 1:
        return "pass"
    lower, estimate, upper = interval(experiment, control)
    bound = TOLERANCE * abs(estimate)
    if lower > bound:
        return "high"
    return "low" if upper < -bound else "pass"


def interval(left: Sequence[float], right: Sequence[float]) -> tuple[float, float, float]:
    """Lower end, Hodges-Lehmann estimate, upper end of left - right."""
    n, m = len(left), len(right)
    differences = np.sort(np.subtract.outer(np.asarray(left), np.asarray(right)).ravel())
    ties = sum(count**3 - count for values in (left, right) for count in Counter(values).values())
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:  # all tied within each side: the shift is known
        return float(differences[0]), float(np.median(differences)), float(differences[-1])
    below = n * m - (n * m / 2 + 0.5 + _Z * math.sqrt(variance))
    index = min(max(math.ceil(below), 1), differences.size) - 1
    return float(differences[index]), float(np.median(differences)), float(differences[differences.size - 1 - index])
