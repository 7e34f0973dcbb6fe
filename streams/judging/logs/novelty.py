"""How many traces of one side hold something that neither history nor the other side so far has shown?

Things are templates, or shapes. A trace counts while at least one of its new things has not been shown by the other
side; what is reported is the **running maximum**, so that the count never sinks when the other side follows.

Its null is not a rate of events that could be reckoned, so it is replayed (`news`): a baseline's pods are split in two
halves, and counted with each half in the role of the canary. Where both sides do the same, a canary's count has the
distribution of these. (Halves of its *traces* would not do: one cause's traces would be in both, and count in neither:
in simulation up to 5% of healthy canaries failed at .01.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

Things = tuple[int, ...]
"""What one trace holds that history has not shown, ascending."""


class Held(Struct, array_like=True):
    """Traces that hold the same new things."""

    things: Things
    count: int


class OnlyInState(Struct, array_like=True):
    """What one side has shown that is new, and the other side has not."""

    held: list[Held] = []
    """Sorted by things."""
    shown: list[int] = []
    """New things that the other side has shown, ascending."""
    peak: int = 0
    """Running maximum of the traces that count."""


class OnlyIn:
    """`add` window by window."""

    def __init__(self, limit: int, state: OnlyInState | None = None) -> None:
        state = state or OnlyInState()
        self._limit = limit
        self._held = {held.things: held.count for held in state.held}
        self._shown = set(state.shown)
        self.peak = state.peak

    def to_state(self) -> OnlyInState:
        """A snapshot."""
        held = [Held(things, self._held[things]) for things in sorted(self._held)]
        return OnlyInState(held, sorted(self._shown), self.peak)

    def add(self, mine: Mapping[Things, int], other: Iterable[Things]) -> None:
        """One window.

        Args:
            mine: traces of the side that is counted, by the new things they hold (at least one).
            other: new things that the other side's traces hold. What finds no place is not counted: of either side,
                and in the replay alike.
        """
        shown = {thing for things in other for thing in things} - self._shown
        if not mine and not shown:
            return
        self._shown.update(sorted(shown)[: max(0, 8 * self._limit - len(self._shown))])
        self._held = {things: held for things, held in self._held.items() if not self._shown.issuperset(things)}
        for things in sorted(mine):
            if not self._shown.issuperset(things) and (things in self._held or len(self._held) < self._limit):
                self._held[things] = self._held.get(things, 0) + mine[things]
        self.peak = max(self.peak, self.held())

    def redirect(self, redirects: Mapping[int, int], known: frozenset[int]) -> None:
        """Things have become part of others, some of which history had shown. The maximum stays: it never sinks."""
        self._shown = {redirects.get(thing, thing) for thing in self._shown}
        before, self._held = self._held, {}
        for things in sorted(before):
            now = redirected(things, redirects, known)
            if now and not self._shown.issuperset(now):
                self._held[now] = self._held.get(now, 0) + before[things]

    def held(self) -> int:
        """Traces that count now."""
        return sum(self._held.values())

    def holds(self, things: Things) -> bool:
        """Whether traces that hold these count now."""
        return things in self._held

    def counts(self) -> dict[int, int]:
        """Thing -> traces that hold it, of those that count now."""
        found: dict[int, int] = {}
        for things, count in self._held.items():
            for thing in things:
                if thing not in self._shown:
                    found[thing] = found.get(thing, 0) + count
        return found


def redirected(things: Things, redirects: Mapping[int, int], known: frozenset[int]) -> Things:
    """What things are now, without those that history had shown.

    >>> redirected((1, 2, 3), {2: 9, 3: 9}, frozenset({1}))
    (9,)
    """
    return tuple(sorted({redirects.get(thing, thing) for thing in things} - known))
