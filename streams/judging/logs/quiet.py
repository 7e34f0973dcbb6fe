"""How often does an event happen in a quiet comparison, and how often is a comparison not quiet?

Per stream: counts and exposure of the cohorts that were quiet, how much they differed (chi2), how clumped events came
within them, and how many cohorts were an incident that both revisions would have shared; the counts of those are left
out, so that the quiet rate stays one.

Which of the latest cohorts were quiet is not decided once for all: a first cohort in the middle of an outage would
otherwise be the measure of all that follow, and with it every canary that shows the same outage. Each time the past
learns, the latest `RECENT` are settled anew, and in ascending order of their rates: the half of all cohorts with the
least are quiet, for what most comparisons show is no incident; of the others those are incidents that with three events
or more have a p below .005 given those accepted before them. Counts are divided by how they clump, at single pods too:
what lasts at one pod of several is no incident that both revisions share, but makes the usual rate higher. (To begin
with what is least extreme keeps several incidents from hiding each other; a breakdown point of one half is that of a
median. The outcome does not depend on the order in which the latest cohorts came, as exchangeability wants it.) What is
older stays as it was settled last.

Source: forward search, Atkinson & Riani, Robust Diagnostic Regression Analysis (2000), ch. 2; judge-sketch.md for the
limits .005 and three, simulated in `tests/simulation/test_logs_history.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct, structs

from streams.judging.logs.beta import beta_below

INCIDENT_P, INCIDENT_EVENTS = 0.005, 3.0
LARGEST_CHI2 = 25.0
"""What one cohort can say per degree of freedom of a spread, between cohorts or between pods: five standard deviations
are an incident, not a spread."""
RECENT = 24
"""Cohorts that can be settled anew; when more are known, one more incident hardly moves the quiet rate."""


class StreamCohort(Struct, array_like=True, frozen=True):
    """One stream of one baseline."""

    events: float
    exposure_s: float
    """Pod-seconds in which its log was heard."""
    clumping: float
    """Of errors: Pearson's sum over blocks of 20 s, see `dispersion`. Of new things: the sum of squares of ..."""
    clumping_df: float
    """... the degrees of freedom; of new things: the sum of traces."""
    by_pod: float = 0.0
    """Of errors: Pearson's sum over pods, see `pods`, and ..."""
    by_pod_df: float = 0.0
    """... its degrees of freedom."""


class StreamPast(Struct, array_like=True):
    """One stream over the past; older cohorts weigh less."""

    cohorts: float = 0.0
    """K: those that were quiet."""
    exposure_s: float = 0.0
    events: float = 0.0
    chi2: float = 0.0
    """Sum over cohorts of the squared standardised distance from the rate of all that were quiet."""
    chi2_df: float = 0.0
    incidents: float = 0.0
    clumping: float = 0.0
    clumping_df: float = 0.0
    by_pod: float = 0.0
    by_pod_df: float = 0.0

    def fade(self, factor: float) -> None:
        """All of it weighs less."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) * factor)


class RecentCohort(Struct, array_like=True):
    """One of the latest cohorts."""

    cohort: StreamCohort
    weight: float = 1.0


class StreamHistory(Struct, array_like=True):
    """What can still be settled anew, and what is settled for good; `learn` a cohort, then `settle`."""

    older: StreamPast
    recent: list[RecentCohort] = []

    def fade(self, factor: float) -> None:
        """One more comparison has ended."""
        self.older.fade(factor)
        for one in self.recent:
            one.weight *= factor

    def learn(self, cohort: StreamCohort, cluster: Clumping) -> None:
        """Take in one cohort; the oldest of too many is settled for good."""
        self.recent.append(RecentCohort(cohort))
        if len(self.recent) > RECENT:
            quiet = _quiet(self.older, self.recent, cluster)
            oldest = self.recent.pop(0)
            rate = _rate(_pooled(self.older, [one for one, fits in zip(self.recent, quiet[1:], strict=True) if fits]))
            _settle(self.older, oldest, rate, 1.0, quiet=quiet[0])

    def busier(self, times: float) -> None:
        """A pod-second is from now on one in which there is so many times as much to do."""
        self.older.exposure_s /= times
        for one in self.recent:
            one.cohort = structs.replace(one.cohort, exposure_s=one.cohort.exposure_s / times)

    def settle(self, cluster: Clumping) -> StreamPast:
        """The past as it is now.

        Args:
            cluster: clumps of the other workloads, see `clump_size`.
        """
        quiet = _quiet(self.older, self.recent, cluster)
        known = [one for one, fits in zip(self.recent, quiet, strict=True) if fits]
        pooled = _pooled(self.older, known)
        past, rate = structs.replace(self.older), _rate(pooled)
        df = 1.0 if self.older.cohorts > 0.0 else 1.0 - 1.0 / max(1, len(known))
        for one, fits in zip(self.recent, quiet, strict=True):
            _settle(past, one, rate, df, quiet=fits)
        return past


class Clumping(Struct, array_like=True, frozen=True):
    """What the cluster's other workloads say of clumps: Pearson's sums and their degrees of freedom."""

    in_time: float = 0.0
    """Over blocks of time."""
    in_time_df: float = 0.0
    by_pod: float = 0.0
    """Over pods."""
    by_pod_df: float = 0.0


def clump_size(past: StreamPast, cluster: Clumping) -> float:
    """How many events come at once (phi_w), shrunk to the cluster's, and that to 1; may be below 1."""
    return _shrunk(past.clumping, past.clumping_df, 10.0, cluster.in_time, cluster.in_time_df, 20.0)


def pod_clump_size(past: StreamPast, cluster: Clumping) -> float:
    """How many events a cause brings to one pod however long it lasts; likewise."""
    return _shrunk(past.by_pod, past.by_pod_df, 2.0, cluster.by_pod, cluster.by_pod_df, 4.0)


def _shrunk(chi2: float, df: float, weight: float, theirs: float, their_df: float, their_weight: float) -> float:
    pooled = (their_weight + theirs) / (their_weight + their_df)
    return (weight * pooled + chi2) / (weight + df)


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


def _quiet(older: StreamPast, recent: Sequence[RecentCohort], cluster: Clumping) -> list[bool]:
    """Of each of the latest whether it was quiet."""
    past, quiet = structs.replace(older), [False] * len(recent)
    pods = structs.replace(older)
    for one in recent:
        _count_pods(pods, one)
    by_pod = pod_clump_size(pods, cluster)
    half = 0.5 * (older.cohorts + older.incidents + math.fsum(one.weight for one in recent))

    def rank(number: int) -> tuple[float, float, float]:
        cohort = recent[number].cohort
        return cohort.events / max(cohort.exposure_s, 1e-9), -cohort.exposure_s, cohort.clumping

    for number in sorted(range(len(recent)), key=rank):
        one = recent[number]
        phi = max(by_pod, dispersion(older, clump_size(past, cluster)))
        if past.cohorts < half or one.cohort.events < INCIDENT_EVENTS or past.exposure_s <= 0.0:
            quiet[number] = True
        else:
            quiet[number] = tail(one.cohort.events, one.cohort.exposure_s, past, phi) >= INCIDENT_P
        if quiet[number]:
            _count(past, one)
    return quiet


def _pooled(older: StreamPast, quiet: Sequence[RecentCohort]) -> StreamPast:
    past = structs.replace(older)
    for one in quiet:
        _count(past, one)
    return past


def _rate(past: StreamPast) -> float:
    """Events per pod-second; 0 where nothing is known."""
    return (past.events + 0.5) / past.exposure_s if past.exposure_s > 0.0 else 0.0


def _count(past: StreamPast, one: RecentCohort) -> None:
    """Count one cohort as quiet."""
    cohort, weight = one.cohort, one.weight
    past.cohorts += weight
    past.exposure_s += weight * cohort.exposure_s
    past.events += weight * cohort.events
    past.clumping += weight * cohort.clumping
    past.clumping_df += weight * cohort.clumping_df


def _count_pods(past: StreamPast, one: RecentCohort) -> None:
    """Of quiet ones and of incidents: what hits one pod alone both revisions do not share."""
    past.by_pod += one.weight * one.cohort.by_pod
    past.by_pod_df += one.weight * one.cohort.by_pod_df


def _settle(past: StreamPast, one: RecentCohort, rate: float, df: float, *, quiet: bool) -> None:
    """Count one cohort, as quiet with its distance from the rate of all that were, or as an incident."""
    cohort, weight = one.cohort, one.weight
    _count_pods(past, one)
    if not quiet:
        past.incidents += weight
        return
    _count(past, one)
    if cohort.exposure_s > 0.0:
        expected = cohort.exposure_s * rate
        past.chi2 += weight * min(LARGEST_CHI2, (cohort.events - expected) ** 2 / max(expected, 0.25))
        past.chi2_df += weight * df
