"""Do events come as often as they have? The watch over one counted signal (a log class, failed requests, restarts).

Counts of a window are negative binomial around rate x exposure: a Poisson whose rate is known only as well as what was
seen allows, and varies by itself as much as it has. Against it bets psi: the rate is psi times that. With size r and
mean m, the likelihood ratio is psi^k ((r + m) / (r + psi m))^(k + r), of mean 1 while all is normal.
Source: judging.md of the design; Shin, Ramdas & Rinaldo (arXiv 2203.03532).
"""

from __future__ import annotations

from msgspec import Struct

from streams.watch.reading import Reading


class CountState(Struct, array_like=True):
    """The snapshot of one signal."""

    version: int = 1


class CountWatch:
    """`add` counts in time order."""

    def __init__(self, state: CountState | None = None) -> None:
        self._state = state or CountState()

    def to_state(self) -> CountState:
        """The snapshot."""
        return self._state

    def add(self, time_ns: int, count: float, exposure: float) -> Reading:
        """Judge one window's count, then learn from it."""
        raise NotImplementedError
