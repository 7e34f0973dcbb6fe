"""Failed requests: bins as games, and a comparison that an earlier version began."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.attempts import Attempts
from streams.judging.concurrent import Concurrent, ConcurrentState
from streams.judging.failed_requests import FailedRequests
from streams.judging.settings import DEFAULT_SIGNALS, REQUESTS, JudgeSettings
from streams.judging.signal import Counted, Signal, SignalState

RULE = next(rule for rule in DEFAULT_SIGNALS if rule.signal == REQUESTS)
BINS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.floats(0.05, 0.95)), min_size=1, max_size=20)


def counted(canary, baseline, share, expected=1.0):
    """One bin of a thousand requests of the baseline."""
    return Counted(canary, baseline, share, share, 0.0, expected, 1000.0)


def failed_requests():
    """The signal with a clean state."""
    return FailedRequests(RULE, JudgeSettings(), SignalState(), Attempts())


def test_a_clump_counts_once():
    """A thousand requests that fail at once at the canary say no more than odds of one event: 1/p_0."""
    one = failed_requests()
    one.add(counted(1000.0, 0.0, 0.1))
    null = 1.2 * 0.1 / (0.9 + 1.2 * 0.1)
    assert 0.0 < one.log_e <= -math.log(null)
    assert one.state.sup_worse == one.log_e


@given(BINS, st.integers(0, 19), st.integers(1, 10))
def test_more_canary_failures_raise_e_and_lower_the_other_e(bins, where, more):
    """Both directions are monotone in the canary's failures, though a bin of more failures wagers more."""
    here, worse = failed_requests(), failed_requests()
    for index, (canary, baseline, share) in enumerate(bins):
        extra = more if index == where % len(bins) else 0
        here.add(counted(canary, baseline, share))
        worse.add(counted(canary + extra, baseline, share))
    assert worse.state.sup_worse >= here.state.sup_worse - 1e-9
    assert worse.state.not_worse <= here.state.not_worse + 1e-9


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_exposure_on_one_side_only_says_nothing_of_rates(share):
    """A share of 0 or 1 adds nothing, whatever was seen."""
    one = failed_requests()
    one.add(counted(50.0, 50.0, share, 0.0))
    assert one.log_e == 0.0
    assert one.effect_ratio is None


def test_silence_passes_by_exposure():
    """4.5 floors' worth of silent exposure show "not worse", as of any counted signal."""
    one = failed_requests()
    needed = one.floors_needed(math.log(20.0))
    assert 4.3 < needed < 4.7
    one.add(counted(0.0, 0.0, 0.5, needed))
    assert one.state.not_worse >= math.log(20.0)


def test_what_an_earlier_version_has_counted_counts_on():
    """Its snapshot has no games; the evidence so far is multiplied by that of the games since."""
    old = Signal(RULE, JudgeSettings(), SignalState())
    for _ in range(3):
        old.add(counted(3.0, 1.0, 0.25))
    state = ConcurrentState(signals={REQUESTS: old.state})
    before = msgspec.msgpack.decode(msgspec.msgpack.encode(state))[:-1]  # without the field that is new
    read = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=ConcurrentState)
    resumed = Concurrent(JudgeSettings(), 5_000_000_000, read).signals[REQUESTS]
    assert resumed.log_e == old.log_e > 0.0
    fresh = failed_requests()
    for one in (resumed, fresh):
        one.add(counted(3.0, 1.0, 0.25))
    assert resumed.log_e == pytest.approx(old.log_e + fresh.log_e)
    assert resumed.state.canary == 12.0
