"""Stakes of signals: they sum to 1, whoever turns up when."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.stakes import RESERVE, Stakes
from streams.signals.rule import SignalRule

RULE = st.builds(
    SignalRule,
    signal=st.sampled_from([f"s{number}" for number in range(30)]),
    kind=st.just("events"),
    group=st.sampled_from(["errors", "restarts", "memory"]),
    weight=st.sampled_from([0.0, 0.25, 1.0]),
    criticality=st.sampled_from(["normal", "watch"]),
)


@given(st.lists(RULE, max_size=8, unique_by=lambda rule: rule.signal), st.lists(RULE, max_size=20))
def test_stakes_and_cash_sum_to_one(first, later):
    """However many turn up later."""
    stakes = Stakes()
    stakes.begin(first)
    for rule in later:
        assert stakes.give(rule) == stakes.give(rule)
    assert math.fsum(stakes.given.values()) + stakes.cash == pytest.approx(1.0)
    assert stakes.log_e({}) == 0.0


def test_groups_share_equally_and_signals_by_their_weights():
    """A group tells of one thing, however many signals it has."""
    stakes = Stakes()
    stakes.begin(
        [
            SignalRule("a", "events", "errors"),
            SignalRule("b", "events", "errors", weight=0.25),
            SignalRule("c", "events", "restarts"),
        ]
    )
    half = (1.0 - RESERVE) / 2
    assert stakes.given == {"a": pytest.approx(half * 0.8), "b": pytest.approx(half * 0.2), "c": pytest.approx(half)}


def test_a_sure_signal_is_worth_its_stake():
    """The whole is the weighted sum."""
    stakes = Stakes()
    stakes.begin([SignalRule("a", "events", "errors")])
    assert stakes.log_e({"a": math.log(1000.0)}) == pytest.approx(math.log(950.05))


def test_groups_share_by_their_weights():
    """Three times the weight, three times the stake; its signals share it."""
    stakes = Stakes()
    stakes.begin(
        [
            SignalRule("a", "events", "errors", group_weight=3.0),
            SignalRule("b", "events", "errors", group_weight=3.0),
            SignalRule("c", "events", "restarts"),
        ]
    )
    quarter = (1.0 - RESERVE) / 4
    assert stakes.given == {name: pytest.approx(quarter * share) for name, share in (("a", 1.5), ("b", 1.5), ("c", 1))}
