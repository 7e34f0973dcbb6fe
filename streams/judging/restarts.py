"""How does evidence begin again, so that a regression that comes late is found as well?

A canary that did well for an hour has gathered evidence *for* itself, which a leak or a cold cache that shows up later
has to undo first. So the same evidence is also counted from later beginnings on, and all are mixed with weights fixed
before any data: E = sum over s of pi_s * E_{s:t}, where what has not begun yet stands at 1. A mixture of e-processes is
one. Beginnings depend on the number of bins alone, not on their events, so that a worse canary never lowers E.

Beginnings are at 0, 12, 24, 48, 96, ... bins (a minute, two, four, ... of five-second windows), so that whenever a
regression begins, one of them is at most half as long ago as the comparison's start. pi_0 = 1/2 and pi_j =
1/(2j(j+1)), which sum to 1: what begins at once pays log 2 = 0.7 nats of the 4.6 that fail a canary at alpha .01.

Source: mixtures over change points as in Shin, Ramdas & Rinaldo (arXiv 2203.03532), section 2; judging.md, section 4.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from streams.judging.counts import all_log_mean_exp, log_mean_exp, log_mix

FIRST_RESTART = 12
"""Bins before the first beginning anew."""
_MOST = 20
"""Beginnings; the last one after half a year of five-second windows."""


class Restarted(Struct, array_like=True):
    """Log likelihood ratios of one set of alternatives, from several beginnings on."""

    alternatives: int
    """How many alternatives; equally weighted."""
    bins: int = 0
    """Bins so far."""
    sums: list[list[float]] = []
    """Beginning -> alternative -> sum since then."""

    def add(self, more: Sequence[float]) -> None:
        """One bin: what it adds to each alternative; nothing at all where it says nothing."""
        if self._begins():
            self.sums.append([0.0] * self.alternatives)
        if more:
            self.sums = [list(map(operator.add, sums, more)) for sums in self.sums]
        self.bins += 1

    @property
    def log_e(self) -> float:
        """Log of the mixture now; 0 before the first bin."""
        return _mixed([log_mean_exp(sums) for sums in self.sums])

    def _begins(self) -> bool:
        count = len(self.sums)
        return count == 0 or (count < _MOST and self.bins >= FIRST_RESTART * 2 ** (count - 1))


def all_log_e(many: Sequence[Restarted]) -> list[float]:
    """`log_e` of each, at once; all with as many alternatives."""
    if not many:
        return []
    sums = np.array([sums for one in many for sums in one.sums])
    means = iter(all_log_mean_exp(sums).tolist())
    return [_mixed([next(means) for _ in one.sums]) for one in many]


def _mixed(log_es: Sequence[float]) -> float:
    """Of each beginning so far, as `Restarted` has them; what has not begun stands at 1."""
    return log_mix(zip(_WEIGHTS[len(log_es)], (*log_es, 0.0), strict=True)) if log_es else 0.0


def _weight(index: int) -> float:
    """Prior weight of a beginning.

    >>> _weight(0), _weight(1), round(sum(map(_weight, range(10_000))), 3)
    (0.5, 0.25, 1.0)
    """
    return 0.5 if index == 0 else 0.5 / (index * (index + 1))


def _weights(begun: int) -> tuple[float, ...]:
    """Of the beginnings, and what is left."""
    weights = [_weight(index) for index in range(begun)]
    return (*weights, 1.0 - sum(weights))


_WEIGHTS = tuple(map(_weights, range(_MOST + 1)))
"""By how many have begun."""
