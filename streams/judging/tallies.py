"""Which signatures explain best that the canary looks worse?

Only for the reasons: verdict and risk do not depend on it. Per signature the events of both sides and how many of
them the canary's share of the exposure explains; its contribution is the Poisson log likelihood ratio x*log(x/e) - (x
- e) where x > e. Bounded: once a bin is in, those that contribute least are forgotten, which does not depend on the
order in which they came.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from msgspec import Struct

from streams.judging.incidents import LoggedBin
from streams.judging.side import SignatureInfo


class Tally(Struct, array_like=True):
    """One signature, as long as it was of one class."""

    log_class: str
    canary: float = 0.0
    baseline: float = 0.0
    explained: float = 0.0
    """Events that the canary's share of the exposure would have brought."""
    former: dict[str, Tally] = {}
    """What was counted while it was of another class, by that."""

    @property
    def contribution(self) -> float:
        """Nats for "more than its share", >= 0."""
        if self.canary <= self.explained or self.explained <= 0.0:
            return 0.0
        return self.canary * math.log(self.canary / self.explained) - (self.canary - self.explained)

    @property
    def by_class(self) -> Iterator[Tally]:
        """What was counted, one class at a time, without `former`."""
        yield Tally(self.log_class, self.canary, self.baseline, self.explained) if self.former else self
        yield from self.former.values()

    @property
    def whole(self) -> Tally:
        """All of it, whatever its class was."""
        if not self.former:
            return self
        found = Tally(self.log_class)
        for one in self.by_class:
            found.take(one)
        return found

    def take(self, other: Tally) -> None:
        """Count what another has counted, as of this one's class."""
        self.canary += other.canary
        self.baseline += other.baseline
        self.explained += other.explained

    def turned(self, log_class: str) -> Tally:
        """The same, to count on as of this class.

        >>> Tally("warning", 3.0).turned("error").turned("warning")
        Tally(log_class='warning', canary=3.0, baseline=0.0, explained=0.0, former={})
        """
        counted = {one.log_class: one for one in self.by_class if one.canary or one.baseline}
        found = counted.pop(log_class, Tally(log_class))
        found.former = counted
        return found


Tallies = dict[int, Tally]
"""Signature id -> its tally."""


def count_bin(
    tallies: Tallies, logged: LoggedBin, share: float, known: Mapping[int, SignatureInfo], limit: int
) -> None:
    """Take in a settled bin.

    Args:
        tallies: changed in place.
        logged: the bin's incidents.
        share: the canary's share of its exposure.
        known: what the ids stand for.
        limit: how many signatures are kept.
    """
    if not 0.0 < share < 1.0:
        return
    for number in sorted(logged.canary_signatures.keys() | logged.baseline_signatures.keys()):
        info = known.get(number)
        tally = tallies.get(number) if info is None else tally_as(info.log_class, number, tallies)
        if tally is None:
            continue
        canary = logged.canary_signatures.get(number, 0.0)
        baseline = logged.baseline_signatures.get(number, 0.0)
        tally.canary += canary
        tally.baseline += baseline
        tally.explained += (canary + baseline) * share
    if len(tallies) > limit:
        for number in ranked(tallies)[limit:]:
            del tallies[number]


def tally_as(log_class: str, number: int, tallies: Tallies) -> Tally:
    """A signature's tally, to count on as of this class."""
    held = tallies.get(number)
    if held is None or held.log_class != log_class:
        tallies[number] = held = Tally(log_class) if held is None else held.turned(log_class)
    return held


def counted_as(log_class: str, tallies: Tallies) -> Tallies:
    """What of them was counted as of a class."""
    return {number: one for number, tally in tallies.items() for one in tally.by_class if one.log_class == log_class}


def ranked(tallies: Tallies) -> list[int]:
    """Ids, that which explains most first."""

    def rank(number: int) -> tuple[float, float, int]:
        tally = tallies[number].whole
        return -tally.contribution, -(tally.canary + tally.baseline), number

    return sorted(tallies, key=rank)
