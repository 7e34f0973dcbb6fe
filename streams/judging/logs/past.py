"""What did earlier baselines of this workload do, and how much may be made of it?

Per stream: how often its events come in a quiet comparison, and how often a comparison is not (`quiet`); and which
templates and shapes have been shown, how busy the workload was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct, field, structs

from streams.judging.logs.known import Known, learn_known
from streams.judging.logs.quiet import RECENT, Clumping, StreamCohort, StreamHistory, StreamPast
from streams.judging.logs.settings import ERRORS, LEARNED, LogSettings
from streams.judging.onset import Incidents


class LogCohort(Struct, array_like=True, frozen=True):
    """What the logs of one baseline showed during a comparison."""

    streams: dict[str, StreamCohort]
    """Of those that it can teach: the first cohorts teach no rate of new things, see `news`."""
    templates: tuple[int, ...]
    """Ids of the templates of class warning and worse it showed, ascending, bounded."""
    shapes: tuple[int, ...]
    """The same of shapes."""
    canary_templates: tuple[int, ...]
    """What the canary showed, for when it is promoted."""
    canary_shapes: tuple[int, ...]
    traces: float
    """Traces with an id."""
    requests: float
    pod_s: float
    incidents: float = 0.0
    """Of the baseline and not of the canary, see `onset`."""
    beside_s: float = 0.0
    """Pod-seconds in which such could have been seen."""
    numbers: tuple[int, ...] = ()
    """The same as of shapes, of shapes that say how often a line comes."""
    canary_numbers: tuple[int, ...] = ()


class LogPrior(Struct, array_like=True, frozen=True):
    """What the cluster's other workloads say of clumps, by stream."""

    clumping: dict[str, Clumping] = {}
    incidents: Incidents = field(default_factory=Incidents)
    """Of single pods."""


class LogPast(Struct, array_like=True):
    """All that is remembered of earlier baselines' logs: `learn` a cohort when its comparison has ended."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    numbered: int = 0
    """Cohorts of comparisons so far."""
    streams: dict[str, StreamPast] = field(default_factory=lambda: {name: StreamPast() for name in LEARNED})
    templates: Known = {}
    shapes: Known = {}
    busiest_traces: float = 0.0
    """Most traces with an id per pod-second of any cohort; fades like all else."""
    busiest_requests: float = 0.0
    """The same of requests."""
    history: dict[str, StreamHistory] = {}
    """What `streams` is settled from."""
    incidents: Incidents = field(default_factory=Incidents)
    """Of single pods."""
    numbers: Known = {}
    """As `shapes`, of those that say how often a line comes."""
    counted: int = 0
    """Those of comparisons that could tell of them."""

    def learn(
        self,
        cohort: LogCohort,
        settings: LogSettings,
        prior: LogPrior,
        *,
        promoted: bool = False,
        rehearsed: bool = False,
    ) -> None:
        """Take in one cohort.

        Args:
            cohort: of a comparison that has ended.
            settings: those of the comparison.
            prior: see `log_prior`.
            promoted: its canary was promoted: what it showed (at its start above all) is known from now on.
            rehearsed: there was no canary, so that it does not count towards knowing what those show that start.
        """
        if cohort.pod_s <= 0.0:
            return
        if rehearsed or not self.numbered:
            self._count_anew(cohort, settings.decay)
        self.numbered += not rehearsed
        self.counted += bool(cohort.numbers) and not rehearsed
        for name in LEARNED:
            history = self.history.setdefault(name, StreamHistory(structs.replace(self.stream(name))))
            cluster = prior.clumping.get(name, Clumping())
            history.fade(settings.decay)
            if name in cohort.streams:
                history.learn(cohort.streams[name], cluster)
            self.streams[name] = history.settle(cluster)
        self.incidents.learn(cohort.incidents, cohort.beside_s, settings.decay)
        self.busiest_traces = max(self.busiest_traces * settings.decay, cohort.traces / cohort.pod_s)
        self.busiest_requests = max(self.busiest_requests * settings.decay, cohort.requests / cohort.pod_s)
        for known, mine, canarys in (
            (self.templates, cohort.templates, cohort.canary_templates),
            (self.shapes, cohort.shapes, cohort.canary_shapes),
            (self.numbers, cohort.numbers, cohort.canary_numbers),
        ):
            learn_known(known, (*mine, *(canarys if promoted else ())), self.numbered, settings.known_limit)

    def stream(self, name: str) -> StreamPast:
        """One of `LEARNED`; one without anything where a snapshot of before it was learned has none."""
        return self.streams.get(name) or StreamPast()

    def load_of(self, cohort: LogCohort) -> float | None:
        """What a cohort had to do a pod-second, in times the busiest known: in requests where counted, else in traces.

        None where nothing known tells; 0 where it had nothing to do.

        Args:
            cohort: one whose log was heard, so that it has pod-seconds.
        """
        of = (cohort.requests, self.busiest_requests), (cohort.traces, self.busiest_traces)
        loads = [number / cohort.pod_s / busiest for number, busiest in of if busiest > 0.0]
        return next((load for load in loads if load > 0.0), 0.0) if loads else None

    def _count_anew(self, cohort: LogCohort, fading: float) -> None:
        """Put the failures known into pod-seconds of a busier cohort; of times that had nothing to do none are known.

        What is busier only by as much as the busiest load fades is not.
        """
        errors, load = self.history.get(ERRORS), self.load_of(cohort)
        if errors is not None and load is not None and load * fading**RECENT > 1.0:
            errors.busier(load)
        elif load is None and not self.numbered and (cohort.requests > 0.0 or cohort.traces > 0.0):
            self.history.pop(ERRORS, None)
            self.streams[ERRORS] = StreamPast()

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others, which were then shown when any part of them was."""
        if self.templates.keys().isdisjoint(redirects):
            return
        joined: Known = {}
        for number, cohort in self.templates.items():
            now = redirects.get(number, number)
            joined[now] = max(joined.get(now, 0), cohort)
        self.templates = {number: joined[number] for number in sorted(joined)}


def log_prior(pasts: Sequence[LogPast]) -> LogPrior:
    """What can be borrowed from the pasts of the cluster's other workloads, given in a fixed order."""
    return LogPrior(
        {
            name: Clumping(
                math.fsum(past.stream(name).clumping for past in pasts),
                math.fsum(past.stream(name).clumping_df for past in pasts),
                math.fsum(past.stream(name).by_pod for past in pasts),
                math.fsum(past.stream(name).by_pod_df for past in pasts),
            )
            for name in LEARNED
        },
        Incidents(
            found=math.fsum(past.incidents.found for past in pasts),
            seconds=math.fsum(past.incidents.seconds for past in pasts),
        ),
    )


def shared_incident(past: StreamPast) -> float:
    """Chance pi that both revisions see an incident during a comparison; before any cohort 1 in 20."""
    return (0.5 + past.incidents) / (10.0 + past.cohorts + past.incidents)
