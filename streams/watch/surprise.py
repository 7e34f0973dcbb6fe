"""Is this point news? A score of 0..1 for one point, beside the alarm and of no weight in it.

The larger of two: how rare its residual is, by the residual's own tail (`Tail`, so that a figure means the same for
every signal); what is no rarer than something of late is no news, only what exceeds it counts. And how far the value
lies beyond all that was ever seen, in units of a twentieth of that range (the tolerance of Numenta's "spatial anomaly",
NAB's own detector).
"""

from __future__ import annotations

from msgspec import Struct

from streams.watch.tail import Tail, TailState

_LEAST = 1.0
"""Least 95% quantile of the residual, in scales."""
_RECENT_FADE = 1.0 - 1.0 / 1000.0
_TOLERATED_RATIO = 0.05
"""Of the range: so far beyond it the score is one half."""
_HALF = 4.0
"""Rarity (powers of ten) beyond that of late at which the score is one half."""
_KNOWN = 30.0
"""Values before it speaks."""


class SurpriseState(Struct, array_like=True):
    """All there is to know."""

    residual: TailState
    recent: float
    """Greatest rarity of late, fading."""
    least: float
    most: float
    """Of all values; both 0 before the first."""


class Surprise:
    """`add` a value and its residual, get the score."""

    __slots__ = ("_least", "_most", "_recent", "_tail")

    def __init__(self, state: SurpriseState | None = None) -> None:
        self._tail = Tail(_LEAST, state.residual if state else None)
        self._recent, self._least, self._most = (state.recent, state.least, state.most) if state else (0.0, 0.0, 0.0)

    def to_state(self) -> SurpriseState:
        """The snapshot."""
        return SurpriseState(self._tail.to_state(), self._recent, self._least, self._most)

    def add(self, value: float, z: float, warm: bool) -> float:
        """The score of one value, 0 until warm and until 30 values are known.

        Args:
            value: as it came.
            z: its residual in scales.
            warm: whether the model knows enough.
        """
        seen, recent = self._tail.n, self._recent
        unseen = self._beyond(value, begins=seen == 0.0)
        rarity = self._tail.add(abs(z))
        fading = recent * _RECENT_FADE
        self._recent = rarity if rarity > fading else fading
        if not warm or seen < _KNOWN:
            return 0.0
        news = rarity - recent if rarity > recent else 0.0
        return max(news / (news + _HALF), unseen / (unseen + _TOLERATED_RATIO))

    def _beyond(self, value: float, *, begins: bool) -> float:
        """How far beyond all that was seen, in ranges; then widens them."""
        if begins:
            self._least = self._most = value
            return 0.0
        least, most = self._least, self._most
        if least <= value <= most:
            return 0.0
        over = value - most if value > most else least - value
        self._least, self._most = min(least, value), max(most, value)
        return over / (most - least) if most > least else 1.0
