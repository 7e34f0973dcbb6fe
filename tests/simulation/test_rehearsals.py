"""First rollouts after stretches of production (`rehearsal`): false alarms of the logs, and what is found.

Production keeps its pods, hours differ, and the rollout comes when there is most to do. Of latencies: `test_values`.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from streams.judging.logs.past import LogPrior
from streams.judging.past import Past, Prior
from streams.judging.rehearsal import Rehearsal, begin_rehearsal
from streams.judging.settings import JudgeSettings
from tests.simulation.core import within_budget
from tests.simulation.logs import INFOS, WINDOW_NS, Service, World, judged

SETTINGS = JudgeSettings()
APART_H = 5
pytestmark = pytest.mark.timeout(900)


class Production(World):
    """A workload whose first revision stays until its first rollout."""

    def __init__(self, service: Service, seed: int) -> None:
        super().__init__(service, seed)
        self._baseline = super()._factors(service.pods[0])
        self._next_is_baseline = True

    def _factors(self, pods: int) -> np.ndarray:
        """The baseline's, which stay, then those of new pods."""
        of_baseline, self._next_is_baseline = self._next_is_baseline, not self._next_is_baseline
        return self._baseline if of_baseline else super()._factors(pods)


def at_load(service, load):
    """So many times as busy."""
    return replace(
        service, errors=service.errors * load, warnings=service.warnings * load, traces=service.traces * load
    )


def first_rollout(service, seed, rehearsals, *, day=1.0, worse=1.0, idle=False):
    """The p of the logs of a first rollout at the busiest hour.

    Args:
        service: then.
        seed: of all that is drawn.
        rehearsals: before it, five hours apart, beginning at any hour.
        day: how many times as busy the busiest hour is as the quietest.
        worse: times as many errors of the canary.
        idle: for half of the day there is nothing to do.
    """
    world, past = Production(service, seed), Past()
    begin_h = np.random.default_rng([seed, 1]).uniform(0, 24)
    for number in range(rehearsals):
        hour = begin_h + APART_H * number
        high = math.cos(2.0 * math.pi * hour / 24.0)
        world.service = at_load(service, 0.0 if idle and high < 0.0 else day ** (0.5 * high - 0.5))
        planned_ns = service.windows * WINDOW_NS
        rehearsal = Rehearsal(SETTINGS, WINDOW_NS, past, begin_rehearsal(SETTINGS, past, planned_ns))
        for window, (side, _) in enumerate(world.rollout()):
            side.lines = max(side.lines, 1)  # it is heard, whatever it has to do
            rehearsal.add(window * WINDOW_NS, side, ({}, {}), INFOS, {}, {})
        past.learn(rehearsal.cohort(), SETTINGS.logs, Prior(), promoted=False)
    world.service = replace(service, worse=worse)
    return judged(world.service, past.logs, LogPrior(), world).p


HEALTHY = {
    "stationary": (Service(), 1.0),
    "hours differ": (Service(), 10.0),
    "hours differ, many failures": (Service(errors=0.02), 10.0),
    "hours differ, no ids": (Service(ids=False), 10.0),
    "pods differ": (Service(pod_sd=0.5), 1.0),
    "stretches differ": (Service(cohort_sd=0.7), 1.0),
    "causes that last at one pod": (Service(errors=0.04, clump=20), 1.0),
    "causes that last at one pod, hours differ": (Service(errors=0.04, clump=20), 10.0),
    "shared incidents": (Service(incident=0.2, incident_new=True), 1.0),
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize(
    ("rehearsals", "runs"),
    [(2, 12), pytest.param(2, 200, marks=pytest.mark.nightly), pytest.param(9, 120, marks=pytest.mark.nightly)],
)
def test_a_first_rollout_after_rehearsals_keeps_alpha(name, rehearsals, runs):
    """After two of any hours, and after nine in two days; the rollout comes at the busiest hour."""
    service, day = HEALTHY[name]
    found = [first_rollout(service, seed, rehearsals, day=day) for seed in range(runs)]
    for alpha in (0.05, 0.01):
        assert within_budget(sum(p <= alpha for p in found), runs, alpha)


@pytest.mark.parametrize("runs", [12, pytest.param(120, marks=pytest.mark.nightly)])
def test_hours_with_nothing_to_do_are_no_hours_without_failures(runs):
    """Were they, one in eight of the healthy canaries would fail at .05."""
    found = [first_rollout(Service(errors=0.02), seed, 4, idle=True) for seed in range(runs)]
    for alpha in (0.05, 0.01):
        assert within_budget(sum(p <= alpha for p in found), runs, alpha)


def test_a_first_rollout_after_rehearsals_is_found_as_a_later_one_is():
    """Five times the failed traces, .004 a pod-second and so twelve of a canary: without rehearsals one in four."""
    without, after = ([first_rollout(Service(), seed, number, worse=5.0) for seed in range(40)] for number in (0, 2))
    assert sum(p <= 0.05 for p in without) <= 15
    assert sum(p <= 0.05 for p in after) >= 20
