"""A histogram as a row of cells in ascending order of value, and the values that lie beyond a cell.

Only the source's own bucket boundaries are used to count; what lies between two of them is read off a straight line
in the logarithm of the value, and only to say how much a tolerated change of all values would move (`tolerated`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate

from msgspec import Struct

from streams.records.histogram import Histogram

Cell = tuple[int, int]
"""(-1, -index) for negative values, (0, 0) for zero, (1, index) for positive ones: they sort by value."""
FINEST_SCALE = 5
"""Cells 2.2% wide: finer ones cost more than they tell."""
MAX_CELLS = 160
"""Cells of a distribution, as many as an OpenTelemetry exponential histogram has."""
NOTHING = Histogram(FINEST_SCALE, 0, 0.0)
"""No values yet."""


class Row(Struct, frozen=True):
    """Populated cells in ascending order."""

    scale: int
    cells: list[Cell]
    up_to: list[int]
    """Values in the cells up to and with each."""

    @property
    def values(self) -> int:
        """All of them."""
        return self.up_to[-1] if self.up_to else 0

    def not_beyond(self, cell: Cell) -> int:
        """Values in cells up to and with this one."""
        index = bisect_right(self.cells, cell)
        return self.up_to[index - 1] if index else 0

    def at_quantile(self, quantile: float) -> Cell:
        """The first cell up to which at least this share of the values lies; of at least one value.

        >>> row(Histogram(0, 4, 0.0, 0, {0: 3, 5: 1})).at_quantile(0.75)
        (1, 0)
        """
        return self.cells[bisect_left(self.up_to, quantile * self.values * (1.0 - 1e-12))]

    def bound(self, cell: Cell) -> float:
        """The largest value that a cell holds."""
        sign, index = cell
        if sign == 0:
            return 0.0
        exponent = (index + 1 if sign > 0 else -index) / 2.0**self.scale
        return math.copysign(math.pow(2.0, min(1023.0, max(-1074.0, exponent))), sign)


def row(histogram: Histogram) -> Row:
    """The histogram's populated cells; values in no bucket are left out."""
    counts: dict[Cell, int] = {(-1, -index): number for index, number in histogram.negative.items() if number > 0}
    if histogram.zero_count > 0:
        counts[0, 0] = histogram.zero_count
    counts.update(((1, index), number) for index, number in histogram.positive.items() if number > 0)
    cells = sorted(counts)
    return Row(histogram.scale, cells, list(accumulate(counts[cell] for cell in cells)))


def tolerated(past: Row, cell: Cell, *factors: float) -> list[float]:
    """How many times the values beyond a cell would be more, if all values were so many times as large; at least 1.

    Args:
        past: what is known of the values; at least one.
        cell: of a positive bound; of another the answer is 1, for it stays where it is.
        factors: above 0. Below 1, the question is of the values *not* beyond the cell.

    >>> even = row(Histogram(0, 4, 0.0, 0, {0: 1, 1: 1, 2: 1, 3: 1}))
    >>> tolerated(even, (1, 1), 2.0, 0.5)
    [1.3333333333333333, 1.3333333333333333]
    """
    if cell[0] <= 0:
        return [1.0] * len(factors)
    below, log2_bound, values = past.not_beyond(cell), (cell[1] + 1) / 2.0**past.scale, past.values
    found = []
    for factor in factors:
        here, there = float(below), _not_beyond(past, log2_bound - math.log2(factor))
        if factor >= 1.0:
            here, there = values - here, values - there
        found.append(max(1.0, (there + 1.0) / (here + 1.0)))  # 1 each: nothing beyond is no tolerance without end
    return found


def bounded(histogram: Histogram) -> Histogram:
    """The same in cells coarse enough to be reckoned with, and to be remembered."""
    histogram = histogram.at_scale(min(histogram.scale, FINEST_SCALE))
    while len(histogram.positive) + len(histogram.negative) > MAX_CELLS and histogram.scale > -10:
        histogram = histogram.at_scale(histogram.scale - 1)
    return histogram


def _not_beyond(past: Row, log2_bound: float) -> float:
    """Values up to a bound, interpolated between the bounds of populated positive cells."""
    size = 2.0**past.scale
    wanted = math.ceil(min(1e15, max(-1e15, log2_bound * size - 1.0)) - 1e-9)
    place = bisect_left(past.cells, (1, wanted))
    if place == len(past.cells):
        return float(past.values)
    right, high = (past.cells[place][1] + 1) / size, float(past.up_to[place])
    low = float(past.up_to[place - 1]) if place else 0.0
    positive_before = place > 0 and past.cells[place - 1][0] > 0
    left = (past.cells[place - 1][1] + 1) / size if positive_before else right - 1.0
    return low + (high - low) * min(1.0, max(0.0, log2_bound - left) / (right - left))
