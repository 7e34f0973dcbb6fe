"""How improbable is one stream's count, given the workload's past and the baseline beside it?

Two p-values, each for the whole life of the comparison. Against the past, p_h: the chance of as many events in all the
exposure *planned*; counts only grow, so this one p covers every look. Against the baseline, p_c = 1 / sup E. The past
misleads in an incident that both revisions share, the baseline alone proves nothing by a few events; so with pi the
learned chance of such an incident,

    p = max( p_h (1 - pi) / .5, p_c pi / .5 ),

and P(p <= a) <= (1-pi) a .5/(1-pi) + pi a .5/pi = a: in a quiet comparison by the first, in an incident by the second.

Source: union bound over two nulls weighted by their prior; judge-sketch.md, simulated in
`tests/simulation/test_logs_history.py`.
"""

from __future__ import annotations

from msgspec import Struct, field

from streams.judging.logs.concurrent import ConcurrentState
from streams.judging.logs.dispersion import Blocks
from streams.judging.logs.past import StreamPast, dispersion, tail


class StreamState(Struct, array_like=True):
    """One stream of one comparison."""

    past: StreamPast = field(default_factory=StreamPast)
    """As it was when the comparison began."""
    clumps: float = 1.0
    """phi_w, likewise."""
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
    incident = (0.5 + past.incidents) / (10.0 + past.cohorts + past.incidents)
    p_history = tail(state.events, planned_s * tolerance, past, stream_phi(state))
    return min(1.0, max(p_history * (1.0 - incident) / 0.5, p_concurrent * incident / 0.5))


def stream_phi(state: StreamState) -> float:
    """By what counts are divided before they are judged."""
    return dispersion(state.past, state.clumps)
