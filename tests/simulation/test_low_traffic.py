"""Exposure when a bin holds but a few requests, and traffic that comes in gusts: what `share.RecentShare` is for."""

from __future__ import annotations

import numpy as np
import pytest

from streams.judging.settings import JudgeSettings
from streams.judging.share import RecentShare
from tests.simulation.core import Floats, first_crossing, flagged, log_e_paths, ramp, within_budget

ALPHA, BINS = 0.05, 240
GRID = [(0.3, 0.3), (0.3, 0.05), (1.0, 0.5), (5.0, 0.02)]
"""(requests a bin, share of them that fails)."""
PODS = 0.5
DEFAULT = JudgeSettings()


def traffic(
    rng: np.random.Generator, runs: int, requests: float, failed: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """(canary requests, baseline requests, canary failures, baseline failures); gamma-Poisson traffic on a ramp."""
    total = rng.poisson(requests * rng.gamma(0.5, 2.0, (runs, BINS)))
    canary = rng.binomial(total, ramp(BINS))
    return canary, total - canary, rng.binomial(canary, failed), rng.binomial(total - canary, failed)


def shares(canary: Floats, baseline: Floats, pseudo: float, memory: float) -> Floats:
    """What the product's code says of each bin; (runs, bins)."""
    found = np.zeros(canary.shape)
    for run in range(len(canary)):
        recent = RecentShare()
        for index, (mine, theirs) in enumerate(zip(canary[run].tolist(), baseline[run].tolist(), strict=True)):
            if mine + theirs > 0:
                found[run, index] = recent.shrink(mine, theirs, PODS, pseudo)
                recent.learn(mine, theirs, memory)
    return found


@pytest.mark.parametrize(("requests", "failed"), GRID)
def test_healthy_canaries_keep_alpha(requests, failed):
    """The traffic steps from 5 to 50% are followed well enough."""
    runs = 200
    canary, baseline, x, y = traffic(np.random.default_rng(1), runs, requests, failed)
    share = shares(canary, baseline, DEFAULT.pseudo_requests, DEFAULT.share_memory_requests)
    assert within_budget(round(runs * flagged(log_e_paths(x, x + y, share, 1.0), ALPHA)), runs, ALPHA)


@pytest.mark.parametrize(("requests", "failed"), GRID[:2])
def test_it_finds_where_a_bins_own_share_says_nothing(requests, failed):
    """Tenfold failures at 0.3 requests a bin: most are found; by the bin's own share, or by pods, hardly any."""
    rng = np.random.default_rng(2)
    canary, baseline, _, y = traffic(rng, 150, requests, failed)
    x = rng.binomial(canary, min(0.9, 10.0 * failed))
    power = {
        name: flagged(log_e_paths(x, x + y, share, 1.0), ALPHA)
        for name, share in {
            "shrunk": shares(canary, baseline, DEFAULT.pseudo_requests, DEFAULT.share_memory_requests),
            "own": shares(canary, baseline, 0.0, 20.0),
            "pods": np.full(canary.shape, PODS),
        }.items()
    }
    assert power["shrunk"] > 0.5
    assert power["own"] < 0.15
    assert power["pods"] < 0.25


def test_a_long_memory_or_heavy_shrinkage_would_miss_the_steps():
    """Why not simply all requests so far: every second request fails, and the share is late after each step."""
    canary, baseline, x, y = traffic(np.random.default_rng(3), 150, 1.0, 0.5)
    share = shares(canary, baseline, 20.0, 200.0)
    assert flagged(log_e_paths(x, x + y, share, 1.0), ALPHA) > ALPHA


def test_with_traffic_the_shrinkage_costs_nothing():
    """50 requests a bin: found as fast as by the true share."""
    rng = np.random.default_rng(4)
    canary, baseline, _, y = traffic(rng, 100, 50.0, 0.01)
    x = rng.binomial(canary, 0.1)
    found = [
        np.median(first_crossing(log_e_paths(x, x + y, share, 1.0), ALPHA))
        for share in (shares(canary, baseline, 5.0, 20.0), np.tile(ramp(BINS), (100, 1)))
    ]
    assert found[0] <= found[1] + 3
