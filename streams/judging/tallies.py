"""Which signatures explain best that the canary looks worse?

Only for the reasons: verdict and risk do not depend on it. Per signature the events of both sides and how many of
them the canary's share of the exposure explains; its contribution is the Poisson log likelihood ratio x*log(x/e) - (x
- e) where x > e. Bounded: once a bin is in, those that contribute least are forgotten, which does not depend on the
order in which they came.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from streams.judging.incidents import LoggedBin
from streams.judging.side import SignatureInfo


class Tally(Struct, array_like=True):
    """One signature."""

    log_class: str
    canary: float = 0.0
    baseline: float = 0.0
    explained: float = 0.0
    """Events that the canary's share of the exposure would have brought."""

    @property
    def contribution(self) -> float:
        """Nats for "more than its share", >= 0."""
        if self.canary <= self.explained or self.explained <= 0.0:
            return 0.0
        return self.canary * math.log(self.canary / self.explained) - (self.canary - self.explained)


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
        tally = tallies.get(number)
        if tally is None:
            info = known.get(number)
            if info is None:
                continue
            tally = tallies[number] = Tally(info.log_class)
        canary = logged.canary_signatures.get(number, 0.0)
        baseline = logged.baseline_signatures.get(number, 0.0)
        tally.canary += canary
        tally.baseline += baseline
        tally.explained += (canary + baseline) * share
    if len(tallies) > limit:
        for number in ranked(tallies)[limit:]:
            del tallies[number]


def ranked(tallies: Tallies) -> list[int]:
    """Ids, that which explains most first."""

    def rank(number: int) -> tuple[float, float, int]:
        tally = tallies[number]
        return -tally.contribution, -(tally.canary + tally.baseline), number

    return sorted(tallies, key=rank)
