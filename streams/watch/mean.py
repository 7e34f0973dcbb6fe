"""What is a quantity on the average of late? river's mean, with a horizon beyond which the past fades.

Over its first `horizon` points it is the plain mean, after them each new point weighs 1/horizon: quick while little is
known, slow once much is. Its state is two floats, which is why it is used rather than `river.stats.EWMean`, whose state
cannot be read (and which begins anew whenever its mean is 0).
"""

from __future__ import annotations

from msgspec import Struct
from river.stats import Mean


class MeanState(Struct, frozen=True, array_like=True):
    """All there is to know of a fading mean."""

    n: float = 0.0
    """Weight of what it knows; at most its horizon."""
    mean: float = 0.0


class FadingMean(Mean):  # type: ignore[misc] # river has no types
    """`learn` values, read `value`.

    `learn` is river's `update` (West 1979) written out behind the bound on `n`, and `value` and `weight` are river's
    two attributes themselves, no calls. What a level learns of every value, a dozen and a half of these, is written out
    once more where it is learned (`forecast`, `levels` and what they are made of), as calls were half of its cost.

    >>> level = FadingMean(2.0)
    >>> for value in (1.0, 3.0, 6.0):
    ...     level.learn(value)
    >>> level.value
    4.0
    """

    __slots__ = ("_horizon", "_mean", "n")

    value: float
    """The mean; 0 while nothing is known."""
    weight: float
    """What it rests on: how many points, at most the horizon."""

    def __init__(self, horizon: float, state: MeanState | None = None) -> None:
        self._horizon = float(horizon)
        self.n, self._mean = (state.n, state.mean) if state is not None else (0.0, 0.0)

    def to_state(self) -> MeanState:
        """Its two numbers."""
        return MeanState(self.n, self._mean)

    def learn(self, value: float, weight: float = 1.0) -> None:
        """Take in one value; a weight of 0 teaches nothing."""
        if weight <= 0.0:
            return
        n, horizon = self.n, self._horizon
        most = horizon - weight
        if n > most:
            n = weight + (most if most > 0.0 else 0.0)
            self.n = n = horizon if n == horizon else n  # one object for all that are full
        else:
            self.n = n = n + weight
        mean = self._mean
        self._mean = mean + (weight / n) * (value - mean)

    def begin(self, value: float) -> None:
        """Go on from here, as if it were the first value."""
        self.n, self._mean = 1.0, value

    def move(self, value: float) -> None:
        """Go on from here, as well known as before."""
        self._mean = value


FadingMean.value, FadingMean.weight = vars(FadingMean)["_mean"], vars(FadingMean)["n"]  # one slot, two names
