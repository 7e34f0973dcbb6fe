"""The check of the traffic split."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from streams.judging.split import GROUP_REQUESTS, PRIOR_REQUESTS, SplitState, learn, log_bayes_factor


@pytest.mark.parametrize(("canary", "baseline", "intended"), [(3, 4, 0.5), (0, 40, 0.1), (30, 70, 0.2)])
def test_is_the_bayes_factor_of_beta_binomial_to_binomial(canary, baseline, intended):
    """Tied out against scipy."""
    n = canary + baseline
    alternative = stats.betabinom(n, PRIOR_REQUESTS * intended, PRIOR_REQUESTS * (1 - intended)).logpmf(canary)
    null = stats.binom(n, intended).logpmf(canary)
    assert log_bayes_factor(canary, baseline, intended) == pytest.approx(alternative - null)


@pytest.mark.parametrize("runs", [300, pytest.param(5000, marks=pytest.mark.nightly)])
def test_traffic_in_clumps_that_follows_the_split_is_hardly_ever_voided(runs):
    """Clients of up to fifty requests in a row, looked at after every bin; P(ever E >= 100) <= .01."""
    rng, voided = np.random.default_rng(3), 0
    for _ in range(runs):
        state = SplitState()
        for _bin in range(200):
            clients = rng.random(6) < 0.2
            requests = rng.integers(1, GROUP_REQUESTS + 1, 6)
            learn(state, 0.2, float(requests[clients].sum()), float(requests[~clients].sum()))
        voided += state.sup_log_e >= math.log(100.0)
    assert voided / runs <= 0.01 + 3 * math.sqrt(0.01 / runs)


def test_a_wrong_split_is_found():
    """Half the traffic where a tenth was intended: within 20 bins of 600 requests."""
    state = SplitState()
    for _ in range(20):
        learn(state, 0.1, 300.0, 300.0)
    assert state.sup_log_e > math.log(1000.0)
