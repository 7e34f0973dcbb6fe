"""On which scale levels are compared, and back."""

from __future__ import annotations

import numpy as np
import pytest

from streams.judging.levels.scale import LevelRule, Scales, level_rule
from streams.signals.rule import SignalRule


def scales(*rules: LevelRule, offset: float = 0.25, largest: float = 100.0) -> Scales:
    """Of these, with the same offset each."""
    return Scales(rules, np.full(len(rules), offset), np.full(len(rules), largest))


@pytest.mark.parametrize("scale", ["log", "count"])
def test_a_shift_is_told_as_a_ratio_of_levels(scale):
    """Three times the baseline's, whatever the scale."""
    one = scales(LevelRule("s", scale=scale))
    baseline, canary = one.place(np.array([4.0])), one.place(np.array([12.0]))
    assert one.ratio(canary - baseline, baseline) == pytest.approx(3.0)


def test_shares_are_compared_by_what_is_missing():
    """In percent as well as between 0 and 1; a fall of availability is worse."""
    rule = LevelRule("a", worse="lower", scale="share_free")
    percent, ratio = scales(rule), scales(rule, largest=1.0)
    assert percent.place(np.array([99.0])) == pytest.approx(ratio.place(np.array([0.99])))
    assert percent.sign * (percent.place(np.array([98.0])) - percent.place(np.array([99.9]))) > 1.0
    assert percent.ratio(np.array([np.log(2.0)]), np.array([0.0])) == pytest.approx(2.0)


def test_where_a_fall_is_worse_the_sign_says_so():
    """Throughput, say."""
    assert scales(LevelRule("t", worse="lower"), LevelRule("u", worse="higher")).sign.tolist() == [-1.0, 1.0]


def test_a_signal_without_history_has_no_place():
    """Whatever its scale: it must not be judged by an offset out of the air."""
    rules = [LevelRule(scale, scale=scale) for scale in ("log", "share_free", "count")]
    assert np.isnan(scales(*rules, offset=np.nan).place(np.array([1.0, 2.0, 3.0]))).all()


def test_what_is_only_watched_or_goes_both_ways_weighs_little():
    """Watch 0, either a quarter at most."""
    assert level_rule(SignalRule("w", "level", criticality="watch")).weight == 0.0
    assert level_rule(SignalRule("e", "level", worse="either", weight=0.1)).weight == 0.1
    assert level_rule(SignalRule("c", "level", worse="higher")).weight == 1.0
