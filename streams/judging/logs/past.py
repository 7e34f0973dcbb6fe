"""What did earlier baselines of this workload do, and how much may be made of it?

Per stream: counts and exposure of the cohorts that were quiet, how much they differed (chi2), how clumped events came
within them, and how many of them looked like an incident that both revisions would have shared. A cohort is settled
against the past before it joins it: if its own p is below .005 with three events or more, it counts as an incident and
its counts are left out, so that the quiet rate stays one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from streams.judging.logs.beta import beta_below
from streams.judging.logs.known import Known, learn_known
from streams.judging.logs.settings import STREAMS, LogSettings

INCIDENT_P, INCIDENT_EVENTS = 0.005, 3.0
LARGEST_CHI2 = 25.0
"""What one cohort can add to the spread: five standard deviations are an incident, not a spread."""


class StreamCohort(Struct, array_like=True, frozen=True):
    """One stream of one baseline."""

    events: float
    exposure_s: float
    """Pod-seconds in which its log was heard."""
    clumping: float
    """Of errors: Pearson's sum over blocks of 20 s, see `dispersion`. Of new things: the sum of squares of ..."""
    clumping_df: float
    """... the degrees of freedom; of new things: the sum of traces."""


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


class StreamPast(Struct, array_like=True):
    """One stream over the past; older cohorts weigh less."""

    cohorts: float = 0.0
    """K: those that were quiet."""
    exposure_s: float = 0.0
    events: float = 0.0
    chi2: float = 0.0
    """Sum over cohorts of the squared standardised distance from the past before them."""
    chi2_df: float = 0.0
    incidents: float = 0.0
    clumping: float = 0.0
    clumping_df: float = 0.0


class LogPrior(Struct, array_like=True, frozen=True):
    """What the cluster's other workloads say of clumps: stream -> (Pearson's sum, degrees of freedom)."""

    clumping: dict[str, tuple[float, float]] = {}


class LogPast(Struct, array_like=True):
    """All that is remembered of earlier baselines' logs: `learn` a cohort when its comparison has ended."""

    version: int = 1
    numbered: int = 0
    """Cohorts so far."""
    streams: dict[str, StreamPast] = field(default_factory=lambda: {name: StreamPast() for name in STREAMS})
    templates: Known = {}
    shapes: Known = {}
    busiest_traces: float = 0.0
    """Most traces with an id per pod-second of any cohort; fades like all else."""
    busiest_requests: float = 0.0
    """The same of requests."""

    def learn(self, cohort: LogCohort, settings: LogSettings, prior: LogPrior, *, promoted: bool = False) -> None:
        """Take in one cohort.

        Args:
            cohort: of a comparison that has ended.
            settings: those of the comparison.
            prior: see `log_prior`.
            promoted: its canary was promoted: what it showed (at its start above all) is known from now on.
        """
        if cohort.pod_s <= 0.0:
            return
        self.numbered += 1
        for name in STREAMS:
            self._decay(self.streams[name], settings.decay)
            if name in cohort.streams:
                _settle(self.streams[name], cohort.streams[name], prior.clumping.get(name, (0.0, 0.0)))
        self.busiest_traces = max(self.busiest_traces * settings.decay, cohort.traces / cohort.pod_s)
        self.busiest_requests = max(self.busiest_requests * settings.decay, cohort.requests / cohort.pod_s)
        for known, mine, canarys in (
            (self.templates, cohort.templates, cohort.canary_templates),
            (self.shapes, cohort.shapes, cohort.canary_shapes),
        ):
            learn_known(known, (*mine, *(canarys if promoted else ())), self.numbered, settings.known_limit)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others, which were then shown when any part of them was."""
        if self.templates.keys().isdisjoint(redirects):
            return
        joined: Known = {}
        for number, cohort in self.templates.items():
            now = redirects.get(number, number)
            joined[now] = max(joined.get(now, 0), cohort)
        self.templates = {number: joined[number] for number in sorted(joined)}

    @staticmethod
    def _decay(stream: StreamPast, decay: float) -> None:
        for name in stream.__struct_fields__:
            setattr(stream, name, getattr(stream, name) * decay)


def log_prior(pasts: Sequence[LogPast]) -> LogPrior:
    """What can be borrowed from the pasts of the cluster's other workloads, given in a fixed order."""
    return LogPrior(
        {
            name: (
                math.fsum(past.streams[name].clumping for past in pasts),
                math.fsum(past.streams[name].clumping_df for past in pasts),
            )
            for name in STREAMS
        }
    )


def clump_size(past: StreamPast, cluster: tuple[float, float]) -> float:
    """How many events come at once (phi_w), shrunk to the cluster's, and that to 1; may be below 1."""
    pooled = (20.0 + cluster[0]) / (20.0 + cluster[1])
    return (10.0 * pooled + past.clumping) / (10.0 + past.clumping_df)


def dispersion(past: StreamPast, clumps: float) -> float:
    """By how much counts vary more than if events came alone, within cohorts or between them: phi, at least 1."""
    return max(1.0, (2.0 + past.chi2) / (2.0 + past.chi2_df), clumps)


def tail(events: float, exposure_s: float, past: StreamPast, phi: float) -> float:
    """How probable (p_h) as many events in so much exposure are, given the past (gamma-Poisson, prior of Jeffreys).

    >>> round(tail(3.0, 900.0, StreamPast(cohorts=9.0, exposure_s=8100.0, events=1.0), 1.0), 5)
    0.0021
    """
    share = exposure_s / (exposure_s + past.exposure_s) if exposure_s > 0.0 else 0.0
    return beta_below(share, events / phi, 0.5 + past.events / phi)


def shared_incident(past: StreamPast) -> float:
    """Chance pi that both revisions see an incident during a comparison; before any cohort 1 in 20."""
    return (0.5 + past.incidents) / (10.0 + past.cohorts + past.incidents)


def _settle(past: StreamPast, cohort: StreamCohort, cluster: tuple[float, float]) -> None:
    if past.exposure_s > 0.0 and cohort.exposure_s > 0.0:
        phi = dispersion(past, clump_size(past, cluster))
        own = tail(cohort.events, cohort.exposure_s, past, phi)
        if own < INCIDENT_P and cohort.events >= INCIDENT_EVENTS:
            past.incidents += 1.0
            return
        expected = cohort.exposure_s * (past.events + 0.5) / past.exposure_s
        variance = max(0.25, expected * (1.0 + cohort.exposure_s / past.exposure_s))
        past.chi2 += min(LARGEST_CHI2, (cohort.events - expected) ** 2 / variance)
        past.chi2_df += 1.0
    past.cohorts += 1.0
    past.exposure_s += cohort.exposure_s
    past.events += cohort.events
    past.clumping += cohort.clumping
    past.clumping_df += cohort.clumping_df
