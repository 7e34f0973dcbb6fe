"""How much has a cumulative counter grown, from window to window?

The gap between the last sample of a window and the first of the next is closed; a total that fell, or that says it
started anew, was reset and counts from zero. The first total ever seen is no growth, for it may be older than our view
of the pod: it is told apart, and whoever knows better may add it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.records.histogram import Histogram


class CounterState(Struct, array_like=True):
    """Where a cumulative counter stood."""

    time_ns: int
    start_ns: int
    total: float


class HistogramState(Struct, array_like=True):
    """Where a cumulative histogram stood."""

    time_ns: int
    start_ns: int
    histogram: Histogram


class Growth(Struct, frozen=True):
    """What a counter did in one window."""

    increase: float = 0.0
    first: float = 0.0
    """The total when it was first seen, if that was now; else 0."""
    start_ns: int = 0
    """Since when `first` counts; 0 = unknown."""
    elapsed_s: float = 0.0
    """In which the increase happened; 0 = unknown."""


class HistogramGrowth(Struct, frozen=True):
    """The same of a histogram."""

    increase: Histogram | None = None
    first: Histogram | None = None
    start_ns: int = 0
    elapsed_s: float = 0.0


def grow(state: CounterState | None, points: Mapping[int, tuple[int, float]]) -> tuple[Growth, CounterState | None]:
    """One window's points of a cumulative counter.

    Args:
        state: where it stood; None if it was never seen.
        points: event time (ns) -> (start of the total in ns or 0, total). Those not later than the state say nothing.

    >>> grow(CounterState(0, 0, 5.0), {10**9: (0, 7.0), 3 * 10**9: (0, 1.0)})[0]
    Growth(increase=3.0, first=0.0, start_ns=0, elapsed_s=3.0)
    """
    increase, first, first_start_ns, elapsed_ns = 0.0, 0.0, 0, 0
    for time_ns in sorted(points):
        start_ns, total = points[time_ns]
        if state is None:
            first, first_start_ns = total, start_ns
        elif time_ns <= state.time_ns:
            continue
        else:
            increase += total if _reset(state, start_ns, total < state.total) else total - state.total
            elapsed_ns += time_ns - state.time_ns
        state = CounterState(time_ns, start_ns, total)
    return Growth(increase, first, first_start_ns, elapsed_ns / 1e9), state


def grow_histogram(
    state: HistogramState | None, points: Mapping[int, tuple[int, Histogram]]
) -> tuple[HistogramGrowth, HistogramState | None]:
    """One window's points of a cumulative histogram; see `grow`."""
    increase: Histogram | None = None
    first: Histogram | None = None
    first_start_ns, elapsed_ns = 0, 0
    for time_ns in sorted(points):
        start_ns, histogram = points[time_ns]
        if state is None:
            first, first_start_ns = histogram, start_ns
        elif time_ns <= state.time_ns:
            continue
        else:
            since = histogram.increase_since(state.histogram)
            more = histogram if since is None or _reset(state, start_ns, False) else since
            increase = more if increase is None else increase.merge(more)
            elapsed_ns += time_ns - state.time_ns
        state = HistogramState(time_ns, start_ns, histogram)
    return HistogramGrowth(increase, first, first_start_ns, elapsed_ns / 1e9), state


def _reset(state: CounterState | HistogramState, start_ns: int, fell: bool) -> bool:
    return fell or start_ns > state.start_ns > 0
