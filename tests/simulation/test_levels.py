"""Gauges through the real part, rollouts growing their own history: false alarms ever, PASS at the margin, power.

Cases of one workload share its history, so flags clump a little; `within_budget` allows one in a thousand runs.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulation.core import within_budget
from tests.simulation.levels import Gauges, rollouts

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.timeout(900)
HEALTHY = {
    "independent": Gauges(),
    "autocorrelated": Gauges(correlation=0.8),
    "pods differ": Gauges(correlation=0.8, pods=2, pod_sd=1.0),
    "heavy tails": Gauges(heavy=True),
    "heavy tails and pods": Gauges(heavy=True, pods=2, pod_sd=1.0),
    "drift": Gauges(drift_sd=1.0),
    "drift apart": Gauges(drift_sd=1.0, apart=True),
    "incidents": Gauges(incidents=0.2),
    "incidents, pods": Gauges(incidents=0.2, pods=2, pod_sd=1.0, correlation=0.8),
    "three steps": Gauges(steps=True, pod_sd=1.0),
    "a group missing in most rollouts": Gauges(gaps=0.6, heavy=True),
}
SIMPLER = {"independent", "autocorrelated", "heavy tails", "drift", "incidents"}
"""What the others have together: in large numbers alone."""


def judged(gauges: Gauges, clusters: int):
    """All rollouts that had history."""
    outcomes = [one for seed in range(clusters) for one in rollouts(gauges, seed)]
    return [one for one in outcomes if one.units]


@pytest.mark.parametrize(
    ("name", "clusters"),
    [(name, 1) for name in HEALTHY if name not in SIMPLER]
    + [pytest.param(name, 10, marks=NIGHTLY) for name in HEALTHY],
)
def test_healthy_canaries_keep_alpha(name, clusters):
    """Flagged ever, looked at in every window, at .05 and at .01."""
    outcomes = judged(HEALTHY[name], clusters)
    assert len(outcomes) > 80 * clusters
    for alpha in (0.05, 0.01):
        assert within_budget(sum(one.p <= alpha for one in outcomes), len(outcomes), alpha)


@pytest.mark.parametrize("clusters", [1, pytest.param(10, marks=NIGHTLY)])
@pytest.mark.parametrize(
    "gauges",
    [
        Gauges(at_margin=True, groups=("memory",)),
        Gauges(at_margin=True, groups=("cpu",), correlation=0.8, pods=2, pod_sd=1.0),
        Gauges(at_margin=True, groups=("memory",), heavy=True),
    ],
    ids=["one group", "a group of two, pods differ", "heavy tails"],
)
def test_a_canary_at_the_margin_is_shown_to_be_no_worse_in_at_most_beta_of_the_runs(gauges, clusters):
    """One group worse by what a PASS rules out, the others healthy; ever, at beta .05."""
    outcomes = judged(gauges, clusters)
    assert within_budget(sum(one.p_not_worse <= 0.05 for one in outcomes), len(outcomes), 0.05)


def test_healthy_canaries_are_mostly_shown_to_be_no_worse():
    """Signals of 15% noise, in three minutes."""
    outcomes = judged(Gauges(), 1)
    assert np.mean([one.p_not_worse <= 0.05 for one in outcomes]) > 0.7


def test_canaries_that_are_worse_are_found():
    """Half as much again, in most; twice as much, nearly always at .01 and within half a minute."""
    assert np.mean([one.p <= 0.05 for one in judged(Gauges(worse=np.log(1.5)), 1)]) > 0.8
    twice = judged(Gauges(worse=np.log(2.0)), 1)
    assert np.mean([one.p <= 0.01 for one in twice]) > 0.9
    assert np.median([one.found_window for one in twice]) <= 6


def test_a_history_with_gaps_is_not_thrown_away():
    """Half as much again, where six rollouts of ten say nothing of latency: in most."""
    assert np.mean([one.p <= 0.05 for one in judged(Gauges(gaps=0.6, worse=np.log(1.5)), 2)]) > 0.65


def test_identical_sides_are_never_flagged():
    """Whatever the history."""
    assert all(one.p > 0.5 for one in judged(Gauges(identical=True, pods=2), 1))
