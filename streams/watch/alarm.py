"""The document of one incident: what changed, by how much, since when, and which deployment came before it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from streams.records.identity import Workload
from streams.watch.reading import Direction

VERSION = 1

AlarmState = Literal["raised", "held", "cleared"]
Likelihood = Literal["likely", "possible", "unlikely"]


class AlarmSignal(Struct, frozen=True):
    """One signal that takes part in the incident."""

    signal: str
    group: str
    unit: str
    """UCUM or empty, as in the rules."""
    direction: Direction
    before: float
    """What was normal when the alarm was raised."""
    now: float
    """Mean since the onset."""
    ratio: float | None
    """now / before; None where before is 0."""
    score: float
    """1.0 is the boundary of an alarm, as vmanomaly's `anomaly_score` has it."""
    onset_at: str
    """Where its evidence began to gather; RFC 3339, like all times here."""
    note: str = ""
    """What the numbers do not say, as part of a sentence: that it climbs, is written no more, is at its usual load."""
    limit: float | None = None
    """How far it can go, in its unit, where it climbs and would be there within four days."""
    limit_at: str | None = None
    """When, if it goes on climbing."""


class Suspect(Struct, frozen=True):
    """One deployment that came before the onset."""

    workload: str
    """Key of the workload that was deployed: this one or another."""
    revision: str
    """Pod-template hash."""
    deployed_at: str
    likelihood: Likelihood
    probability: float
    """0..1: that it is the cause."""
    why: str
    """A sentence."""


class Alarm(Struct, frozen=True):
    """A message of `serinus.alarms`, keyed by `id`, compacted: the latest replaces all before."""

    id: str
    """Workload key and time of the raise: the same however often it is written."""
    cluster: str
    namespace: str
    workload: str
    revision: str
    """Pod-template hash in production when it was raised."""
    state: AlarmState
    """`raised` once, then `held` until `cleared`."""
    raised_at: str
    as_of: str
    """End of the last window looked at."""
    onset_at: str
    """Estimated beginning of what changed."""
    cleared_at: str | None = None
    score: float = 1.0
    """Of the workload; 1.0 is the boundary."""
    summary: str = ""
    """One sentence: what changed, by how much, since when."""
    signals: tuple[AlarmSignal, ...] = ()
    """Worst first."""
    suspects: tuple[Suspect, ...] = ()
    """Likeliest first; empty: no deployment came before it."""
    examples: tuple[str, ...] = ()
    """Log lines, secrets masked."""
    version: int = VERSION

    @property
    def of(self) -> Workload:
        """The workload it is about."""
        return Workload(self.cluster, self.namespace, self.workload)
