"""A revision without a baseline, judged by the workload's history: false alarms, and how many rollouts it takes.

Each workload's rollouts follow each other; every canary is judged as if nothing had been beside it, by the cohorts that
the baselines of the rollouts before it have left, or the canaries themselves (`logs.World`; of errors alone, as nothing
else is judged).
"""

from __future__ import annotations

from dataclasses import replace
from math import comb
from typing import NamedTuple

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


class Way(NamedTuple):
    """How rollouts are judged."""

    level: float = 0.05
    """Alpha times the share."""
    by_itself: bool = False
    """No baseline is ever there: the past learns from what was judged so."""


WAYS = [Way(level, by_itself) for level in (0.05, 0.01) for by_itself in (False, True)]


def rollout(world, pasts):
    """The next rollout, in each way by its past: baseline and canary, each by itself."""
    planned_ns = int(world.service.windows * WINDOW_NS)
    found = {
        way: [
            ByHistory(SETTINGS, WINDOW_NS, way.level, 500, begin_by_history(past, LogPrior(), planned_ns)) for _ in "bc"
        ]
        for way, past in pasts.items()
    }
    for index, sides in enumerate(world.rollout()):
        for both in found.values():
            for one, side in zip(both, sides, strict=True):
                one.add(index * WINDOW_NS, side, INFOS, {})
    return found


def lives(service, workloads, cases, ways, last=None):
    """Of each way, whether each rollout fails, ever; or the last of each workload, which is another service's.

    Args:
        service: what is rolled out.
        workloads: so many, each with a past of its own.
        cases: rollouts of each.
        ways: to judge one and the same rollouts.
        last: another service for the last rollout.
    """
    failed = {way: [] for way in ways}
    for seed in range(workloads):
        world, pasts = World(replace(service, warnings=0.0, traces=0.0), seed), {way: LogPast() for way in ways}
        for case in range(cases):
            if last is not None and case == cases - 1:
                world.service = replace(last, warnings=0.0, traces=0.0)
            for way, (baseline, canary) in rollout(world, pasts).items():
                failed[way].append(canary.state.p <= way.level)
                pasts[way].learn((canary if way.by_itself else baseline).cohort(), SETTINGS, LogPrior())
    return failed if last is None else {way: each[cases - 1 :: cases] for way, each in failed.items()}


def life(service, workloads, cases, last=None):
    """The same at .05, with a baseline beside."""
    return lives(service, workloads, cases, [Way()], last)[Way()]


@pytest.mark.parametrize("name", ["clumps, pod effects, cohort dispersion", "in one of ten, cohorts differ", "no ids"])
def test_healthy_revisions_keep_alpha(name):
    """Three workloads, the tenth to the thirtieth rollout of each: before the eighth, nothing can fail."""
    failed = life(DAYS[name], 3, 30)
    assert not any(failed[case] for case in range(len(failed)) if case % 30 < 7)
    late = [failed[case] for case in range(len(failed)) if case % 30 >= 10]
    assert within_budget(sum(late), len(late), 0.05)


@pytest.mark.nightly
@pytest.mark.parametrize("name", DAYS)
def test_healthy_revisions_keep_alpha_in_large_numbers(name):
    """Ten workloads of 120 rollouts, at .05 and .01: at that nothing can fail before about the seventieth."""
    for way, failed in lives(DAYS[name], 10, 120, WAYS).items():
        first = 10 if way.level > 0.01 else 70
        late = [failed[case] for case in range(len(failed)) if case % 120 >= first]
        assert within_budget(sum(late), len(late), way.level), way


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
    assert sum(life(usual, 8, 11, last=worse)) >= 6
    assert sum(life(usual, 4, 8, last=worse)) == 0
