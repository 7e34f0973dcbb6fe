"""Failures that come together: what a bin of them may say, whatever their clumps."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.clumps import Clumps, Size, log_ratios_of_clumps
from streams.judging.concurrent import ConcurrentState
from streams.judging.counts import log_ratios
from streams.judging.events.signal import EventSignal, EventSignalState
from streams.judging.settings import JudgeSettings
from streams.judging.signal import Counted, Signal, SignalState
from streams.policy.counted import COUNTED, REQUESTS
from streams.signals.rule import SignalRule

RULE = next(rule for rule in COUNTED if rule.signal == REQUESTS)
REQUESTS_EACH = (900.0, 100.0)
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)
ODDS = st.floats(0.02, 5.0)


def learned(bins, requests=REQUESTS_EACH):
    """What is known after these bins of (baseline, canary) failures."""
    clumps = Clumps()
    for failed in bins:
        learn(clumps, failed, requests)
    return clumps


def learn(clumps, failed, requests=REQUESTS_EACH):
    """One bin, of a size that was known before."""
    clumps.learn(failed, requests, clumps.size(sum(failed), requests))


@given(SIZES, ODDS, st.floats(1.1, 30.0), st.booleans(), st.floats(1.0, 20.0), st.floats(0.01, 1.0))
def test_no_clumps_that_are_reckoned_with_expect_a_gain(sizes, null, factor, better, usual, power):
    """E <= 1 over the sides that the clumps of a bin may fall to, for any alternative, in both directions."""
    total, odds = float(sum(sizes)), null / factor if better else null * factor
    size, chance, expected = Size(float(max(sizes)), usual, power), null / (1.0 + null), 0.0
    for sides in range(2 ** len(sizes)):
        at_canary = [bool(sides >> index & 1) for index in range(len(sizes))]
        canary = float(sum(count for count, here in zip(sizes, at_canary, strict=True) if here))
        weight = math.prod(chance if here else 1.0 - chance for here in at_canary)
        expected += weight * math.exp(log_ratios_of_clumps(null, [odds], canary, total, size)[0])
    assert expected <= 1.0 + 1e-9


def test_single_failures_are_the_core():
    """Where nothing comes in clumps, the likelihood ratio is that of `counts`."""
    arguments = (0.2, (0.4, 1.0), 3.0, 7.0)
    assert log_ratios_of_clumps(*arguments, Size()) == log_ratios(*arguments)


@pytest.mark.parametrize("before", [[], [(0.0, 0.0)] * 30, [(6.0, 1.0), (5.0, 0.0), (7.0, 1.0)] * 10])
def test_the_first_clump_is_one_game(before):
    """A thousand requests that fail at once, on top of nothing or of what is usual: nearly one clump."""
    size = learned(before).size(1000.0 + sum(before[0] if before else (0.0,)), REQUESTS_EACH)
    assert size.most >= 990.0
    assert size.power == 1.0


def test_an_outage_of_several_bins_is_less_than_two_games_until_it_is_how_things_are():
    """What its bins count for together, and that it ends."""
    clumps, games = learned([(0.0, 0.0)] * 30), []
    for _ in range(14):
        games.append(20.0 / clumps.size(20.0, REQUESTS_EACH).most)
        learn(clumps, (0.0, 20.0))
    assert sum(games[:13]) < 1.6
    assert games[13] > 2.0


def test_what_is_usual_follows_the_requests():
    """Five times the canary's traffic brings five times its failures: nothing beyond the usual."""
    clumps = learned([(1.0, 4.0)] * 12)
    assert clumps.size(21.0, (500.0, 500.0)).most < 3.0
    assert clumps.size(21.0, REQUESTS_EACH).most > 9.0


def test_the_size_of_clumps_is_learned_from_either_side():
    """About 1 where failures are independent, 20 in clumps of 20, though only the canary shows them."""
    rng = np.random.default_rng(1)
    single = learned([(float(rng.poisson(9.0)), float(rng.poisson(1.0))) for _ in range(200)])
    clumped = learned([(9.0, 20.0 * float(rng.poisson(0.2))) for _ in range(200)])
    assert single.size(0.0, REQUESTS_EACH).usual < 1.2
    assert 14.0 < clumped.size(0.0, REQUESTS_EACH).usual < 30.0


def test_a_bin_without_requests_is_none():
    """Patience that ran out while nothing was scraped makes nothing usual."""
    clumps = learned([(1.0, 2.0)] * 3)
    before = msgspec.msgpack.encode(clumps)
    learn(clumps, (0.0, 0.0), (0.0, 0.0))
    assert msgspec.msgpack.encode(clumps) == before


def failed(canary, baseline):
    """One bin."""
    return Counted(canary, baseline, 0.1, 0.1, 0.0, 1.0, requests=REQUESTS_EACH)


def test_snapshots_of_an_earlier_version_are_read():
    """They have no clumps, and failed calls had wagers: what was counted counts on."""
    old = Signal(RULE, JudgeSettings(), SignalState())
    for _ in range(3):
        old.add(failed(3.0, 1.0))
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(ConcurrentState(signals={REQUESTS: old.state})))
    kept[0][REQUESTS] = kept[0][REQUESTS][: SignalState.__struct_fields__.index("clumps")]
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=ConcurrentState)
    resumed = Signal(RULE, JudgeSettings(), state.signals[REQUESTS])
    assert resumed.log_e == old.log_e > 0.0
    assert resumed.state.clumps == Clumps()
    assert resumed.state.onset.rate == 0.0
    calls = msgspec.msgpack.decode(msgspec.msgpack.encode(EventSignalState(SignalRule("calls", "events"), log_e=2.0)))
    calls[3] = [[9, 1, [[0.5] * 9]], [0.0] * 6, [0.0] * 3, 0.0, [0.0, 0.0, 0.0, 0], 1.0, 0.0, 1]
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(calls), type=EventSignalState)
    assert EventSignal(JudgeSettings(), read).log_e == 2.0
    assert read.wagers is None


def test_the_state_goes_on_to_the_bit():
    """A snapshot between any two bins."""
    bins = [failed(float(number % 5), float(number % 3)) for number in range(40)]
    whole, resumed = Signal(RULE, JudgeSettings(), SignalState()), Signal(RULE, JudgeSettings(), SignalState())
    for bin_ in bins:
        whole.add(bin_)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(resumed.state), type=SignalState)
        resumed = Signal(RULE, JudgeSettings(), state)
        resumed.add(bin_)
    assert resumed.state == whole.state
