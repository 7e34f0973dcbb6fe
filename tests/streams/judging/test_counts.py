"""The core e-process against an independent implementation, and at its borders."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import binom

from streams.judging.counts import WORSE_FACTORS, all_log_ratios, cut, log_mean_exp, log_mix, log_ratios
from streams.judging.saturation import odds, presence_odds

BINS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0.01, 0.99)), min_size=1, max_size=30)


@given(BINS, st.floats(0.5, 3.0))
def test_equals_the_mixture_of_binomial_likelihood_ratios(bins, null):
    """Log E is what scipy's binomial densities give, formula by formula."""
    sums = np.zeros(len(WORSE_FACTORS))
    expected = np.zeros(len(WORSE_FACTORS))
    for canary, baseline, share in bins:
        total = canary + baseline
        alternatives = [odds(null * factor, share) for factor in WORSE_FACTORS]
        sums += log_ratios(odds(null, share), alternatives, canary, total)
        for index, factor in enumerate(WORSE_FACTORS):
            worse, tolerated = (psi * share / (1 - share + psi * share) for psi in (null * factor, null))
            expected[index] += binom.logpmf(canary, total, worse) - binom.logpmf(canary, total, tolerated)
    assert log_mean_exp(list(sums)) == pytest.approx(logsumexp(expected) - math.log(7), abs=1e-6, rel=1e-9)


@pytest.mark.parametrize("psi", [0.3, 1.0, 1.2])
def test_expectation_is_at_most_one_up_to_the_tolerated_ratio(psi):
    """The expected factor of one bin is then at most 1: exactly, by summing over x."""
    share, null, total = 0.1, 1.2, 12
    alternatives = [odds(null * factor, share) for factor in WORSE_FACTORS]
    probability = psi * share / (1 - share + psi * share)
    expected = sum(
        binom.pmf(x, total, probability)
        * math.exp(log_mean_exp(log_ratios(odds(null, share), alternatives, float(x), float(total))))
        for x in range(total + 1)
    )
    assert expected <= 1.0 + 1e-12


def test_few_events_seen_only_in_the_canary_at_a_small_share_say_much():
    """At a 10% share 3 events reach E = 20 and 5 reach 1000; at 50% it takes 7 and 13 (judging.md, section 1)."""

    def needed(share: float, level: float) -> int:
        alternatives = [odds(factor, share) for factor in WORSE_FACTORS]
        return next(
            n for n in range(1, 50) if log_mean_exp(log_ratios(odds(1.0, share), alternatives, n, n)) >= math.log(level)
        )

    assert (needed(0.1, 20), needed(0.1, 1000), needed(0.5, 20), needed(0.5, 1000)) == (3, 5, 7, 13)


@given(st.floats(0.1, 10.0), st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.0, 1.0))
def test_presence_odds_lie_between_the_odds_of_exposure_and_of_pods(ratio, share, pod_share, saturation):
    """Saturation takes the odds from those of the rates towards those of the pods; they grow with the ratio."""
    by_load, by_pods = odds(ratio, share), odds(1.0, pod_share)
    found = presence_odds(ratio, share, pod_share, saturation)
    assert min(by_load, by_pods) * (1 - 1e-9) <= found
    assert found <= max(by_load, by_pods / min(max(saturation, 1e-3), 0.999)) * (1 + 1e-9)
    assert presence_odds(1.1 * ratio, share, pod_share, saturation) >= found


@given(st.lists(st.floats(-1e14, 1e14), min_size=1, max_size=9))
def test_log_means_stay_finite(values):
    """Neither mean overflows, and both lie among what they average."""
    assert math.isfinite(log_mean_exp(values))
    assert math.isfinite(log_mix([(0.5, value) for value in values]))
    assert min(values) - 3.0 <= log_mean_exp(values) <= max(values) + 1e-9 * abs(max(values)) + 1e-9


def test_cut_bounds_whatever_comes():
    """Not a number, negative and infinite exposures are bounded."""
    assert [cut(value) for value in (math.nan, -1.0, math.inf, 3.5)] == [0.0, 0.0, 1e12, 3.5]


def test_many_bins_at_once_are_what_each_is():
    """To rounding; alternatives in times the null."""
    null, canary, total = np.array([[0.2], [3.0]]), np.array([[3.0], [0.0]]), np.array([[7.0], [2.0]])
    found = all_log_ratios(null, np.array([0.5, 2.0]), canary, total)
    for row, one in enumerate(found.tolist()):
        odds_ = float(null[row, 0])
        assert one == pytest.approx(log_ratios(odds_, [0.5 * odds_, 2.0 * odds_], canary[row, 0], total[row, 0]))
