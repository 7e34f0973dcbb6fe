"""Evidence that begins again."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.counts import log_mean_exp, log_ratios
from streams.judging.restarts import FIRST_RESTART, PackedRestarted, Restarted, RestartedArray, all_log_e
from streams.judging.saturation import odds

GRID = (1.5, 2.0, 5.0)


def bin_of(canary, total, share=0.25):
    """What such a bin adds to each alternative."""
    return log_ratios(odds(1.0, share), [odds(ratio, share) for ratio in GRID], canary, total)


@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), max_size=60))
def test_is_the_mixture_over_its_beginnings(bins):
    """Tied out against sums made anew from each beginning; what has not begun stands at 1."""
    mixed = Restarted(3)
    for more in bins:
        mixed.add(more)
    begun = [0] + [FIRST_RESTART * 2**j for j in range(10) if FIRST_RESTART * 2**j < len(bins)]
    weights = [0.5 if j == 0 else 0.5 / (j * (j + 1)) for j in range(len(begun))]
    expected = sum(
        weight * math.exp(log_mean_exp([math.fsum(bin_[i] for bin_ in bins[start:]) for i in range(3)]))
        for weight, start in zip(weights, begun, strict=True)
    ) + (1.0 - sum(weights))
    assert mixed.log_e == pytest.approx(math.log(expected) if bins else 0.0, abs=1e-9)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(mixed), type=Restarted) == mixed


@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), max_size=60), st.integers(0, 60))
def test_in_an_array_it_is_the_same(bins, restart):
    """To the bit, a snapshot on the way; many at once are what each is."""
    lists, arrays = Restarted(3), RestartedArray(PackedRestarted(3))
    for place, more in enumerate(bins):
        lists.add(more)
        arrays.add(np.array(more))
        if place == restart:
            kept = msgspec.msgpack.encode(arrays.to_state())
            arrays = RestartedArray(msgspec.msgpack.decode(kept, type=PackedRestarted))
    assert (arrays.sums.tolist(), arrays.to_state().bins) == (lists.sums, lists.bins)
    assert all_log_e([arrays, arrays]) == pytest.approx([lists.log_e] * 2, abs=1e-9)


def test_a_late_regression_is_found_sooner_than_from_the_start_alone():
    """An hour of good windows, then three times the rate: the first beginning alone needs far longer."""
    rng = np.random.default_rng(5)
    found = {"mixed": [], "alone": []}
    for _ in range(20):
        mixed, alone = Restarted(3), np.zeros(3)
        when = dict.fromkeys(found, 2000)
        for index in range(2000):
            rate = 3.0 if index >= 720 else 1.0
            canary, baseline = int(rng.poisson(rate)), int(rng.poisson(3.0))
            more = bin_of(canary, canary + baseline)
            mixed.add(more)
            alone += more
            for name, log_e in (("mixed", mixed.log_e), ("alone", log_mean_exp(alone.tolist()))):
                if index >= 720 and log_e >= math.log(100.0):
                    when[name] = min(when[name], index - 720)
        for name, value in when.items():
            found[name].append(value)
    assert np.median(found["mixed"]) < 0.5 * np.median(found["alone"])


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("runs", [400, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_healthy_pairs_keep_alpha(alpha, runs):
    """Looked at after every bin of 300, ever above 1/alpha in at most alpha of the runs."""
    rng = np.random.default_rng(11)
    flagged = 0
    for _ in range(runs):
        mixed = Restarted(3)
        canary, baseline = rng.poisson(0.5, 300), rng.poisson(1.5, 300)
        for x, y in zip(canary.tolist(), baseline.tolist(), strict=True):
            mixed.add(bin_of(x, x + y))
            if mixed.log_e >= -math.log(alpha):
                flagged += 1
                break
    assert flagged / runs <= alpha + 3.0 * math.sqrt(alpha * (1 - alpha) / runs)
