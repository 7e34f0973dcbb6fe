"""Logs judged with the workload's history: false alarms over whole lives of rollouts, and what is found.

Each workload's rollouts follow each other, each judged by those before it, through the real part (`logs.life`).
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from streams.judging.logs.past import LogPast, LogPrior
from tests.simulation.core import within_budget
from tests.simulation.logs import LONG, LOOPS, SCENARIOS, SETTINGS, Service, World, judged, life

pytestmark = pytest.mark.timeout(1800)
QUIET = Service(errors=0.002, warnings=0.01, tail=3.0)
SIMPLER = {
    "pod effects", "cohort dispersion", "shared incidents", "split 5-10-25-50", "clumps", "share 80%",
}  # fmt: skip
"""What the others have together: in large numbers alone."""


def flags(found, alpha):
    """How many rollouts failed, ever."""
    return sum(p <= alpha for p in found)


def keeps_alpha(found):
    """At both levels, ever, over all rollouts."""
    return all(within_budget(flags(found, alpha), len(found), alpha) for alpha in (0.05, 0.01))


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in SIMPLER])
def test_healthy_canaries_keep_alpha(name):
    """Eight workloads, twelve rollouts each: from the first without any history on."""
    assert keeps_alpha(life(SCENARIOS[name], 8, 12))


@pytest.mark.nightly
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize(("services", "workloads"), [(SCENARIOS, 70), (LONG, 24)], ids=["short", "long"])
def test_healthy_canaries_keep_alpha_in_large_numbers(name, services, workloads):
    """The same with 1,050 rollouts of five minutes and 360 of fifteen."""
    assert keeps_alpha(life(services[name], workloads, 15))


@pytest.mark.parametrize("runs", [(4, 9), pytest.param((40, 15), marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", LOOPS)
def test_lines_that_come_as_often_as_there_is_something_to_do_keep_alpha(name, runs):
    """Of all rollouts, and of those that are judged by new numbers."""
    by_numbers = []
    assert keeps_alpha(life(LOOPS[name], *runs, by_numbers=by_numbers))
    assert by_numbers
    assert keeps_alpha(by_numbers)


@pytest.mark.parametrize("name", ["stationary", "clumps, pod effects, cohort dispersion"])
@pytest.mark.parametrize(("workloads", "ratio"), [(5, 3.0), pytest.param(70, 2.0, marks=pytest.mark.nightly)])
def test_a_canary_at_the_tolerance_of_a_policy_keeps_alpha(name, workloads, ratio):
    """Two or three times the errors, and the new templates and shapes that come with them, where that is tolerated."""
    settings = structs.replace(SETTINGS, tolerance=ratio)
    assert keeps_alpha(life(replace(SCENARIOS[name], worse=ratio), workloads, 15, settings))


def test_the_first_rollouts_keep_alpha():
    """Without any history: the baseline beside alone."""
    assert keeps_alpha(life(Service(errors=0.02, clump=2), 150, 1))


@pytest.mark.parametrize("causes", [0.002, pytest.param(0.01, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("runs", [30, pytest.param(400, marks=pytest.mark.nightly)])
def test_the_first_rollout_of_a_first_workload_keeps_alpha_where_requests_fail_together(runs, causes):
    """Twenty at once, at one pod: neither the workload nor the cluster has taught yet that such a thing happens."""
    service = Service(errors=causes, burst=20)
    found = [judged(service, LogPast(), LogPrior(), World(service, seed)).p for seed in range(runs)]
    assert keeps_alpha(found)


@pytest.mark.parametrize(("pods", "kept"), [(2, [0.05]), (4, [0.05, 0.01])])
@pytest.mark.parametrize("runs", [60, pytest.param(600, marks=pytest.mark.nightly)])
def test_causes_that_last_at_one_pod_keep_alpha_in_a_first_rollout(runs, pods, kept):
    """For 100 s a failed trace every five seconds, 1.2 times a side, of which nobody knows yet that it happens.

    At .01 two pods a side do not keep it: 20 of 600 (`docs/judging.md`, known weaknesses).
    """
    service = Service(errors=0.08 / pods, clump=20, pods=(pods, pods))
    found = [judged(service, LogPast(), LogPrior(), World(service, seed)).p for seed in range(runs)]
    for alpha in kept:
        assert within_budget(flags(found, alpha), runs, alpha)


@pytest.mark.parametrize(("workloads", "cases"), [(12, 6), pytest.param(70, 15, marks=pytest.mark.nightly)])
def test_causes_that_last_at_one_pod_keep_alpha(workloads, cases):
    """The same from rollout to rollout."""
    assert keeps_alpha(life(Service(errors=0.04, clump=20), workloads, cases))


@pytest.mark.parametrize("runs", [(8, 10), pytest.param((40, 15), marks=pytest.mark.nightly)])
@pytest.mark.parametrize(("causes", "known"), [(1.2, 2), (0.3, 3)])
def test_causes_that_last_at_the_only_pod_keep_alpha_once_they_are_known(runs, causes, known):
    """Of single pods: what happened to the baselines before says how often they come.

    So many causes a side and rollout, from the rollout after so many on; in the first ones alpha is not kept
    (`docs/judging.md`, known weaknesses).
    """
    workloads, cases = runs
    found = life(Service(errors=causes / 15.0, clump=20, pods=(1, 1)), workloads, cases)
    assert keeps_alpha(found[known * workloads :])


def test_five_times_the_errors_of_a_single_pod_are_found():
    """After nine rollouts; what such causes cost where there are none."""
    usual = Service(errors=0.02, pods=(1, 1))
    assert flags(life(usual, 10, 10, last=replace(usual, worse=5.0)), 0.01) >= 8


@pytest.mark.nightly
def test_causes_that_last_at_one_pod_keep_alpha_in_long_rollouts():
    """The same as often in fifteen minutes, and of 25 s."""
    assert keeps_alpha(life(Service(errors=0.04 / 3.0, clump=20, windows=180), 70, 15))
    assert keeps_alpha(life(Service(errors=0.01, clump=5), 70, 15))


def test_the_first_shared_incident_fails_nearly_nobody():
    """Both sides show ten times the errors, with new templates, after fifteen quiet rollouts."""
    first = Service(errors=0.01, incident=1.0, incident_new=True)
    found = life(Service(errors=0.01), 20, 16, last=first)
    assert flags(found, 0.01) <= 2


def test_a_rare_error_of_the_canary_alone_is_found_with_history():
    """Six events or so at equal shares: more than half at .05, twice as many as without history."""
    worse = replace(QUIET, rare=0.01)
    assert flags(life(QUIET, 20, 16, last=worse), 0.05) >= 10
    assert flags(life(QUIET, 30, 1, last=worse), 0.05) <= 9


def test_five_times_the_errors_are_found_with_history_and_without():
    """A plain regression of known errors."""
    usual, worse = Service(errors=0.02), Service(errors=0.02, worse=5.0)
    assert flags(life(usual, 12, 10, last=worse), 0.01) >= 10
    assert flags(life(usual, 20, 1, last=worse), 0.01) >= 14
