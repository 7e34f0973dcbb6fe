"""How improbable is one stream's count, given the workload's past and the baseline beside it?

Two p-values, each for the whole life of the comparison. Against the past, p_h: the chance of as many events in all the
exposure *planned*; counts only grow, so this one p covers every look. Against the baseline, p_c = 1 / sup E. The past
misleads in an incident that both revisions share, the baseline alone proves nothing by a few events; so with pi the
learned chance of such an incident and any u fixed before the comparison begins,

    p = max( p_h (1 - pi) / u, p_c pi / (1 - u) ),

and P(p <= a) <= (1-pi) a u/(1-pi) + pi a (1-u)/pi = a: in a quiet comparison by the first, in an incident by the second.
u is chosen so that both are alike where a verdict begins to be possible, at three events of the canary alone: with a
long history the past soon says enough, and what has to be shown beside the baseline decides.

Source: union bound over two nulls weighted by their prior; judge-sketch.md, simulated in
`tests/simulation/test_logs_history.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from streams.judging.counts import WORSE_FACTORS
from streams.judging.logs.concurrent import FEW_FACTORS, NEW_FACTORS, ConcurrentState
from streams.judging.logs.dispersion import Blocks
from streams.judging.logs.past import StreamPast, dispersion, tail
from streams.judging.logs.settings import ERRORS

_FEW = 2.0


class StreamState(Struct, array_like=True):
    """One stream of one comparison."""

    past: StreamPast = field(default_factory=StreamPast)
    """As it was when the comparison began."""
    clumps: float = 1.0
    """phi_w, likewise."""
    by_past: float = 0.5
    """u, likewise."""
    share: float = 0.0
    """Of the part's error; 0: not judged."""
    concurrent: ConcurrentState = field(default_factory=ConcurrentState)
    events: float = 0.0
    """The canary's, those that p_h judges: of new things the running maximum."""
    p: float = 1.0
    """Running minimum."""
    blocks: Blocks = field(default_factory=Blocks)
    """The baseline's events in time."""


class StreamEvidence(Struct, frozen=True):
    """What one stream says."""

    stream: str
    share: float
    """Of the part's error: it fails the part when p <= share * the part's level. 0: not judged."""
    canary_count: float
    baseline_count: float
    """Beside it. Of new things: traces that hold something history has not shown."""
    canary_exposure_s: float
    """Pod-seconds in which both logs were heard."""
    baseline_exposure_s: float
    history_count: float
    """Of earlier baselines, older ones weigh less."""
    history_exposure_s: float
    ratio: float | None
    """The canary's rate over that of history, or of the baseline where there is none; None where that is 0."""
    p: float
    """0..1, for the whole life."""


def stream_p(state: StreamState, p_concurrent: float, planned_s: float, tolerance: float) -> float:
    """p of one stream now, not yet the running minimum.

    Args:
        state: its counts and past.
        p_concurrent: p_c.
        planned_s: the canary's exposure planned for the whole comparison, pod-seconds.
        tolerance: how many times history's rate is tolerated.
    """
    past = state.past
    if past.exposure_s <= 0.0:
        return min(1.0, p_concurrent)
    incident, u = shared_incident(past), state.by_past
    p_history = tail(state.events, planned_s * tolerance, past, stream_phi(state))
    return min(1.0, max(p_history * (1.0 - incident) / u, p_concurrent * incident / (1.0 - u)))


def shared_incident(past: StreamPast) -> float:
    """pi: chance that both revisions see an incident during the comparison; before any cohort 1 in 20."""
    return (0.5 + past.incidents) / (10.0 + past.cohorts + past.incidents)


def stream_factors(stream: str, past: StreamPast) -> tuple[float, ...]:
    """The alternatives of the comparison with the baseline beside it."""
    if past.exposure_s <= 0.0:
        return WORSE_FACTORS
    return FEW_FACTORS if stream == ERRORS else NEW_FACTORS


def weight_of_past(past: StreamPast, phi: float, tolerance: float, factors: Sequence[float]) -> float:
    """u, for a comparison as long as the cohorts were on average, at equal shares of exposure; .05 to .95."""
    if past.cohorts <= 0.0:
        return 0.5
    incident = shared_incident(past)
    p_history = tail(_FEW, past.exposure_s / past.cohorts * tolerance, past, phi) * (1.0 - incident)
    even = [2.0 * ratio / (1.0 + ratio) for ratio in factors]
    p_concurrent = incident / (sum(each ** (_FEW / phi) for each in even) / len(even))
    return min(0.95, max(0.05, p_history / (p_history + p_concurrent)))


def stream_phi(state: StreamState) -> float:
    """By what counts are divided before they are judged."""
    return dispersion(state.past, state.clumps)


def weighted_simes(streams: Sequence[tuple[float, float]]) -> float:
    """One p of several (p, weight), weights sum 1; a weight of 0 is left out.

    At most that of Bonferroni (the least p/weight), and smaller where several streams agree: the k smallest p share
    their weights. Valid for p-values that depend positively on each other, as counts of overlapping sets of traces do;
    monotone in each, so that of p-values for the whole life it is one as well.

    Source: Hochberg & Liberman 1994 (weights); Benjamini & Yekutieli 2001, Blanchard & Roquain 2008 (dependence).

    >>> weighted_simes([(0.02, 0.5), (0.03, 0.5)]), weighted_simes([(0.02, 0.5), (0.9, 0.5)])
    (0.03, 0.04)
    """
    best, together = 1.0, 0.0
    for p, weight in sorted(streams):
        if weight > 0.0:
            together += weight
            best = min(best, p / together)
    return best
