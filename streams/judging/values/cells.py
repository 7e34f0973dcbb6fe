"""Histograms as rows of cells in ascending order of value, and the values that lie beyond a cell.

Only the source's own bucket boundaries are used to count; what lies between two of them is read off a straight line
in the logarithm of the value, and only to say how much a tolerated change of all values would move (`tolerated`).

Many a service has fifty histograms, all of them scraped together: so a table has a row for each, and what is asked, is
asked of all rows at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.judging.counts import Floats
from streams.records.histogram import Histogram

FINEST_SCALE = 5
"""Cells 2.2% wide: finer ones cost more than they tell."""
MAX_CELLS = 160
"""Cells of a distribution, as many as an OpenTelemetry exponential histogram has."""
_CACHED_BOUNDS = 1 << 13
"""Buckets are the same window by window."""
NOTHING = Histogram(FINEST_SCALE, 0, 0.0)
"""No values yet."""
_ZERO = -(2**40)
"""Place of the cell of zero. That of a positive cell is its index, of a negative one twice this less its index: so
places sort by value, and are exact."""
_LEAST = -(2**39)
"""Below all places of positive cells, above all others."""


class Table(NamedTuple):
    """Histograms with at least one cell each, and after the last one an empty cell; (rows, cells) or as said."""

    per_doubling: Floats
    """(rows, 1) cells from a value to twice the value."""
    places: Floats
    """Of the populated cells, ascending; infinite where a row has fewer cells than another, and at the end."""
    below: Floats
    """(rows, cells + 1) values in the cells before each; at the end, in all."""

    @property
    def values(self) -> Floats:
        """(rows, 1) values in all cells; in no bucket, they are left out."""
        return self.below[:, -1:]

    def rows(self, which: NDArray[np.intp] | slice) -> Table:
        """These rows, in this order, any of them more than once."""
        return Table(self.per_doubling[which], self.places[which], self.below[which])

    def at_quantiles(self, quantiles: Floats) -> Floats:
        """The first cell up to which at least this share of the values lies.

        Args:
            quantiles: (quantiles,) of every row, or (rows, quantiles).

        Returns:
            (rows, quantiles) places.

        >>> table([Histogram(0, 4, 0.0, 0, {0: 3, 5: 1})]).at_quantiles(np.array([0.75, 0.76]))
        array([[0., 5.]])
        """
        wanted = quantiles * self.values * (1.0 - 1e-12)
        return _at(self.places, _first(self.below[:, None, 1:] >= wanted[:, :, None]))

    def not_beyond(self, places: Floats) -> Floats:
        """Values in cells up to and with these, which are finite; (rows, asked) both."""
        return _at(self.below, _first(self.places[:, None, :] > places[:, :, None]))

    def from_(self, places: Floats) -> Floats:
        """The first populated cells from places on; (rows, asked) both, above all cells where there is none."""
        return np.minimum(_at(self.places, self._cells_before(places)), -_ZERO)

    def interpolated(self, bounds: Floats) -> Floats:
        """Values up to bounds, read off a line between the bounds of populated positive cells; (rows, asked) both.

        Args:
            bounds: their logarithms, in cells: the bound of the cell at a place is the next place.
        """
        cell = self._cells_before(np.ceil(np.minimum(np.maximum(bounds - 1.0, _LEAST), -_LEAST) - 1e-9))
        before = _at(self.places, cell - 1)
        right = np.minimum(_at(self.places, cell), -_ZERO) + 1.0
        left = np.where((cell > 0) & (before > _ZERO), before + 1.0, right - self.per_doubling)
        low, high = _at(self.below, cell), _at(self.below, cell + 1)
        return low + (high - low) * np.minimum(1.0, np.maximum(0.0, bounds - left) / (right - left))

    def _cells_before(self, places: Floats) -> NDArray[np.intp]:
        """How many populated cells of each row lie below places; (rows, asked) both."""
        return _first(self.places[:, None, :] >= places[:, :, None])


def table(histograms: Sequence[Histogram]) -> Table:
    """Their populated cells; at least one histogram."""
    found = [_cells(histogram) for histogram in histograms]
    sizes = list(map(len, found))
    there = np.arange(max(1, *sizes) + 1) < np.array(sizes)[:, None]
    places, counts = np.full(there.shape, np.inf), np.zeros(there.shape)
    places[there] = np.fromiter(chain.from_iterable(found), float, sum(sizes))
    numbers = np.fromiter(chain.from_iterable([cells.values() for cells in found]), float, sum(sizes))
    counts[there] = numbers
    if (numbers <= 0.0).any():
        places[counts <= 0.0] = np.inf
        counts[counts <= 0.0] = 0.0
    if (places[:, 1:] < places[:, :-1]).any():
        order = np.argsort(places, axis=1)
        places, counts = _at(places, order), _at(counts, order)
    scales = np.array([2.0**histogram.scale for histogram in histograms])
    below = np.zeros((len(sizes), there.shape[1] + 1))
    np.cumsum(counts, axis=1, out=below[:, 1:])
    return Table(scales[:, None], places, below)


@lru_cache(_CACHED_BOUNDS)
def bound(place: float, scale: int) -> float:
    """The largest value that a cell holds."""
    if place == _ZERO:
        return 0.0
    exponent = (place + 1.0 if place > _ZERO else 2.0 * _ZERO - place) / 2.0**scale
    return math.copysign(math.pow(2.0, min(1023.0, max(-1074.0, exponent))), place - _ZERO)


def tolerated(past: Table, places: Floats, factors: Floats) -> Floats:
    """How many times the values beyond cells would be more, if all values were so many times as large; at least 1.

    Args:
        past: what is known of the values; at least one a row.
        places: (rows, asked) of cells; where one is of no positive bound, the answer is 1: it stays where it is.
        factors: (rows, factors) above 0. Below 1, the question is of the values *not* beyond the cell.

    Returns:
        (factors, rows, asked).

    >>> even = table([Histogram(0, 4, 0.0, 0, {0: 1, 1: 1, 2: 1, 3: 1})])
    >>> tolerated(even, np.array([[1.0]]), np.array([[2.0, 0.5]])).tolist()
    [[[1.3333333333333333]], [[1.3333333333333333]]]
    """
    times = factors.T[:, :, None]
    bounds = places + 1.0 - np.log2(times) * past.per_doubling
    moved = past.interpolated(np.concatenate(bounds, axis=1)).reshape(len(places), len(times), -1).swapaxes(0, 1)
    below, up = past.not_beyond(places), times >= 1.0
    here, there = np.where(up, past.values - below, below), np.where(up, past.values - moved, moved)
    ratios = np.maximum(1.0, (there + 1.0) / (here + 1.0))  # 1 each: nothing beyond is no tolerance without end
    return np.where(places > _ZERO, ratios, 1.0)


def surely_beyond(values: Table, places: Floats, factors: Floats, up: NDArray[np.bool_], past: Table) -> Floats:
    """Values that lie beyond so many times the bounds of cells, wherever in their own cells they lie; (rows, asked).

    Where the source's buckets end is known of those in which it has ever had values: what lies in the bucket that holds
    the bound may lie on either side of it, and does not count.

    Args:
        values: to be counted.
        places: (rows, asked) of cells; one that is of no positive bound stays where it is.
        factors: (rows, 1) above 0.
        up: (rows, 1) whether beyond is above; else it is not above.
        past: rows of the same cells, of values of the same source.

    >>> known = table([Histogram(0, 4, 0.0, 0, {0: 1, 1: 1, 2: 1, 3: 1})])
    >>> few = table([Histogram(0, 4, 0.0, 0, {1: 1, 3: 3})])
    >>> asked = [(1.0, True), (1.2, True), (2.1, True), (1.0, False), (0.9, False)]
    >>> at = np.array([[1.0]])
    >>> [int(surely_beyond(few, at, np.array([[by]]), np.array([[up]]), known).item()) for by, up in asked]
    [3, 3, 0, 1, 0]
    """
    moved = places + np.log2(factors) * values.per_doubling
    places = np.where(places > _ZERO, np.where(up, np.ceil(moved - 1e-9), np.floor(moved + 1e-9)), places)
    ends = np.where(up, np.minimum(past.from_(places), values.from_(places)), places)
    below = values.not_beyond(ends)
    return np.where(up, values.values - below, below)


def bounded(histogram: Histogram) -> Histogram:
    """The same in cells coarse enough to be reckoned with, and to be remembered."""
    if histogram.scale > FINEST_SCALE:
        histogram = histogram.at_scale(FINEST_SCALE)
    while len(histogram.positive) + len(histogram.negative) > MAX_CELLS and histogram.scale > -10:
        histogram = histogram.at_scale(histogram.scale - 1)
    return histogram


def joined(known: Histogram, more: Histogram) -> Histogram:
    """Both together, bounded."""
    return bounded(more if known == NOTHING else known.merge(more))


def _cells(histogram: Histogram) -> Mapping[int, int]:
    """Place -> values."""
    if not histogram.zero_count and not histogram.negative:
        return histogram.positive
    negative = {2 * _ZERO - index: number for index, number in histogram.negative.items()}
    return {**negative, _ZERO: histogram.zero_count, **histogram.positive}


def _first(cells: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first of them that is so, along the last axis; there is one."""
    found: NDArray[np.intp] = cells.argmax(axis=2)
    return found


def _at(cells: Floats, which: NDArray[np.intp]) -> Floats:
    """(rows, cells) at (rows, asked)."""
    found: Floats = cells[np.arange(len(cells))[:, None], which]
    return found
