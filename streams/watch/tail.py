"""Where does the upper tail of a quantity begin, and how far does it go? Learned online, in a few numbers.

`Quantile` tracks the 95% quantile (Robbins & Monro 1951); `Excess` knows how far values go beyond a threshold, by a
power law (Hill 1975) that is known by a prior and by what was seen.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.watch.mean import FadingMean, MeanState

BEYOND_RATIO = 0.05
"""Of values lie beyond the tracked quantile."""
_HORIZON = 200.0
"""Values beyond the threshold that the index remembers: 4,000 points."""
_SLOWEST = 0.002
"""Least step of the quantile, in units of itself."""
_UP = 1.0 / BEYOND_RATIO - 1.0
"""Steps up for one down: of twenty values one lies beyond."""
_QUICK = 1.0 / _SLOWEST
"""Values after which its step is the least."""
_VAGUE = MeanState(4.0, 0.25)
"""Index at the start, worth four values: between a normal tail (.16 at its 95% quantile) and a heavy one (.5). The
exponent is between 1.1 and 8.8 in 19 cases of 20, a heavy tail or a normal one."""
_NORMAL_INDEX = 0.16
"""Of a normal law beyond its 95% quantile: no tail is taken for lighter, even one that ends sharply."""
_FARTHEST = 10.0
"""Logarithm beyond which a value teaches no more."""


class QuantileState(Struct, array_like=True):
    """All there is to know of a tracked quantile."""

    value: float
    before: list[object] = []
    """Held how far values go beyond it in a snapshot of before; empty."""
    n: float = 0.0
    """Values seen, up to a bound."""


class Quantile:
    """The 95% quantile: `learn` values, read `value`.

    >>> quantile = Quantile(least=0.5)
    >>> for step in range(1000):
    ...     quantile.learn(step % 100 / 100)
    >>> round(quantile.value, 1)
    1.0
    """

    __slots__ = ("_least", "_n", "value")

    value: float
    """As far as is known; in the unit of the values."""

    def __init__(self, least: float, state: QuantileState | None = None) -> None:
        """Begin with a snapshot; the quantile is never taken for less than `least`, above 0."""
        self._least = least
        self.value, self._n = (state.value, state.n) if state else (least, 0.0)

    def to_state(self) -> QuantileState:
        """The snapshot."""
        return QuantileState(self.value, [], self._n)

    def learn(self, value: float) -> None:
        """Take in one value, not below 0."""
        quantile, least, step = self.value, self._least, _SLOWEST
        if self._n < _QUICK:
            self._n = n = self._n + 1.0
            step = max(_SLOWEST, 1.0 / (n + 10.0))
        if value > quantile:
            quantile += quantile * step * _UP
        elif quantile == least:
            return  # it could only fall
        else:
            quantile -= quantile * step
        self.value = least if quantile < least else quantile


def beyond(log_ratio: float, number: float, mean: float) -> float:
    """P(X > x | X > threshold) of a power law that is known by as many values beyond the threshold.

    With a gamma prior of the exponent: (1 + log(x / threshold) / s)^-n, s the sum of log(x / threshold) of all, the
    prior's included. While little is known it is far heavier than the power law it comes to; so what has never been
    seen can be rarer than one in as many as were seen, but only as far as it lies out. Source: the exponential law
    with a conjugate prior (e.g. Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.6), for the logarithm.

    Args:
        log_ratio: log(x / threshold), not below 0.
        number: of the values, the prior's included.
        mean: of their log(x / threshold), above 0.
    """
    return math.exp(-number * math.log1p(log_ratio / (number * mean)))


class ExcessState(Struct, array_like=True):
    """All there is to know of an excess; the threshold is kept by whoever gives it."""

    before: float
    """Held a quantile in a snapshot of before; 0."""
    logs: MeanState
    """Of log(value / threshold), the prior included."""


class Excess:
    """How far beyond a threshold that few reach? By `beyond`."""

    __slots__ = ("_logs",)

    def __init__(self, state: ExcessState | None = None) -> None:
        self._logs = FadingMean(_HORIZON, state.logs if state else _VAGUE)

    def to_state(self) -> ExcessState:
        """The snapshot."""
        return ExcessState(0.0, self._logs.to_state())

    def beyond(self, value: float, threshold: float) -> float:
        """P(X > value | X > threshold), for a threshold above 0."""
        if value <= threshold:
            return 1.0
        return beyond(math.log(value / threshold), self._logs.weight, max(self._logs.value, _NORMAL_INDEX))

    def learn(self, value: float, threshold: float) -> None:
        """Take in one value beyond the threshold."""
        self._logs.learn(min(math.log(value / threshold), _FARTHEST))
