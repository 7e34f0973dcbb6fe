"""What does a workload know of itself from earlier comparisons, and of its neighbours?

When a comparison ends, what its baseline did becomes one **cohort**; between them production is one from time to time
(`rehearsal`). The **past** of a workload is what its cohorts taught, bounded; it lives in the state of the workload,
survives restarts and carries over rollouts. The **prior** is what the pasts of the cluster's other workloads have in
common, for a workload that has little past of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from streams.judging.evidence import Part
from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.past import LevelPast, level_prior
from streams.judging.levels.prior import LevelPrior
from streams.judging.logs.past import LogCohort, LogPast, LogPrior, log_prior
from streams.judging.logs.settings import LogSettings
from streams.judging.production.past import ProductionPast
from streams.judging.values.contrast import Contrast
from streams.judging.values.known import ValuePast

_DECAY = 0.9
"""Weight of what parts a workload was heard with, after one more cohort."""
_HEARD = 0.2
"""Least share of the cohorts, or of the neighbours, that a part was heard with to count on it."""


class Cohort(Struct, array_like=True, frozen=True):
    """What one comparison's baseline did."""

    parts: tuple[Part, ...]
    """Those it was heard with, sorted."""
    logs: LogCohort
    levels: LevelCohort
    values: dict[str, Contrast] = {}
    """Signal -> how its clumps showed in both sides."""
    rehearsed: bool = False
    """Of production, with nothing on trial."""


class Prior(Struct, array_like=True, frozen=True):
    """What the cluster's other workloads have in common; a few numbers."""

    logs: LogPrior = LogPrior()
    levels: LevelPrior = LevelPrior()
    parts: tuple[Part, ...] = ()
    """Parts that one in five of them or more can be expected to be heard with, sorted."""


class Past(Struct, array_like=True):
    """All that a workload remembers: `learn` a cohort when its comparison has ended."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    cohorts: float = 0.0
    """Decayed."""
    heard: dict[Part, float] = {}
    """Part -> cohorts it was heard with, decayed alike."""
    logs: LogPast = field(default_factory=LogPast)
    levels: LevelPast = field(default_factory=LevelPast)
    production: ProductionPast = field(default_factory=ProductionPast)
    """What was done outside of comparisons; only what has nothing beside it is held against it."""
    values: ValuePast = field(default_factory=ValuePast)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self.logs.redirect(redirects)
        self.production.redirect(redirects)

    @property
    def parts(self) -> list[Part]:
        """Parts that the workload can be expected to be heard with, sorted."""
        return sorted(part for part, count in self.heard.items() if count >= _HEARD * self.cohorts)

    def learn(self, cohort: Cohort, settings: LogSettings, prior: Prior, *, promoted: bool) -> None:
        """Take in one cohort.

        Args:
            cohort: of a comparison that has ended, or of production.
            settings: those it was judged by.
            prior: as it is now.
            promoted: its canary was promoted, so that what it showed is normal from now on.
        """
        self.cohorts = _DECAY * self.cohorts + 1.0
        self.heard = {part: _DECAY * count for part, count in self.heard.items()}
        for part in cohort.parts:
            self.heard[part] = self.heard.get(part, 0.0) + 1.0
        self.logs.learn(cohort.logs, settings, prior.logs, promoted=promoted, rehearsed=cohort.rehearsed)
        self.levels.learn(cohort.levels)
        self.values.learn(cohort.values, settings.decay)


def prior_of(pasts: Iterable[Past]) -> Prior:
    """The prior of a workload.

    Args:
        pasts: of the cluster's **other** workloads, in a fixed order.
    """
    known = [past for past in pasts if past.cohorts > 0.0]
    heard = [part for past in known for part in past.parts]
    parts = tuple(sorted({part for part in heard if heard.count(part) >= _HEARD * len(known)}))
    return Prior(log_prior([past.logs for past in known]), level_prior([past.levels for past in known]), parts)
