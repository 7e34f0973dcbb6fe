"""The peer: how far is a value from its running mean? Guarded against flat series and the cold start."""

from __future__ import annotations

import math
from collections import deque


class GuardedGaussian:
    """Score 0..1 of a value among the last `window` ones."""

    def __init__(self, window: int = 1000, warm: int = 50) -> None:
        self._values: deque[float] = deque(maxlen=window)
        self._warm = warm
        self._sum = self._squares = 0.0
        self._shift: float | None = None

    def add(self, value: float) -> float:
        """Score, then learn."""
        if self._shift is None:
            self._shift = value
        moved, known = value - self._shift, len(self._values)
        score = 0.0
        if known >= self._warm:
            mean = self._sum / known
            variance = max(self._squares / known - mean * mean, 0.0)
            spread = max(math.sqrt(variance), 1e-3 * abs(mean + self._shift), 1e-9)
            z = abs(moved - mean) / spread
            score = z / (z + 4.0)
        if known == self._values.maxlen:
            gone = self._values[0]
            self._sum -= gone
            self._squares -= gone * gone
        self._values.append(moved)
        self._sum += moved
        self._squares += moved * moved
        return score
