"""All distributions of a comparison: state, bounds, directions, what is told."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from streams.errors import BadPolicy
from streams.judging.restarts import RestartedArray, unpacked
from streams.judging.settings import PATIENCE_WINDOWS
from streams.judging.side import Side
from streams.judging.values.part import SIGNALS, ValuePart, ValuePartState, ValueSettings
from streams.judging.wagers import BETTER_WAGERS, WORSE_WAGERS
from streams.shippers.histograms import of_samples
from streams.signals.rule import SignalRule

RULES = {
    "latency": SignalRule("latency", "values", "latency", "higher", tolerance_up=0.0),
    "size": SignalRule("size", "values", "other", "either", 0.25, known=False),
    "speed": SignalRule("speed", "values", "other", "lower", tolerance_down=0.0),
    "watched": SignalRule("watched", "values", "latency", "higher", criticality="watch"),
}


def side(rng, number, **factors):
    """Lognormal values of each signal."""
    return Side(
        5.0,
        values={
            name: of_samples((float(value), 1) for value in factor * np.exp(rng.normal(0.0, 0.5, number)))
            for name, factor in factors.items()
        },
    )


def judged(windows=40, state=None, part=None, seed=1, **factors):
    """A part after windows in which the canary's values are so many times the baseline's."""
    rng = np.random.default_rng(seed)
    part = part or ValuePart(ValueSettings(), state or ValuePartState())
    for _ in range(windows):
        part.add(side(rng, 90, **dict.fromkeys(factors, 1.0)), side(rng, 30, **factors), RULES)
    return part


def evidence(part, name):
    """That of one signal."""
    return next(one for one in part.evidence() if one.rule.signal == name)


@pytest.mark.parametrize(
    ("name", "factor", "found"),
    [
        ("latency", 2.0, True),
        ("latency", 0.5, False),
        ("speed", 0.5, True),
        ("speed", 2.0, False),
        ("size", 2.5, True),
        ("size", 0.4, True),
        ("size", 1.0, False),
    ],
)
def test_each_direction_is_worse_only_where_the_rule_says_so(name, factor, found):
    """`higher`, `lower` and `either`."""
    assert (evidence(judged(**{name: factor}), name).log_e > math.log(100.0)) == found


def test_a_worse_canary_never_has_the_lesser_evidence():
    """The same values, ten times as slow ones among them or not."""
    found = [judged(latency=factor).log_p for factor in (1.0, 1.3, 2.0, 10.0)]
    assert found == sorted(found, reverse=True)


def test_what_is_watched_is_shown_and_never_counts():
    """No stake."""
    part = judged(watched=10.0)
    assert part.log_p == 0.0
    assert evidence(part, "watched").stake == 0.0
    assert evidence(part, "watched").log_e > math.log(100.0)
    assert part.log_not_worse is None


def test_the_state_goes_on_to_the_bit():
    """A snapshot in MessagePack, taken in the middle; evidence can be read at once."""
    whole = judged(20, latency=1.2, size=1.0)
    half = judged(10, latency=1.2, size=1.0)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(half.to_state()), type=ValuePartState)
    resumed = ValuePart(ValueSettings(), state)
    assert resumed.evidence() == half.evidence()
    rng = np.random.default_rng(1)
    for window in range(20):
        sides = (side(rng, 90, latency=1.0, size=1.0), side(rng, 30, latency=1.2, size=1.0))
        if window >= 10:
            resumed.add(*sides, RULES)
    assert resumed.to_state() == whole.to_state()
    assert len(msgspec.msgpack.encode(whole.to_state())) < 20_000


def test_missing_sides_and_empty_windows_change_nothing():
    """No evidence, no failure."""
    part = judged(10, latency=1.0)
    before = part.log_p
    rng = np.random.default_rng(2)
    part.add(None, None, RULES)
    part.add(Side(5.0), Side(5.0), RULES)
    part.add(None, side(rng, 30, latency=50.0), RULES)
    assert part.log_p == before


def test_values_of_one_side_only_are_thrown_away_and_told():
    """A histogram that the canary alone has is not worse for that."""
    rng = np.random.default_rng(3)
    part = ValuePart(ValueSettings(), ValuePartState())
    for _ in range(30):
        part.add(Side(5.0), side(rng, 30, latency=9.0), RULES)
    assert part.log_p == 0.0
    assert part.evidence() == []
    assert part.unjudged() == ["latency: values of both revisions have not been seen together"]


def test_scrapes_that_never_share_a_window_are_compared_all_the_same():
    """Bins wait for both sides."""
    rng = np.random.default_rng(4)
    part = ValuePart(ValueSettings(), ValuePartState())
    for _ in range(40):
        part.add(side(rng, 90, latency=1.0), Side(5.0), RULES)
        part.add(Side(5.0), side(rng, 30, latency=2.0), RULES)
    assert part.log_p < math.log(0.01)


def test_signals_past_the_bound_are_told_of():
    """Bounded, and never silently."""
    rng = np.random.default_rng(5)
    rules = {f"s{number}": SignalRule(f"s{number}", "values", worse="higher") for number in range(SIGNALS + 3)}
    part = ValuePart(ValueSettings(), ValuePartState())
    for _ in range(2):
        part.add(side(rng, 3, **dict.fromkeys(rules, 1.0)), side(rng, 3, **dict.fromkeys(rules, 1.0)), rules)
    assert len(part.state.signals) == SIGNALS
    assert "3 or more found no place" in part.unjudged()[-1]


def test_a_margin_that_rules_nothing_out_is_refused():
    """By name."""
    with pytest.raises(BadPolicy):
        ValueSettings(margin=1.0)


@pytest.mark.parametrize(("margin", "passes"), [(None, False), (0.4, False), (3.0, True)])
def test_a_pass_rules_out_the_signals_own_margin(margin, passes):
    """Values twice as large: not as large as four times; the built-in margin is 1.25 times what is tolerated."""
    rules = {"latency": msgspec.structs.replace(RULES["latency"], margin=margin)}
    rng, part = np.random.default_rng(5), ValuePart(ValueSettings(), ValuePartState())
    for _ in range(60):
        part.add(side(rng, 900, latency=1.0), side(rng, 900, latency=2.0), rules)
    assert (part.log_not_worse > math.log(20.0)) == passes


def waited(windows, **factors):
    """What a PASS still waits for after these windows of the canary: pods that are starting, or None where it is not.

    Args:
        windows: of the canary.
        factors: signals that the canary has values of; the baseline has values of all.
    """
    rng, part = np.random.default_rng(1), ValuePart(ValueSettings(), ValuePartState())
    for starting in windows:
        baseline = side(rng, 90, latency=1.0, speed=1.0)
        canary = side(rng, 30, **factors)
        canary.starting = starting or 0
        part.add(baseline, None if starting is None else canary, RULES)
    return part.to_state().waits


def test_a_pass_waits_for_latencies_of_pods_that_are_starting():
    """Promise: until some have been judged, or none have come for a minute since the last pod has started."""
    assert waited([1, 1], speed=1.0) == PATIENCE_WINDOWS  # other values are no latencies
    assert waited([1, None, None]) == PATIENCE_WINDOWS  # nor is there anything to pass
    assert waited([1, 0]) == PATIENCE_WINDOWS - 1  # the next scrape is to come
    assert waited([1, *[0] * PATIENCE_WINDOWS]) == 0
    assert waited([1, 1], latency=1.0) == 0
    assert waited([0, 0]) == 0
    assert waited([*[1, None] * 100, 1]) == PATIENCE_WINDOWS  # one that restarts again and again


def test_a_comparison_of_an_earlier_version_goes_on_as_it_was():
    """It plays one game a threshold, and not one of each way; its evidence is what it would have been.

    It kept its wealth in lists.
    """
    half = judged(10, latency=2.0)
    state = half.to_state()
    kept = state.signals["latency"]
    kept.better = unpacked(kept.better, BETTER_WAGERS).tolist()
    slots = len(kept.better)
    kept.worse.sums = [
        [sums[i] for i in range(len(sums)) if i % (2 * WORSE_WAGERS) < WORSE_WAGERS]
        for sums in RestartedArray(kept.worse).sums.tolist()
    ]
    kept.worse.alternatives = slots * WORSE_WAGERS
    encoded = msgspec.msgpack.encode(state)
    resumed = ValuePart(ValueSettings(), msgspec.msgpack.decode(encoded, type=ValuePartState))
    before = resumed.log_ps["latency"]
    judged(10, part=resumed, latency=2.0)
    assert resumed.log_ps["latency"] < before
    assert RestartedArray(resumed.to_state().signals["latency"].worse).sums.shape[1] == slots * WORSE_WAGERS
