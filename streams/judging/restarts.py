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

import math
import operator
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from streams.judging.counts import Floats, all_log_mean_exp, log_mean_exp
from streams.judging.levels.codes import from_bytes, to_bytes

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

    def add(self, more: Sequence[float]) -> bool:
        """One bin: what it adds to each alternative, nothing at all where it says nothing; whether `log_e` changes."""
        begins = _begins(self.bins, len(self.sums))
        if begins:
            self.sums.append([0.0] * self.alternatives)
        if more:
            self.sums = [list(map(operator.add, sums, more)) for sums in self.sums]
        self.bins += 1
        return begins or bool(more)

    @property
    def log_e(self) -> float:
        """Log of the mixture now; 0 before the first bin."""
        return _mixed([log_mean_exp(sums) for sums in self.sums])


class PackedRestarted(Struct, array_like=True):
    """One of many alternatives, as it is remembered."""

    alternatives: int
    bins: int = 0
    sums: bytes | list[list[float]] = b""
    """(beginnings, alternatives), as of `packed`."""


class RestartedArray:
    """One of many alternatives, while it runs."""

    def __init__(self, state: PackedRestarted) -> None:
        self._state = state
        self.sums: Floats = unpacked(state.sums, state.alternatives)
        """(beginnings, alternatives)."""

    def to_state(self) -> PackedRestarted:
        """As it is remembered."""
        self._state.sums = packed(self.sums)
        return self._state

    def add(self, more: Floats) -> None:
        """One bin: what it adds to each alternative."""
        if _begins(self._state.bins, len(self.sums)):
            self.sums = np.concatenate([self.sums, np.zeros((1, self._state.alternatives))])
        self.sums += more
        self._state.bins += 1


def all_log_e(many: Sequence[RestartedArray]) -> list[float]:
    """`Restarted.log_e` of each, at once; all with as many alternatives, and at least one."""
    means = iter(all_log_mean_exp(np.concatenate([one.sums for one in many])).tolist())
    return [_mixed([next(means) for _ in range(len(one.sums))]) for one in many]


def packed(rows: Floats) -> bytes:
    """Row by row, `<f8`: a third of the time that lists of numbers take to be written, and no object for each."""
    return to_bytes(rows, "<f8")


def unpacked(data: bytes | list[list[float]], columns: int) -> Floats:
    """The rows again, writable; of lists in a snapshot of before."""
    if isinstance(data, bytes):
        return from_bytes(data, "<f8", (-1, columns))
    return np.array(data, dtype=np.float64).reshape(-1, columns)


def _begins(bins: int, begun: int) -> bool:
    """Whether the next bin is a beginning, when there have been so many."""
    return begun == 0 or (begun < _MOST and bins >= FIRST_RESTART * 2 ** (begun - 1))


def _mixed(log_es: Sequence[float]) -> float:
    """Of each beginning so far, as `Restarted` has them; what has not begun stands at 1."""
    if not log_es:
        return 0.0
    top = max(0.0, *log_es)
    relative = [math.exp(value - top) for value in (*log_es, 0.0)]
    return top + math.log(sum(map(operator.mul, _WEIGHTS[len(log_es)], relative)))


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
