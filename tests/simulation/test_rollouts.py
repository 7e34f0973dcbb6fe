"""Whole rollouts through the real judge: scraped counters, ramps, shared incidents, dead shippers; FAIL and PASS."""

from __future__ import annotations

import numpy as np
import pytest

from streams.judging.settings import JudgeSettings
from streams.judging.signal import Counted, Signal, SignalState
from streams.policy.counted import COUNTED, REQUESTS
from tests.simulation.core import RUNS, within_budget
from tests.simulation.rollout import CRITICALS, Service, judge_many

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.timeout(900)


def failed(outcomes) -> list[bool]:
    """Which runs failed."""
    return [bool(np.isfinite(one.failed_min)) for one in outcomes]


def passed(outcomes) -> list[bool]:
    """Which runs passed."""
    return [bool(np.isfinite(one.passed_min)) for one in outcomes]


@pytest.mark.parametrize(
    ("runs", "alpha"), [(12, 0.05), *(pytest.param(RUNS, alpha, marks=NIGHTLY) for alpha in (0.05, 0.01))]
)
@pytest.mark.parametrize(
    "service",
    [
        Service(shared_incident=8.0),
        Service(requests_per_s=2.0, overdispersion=2.0, failed=0.02),
        Service(scrape_s=60, shared_incident=8.0),
        Service(scrape_s=None, pods=(2, 2), split=(0.5,), shared_incident=8.0),
        Service(silent_shipper="baseline"),
    ],
    ids=["scrape 15 s", "few requests in gusts", "scrape 60 s", "no counters", "shipper dies"],
)
def test_healthy_canaries_keep_alpha(service, runs, alpha):
    """A FAIL ever, over the whole rollout, in at most alpha of the runs."""
    assert within_budget(sum(failed(judge_many(service, 180, runs, JudgeSettings(alpha=alpha)))), runs, alpha)


@pytest.mark.parametrize(
    ("runs", "alpha"), [(12, 0.05), *(pytest.param(400, alpha, marks=NIGHTLY) for alpha in (0.05, 0.01))]
)
@pytest.mark.parametrize(
    "service",
    [
        Service(logged=(), failed=0.0, clumped=0.01),
        Service(logged=(), failed=0.0, clumped=0.01, split=(0.5,), pods=(2, 2)),
        pytest.param(Service(logged=(), failed=0.0, clumped=0.01, clump=5), marks=NIGHTLY),
        pytest.param(Service(logged=(), failed=0.01, clumped=0.005), marks=NIGHTLY),
        pytest.param(Service(logged=(), failed=0.0, clumped=0.01, outage=12), marks=NIGHTLY),
        pytest.param(Service(logged=(), failed=0.0, clumped=0.01, outage=6, scrape_s=5), marks=NIGHTLY),
    ],
    ids=["20", "20, half of the traffic", "5", "20 on single ones", "a minute", "half a minute, scrape 5 s"],
)
def test_healthy_canaries_whose_failures_come_in_clumps_keep_alpha(service, runs, alpha):
    """As many requests fail together at one pod, also for a while: a FAIL ever in at most alpha of the runs."""
    assert within_budget(sum(failed(judge_many(service, 180, runs, JudgeSettings(alpha=alpha)))), runs, alpha)


@pytest.mark.parametrize(
    ("service", "minutes"),
    [
        (Service(failed=0.01, worse=5.0), 6.0),
        (Service(scrape_s=None, split=(1 / 3,), worse=10.0), 10.0),
        (Service(logged=((CRITICALS[0], 0.0),), background=(), failed=0.0005, worse=100.0), 6.0),
    ],
    ids=["5 times the failures", "10 times, no counters", "new failures"],
)
def test_faulty_canaries_are_found(service, minutes):
    """Median minutes to FAIL at the default alpha .01."""
    outcomes = judge_many(service, 240, 11)
    assert np.median([one.failed_min for one in outcomes]) <= minutes


@pytest.mark.parametrize(
    ("service", "minutes"),
    [
        (Service(requests_per_s=100.0, failed=0.001, logged=(), pods=(4, 4), split=(0.25,)), 10.0),
        (Service(requests_per_s=10.0, failed=0.001, logged=(), pods=(4, 2), split=(0.5,)), 15.0),
        (Service(scrape_s=None, pods=(2, 2), split=(0.5,), logged=()), 13.0),
    ],
    ids=["100 a second", "10 a second", "no counters"],
)
def test_healthy_canaries_pass_early(service, minutes):
    """Median minutes to PASS."""
    outcomes = judge_many(service, 240, 11)
    assert np.median([one.passed_min for one in outcomes]) <= minutes


@pytest.mark.parametrize("runs", [200, pytest.param(1000, marks=NIGHTLY)])
@pytest.mark.parametrize(
    ("baseline_rate", "canary_rate", "share"),
    [(2.0, 4.0, 0.1), (1.0, 2.0, 0.5), (0.05, 0.1, 0.5), (0.0, 0.1, 0.5)],
    ids=["at the margin", "half of the traffic", "at margin and floor", "at the floor, baseline silent"],
)
def test_a_canary_at_the_margin_passes_in_at_most_beta_of_the_runs(baseline_rate, canary_rate, share, runs):
    """Rates per unit of exposure; the floor is 0.1 events a bin and unit share. Ever, over 200 bins."""
    rng, settings = np.random.default_rng(1), JudgeSettings()
    rule = next(rule for rule in COUNTED if rule.signal == REQUESTS)
    wrong = 0
    for _ in range(runs):
        signal, ever = Signal(rule, settings, SignalState()), False
        x, y = rng.poisson(canary_rate * share, 200), rng.poisson(baseline_rate * (1 - share), 200)
        for canary, baseline in zip(x.tolist(), y.tolist(), strict=True):
            signal.add(Counted(canary, baseline, share, share, 0.0, 0.1 * share, requests=(1.0 - share, share)))
            ever = ever or signal.state.not_worse >= -np.log(settings.beta)
        wrong += ever
    assert within_budget(wrong, runs, settings.beta)


def test_canaries_worse_than_the_margin_hardly_pass():
    """Three times the failures, through the real judge."""
    outcomes = judge_many(Service(failed=0.01, worse=3.0), 240, 11)
    assert not any(passed(outcomes))
