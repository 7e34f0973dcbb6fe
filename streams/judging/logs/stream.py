"""How improbable is one stream's count, given the workload's past and the baseline beside it?

Two p-values, each for the whole life of the comparison. Against the past, p_h: the chance of as many events in all the
exposure up to the end of a *planned* look (`horizon`); counts only grow, so this one p covers every moment of it.
Against the baseline, p_c = 1 / sup E. The past misleads in an incident that both revisions share, the baseline alone
proves nothing by a few events; so with pi the learned chance of such an incident and any u fixed before the comparison
begins,

    p = max( p_h (1 - pi) / u, p_c pi / (1 - u) ),

and P(p <= a) <= (1-pi) a u/(1-pi) + pi a (1-u)/pi = a, by the first in a quiet comparison, by the second in an
incident. (The weight of p_c is never below `LEAST_GUARD`, which only makes p larger.) u is chosen so that both are
alike where a verdict begins to be possible: at the fewest events of the canary, two or more (one may be luck), that
fail it at the level it is judged at while the baseline shows as many as is usual. Where failures are rare the past soon
says enough, and what has to be shown beside the baseline decides; where they are common it is the other way round.

The past is judged by counts deflated by all that makes them vary, from cohort to cohort above all; p_c by how they
clump within a comparison alone, in time and at single pods (`pods`): what makes whole comparisons differ, both
revisions share.

Source: union bound over two nulls weighted by their prior; judge-sketch.md, simulated in
`tests/simulation/test_logs_history.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct, field

from streams.judging.combine import SMALLEST_P
from streams.judging.counts import WORSE_FACTORS, log_mean_exp
from streams.judging.logs.beside import FEW_FACTORS, NEW_FACTORS, BesideState
from streams.judging.logs.dispersion import Blocks
from streams.judging.logs.past import LogPrior, shared_incident
from streams.judging.logs.quiet import Clumping, StreamPast, clump_size, dispersion, pod_clump_size, tail
from streams.judging.logs.settings import ERRORS, LogSettings
from streams.signals.rule import USUAL_TOLERANCE

LEAST_GUARD = 0.03
"""Least weight of p_c. However quiet the past was, it alone fails no canary: in a first shared incident, where p_h says
nothing, a stream fails at alpha .01 only if the baseline speaks against the canary by about eight to one."""
_FEW, _MOST_FEW, _STEP = 2, 20, 1.1
"""Events of the canary at which past and baseline are to say as much: least, most per usual one and one more; where
there are many, the next number that is tried is so many times the last."""


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
    beside: BesideState = field(default_factory=BesideState)
    events: float = 0.0
    """The canary's, those that p_h judges: of new things the running maximum."""
    p: float = 1.0
    """Running minimum."""
    blocks: Blocks = field(default_factory=Blocks)
    """The baseline's events in time."""
    clumps_known: bool = True
    """A cohort of the workload, or of the cluster, had shown events enough to tell; fixed like `clumps`."""
    by_pod: float = 1.0
    """The clumps at single pods that are usual; fixed likewise."""


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
    """In (0, 1], for the whole life."""


def begin_stream(
    name: str, settings: LogSettings, past: StreamPast, prior: LogPrior, share: float, level: float
) -> StreamState:
    """One stream as its comparison begins.

    Args:
        name: one of `STREAMS`.
        settings: what an operator set.
        past: as it is now; becomes the stream's.
        prior: of the cluster's other workloads.
        share: of the part's error.
        level: alpha; what is found best depends on it, the bound does not.
    """
    cluster = prior.clumping.get(name, Clumping())
    known = past.clumping_df + cluster.in_time_df > 0.0
    stream = StreamState(
        past,
        clump_size(past, cluster),
        share=share,
        clumps_known=known,
        by_pod=pod_clump_size(past, cluster),
    )
    stream.by_past, _ = _least_that_tells(stream, stream_tolerance(name, settings), stream_factors(name, past), level)
    return stream


def fewest(name: str, stream: StreamState, settings: LogSettings, level: float) -> float:
    """Events of the canary that fail a comparison as long as the cohorts were, while the baseline shows its usual few.

    Args:
        name: one of `LEARNED`.
        stream: as its comparison begins.
        settings: what an operator set.
        level: of the part; infinite where nothing is known, or too many would be needed.
    """
    factors = stream_factors(name, stream.past)
    return _least_that_tells(stream, stream_tolerance(name, settings), factors, level * stream.share)[1]


def stream_tolerance(name: str, settings: LogSettings) -> float:
    """How many times history's, or the baseline's, rate is tolerated; of new things once, unless more is asked for."""
    return settings.tolerance if name == ERRORS else max(1.0, settings.tolerance / (1.0 + USUAL_TOLERANCE))


def stream_factors(name: str, past: StreamPast) -> tuple[float, ...]:
    """The alternatives of the comparison with the baseline beside it."""
    if past.exposure_s <= 0.0:
        return WORSE_FACTORS
    return FEW_FACTORS if name == ERRORS else NEW_FACTORS


def stream_phi(stream: StreamState) -> float:
    """By what counts are divided before they are judged by the past, >= 1."""
    return dispersion(stream.past, stream.clumps)


def stream_clumps(stream: StreamState) -> float:
    """The same beside the baseline."""
    return max(1.0, stream.clumps)


def stream_p(
    stream: StreamState,
    events: float,
    p_beside: float,
    look_s: float,
    look_share: float,
    tolerance: float,
    clump: float = 1.0,
) -> float:
    """The p of one stream now, not yet the running minimum.

    Args:
        stream: its past.
        events: the canary's.
        p_beside: p_c.
        look_s: the canary's exposure up to the end of the present look (`horizon`), pod-seconds.
        look_share: of the error against the past, for that look; p_c holds for the whole life by itself.
        tolerance: see `stream_tolerance`.
        clump: how many of the canary's events count as one for how unequally its pods have them. While the past has not
            told how they clump they count so against it too: one that has shown none says nothing of causes that last.
    """
    past, u = stream.past, stream.by_past
    if past.exposure_s <= 0.0:
        return min(1.0, max(SMALLEST_P, p_beside))
    incident = shared_incident(past)
    phi = stream_phi(stream) if stream.clumps_known else max(stream_phi(stream), clump)
    p_history = tail(events, look_s * tolerance, past, phi) / look_share
    return min(
        1.0, max(SMALLEST_P, p_history * (1.0 - incident) / u, p_beside * max(LEAST_GUARD, incident / (1.0 - u)))
    )


def stream_evidence(
    name: str, stream: StreamState, canary_s: float, baseline_s: float, part_p: float
) -> StreamEvidence:
    """What there is to tell of one stream.

    Args:
        name: of it.
        stream: its state.
        canary_s: exposure, pod-seconds.
        baseline_s: the same.
        part_p: of all streams. No stream says more than that, for what a single pod holds back (`onset`) is held back
            of all together.
    """
    past = stream.past
    with_history = past.exposure_s > 0.0
    count = past.events if with_history else stream.beside.baseline
    exposure_s = past.exposure_s if with_history else baseline_s
    return StreamEvidence(
        stream=name,
        share=stream.share,
        canary_count=stream.events,
        baseline_count=stream.beside.baseline,
        canary_exposure_s=canary_s,
        baseline_exposure_s=baseline_s,
        history_count=past.events,
        history_exposure_s=past.exposure_s,
        ratio=(stream.events / canary_s) / (count / exposure_s) if count > 0.0 and canary_s > 0.0 else None,
        p=max(stream.p, part_p * stream.share),
    )


def _least_that_tells(
    stream: StreamState, tolerance: float, factors: Sequence[float], level: float
) -> tuple[float, float]:
    """Reckon u, .05 to .95, and the fewest events that fail the canary by it.

    For a comparison as long as the cohorts were on average, at equal shares of exposure.
    """
    past = stream.past
    if past.cohorts <= 0.0:
        return 0.5, math.inf
    incident = shared_incident(past)
    free = 1.0 - incident / LEAST_GUARD  # up to here u costs p_c nothing
    exposure_s, usual = past.exposure_s / past.cohorts, past.events / past.cohorts
    clumps, phi = stream_clumps(stream), stream_phi(stream)
    few, u = float(_FEW), 0.5
    while few <= _MOST_FEW * (1.0 + usual):
        p_beside = max(SMALLEST_P, _beside_usual(few / clumps, usual / clumps, factors))
        p_history = max(SMALLEST_P, tail(few, exposure_s * tolerance, past, phi)) * (1.0 - incident)
        u = min(0.95, max(0.05, free, p_history / (p_history + p_beside * incident)))
        if max(p_history / u, p_beside * max(LEAST_GUARD, incident / (1.0 - u))) <= level:
            return u, few
        few = max(few + 1.0, few * _STEP)
    return u, math.inf


def _beside_usual(canary: float, baseline: float, factors: Sequence[float]) -> float:
    """p_c of so many events of each, at equal shares of exposure."""
    logs = [
        canary * math.log(2.0 * ratio / (1.0 + ratio)) + baseline * math.log(2.0 / (1.0 + ratio)) for ratio in factors
    ]
    return math.exp(min(0.0, -log_mean_exp(logs)))


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
