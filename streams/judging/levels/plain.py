"""Is a level plainly worse that no history can judge?

Without three earlier rollouts nobody knows how far healthy pods of the workload stand apart on a signal, so that it
cannot fail a canary. But a PASS says "not worse than the margin", and where every pod of the canary stands worse than
every pod of the baseline by the whole margin (a usual level doubled) that is not so, whatever the spread: it would be
a claim against all that is seen. So it withholds the PASS, as long as it lasts; it costs no alpha, for it fails nobody.

Pods are compared by the block last closed, the last fifth of the time: what a start-up cost is over by then. Only
signals of which one direction is worse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.judging.levels.deviation import margin_of
from streams.judging.levels.history import mean_of
from streams.judging.levels.scale import OFFSET_SHARE, Floats, LevelRule, Scales


def plainly_worse(canary: Floats, baseline: Floats, rules: Sequence[LevelRule]) -> NDArray[np.bool_]:
    """Signals of which every pod of the canary stands worse than every pod of the baseline by the margin; (signals,).

    Args:
        canary: levels, (pods, signals); not a number where a pod has shown none.
        baseline: the same.
        rules: of the signals.

    >>> lag = LevelRule("lag", "saturation", "higher")
    >>> plainly_worse(np.array([[90.0], [70.0]]), np.array([[10.0], [30.0]]), [lag])
    array([ True])
    >>> plainly_worse(np.array([[90.0], [40.0]]), np.array([[10.0], [30.0]]), [lag])
    array([False])
    """
    if not len(canary) or not len(baseline):
        return np.zeros(len(rules), dtype=bool)
    largest = np.fmax(np.fmax.reduce(canary), np.fmax.reduce(baseline))
    scales = Scales(rules, OFFSET_SHARE * np.abs(mean_of(baseline)), largest)
    best = np.fmin.reduce(scales.sign * scales.place(canary))
    worst = np.fmax.reduce(scales.sign * scales.place(baseline))
    judged = np.array([rule.weight > 0.0 for rule in rules], dtype=bool) & scales.one_sided
    margins = np.array([margin_of(rule) for rule in rules], dtype=float)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.bool_] = judged & (best - worst >= margins)
    return found
