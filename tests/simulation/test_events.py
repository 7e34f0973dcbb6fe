"""Events of counters: false alarms with clumps, shared incidents and a moving split; what is found, and when.

Alpha .05, 240 windows (20 minutes), 8 baseline pods and 2 of the canary; through the product's own `EventPart`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from streams.judging.events.part import EventPart, EventPartState
from streams.judging.settings import JudgeSettings
from streams.judging.side import EventCount, RequestCount, Side
from streams.signals.requests import REQUEST_SOURCES
from streams.signals.rule import SignalRule
from tests.simulation.core import RUNS, incident, ramp, within_budget

ALPHA = 0.05
WINDOWS = 240
PODS = np.array([8, 2])
RULES = {
    "restarts": SignalRule("restarts", "events", "restarts", "higher", tolerance_up=0.0),
    "calls": SignalRule("calls", "events", "errors", "higher", tolerance_up=0.0),
    "timeouts": SignalRule("timeouts", "events", "errors", "higher", tolerance_up=0.0),
}
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Service:
    """Rates of the baseline; those of the canary are `worse` times as high."""

    requests: float = 200.0
    """A window, both sides together; split 5 -> 10 -> 25 -> 50%."""
    failed: float = 0.01
    """Share of calls that fail."""
    clump: float = 1.0
    """Mean number of calls that fail together."""
    timeouts: float = 0.001
    """Timeouts per request, each counted `burst` times at one pod."""
    burst: int = 1
    restarts: float = 1e-4
    """Per pod-second."""
    worse: float = 1.0
    only: str = ""
    """The signal that is worse; empty: all."""
    shared: float = 10.0
    """Failures are so many times as frequent in both for a tenth of the time."""


def window(service, requests, pods, factor, rng, *, canary):
    """What one side did."""
    worse = {name: service.worse if canary and service.only in {"", name} else 1.0 for name in RULES}
    restarts = rng.poisson(service.restarts * 5.0 * worse["restarts"], pods)
    clumps = rng.poisson(requests * service.failed * factor * worse["calls"] / service.clump)
    failed = min(requests, int(rng.geometric(1.0 / service.clump, clumps).sum()))
    timeouts = rng.multinomial(rng.poisson(requests * service.timeouts * factor * worse["timeouts"]), [1 / pods] * pods)
    events = {
        "restarts": EventCount(float(restarts.sum()), 5.0 * pods, 0.0, int((restarts > 0).sum()), pods),
        "calls": EventCount(float(failed), 5.0 * pods, float(requests), min(pods, failed), pods),
        "timeouts": EventCount(float(timeouts.sum() * service.burst), 5.0 * pods, 0.0, int((timeouts > 0).sum()), pods),
    }
    return Side(5.0 * pods, requests={REQUEST_SOURCES[0]: RequestCount(float(requests))}, events=events)


def run(service, seed):
    """Window of the FAIL, infinite where there is none."""
    rng = np.random.default_rng(seed)
    part = EventPart(JudgeSettings(), EventPartState())
    shares, path = ramp(WINDOWS), incident(WINDOWS, 0.4, 0.1, service.shared)
    for index in range(WINDOWS):
        total = int(rng.poisson(service.requests))
        at_canary = int(rng.binomial(total, shares[index]))
        part.add(
            window(service, total - at_canary, int(PODS[0]), path[index], rng, canary=False),
            window(service, at_canary, int(PODS[1]), path[index], rng, canary=True),
            RULES,
        )
        if part.log_p <= math.log(ALPHA):
            return index + 1.0
    return math.inf


def runs(service, number):
    """Window of the FAIL of each run."""
    return np.array([run(service, seed) for seed in range(number)])


HEALTHY = [
    Service(),
    Service(clump=5.0),
    Service(clump=5.0, timeouts=3e-4, burst=50, shared=30.0),
    Service(requests=10.0, failed=0.05),
    Service(restarts=2e-3),
]


@pytest.mark.parametrize("service", HEALTHY)
@pytest.mark.parametrize("number", [40, pytest.param(RUNS, marks=pytest.mark.nightly)])
def test_a_canary_no_worse_is_flagged_in_at_most_alpha_of_the_runs(service, number):
    """Ever, at a tolerance of 1: independent failures, clumps of five, bursts at one pod, little traffic, restarts."""
    assert within_budget(int(np.isfinite(runs(service, number)).sum()), number, ALPHA)


@pytest.mark.parametrize(
    ("service", "share_found", "median"),
    [
        (Service(only="restarts", worse=50.0), 1.0, 120),
        (Service(only="calls", worse=5.0), 1.0, 40),
        (Service(only="calls", worse=5.0, clump=5.0), 0.9, 130),
        (Service(only="timeouts", worse=10.0), 0.9, 130),
    ],
)
def test_worse_canaries_are_found_in_time(service, share_found, median):
    """Restarts every four minutes a pod; five times the failed calls, also in clumps; ten times the timeouts."""
    found = runs(service, 20)
    assert np.isfinite(found).mean() >= share_found
    assert np.median(found) <= median
