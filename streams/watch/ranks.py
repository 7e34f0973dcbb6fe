"""Where does a residual lie among those of late? Its conformal p-value: a rank, whatever the distribution.

If the residuals of late and the present one can be exchanged, the share of them that is no smaller is uniform (Vovk,
Gammerman & Shafer, Algorithmic Learning in a Random World, 2005, section 2.2), ties counted half. So a bet on the
normal score of that share pays one on average, skewed or heavy as the signal may be; a quantile alone does not see to
that. Nothing is rarer than half of one in as many as are remembered: beyond that, `Tail` speaks.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from statistics import NormalDist

from msgspec import Struct

from streams.watch.tail import BEYOND_RATIO

MEMORY = 128
"""Residuals: enough for a twentieth to be told (6 of them), few enough that what is new is soon among them."""
_NORMAL = NormalDist()


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

    __slots__ = ("_sorted", "_values")

    def __init__(self, state: RanksState | None = None) -> None:
        self._values = array("f", state.values if state else ())
        self._sorted = array("f", sorted(self._values))

    def to_state(self) -> RanksState:
        """The values, in the order they came."""
        return RanksState(tuple(self._values))

    @property
    def known(self) -> int:
        """How many values are remembered."""
        return len(self._values)

    def threshold(self, *, up: bool) -> tuple[float, float]:
        """How far up (or down) the value lies that a twentieth of those remembered reach; and how many exactly."""
        known = len(self._sorted)
        place = math.ceil(BEYOND_RATIO * (known + 1.0))
        return self._sorted[-place] if up else -self._sorted[place - 1], place / (known + 1.0)

    def standard(self, value: float) -> float:
        """The value as a standard normal one would lie."""
        among, known = self._sorted, len(self._sorted)
        below = (bisect_left(among, value) + bisect_right(among, value)) / 2.0
        return _NORMAL.inv_cdf((below + 0.5) / (known + 1.0))

    def learn(self, value: float) -> None:
        """Take in one value; the oldest goes."""
        values, among = self._values, self._sorted
        if len(values) == MEMORY:
            del among[bisect_left(among, values.pop(0))]
        values.append(value)
        among.insert(bisect_right(among, values[-1]), values[-1])
