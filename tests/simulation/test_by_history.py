"""A revision without a baseline, judged by the workload's history: false alarms, and how many rollouts it takes.

Each workload's rollouts follow each other; every canary is judged as if nothing had been beside it, by the cohorts that
the baselines of the rollouts before it have left, or the canaries themselves (`logs.World`; of errors alone, as nothing
else is judged).
"""

from __future__ import annotations

from dataclasses import replace
from math import comb

import pytest

from streams.judging.logs.by_history import ByHistory, begin_by_history, shared_guard
from streams.judging.logs.past import LogPast, LogPrior
from tests.simulation.core import within_budget
from tests.simulation.logs import INFOS, SCENARIOS, SETTINGS, WINDOW_NS, Service, World

pytestmark = pytest.mark.timeout(1800)
INCIDENTS = {
    "incidents in one of twenty": Service(incident=0.05),
    "in one of ten": Service(incident=0.1),
    "in one of ten, cohorts differ": Service(incident=0.1, cohort_sd=0.7),
    "in one of five, pod effects": Service(incident=0.2, pod_sd=0.5),
}
ALIKE = ("stationary", "pod effects", "cohort dispersion", "clumps", "clumps, pod effects, cohort dispersion", "no ids")
DAYS = {name: SCENARIOS[name] for name in ALIKE} | INCIDENTS


def rollout(world, past, level):
    """The next rollout: baseline and canary, each by itself."""
    planned_ns = int(world.service.windows * WINDOW_NS)
    found = [ByHistory(SETTINGS, WINDOW_NS, level, 500, begin_by_history(past, LogPrior(), planned_ns)) for _ in "bc"]
    for index, sides in enumerate(world.rollout()):
        for one, side in zip(found, sides, strict=True):
            one.add(index * WINDOW_NS, side, INFOS, {})
    return found


def life(service, workloads, cases, level, last=None, *, by_itself=False):
    """Whether each rollout fails at a level, ever; or the last of each workload, which is another service's.

    Args:
        service: what is rolled out.
        workloads: so many, each with a past of its own.
        cases: rollouts of each.
        level: alpha times the share.
        last: another service for the last rollout.
        by_itself: no baseline is ever there: the past learns from what was judged so.
    """
    failed = []
    for seed in range(workloads):
        world, past = World(replace(service, warnings=0.0, traces=0.0), seed), LogPast()
        for case in range(cases):
            if last is not None and case == cases - 1:
                world.service = replace(last, warnings=0.0, traces=0.0)
            baseline, canary = rollout(world, past, level)
            failed.append(canary.state.p <= level)
            past.learn((canary if by_itself else baseline).cohort(), SETTINGS, LogPrior())
    return failed if last is None else failed[cases - 1 :: cases]


@pytest.mark.parametrize("name", ["clumps, pod effects, cohort dispersion", "in one of ten, cohorts differ", "no ids"])
def test_healthy_revisions_keep_alpha(name):
    """Three workloads, the tenth to the thirtieth rollout of each: before the eighth, nothing can fail."""
    failed = life(DAYS[name], 3, 30, 0.05)
    assert not any(failed[case] for case in range(len(failed)) if case % 30 < 7)
    late = [failed[case] for case in range(len(failed)) if case % 30 >= 10]
    assert within_budget(sum(late), len(late), 0.05)


@pytest.mark.nightly
@pytest.mark.parametrize("by_itself", [False, True])
@pytest.mark.parametrize("level", [0.05, 0.01])
@pytest.mark.parametrize("name", DAYS)
def test_healthy_revisions_keep_alpha_in_large_numbers(name, level, by_itself):
    """Ten workloads of 120 rollouts: at .01 nothing can fail before about the seventieth."""
    failed = life(DAYS[name], 10, 120, level, by_itself=by_itself)
    first = 10 if level > 0.01 else 70
    late = [failed[case] for case in range(len(failed)) if case % 120 >= first]
    assert within_budget(sum(late), len(late), level)


@pytest.mark.parametrize("chance", [0.01, 0.03, 0.06, 0.12, 0.3])
@pytest.mark.parametrize("cohorts", [5, 15, 40])
def test_the_guard_bounds_an_incident_today_with_so_few_before(cohorts, chance):
    """Promise: whatever the chance of an incident is, for every number of them that may be known."""
    below = 0.0
    for known in range(cohorts + 1):
        below += comb(cohorts, known) * chance**known * (1.0 - chance) ** (cohorts - known)
        assert chance * below <= shared_guard(cohorts, known) + 1e-12


def test_ten_times_the_errors_are_found_after_ten_rollouts_and_not_after_seven():
    """At .05 and a usual 2.4 failures: what power is left."""
    usual = Service(errors=0.004)
    worse = replace(usual, worse=10.0)
    assert sum(life(usual, 8, 11, 0.05, last=worse)) >= 6
    assert sum(life(usual, 4, 8, 0.05, last=worse)) == 0
