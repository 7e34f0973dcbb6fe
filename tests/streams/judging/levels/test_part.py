"""The levels of one comparison."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import BrokenInvariant
from streams.judging.levels.part import LevelPart, LevelState
from streams.judging.levels.past import LevelPast
from streams.judging.levels.prior import LevelPrior
from streams.judging.side import Side
from tests.streams.judging.levels.rollouts import RULES, WINDOW_NS, begin, past, side

PAST = past(6)


def judged(known: LevelPast = PAST, windows: int = 12, seed: int = 7, **factors: float) -> LevelPart:
    """A comparison whose canary's levels are times these."""
    rng, part = np.random.default_rng(seed), begin(known, windows)
    for window in range(windows):
        part.add(window * WINDOW_NS, side(rng), side(rng, **factors), RULES)
    return part


def test_a_canary_like_its_baseline_is_not_flagged_and_one_much_worse_is():
    """Three times the memory; fewer of the availability's nines."""
    assert judged().p > 0.05
    assert judged(memory=3.0).p < 0.01
    assert judged(availability=0.97).p < 0.01
    assert judged(memory=0.5).p > 0.05


def test_what_no_history_judges_is_plainly_worse_where_every_pod_stands_beyond_the_margin():
    """Three times the memory, fewer nines, a queue of nine times as many; not what is less, or follows traffic."""
    new = LevelPast()
    assert judged(new).plainly_worse == ()
    assert judged(new, memory=3.0).plainly_worse == ("memory",)
    assert judged(new, availability=0.97, queue=9.0).plainly_worse == ("availability", "queue")
    assert judged(new, memory=0.3, network=9.0, node_cpu=9.0).plainly_worse == ()
    assert judged(PAST, memory=3.0).plainly_worse == ()


def test_plainly_worse_is_what_stands_so_now_and_the_same_after_a_restart():
    """A start-up that is over says nothing any more."""
    rng, part = np.random.default_rng(7), begin(LevelPast(), 40)
    seen = []
    for window in range(40):
        part.add(window * WINDOW_NS, side(rng), side(rng, cpu=5.0 if window < 10 else 1.0), RULES)
        seen.append(part.plainly_worse)
        kept = LevelPart(LevelPast(), LevelPrior(), 40 * WINDOW_NS, WINDOW_NS, part.to_state())
        assert kept.plainly_worse == seen[-1]
    assert seen[9] == ("cpu",)
    assert seen[-1] == ()


def test_the_worst_signal_comes_first_with_its_effect():
    """Ratio, interval, values, when."""
    first = judged(memory=2.5).signals[0]
    assert (first.signal, first.unit, first.worse) == ("memory", "By", "higher")
    assert first.effect_ratio == pytest.approx(2.5, rel=0.2)
    assert first.effect_low is not None
    assert first.effect_high is not None
    assert 1.0 < first.effect_low < first.effect_ratio < first.effect_high
    assert first.baseline == pytest.approx(5e8, rel=0.2)
    assert first.since_ns is not None
    assert first.since_ns <= 3 * WINDOW_NS
    assert first.baseline_samples == 24


def test_no_signal_has_a_smaller_p_than_the_part():
    """Each is a part of what is judged."""
    part = judged(memory=1.5, cpu=1.3)
    assert min(one.p for one in part.signals) >= part.p * (1.0 - 1e-12)


def test_what_is_watched_is_shown_and_not_judged():
    """A hundred times the node's CPU."""
    part = judged(node_cpu=100.0)
    shown = next(one for one in part.signals if one.signal == "node_cpu")
    assert shown.weight == 0.0
    assert shown.effect_ratio == pytest.approx(100.0, rel=0.2)
    assert part.p == judged().p


def test_where_all_is_watched_no_rollouts_are_waited_for():
    """Nothing that counts is reported, and however many earlier rollouts would not change that."""
    rng, part = np.random.default_rng(3), begin(LevelPast())
    watched = {name: msgspec.structs.replace(rule, criticality="watch") for name, rule in RULES.items()}
    for window in range(12):
        part.add(window * WINDOW_NS, side(rng), side(rng), watched)
    assert part.unjudged == ("levels: no pod has reported a level that counts",)


def test_identical_sides_show_no_effect():
    """Ratio 1, z 0."""
    rng, part = np.random.default_rng(3), begin(PAST)
    for window in range(12):
        both = side(rng)
        part.add(window * WINDOW_NS, both, both, RULES)
    assert part.p > 0.5
    assert all(one.effect_ratio == pytest.approx(1.0) for one in part.signals)
    assert {one.z for one in part.signals} == {0.0}


def test_swapped_sides_flip_the_sign():
    """Standardised difference and ratio of every signal."""
    rng, one, other = np.random.default_rng(4), begin(PAST), begin(PAST)
    for window in range(12):
        left, right = side(rng), side(rng, cpu=1.4)
        one.add(window * WINDOW_NS, left, right, RULES)
        other.add(window * WINDOW_NS, right, left, RULES)
    swapped = {evidence.signal: evidence for evidence in other.signals}
    for evidence in one.signals:
        again = swapped[evidence.signal]
        assert evidence.z == -again.z
        assert evidence.effect_ratio * again.effect_ratio == pytest.approx(1.0)


@settings(max_examples=20, deadline=None)
@given(st.floats(1.0, 3.0), st.floats(1.0, 3.0), st.sampled_from(["cpu", "memory", "queue"]))
def test_a_worse_canary_never_has_a_larger_p(one, other, signal):
    """Whatever else is random."""
    low, high = sorted((one, other))
    assert judged(**{signal: high}).p <= judged(**{signal: low}).p * (1.0 + 1e-9)


@pytest.mark.parametrize("stop", [0, 1, 5, 11])
def test_a_part_taken_up_again_goes_on_to_the_bit(stop):
    """Also with another past by then."""
    rng, whole = np.random.default_rng(5), begin(PAST)
    windows = [(side(rng), side(rng, memory=1.3)) for _ in range(14)]
    resumed = begin(PAST)
    for window, (baseline, canary) in enumerate(windows):
        whole.add(window * WINDOW_NS, baseline, canary, RULES)
        resumed.add(window * WINDOW_NS, baseline, canary, RULES)
        if window == stop:
            data = msgspec.msgpack.encode(resumed.to_state())
            state = msgspec.msgpack.decode(data, type=LevelState)
            resumed = LevelPart(LevelPast(), LevelPrior(), 12 * WINDOW_NS, WINDOW_NS, state)
    assert msgspec.msgpack.encode(whole.to_state()) == msgspec.msgpack.encode(resumed.to_state())
    assert whole.signals == resumed.signals
    assert whole.cohort("x") == resumed.cohort("x")


def test_without_history_nothing_is_judged_and_that_is_said():
    """No p below 1, no confidence, a sentence with numbers; the values are shown all the same."""
    part = judged(LevelPast(), memory=5.0)
    assert part.p == 1.0
    assert not part.judged
    assert part.p_not_worse is None
    assert part.unjudged == ("levels: 0 earlier rollouts for 5 signals, 3 are needed",)
    assert next(one for one in part.signals if one.signal == "memory").effect_ratio == pytest.approx(5.0, rel=0.2)


@pytest.mark.parametrize("rollouts", [1, 2])
def test_with_too_little_history_values_are_shown_all_the_same(rollouts):
    """Ratios without intervals; nothing is judged."""
    part = judged(past(rollouts, pods=1), memory=5.0)
    assert part.p == 1.0
    assert part.unjudged == (f"levels: {rollouts} earlier rollouts for 5 signals, 3 are needed",)
    shown = next(one for one in part.signals if one.signal == "memory")
    assert shown.effect_ratio == pytest.approx(5.0, rel=0.3)
    assert shown.effect_low is None
    assert shown.weight == 0.0


def test_a_signal_that_is_new_is_said_to_have_no_history():
    """The others are judged."""
    rules = RULES | {"fresh": msgspec.structs.replace(RULES["cpu"], signal="fresh")}
    rng, part = np.random.default_rng(6), begin(PAST)
    baseline, canary = side(rng), side(rng)
    canary.levels["fresh"] = {0: 1.0}
    part.add(0, baseline, canary, rules)
    assert part.judged
    assert part.unjudged == ("levels: no history of fresh",)


def test_missing_windows_sides_pods_and_numbers_do_no_harm():
    """Nothing is evidence but levels of both."""
    rng, part = np.random.default_rng(8), begin(PAST)
    broken = Side(levels={"cpu": {0: math.nan, 1: math.inf, 2: -1.0}, "memory": {}})
    part.add(0, None, side(rng), RULES)
    part.add(WINDOW_NS, side(rng), Side(), RULES)
    part.add(5 * WINDOW_NS, broken, None, RULES)
    part.add(9 * WINDOW_NS, None, None, RULES)
    part.add(12 * WINDOW_NS, side(rng), broken, {})
    assert 0.05 < part.p <= 1.0
    for evidence in part.signals:
        assert all(value is None or math.isfinite(value) for value in (evidence.effect_ratio, evidence.canary))
    assert part.to_state().as_of_ns == 13 * WINDOW_NS


def test_a_window_from_the_past_is_refused():
    """Each closes once."""
    part = begin(PAST)
    part.add(WINDOW_NS, None, None, RULES)
    with pytest.raises(BrokenInvariant):
        part.add(0, None, None, RULES)


def test_a_silent_canary_is_never_shown_to_be_no_worse():
    """Where the baseline shows a group, the canary has to."""
    rng, part = np.random.default_rng(9), begin(PAST)
    for window in range(12):
        part.add(window * WINDOW_NS, side(rng), Side(pod_s=10.0), RULES)
    assert part.p == 1.0
    assert part.p_not_worse in {None, 1.0}


def test_signals_and_pods_are_bounded():
    """A thousand signals of a hundred pods: the first are looked at, and it is said that there are more."""
    rules = {f"s{number}": msgspec.structs.replace(RULES["cpu"], signal=f"s{number}") for number in range(1000)}
    many = Side(levels={signal: dict.fromkeys(range(100), 1.0) for signal in rules})
    part = begin(LevelPast())
    part.add(0, many, many, rules)
    assert len(part.signals) == 256
    assert "744 signals" in part.unjudged[-1]
    assert len(msgspec.msgpack.encode(part.to_state())) < 500_000
    assert part.cohort().cells <= 5_000


def ruled(weights: dict[str, float], margin: float | None = None, seed: int = 7, **factors: float) -> LevelPart:
    """A comparison in which groups have these weights, and all signals this margin."""
    rules = {
        name: msgspec.structs.replace(rule, group_weight=weights.get(rule.group, 1.0), margin=margin)
        for name, rule in RULES.items()
    }
    rng, part = np.random.default_rng(seed), begin(PAST)
    for window in range(12):
        part.add(window * WINDOW_NS, side(rng), side(rng, **factors), rules)
    return part


def test_a_light_group_says_less_and_only_the_proportion_of_weights_counts():
    """A hundredth of the others' weight; all at seven times is as all at one."""
    assert ruled({"memory": 0.01}, memory=2.0).p > 3.0 * ruled({}, memory=2.0).p
    alike = dict.fromkeys([rule.group for rule in RULES.values()], 7.0)
    assert ruled(alike, memory=2.0).p == ruled({}, memory=2.0).p


def test_a_wider_margin_is_shown_sooner():
    """Of a canary like its baseline: less than 10% worse is not shown, less than 400% is."""
    p_not_worse = [ruled({}, margin).p_not_worse for margin in (0.1, None, 4.0)]
    assert p_not_worse[0] > p_not_worse[1] > p_not_worse[2]
    twice, default = (ruled({}, margin, memory=1.2).p_not_worse for margin in (1.0, None))
    assert default <= twice  # twice the baseline's level, or more where healthy pods differ by much


def test_pods_beyond_those_followed_are_told():
    """Twenty of the canary; all eight of the baseline have their place."""
    rng, part = np.random.default_rng(1), begin(PAST)
    part.add(0, side(rng, 8), side(rng, 20), RULES)
    assert "levels: cannot judge 12 pods of the canary beyond the 8 that are followed" in part.unjudged
    assert not any("of the baseline beyond" in sentence for sentence in part.unjudged)


def test_the_p_of_one_signal_is_that_of_its_row():
    """And 1 where nothing is known of it."""
    part = judged(memory=2.0)
    for one in part.signals:
        assert part.signal_p(one.signal) == one.p
    assert part.signal_p("nothing") == 1.0


SLOW = (0, 12)
"""Windows with a scrape; the second lies in the block that ends with window 14."""


def slow_past(rollouts: int = 6) -> LevelPast:
    """Of a workload that is scraped once a minute."""
    rng, known = np.random.default_rng(5), LevelPast()
    for number in range(rollouts):
        part = begin(known, 16)
        for window in range(16):
            part.add(window * WINDOW_NS, *(scraped(rng, window) for _ in range(2)), RULES)
        known.learn(part.cohort(f"r{number}"))
    return known


def scraped(rng: np.random.Generator, window: int, *, late: str = "", **factors: float) -> Side:
    """One window of it; one signal may come a window late."""
    full = side(rng, **factors)
    before = {name: pods for name, pods in full.levels.items() if name == late and window - 1 in SLOW and window > 1}
    now = {name: pods for name, pods in full.levels.items() if name != late and window in SLOW}
    return Side(pod_s=10.0, levels={**before, **now})


@pytest.mark.parametrize(("late", "told"), [("", 12), ("cpu", 13)])
def test_a_block_is_looked_at_when_all_that_the_past_brought_in_it_is_there(late, told):
    """Not two windows later, when it ends; and then it is not looked at again."""
    rng, part, ps = np.random.default_rng(6), begin(slow_past(), 16), []
    for window in range(16):
        worse = {"memory": 4.0} if window >= 12 else {}
        part.add(window * WINDOW_NS, scraped(rng, window), scraped(rng, window, late=late, **worse), RULES)
        ps.append(part.p)
    assert ps.index(min(ps)) == told
    assert ps[told] < 0.02 < ps[told - 1]
    assert part.to_state().deviation.looks == 10


def test_a_look_before_the_end_of_a_block_is_the_look_at_its_end():
    """To the bit: the same comparison by a past that says nothing of how many samples come."""
    found = []
    for known in (True, False):
        rng, part = np.random.default_rng(8), begin(slow_past(), 16)
        for window in range(16):
            part.add(window * WINDOW_NS, scraped(rng, window), scraped(rng, window, memory=2.0), RULES)
            if not known and window == 0:
                state = part.to_state()
                assert state.reference is not None
                state.reference = msgspec.structs.replace(state.reference, usual=b"")
                part = LevelPart(LevelPast(), LevelPrior(), 16 * WINDOW_NS, WINDOW_NS, state)
        found.append(part.to_state().deviation)
    assert (found[0].p, found[0].signal_p, found[0].looks) == (found[1].p, found[1].signal_p, found[1].looks)
