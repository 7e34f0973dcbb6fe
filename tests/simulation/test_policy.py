"""What a policy sets keeps the error bound: healthy canaries fail in at most alpha of the runs, whatever is set.

The budget is that of the whole comparison: parts, critical signals and stretches of a look-back together.
"""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from streams.judging.critical import CRITICAL_SHARE
from streams.judging.judge import Judge
from streams.judging.look_back import LookBack
from streams.judging.settings import JudgeSettings
from streams.policy.counted import COUNTED
from streams.policy.rules import apply
from streams.policy.workload_policy import GroupPolicy, WorkloadPolicy
from tests.simulation import levels
from tests.simulation.core import RUNS, within_budget
from tests.simulation.rollout import SIGNATURES, WINDOW_NS, Service, windows

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.timeout(900)
ALPHA = 0.05
WINDOWS = 180
CRITICAL = {
    "critical_share": CRITICAL_SHARE,
    "signals": tuple(structs.replace(each, criticality="critical") for each in COUNTED),
}
RAMP, HALF = Service(shared_incident=8.0), Service(pods=(2, 2), split=(0.5,), shared_incident=8.0)


def verdicts(service, number, seed, look_back_ns=None, **changed):
    """Verdict after each window of one rollout."""
    settings = JudgeSettings(alpha=ALPHA, planned_ns=WINDOWS * WINDOW_NS, **changed)
    judge = (
        Judge.begin(settings, WINDOW_NS) if look_back_ns is None else LookBack.begin(settings, WINDOW_NS, look_back_ns)
    )
    found = []
    for index, (baseline, canary) in enumerate(windows(service, number, np.random.default_rng(seed))):
        judge.add(index * WINDOW_NS, baseline, canary, SIGNATURES)
        found.append(judge.verdict)
    return found


CASES = {
    "all critical": (RAMP, CRITICAL),
    "sliding look-back": (RAMP, {"look_back_ns": 5 * 60 * 10**9}),
    "sliding, all critical": (HALF, {"look_back_ns": 3 * 60 * 10**9, **CRITICAL}),
    "by requests": (RAMP, {"exposure": "requests"}),
    "by pod-seconds": (HALF, {"exposure": "pod_seconds"}),
    "by log lines": (RAMP, {"exposure": "log_lines"}),
    "by log lines, gusts": (Service(requests_per_s=2.0, overdispersion=2.0), {"exposure": "log_lines"}),
}


@pytest.mark.parametrize("runs", [12, pytest.param(RUNS, marks=NIGHTLY)])
@pytest.mark.parametrize(("service", "changed"), CASES.values(), ids=CASES)
def test_healthy_canaries_keep_alpha_whatever_is_set(service, changed, runs):
    """A FAIL ever, over the whole rollout of a quarter of an hour."""
    flags = sum("fail" in verdicts(service, WINDOWS, seed, **changed) for seed in range(runs))
    assert within_budget(flags, runs, ALPHA)


@pytest.mark.parametrize("runs", [8, pytest.param(RUNS, marks=NIGHTLY)])
def test_a_canary_at_the_margin_hardly_passes_whatever_the_stretch(runs):
    """Twice the failures; PASS by any stretch of a sliding look-back, in at most beta of the runs."""
    service = Service(requests_per_s=100.0, failed=0.02, worse=2.0, split=(0.5,), logged=())
    passes = sum("pass" in verdicts(service, WINDOWS, seed, 5 * 60 * 10**9) for seed in range(runs))
    assert within_budget(passes, runs, 0.05)


@pytest.mark.parametrize(
    "changed",
    [{"look_back_ns": 5 * 60 * 10**9}, CRITICAL, {"exposure": "log_lines"}, {"exposure": "requests"}],
    ids=["sliding look-back", "all critical", "by log lines", "by requests"],
)
def test_faulty_canaries_are_still_found(changed):
    """Five times the failures and the errors logged, in most, within a quarter of an hour."""
    service = Service(failed=0.01, logged=((0, 0.01),), worse=5.0)
    assert np.mean(["fail" in verdicts(service, WINDOWS, seed, **changed) for seed in range(5)]) >= 0.8


@pytest.mark.parametrize(
    ("weights", "clusters"),
    [
        pytest.param({"memory": 0.01, "cpu": 5.0}, 1, id="mixed"),
        pytest.param({"memory": 0.01, "cpu": 5.0}, 10, id="mixed, many", marks=NIGHTLY),
        pytest.param({"memory": 100.0}, 10, id="one heavy, many", marks=NIGHTLY),
    ],
)
def test_healthy_levels_keep_alpha_whatever_the_groups_weigh(monkeypatch, weights, clusters):
    """Gauges through the part of the levels, histories and priors growing as in life."""
    policy = WorkloadPolicy(groups=tuple(GroupPolicy(group, weight) for group, weight in weights.items()))
    monkeypatch.setattr(levels, "SIGNALS", {name: apply(rule, policy) for name, rule in levels.SIGNALS.items()})
    gauges = levels.Gauges(correlation=0.8, pods=2, pod_sd=1.0)
    outcomes = [one for seed in range(clusters) for one in levels.rollouts(gauges, seed) if one.units]
    assert len(outcomes) > 80 * clusters
    for alpha in (0.05, 0.01):
        assert within_budget(sum(one.p <= alpha for one in outcomes), len(outcomes), alpha)
