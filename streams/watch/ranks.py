"""Where does a residual lie among those of late? Its conformal p-value: a rank, whatever the distribution.

If the residuals of late and the present one can be exchanged, the share of them that is no smaller is uniform (Vovk,
Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, section 2.2), ties counted half. So a bet on the
normal score of that share pays one on average, skewed or heavy as the signal may be; a quantile alone does not see to
that. Nothing is rarer than half of one in as many as are remembered: beyond that, `Excess` speaks (`tail`).
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from statistics import NormalDist

from msgspec import Struct

from streams.watch.tail import BEYOND_RATIO

MEMORY = 128
"""Residuals: enough for a twentieth to be told (6 of them), few enough that what is new is soon among them."""
_NORMAL = NormalDist()
_SCORES = tuple(_NORMAL.inv_cdf((halves / 2.0 + 0.5) / (MEMORY + 1.0)) for halves in range(2 * MEMORY + 1))
"""Normal score by twice the number of those below, once as many as are remembered are known."""


class RanksState(Struct, frozen=True, array_like=True):
    """All there is to know."""

    values: tuple[float, ...] = ()
    """Latest last; single precision."""


class Ranks:
    """`standard` of a value, then `learn` it.

    >>> ranks = Ranks()
    >>> for value in range(99):
    ...     ranks.learn(float(value))
    >>> round(ranks.standard(49.0), 6), round(ranks.standard(1e9), 2), round(ranks.standard(-1.0), 2)
    (0.0, 2.58, -2.58)
    """

    __slots__ = ("_oldest", "_sorted", "_values")

    def __init__(self, state: RanksState | None = None) -> None:
        self._values = array("f", state.values if state else ())
        """A ring once it is full; single precision, for a level is near its 8 KiB."""
        self._sorted = array("f", sorted(self._values))
        self._oldest = 0

    def to_state(self) -> RanksState:
        """The values, in the order they came."""
        return RanksState((*self._values[self._oldest :], *self._values[: self._oldest]))

    def threshold(self, *, up: bool) -> tuple[float, float]:
        """How far up (or down) the value lies that a twentieth of those remembered reach; and how many exactly."""
        known = self._sorted
        place = math.ceil(BEYOND_RATIO * (len(known) + 1.0))
        return known[-place] if up else -known[place - 1], place / (len(known) + 1.0)

    def standard(self, value: float) -> float:
        """The value as a standard normal one would lie."""
        values, known = self._sorted, len(self._sorted)
        below = not_above = bisect_left(values, value)
        if below < known and values[below] == value:
            not_above = bisect_right(values, value, below)
        if known == MEMORY:
            return _SCORES[below + not_above]
        return _NORMAL.inv_cdf(((below + not_above) / 2.0 + 0.5) / (known + 1.0))

    def learn(self, value: float) -> None:
        """Take in one value; the oldest goes."""
        values, place = self._values, self._oldest
        if len(values) < MEMORY:
            values.append(value)
            insort(self._sorted, value)
            if len(values) == MEMORY:  # for now and ever: no room to grow is kept
                self._values, self._sorted = values[:], self._sorted[:]
            return
        known = self._sorted
        del known[bisect_left(known, values[place])]
        insort(known, value)
        values[place] = value
        self._oldest = (place + 1) % MEMORY
