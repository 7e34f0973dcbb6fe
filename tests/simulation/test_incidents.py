"""Incidents are counted, not lines and not signatures; and not every log line follows a request."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streams.judging.settings import JudgeSettings
from tests.simulation.core import RUNS, flagged, log_e_paths, ramp, within_budget
from tests.simulation.rollout import ERRORS, WARNINGS, Service, judge_many

ALPHA = 0.05
pytestmark = pytest.mark.timeout(900)


def test_raw_lines_in_bursts_flag_healthy_canaries_and_incidents_do_not():
    """Five lines an incident: lines are no independent events (judging.md: 54% against 2%)."""
    rng, runs, windows = np.random.default_rng(1), 400, 480
    share = np.tile(ramp(windows), (runs, 1))
    canary, baseline = rng.poisson(share), rng.poisson(1.0 - share)
    incidents = flagged(log_e_paths(canary, canary + baseline, share, 1.0), ALPHA)
    raw = flagged(log_e_paths(5 * canary, 5 * (canary + baseline), share, 1.0), ALPHA)
    assert within_budget(round(runs * incidents), runs, ALPHA)
    assert raw > 0.4


def test_counting_each_of_an_incidents_signatures_would_flag_healthy_canaries():
    """Three error signatures an incident, added up: the reason why the most widespread one counts alone."""
    rng, runs, windows = np.random.default_rng(2), 400, 480
    share = np.tile(ramp(windows), (runs, 1))
    canary, baseline = rng.poisson(share), rng.poisson(1.0 - share)
    assert flagged(log_e_paths(3 * canary, 3 * (canary + baseline), share, 1.0), ALPHA) > 4 * ALPHA


@pytest.mark.parametrize("runs", [12, pytest.param(RUNS, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "service",
    [
        Service(per_incident=3, shared_incident=8.0),
        # every pod logs the same error and warning all the time, and the canary's one pod has few requests:
        Service(requests_per_s=200.0, pods=(4, 1), logged=((ERRORS[0], 0.05), (WARNINGS[0], 0.1))),
        # timers log in every pod, whatever its traffic:
        Service(pods=(4, 1), background=((ERRORS[1], 0.02), (WARNINGS[1], 0.05))),
    ],
    ids=["three signatures an incident", "saturated", "background"],
)
def test_healthy_canaries_keep_alpha(service, runs):
    """Through the real judge, with counters scraped every 15 s."""
    outcomes = judge_many(service, 180, runs, JudgeSettings(alpha=ALPHA))
    assert within_budget(sum(np.isfinite(one.failed_min) for one in outcomes), runs, ALPHA)


def test_without_the_guard_background_incidents_fail_canaries_of_little_traffic():
    """What `background` is for: by requests alone they would be flagged."""
    service = Service(pods=(4, 1), background=((ERRORS[1], 0.1),), split=(0.05,))
    bare = judge_many(service, 180, 10, JudgeSettings(alpha=ALPHA, background=0.0))
    assert np.mean([np.isfinite(one.failed_min) for one in bare]) > 0.5
    guarded = judge_many(replace(service), 180, 10, JudgeSettings(alpha=ALPHA))
    assert np.mean([np.isfinite(one.failed_min) for one in guarded]) < 0.2
