"""What is remembered of a workload's levels over its rollouts?

The baselines of its last comparisons, bounded in number, pods and cells, and a summary that others may borrow.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.history import MOST_UNITS
from streams.judging.levels.prior import LevelPrior, LevelSummary, pooled
from streams.judging.levels.replay import summarise

MOST_PODS = 40
"""Of all cohorts together."""
MOST_CELLS = 40_000
"""160 kB a workload in the worst case; 20 signals, 3 pods and 15 minutes are 1,300 cells a cohort."""


class LevelPast(Struct, array_like=True):
    """What is known of a workload's levels."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    cohorts: list[LevelCohort] = []
    """Oldest first."""
    summary: LevelSummary | None = None
    """None while there is too little."""

    @property
    def signals(self) -> list[str]:
        """All signals of the cohorts, sorted."""
        return sorted({rule.signal for cohort in self.cohorts for rule in cohort.rules})

    def learn(self, cohort: LevelCohort) -> None:
        """Take in what a comparison leaves behind; the oldest go. Empty cohorts teach nothing."""
        if not cohort.cells:
            return
        kept = [*self.cohorts, cohort][-MOST_UNITS:]
        while len(kept) > 1 and (
            sum(one.cells for one in kept) > MOST_CELLS or sum(len(one.pods) for one in kept) > MOST_PODS
        ):
            kept = kept[1:]
        self.cohorts = kept
        self.summary = summarise(kept)


def level_prior(pasts: Sequence[LevelPast]) -> LevelPrior:
    """The prior of a workload, from the pasts of the cluster's **other** workloads, in any order."""
    return pooled([past.summary for past in pasts if past.summary is not None])
