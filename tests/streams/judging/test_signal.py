"""One signal: direction, guard, effect."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from streams.judging.counts import log_mean_exp
from streams.judging.restarts import FIRST_RESTART
from streams.judging.settings import JudgeSettings
from streams.judging.signal import Counted, Signal, SignalState
from streams.policy.counted import COUNTED

BINS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.floats(0.05, 0.95)), min_size=1, max_size=20)


def signal(**settings):
    """A signal with a clean state."""
    return Signal(COUNTED[1], JudgeSettings(**settings), SignalState())


@given(BINS)
def test_swapping_the_sides_inverts_the_effect_and_never_shows_both_worse(bins):
    """The Mantel-Haenszel ratio becomes its reciprocal; strong evidence in one direction is none in the other.

    Of all that was seen, that is: who was worse at first may be better later, and begun anew both are found.
    """
    here, there = signal(), signal()
    for canary, baseline, share in bins:
        here.add(Counted(canary, baseline, share, share, 0.0, 1.0))
        there.add(Counted(baseline, canary, 1.0 - share, 1.0 - share, 0.0, 1.0))
    if here.effect_ratio and there.effect_ratio:
        assert here.effect_ratio == pytest.approx(1.0 / there.effect_ratio)
    since_the_start = [log_mean_exp(one.state.worse_pods.sums[0]) for one in (here, there) if one.state.worse_pods.sums]
    assert min(since_the_start) < math.log(7.0)


def test_a_signal_is_judged_by_its_own_tolerance():
    """At 2.9 times the same events are tolerated that fail at 1.2, which is the usual."""
    bins = [Counted(6.0, 6.0, 0.25, 0.25, 0.0, 1.0)] * 20
    found = {}
    for own in (2.9, 1.2):
        one = Signal(structs.replace(COUNTED[1], tolerance_ratio=own, margin_ratio=3.0), JudgeSettings(), SignalState())
        for each in bins:
            one.add(each)
        found[own] = one.log_e
    assert found[1.2] > math.log(100.0) > found[2.9]


def test_identical_sides_bring_no_evidence():
    """Equal rates at any share: the effect is 1 and E does not grow."""
    one = signal()
    for _ in range(200):
        one.add(Counted(2.0, 6.0, 0.25, 0.25, 0.0, 1.0))
    assert one.effect_ratio == pytest.approx(1.0)
    assert one.state.sup_worse < math.log(3.0)
    assert one.log_e < 0.0


def test_a_moving_split_with_a_shared_incident_does_not_bias_the_effect():
    """Pooled rates would say 1.8 here (Simpson); the stratified ratio says 1."""
    one = signal()
    one.add(Counted(1.0, 19.0, 0.05, 0.05, 0.0, 1.0))
    one.add(Counted(100.0, 100.0, 0.5, 0.5, 0.0, 1.0))
    assert one.effect_ratio == pytest.approx(1.0)


@pytest.mark.parametrize("prior", [0.01, 0.1, 0.5])
def test_the_guard_caps_what_either_exposure_can_claim(prior):
    """E is at most E by pods / prior and E by requests / (1 - prior)."""
    both, by_pods, by_requests = signal(background=prior), signal(), signal()
    for _ in range(30):
        both.add(Counted(1.0, 1.0, 0.05, 0.5, 0.0, 1.0))
        by_pods.add(Counted(1.0, 1.0, 0.5, 0.5, 0.0, 1.0))
        by_requests.add(Counted(1.0, 1.0, 0.05, 0.05, 0.0, 1.0))
    assert both.log_e <= by_pods.log_e - math.log(prior) + 1e-9
    assert both.log_e <= by_requests.log_e - math.log(1 - prior) + 1e-9


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_exposure_on_one_side_only_says_nothing_of_rates(share):
    """A share of 0 or 1 adds nothing, whatever was seen."""
    one = signal()
    one.add(Counted(50.0, 50.0, share, share, 0.0, 0.0))
    assert one.log_e == 0.0
    assert one.effect_ratio is None


def test_silence_passes_by_exposure_and_never_without():
    """4.5 floors' worth of silent exposure show "not worse"; none shows nothing."""
    idle, busy = signal(), signal()
    for _ in range(1000):
        idle.add(Counted(0.0, 0.0, 0.5, 0.5, 0.0, 0.0))
    assert idle.state.not_worse == 0.0
    needed = busy.floors_needed(math.log(20.0))
    assert 4.3 < needed < 4.7
    busy.add(Counted(0.0, 0.0, 0.5, 0.5, 0.0, needed))
    assert busy.state.not_worse >= math.log(20.0)


@given(BINS, st.integers(0, 19), st.integers(1, 10))
def test_more_canary_events_raise_e_and_lower_the_other_e(bins, where, more):
    """Both directions are monotone in the canary's events, window by window, also when saturated and guarded."""
    here, worse = signal(), signal()
    for index, (canary, baseline, share) in enumerate(bins):
        extra = more if index == where % len(bins) else 0
        here.add(Counted(canary, baseline, share, 0.4, 30.0, 1.0))
        worse.add(Counted(canary + extra, baseline, share, 0.4, 30.0, 1.0))
    assert worse.state.sup_worse >= here.state.sup_worse - 1e-9
    assert worse.state.not_worse <= here.state.not_worse + 1e-9


@pytest.mark.parametrize(("canary", "baseline", "share"), [(1.0, 5.0, 0.1), (2.0, 5.0, 0.3), (8.0, 1.0, 0.5)])
def test_the_evidence_is_what_its_state_says(canary, baseline, share):
    """To the bit, as after a restart: after bins with events, and after one without that is a beginning anew."""
    one = signal()
    for events in [*[(canary, baseline)] * FIRST_RESTART, (0.0, 0.0)]:
        one.add(Counted(*events, share, 0.2, 0.0, 1.0))
        assert one.log_e == Signal(COUNTED[1], JudgeSettings(), one.state).log_e
