"""Levels that go with the traffic: what is a false alarm of it, and what is found through it?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.watch.levels import LevelWatch
from streams.watch.load import LoadState
from streams.watch.points import Point
from streams.watch.ringing import ARL_S
from tests.simulation.core import within_budget
from tests.simulation.test_watch import (
    STEP_NS,
    WINDOWS,
    C,
    autoregressive,
    heavy,
    persistent,
    stationary,
    volatile,
    wandering,
)
from topology.watch.ward import Ward

pytestmark = pytest.mark.timeout(900)


def in_bursts(rng, n):
    """Requests of a window: 100, and bursts of 1.5 to 4 times that, of 3 to 15 windows, fifty apart."""
    times, at = np.ones(n), 0
    while at < n:
        at += int(rng.exponential(50.0))
        lasts = int(rng.integers(3, 16))
        times[at : at + lasts] = rng.uniform(1.5, 4.0)
        at += lasts
    return 100.0 * times * np.exp(0.03 * (autoregressive(rng, n, 0.9) - 10.0))


def in_waves(rng, n):
    """Half an hour's sine of windows of a minute, and what wanders about it: from a third to twice."""
    return 100.0 * np.exp(0.7 * np.sin(np.arange(n) * 2.0 * math.pi / 360.0) + 0.03 * autoregressive(rng, n, 0.9))


def rings(values, loads):
    """Whether a level rings at c; of it only what the load leaves."""
    watch, at_load = LevelWatch(), LoadState()
    log_e = [
        watch.add(place * STEP_NS, at_load.at_usual(float(value), float(load))).log_e
        for place, (value, load) in enumerate(zip(values, loads, strict=True))
    ]
    return max(log_e) >= math.log(C)


@pytest.mark.parametrize("load", [in_bursts, in_waves], ids=lambda each: each.__name__)
@pytest.mark.parametrize("stream", [stationary, persistent, heavy, wandering, volatile], ids=lambda each: each.__name__)
@pytest.mark.parametrize("runs", [2, pytest.param(100, marks=pytest.mark.nightly)])
def test_a_load_that_has_nothing_to_do_with_it_costs_no_run_length(stream, load, runs):
    """Of levels and loads that are alike by chance only: runs with a false alarm at c are no more than n/c."""
    found = 0
    for seed in range(runs):
        loads = load(np.random.default_rng(1000 + seed), WINDOWS)
        found += rings(stream(np.random.default_rng(seed), WINDOWS), loads)
    assert within_budget(found, runs, WINDOWS / C)


def workload(rng, n, *, twice):
    """Requests, and signals that go with them or with time; from `twice` on each takes twice the processor."""
    loads = in_bursts(rng, n)

    def noise(deviation):
        return np.exp(rng.normal(0.0, deviation, n))

    each = np.where(np.arange(n) >= twice, 1.0, 0.5)
    signals = {
        ("cpu", "cpu"): 5.0 + each * loads * noise(0.06),
        ("received", "network"): 2e3 * loads * noise(0.05),
        ("sent", "network"): 9e3 * loads * noise(0.08),
        ("allocated", "other"): 1e6 * loads * noise(0.1),
        ("latency/mean", "latency"): 0.02 * (1.0 + loads / 500.0) * noise(0.08),
        ("latency/p95", "latency"): 0.08 * (1.0 + loads / 333.0) * noise(0.15),
        ("heap", "memory"): 500.0 + np.cumsum(rng.normal(0.0, 0.5, n)),
    }
    return loads * noise(0.02), signals


def raised(seed, *, tells_load, twice=600, n=612):
    """Windows of a minute in which an alarm is raised."""
    loads, signals = workload(np.random.default_rng(seed), n, twice=twice)
    ward, found = Ward(ARL_S), []
    for place in range(n):
        points = [Point(name, float(values[place]), None, group) for (name, group), values in signals.items()]
        ward.add(12 * place * STEP_NS, points, float(loads[place]) if tells_load else None)
        if ward.raised is not None:
            found.append(place)
    return found


@pytest.mark.parametrize("runs", [6, pytest.param(40, marks=pytest.mark.nightly)])
def test_what_a_request_costs_is_seen_through_the_bursts(runs):
    """Twice the processor: found in twelve windows in half of the runs; bursts before it ring in a third at most."""
    with_load = [raised(seed, tells_load=True) for seed in range(runs)]
    assert sum(any(place >= 600 for place in each) for each in with_load) >= runs / 2
    assert sum(sum(place < 600 for place in each) for each in with_load) <= runs / 3
