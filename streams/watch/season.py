"""What is usual at this hour of the day, and at this hour of the week? Two profiles, learned a visit at a time.

A slot's mean is learned when the slot is left, from all values of the visit, so that a short and a long interval
between values teach alike. A slot answers once it was visited; both profiles fade over about ten visits. Days and
weeks are those of UTC: a shift of the clock is learned like any other change.
"""

from __future__ import annotations

from array import array

from msgspec import Struct

from streams.watch.mean import MeanState

_HOUR_NS = 3_600_000_000_000
SLOT_NS = (_HOUR_NS // 4, _HOUR_NS)
"""Of the day's and of the week's profile."""
SLOTS = (96, 168)
_MEMORY = 10.0
"""Visits that a slot remembers."""


class ProfileState(Struct, array_like=True):
    """All there is to know of a profile; empty until the first slot was left."""

    means: list[float] = []
    visits: list[int] = []
    """Per slot, up to the memory."""
    slot: int = -1
    """In which the present visit is."""
    visit: MeanState = MeanState()


class Profile:
    """`enter` each slot, read `usual`, then take the values into `visit`; times in order."""

    __slots__ = ("_means", "_slot", "_slot_ns", "_slots", "_visits", "usual", "visit", "visit_n")

    usual: float | None
    """The mean of the slot that was entered; None where it was never visited."""
    visit: float
    """Mean of the present visit's values, as a `FadingMean` that never fades, and `visit_n`, their weight."""

    def __init__(self, slot_ns: int, slots: int, state: ProfileState | None = None) -> None:
        known = state or ProfileState()
        self._slot_ns, self._slots = slot_ns, slots
        self._means, self._visits = array("f", known.means), bytearray(known.visits)
        self._slot = known.slot
        self.visit_n, self.visit = known.visit.n, known.visit.mean
        self.usual = None

    def to_state(self) -> ProfileState:
        """The snapshot."""
        return ProfileState(self._means.tolist(), list(self._visits), self._slot, MeanState(self.visit_n, self.visit))

    def enter(self, time_ns: int) -> int:
        """A visit begins, or goes on after a snapshot or a whole number of rounds; returns when the slot ends (ns)."""
        number = time_ns // self._slot_ns
        slot = number % self._slots
        if slot != self._slot:
            self._leave()
            self._slot, self.visit_n, self.visit = slot, 0.0, 0.0
        self.usual = self._mean(slot)
        return (number + 1) * self._slot_ns

    def _mean(self, slot: int) -> float | None:
        return self._means[slot] if self._visits and self._visits[slot] else None

    def _leave(self) -> None:
        if self.visit_n == 0.0:
            return
        if not self._visits:
            self._means, self._visits = array("f", [0.0]) * self._slots, bytearray(self._slots)
        slot, visits = self._slot, self._visits[self._slot]
        self._visits[slot] = min(visits + 1, int(_MEMORY))
        self._means[slot] += (self.visit - self._means[slot]) / min(visits + 1.0, _MEMORY)
