"""The small parts: incidents, tallies, history, risk formula, numbers in reasons, settings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from streams.errors import BadPolicy
from streams.judging.combine import progress, risk_of
from streams.judging.evidence import RiskPoint
from streams.judging.history import RiskHistory
from streams.judging.incidents import LoggedBin, add_window
from streams.judging.settings import JudgeSettings
from streams.judging.side import SignatureInfo
from streams.judging.tallies import Tally, count_bin
from streams.policy.counted import COUNTED

KNOWN = {number: SignatureInfo(f"text {number}", "error" if number % 2 else "warning") for number in range(50)}


def test_the_most_widespread_signature_of_a_class_counts_in_each_window():
    """Three error signatures in two pods are two incidents; two windows add up; unknown ids do not count."""
    logged = LoggedBin()
    add_window(logged, {}, {1: 2, 3: 1, 5: 2, 2: 1, 99: 7}, KNOWN)
    add_window(logged, {1: 1}, {3: 1}, KNOWN)
    assert logged.canary == {"error": 3.0, "warning": 1.0}
    assert logged.baseline == {"error": 1.0}
    assert logged.canary_signatures[1] == 2.0


@given(st.permutations(range(20)))
def test_tallies_do_not_depend_on_the_order_of_arrival(order):
    """What is forgotten depends on what was counted alone."""
    reference, shuffled = {}, {}
    count_bin(reference, LoggedBin(canary_signatures={i: 1.0 + i % 3 for i in range(20)}), 0.1, KNOWN, 7)
    count_bin(shuffled, LoggedBin(canary_signatures={i: 1.0 + i % 3 for i in order}), 0.1, KNOWN, 7)
    assert reference == shuffled
    assert list(reference) == list(shuffled)
    assert len(reference) == 7


def test_a_tally_contributes_only_above_its_share():
    """What the exposure explains, and what is less, contributes nothing."""
    assert Tally("error", canary=1.0, baseline=9.0, explained=1.0).contribution == 0.0
    assert Tally("error", canary=5.0, baseline=0.0, explained=0.5).contribution > 5.0


def test_history_is_thinned_evenly_and_bounded():
    """However many windows: at most the limit, at one distance, the first kept and the latest shown."""
    history = RiskHistory()
    for window in range(10_000):
        history.add(RiskPoint(float(window), 1.0), 50)
    shown = history.up_to(RiskPoint(9_999.5, 2.0))
    assert 25 <= len(shown) <= 50
    assert shown[0].time_s == 0.0
    assert shown[-1] == RiskPoint(9_999.5, 2.0)
    assert len({b.time_s - a.time_s for a, b in pairwise(shown[:-1])}) == 1


@given(st.floats(-1e9, 1e9), st.floats(0, 1))
def test_risk_is_100_only_on_fail_and_never_0_while_undecided(log_e, confidence):
    """The scale's ends are reserved."""
    far = progress(log_e, 0.01)
    assert (far == 1.0) == (log_e >= progress.__globals__["math"].log(100.0))
    if far < 1.0:
        assert 1.0 <= risk_of("none", far, confidence) <= 99.0
        assert 0.0 <= risk_of("pass", far, 1.0) <= risk_of("none", far, confidence)


@pytest.mark.parametrize(
    "changed",
    [
        {"alpha": 0.0},
        {"beta": 0.7},
        {"signals": (structs.replace(COUNTED[0], tolerance_ratio=-1.0), *COUNTED[1:])},
        {"signals": (structs.replace(COUNTED[0], tolerance_ratio=2.0), *COUNTED[1:])},
        {"background": 2.0},
        {"patience_windows": 0},
        {"history_points": 1},
        {"signature_limit": 0},
        {"silence_chance": 0.0},
        {"pseudo_requests": float("nan")},
        {"signals": COUNTED[:3]},
    ],
)
def test_settings_that_cannot_be_judged_by_are_refused(changed):
    """At start, by name."""
    with pytest.raises(BadPolicy):
        JudgeSettings(**changed)
