"""The judge of one comparison, as a whole."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import BrokenInvariant
from streams.judging.evidence import Exposure
from streams.judging.judge import Judge
from streams.judging.judge_state import JudgeState
from streams.judging.past import Past
from streams.judging.reasons import pass_reason
from streams.judging.settings import JudgeSettings
from streams.judging.shares import UNHEARD_SHARE
from streams.judging.side import RequestCount, Side, SignatureInfo
from streams.records.histogram import from_explicit_bounds
from streams.signals.rule import SignalRule
from tests.streams.judging.levels.rollouts import past
from tests.streams.judging.levels.rollouts import side as level_side

W = 5_000_000_000
HTTP = "http.server.request.duration"
SIGNATURES = {
    1: SignatureInfo("ERROR db pool exhausted <*>", "error"),
    2: SignatureInfo("WARN slow query <*> ms", "warning"),
    3: SignatureInfo("FATAL out of memory", "critical"),
}

INCIDENTS = st.dictionaries(st.sampled_from([1, 2, 3, 77]), st.integers(1, 3), max_size=3)
COUNTS = st.builds(
    lambda requests, errors, reported: RequestCount(float(requests), float(errors), reported, (0, 1)),
    st.integers(0, 200),
    st.integers(0, 20),
    st.sampled_from([(), (0,), (1,), (0, 1)]),
)
SIDES = st.builds(
    lambda pods, lines, incidents, counts: Side(pods * 5.0, lines, incidents, {HTTP: counts} if counts else {}),
    st.integers(1, 4),
    st.integers(0, 30),
    INCIDENTS,
    st.none() | COUNTS,
)
WINDOWS = st.lists(st.tuples(st.none() | SIDES, st.none() | SIDES), max_size=40)


def quiet(pods=2, requests=None):
    """A window in which all is well."""
    counts = {} if requests is None else {HTTP: RequestCount(requests, 0.0, (0, 1), (0, 1))}
    return Side(pods * 5.0, 20, {}, counts)


def numbers(value):
    """All floats in a document."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from numbers(one)


def judged(windows, judge=None, first=0, **changed):
    """A judge that was given these windows."""
    judge = judge or Judge.begin(JudgeSettings(**changed), W)
    for index, (baseline, canary) in enumerate(windows, first):
        judge.add(index * W, baseline, canary, SIGNATURES)
    return judge


@given(WINDOWS, st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_goes_on_from_its_state_to_the_bit(windows, cut):
    """A snapshot at any point, through MessagePack, changes nothing of what follows."""
    whole = judged(windows)
    begun = judged(windows[:cut])
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(begun.to_state()), type=JudgeState)
    resumed = judged(windows[cut:], Judge.from_state(JudgeSettings(), W, state), min(cut, len(windows)))
    assert resumed.assess(SIGNATURES) == whole.assess(SIGNATURES)
    assert msgspec.msgpack.encode(resumed.to_state()) == msgspec.msgpack.encode(whole.to_state())


def test_a_state_stays_the_callers():
    """Promise: a judge that goes on from a state does not change it."""
    before = judged([(quiet(), quiet())] * 3).to_state()
    kept = msgspec.msgpack.encode(before)
    judged([(quiet(), Side(10.0, 5, {1: 2}))] * 3, Judge.from_state(JudgeSettings(), W, before), 3)
    assert msgspec.msgpack.encode(before) == kept


def test_how_much_of_a_signals_evidence_is_there_is_said_of_that_signal():
    """Whatever else is missing for a PASS: here the least exposure, without which confidence is none at all."""
    found = judged([(quiet(), quiet())] * 60, minimum_pod_s=1e6).assess(SIGNATURES)
    least = min((one for one in found.signals if one.signal.startswith("log/")), key=lambda one: one.confidence)
    assert found.confidence == 0.0 < least.confidence
    said = next(reason for reason in found.reasons if "evidence" in reason)
    assert said.startswith(
        f"cannot tell yet: {math.floor(100 * least.confidence)}% of the evidence that {least.signal}"
    )


@given(WINDOWS, st.integers(0, 39), st.sampled_from([1, 2, 3]), st.integers(1, 2))
@settings(max_examples=100, deadline=None)
def test_a_worse_canary_never_lowers_the_risk(windows, where, signature, more):
    """More incidents of the canary in one window: at no time a lower risk, a higher confidence or a milder verdict."""
    worse = list(windows)
    if windows and (canary := windows[where % len(windows)][1]) is not None and canary.lines:
        incidents = dict(canary.incidents)
        incidents[signature] = incidents.get(signature, 0) + more
        worse[where % len(windows)] = (
            windows[where % len(windows)][0],
            msgspec.structs.replace(canary, incidents=incidents),
        )
    one, other = Judge.begin(JudgeSettings(), W), Judge.begin(JudgeSettings(), W)
    order = {"pass": 0, "none": 1, "fail": 2}
    for index in range(len(windows)):
        judged([windows[index]], one, index)
        judged([worse[index]], other, index)
        here, there = one.assess(SIGNATURES), other.assess(SIGNATURES)
        assert there.risk >= here.risk - 1e-9
        assert there.confidence <= here.confidence + 1e-9
        assert order[there.verdict] >= order[here.verdict]


@given(st.lists(st.tuples(SIDES, SIDES), max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_same_pair_swapped_is_never_worse_both_ways(windows):
    """Who fails against the other does not see the other fail against him."""
    here = judged(windows).assess(SIGNATURES)
    there = judged([(canary, baseline) for baseline, canary in windows]).assess(SIGNATURES)
    for mine in here.signals:
        theirs = next(one for one in there.signals if one.signal == mine.signal)
        assert (mine.baseline_count, mine.canary_count) == (theirs.canary_count, theirs.baseline_count)
        if mine.effect_ratio and theirs.effect_ratio:
            assert math.log(mine.effect_ratio) == pytest.approx(-math.log(theirs.effect_ratio), abs=1e-6)


def test_identical_revisions_bring_no_evidence():
    """Sides that do the same: E stays small and in the end it passes."""
    window = Side(10.0, 20, {1: 1, 2: 1})
    found = judged([(window, window)] * 600).assess(SIGNATURES)
    assert found.verdict == "pass"
    assert found.risk < 10.0
    assert all(one.effect_ratio in (1.0, None) for one in found.signals)


def test_errors_of_the_canary_alone_fail_it_and_the_reason_says_which():
    """The first reason names the signature with the numbers of both sides; the verdict stays."""
    bad = Side(10.0, 20, {1: 1})
    judge = judged([(quiet(8), bad)] * 30)
    found = judge.assess(SIGNATURES)
    assert (found.verdict, found.risk, found.confidence) == ("fail", 100.0, 0.0)
    assert found.reasons[0].startswith(
        "`ERROR db pool exhausted <*>` 30 times in 300 pod-seconds against 0 in 1,200 (log/error, E = "
    )
    assert found.decided_ns is not None
    judged([(Side(40.0, 20, {1: 3}), quiet())] * 200, judge, 30)
    after = judge.assess(SIGNATURES)
    assert (after.verdict, after.decided_ns) == ("fail", found.decided_ns)


def test_failed_requests_fail_it():
    """Counted as what they are: requests against requests."""

    def window(requests, errors):
        return Side(10.0, 20, {}, {HTTP: RequestCount(requests, errors, (0, 1), (0, 1))})

    found = judged([(window(900.0, 1.0), window(100.0, 4.0))] * 12).assess(SIGNATURES)
    assert found.verdict == "fail"
    assert found.exposure.unit == "requests"
    assert found.reasons[0].startswith("48 of 1,200 requests failed against 12 of 10,800 (requests/error, E = ")


def test_nothing_at_all_is_undecided():
    """50, none, and a reason."""
    found = Judge.begin(JudgeSettings(), W).assess({})
    assert (found.verdict, found.risk, found.confidence, found.history) == ("none", 50.0, 0.0, ())
    assert found.reasons


@pytest.mark.parametrize("side", ["baseline", "canary"])
def test_a_missing_side_brings_no_evidence(side):
    """Whatever the other one does: without a past a canary by itself is not judged."""
    bad = Side(10.0, 20, {1: 2, 3: 2})
    found = judged([(None, bad) if side == "baseline" else (bad, None)] * 500).assess(SIGNATURES)
    assert (found.verdict, found.risk) == ("none", 50.0)
    assert found.reference == ("none" if side == "baseline" else "baseline")


@pytest.mark.parametrize("counters", [True, False])
def test_an_idle_canary_never_passes(counters):
    """No requests, or counters on the baseline alone (an idle one has not begun to count)."""
    idle = quiet(requests=0.0 if counters else None)
    found = judged([(quiet(requests=100.0), idle)] * 2000).assess(SIGNATURES)
    assert found.verdict == "none"


def test_a_silent_pair_passes_by_exposure():
    """Two pods each, no counters, not one error: some ten minutes."""
    judge = judged([])
    window = 0
    while judge.verdict == "none":
        judged([(quiet(), quiet())], judge, window)
        window += 1
    found = judge.assess(SIGNATURES)
    assert found.verdict == "pass"
    assert 9 * 12 <= window <= 13 * 12
    assert found.reasons[0].startswith("no signal is worse than tolerated")


@pytest.mark.parametrize("dead", ["baseline", "canary"])
def test_a_dead_log_shipper_neither_fails_nor_passes(dead):
    """Errors go on at the same rate on both sides, but one log is gone."""
    alive, gone = Side(10.0, 20, {1: 1}), Side(10.0, 0)
    pair = (gone, alive) if dead == "baseline" else (alive, gone)
    judge = judged([(quiet(), quiet())] * 60)
    judged([pair] * 600, judge, 60)
    found = judge.assess(SIGNATURES)
    assert found.verdict == "none"
    assert any("silent" in sentence for sentence in found.unjudged)


@pytest.mark.parametrize("before", ["heard", "never heard"])
def test_logs_that_are_missed_withhold_a_pass(before):
    """Both silent where the baseline had lines: requests alone pass it only where there never were any."""
    silent = Side(10.0, 0, {}, {HTTP: RequestCount(500.0, 0.0, (0, 1), (0, 1))})
    first = quiet(requests=500.0) if before == "heard" else silent
    found = judged([(first, None)] * 3 + [(silent, silent)] * 400).assess(SIGNATURES)
    assert found.verdict == ("none" if before == "heard" else "pass")
    assert any("heard by its logs before" in sentence for sentence in found.reasons) == (before == "heard")


def test_a_side_never_heard_of_is_said_loudly():
    """No evidence from logs, in either direction."""
    found = judged([(Side(10.0, 0), Side(10.0, 20, {1: 2}))] * 300).assess(SIGNATURES)
    assert found.verdict == "none"
    assert found.unjudged[0].startswith("logs: no line of the baseline")


def test_warnings_alone_fail_on_overwhelming_evidence_only():
    """Twelve canary-only incidents at a share of half do for errors, not for warnings."""
    errors = judged([(quiet(), Side(10.0, 20, {1: 1}))] * 20).assess(SIGNATURES)
    warnings = judged([(quiet(), Side(10.0, 20, {2: 1}))] * 14).assess(SIGNATURES)
    assert errors.verdict == "fail"
    assert warnings.verdict == "none"
    assert warnings.signals[0].signal == "log/warning"


@pytest.mark.parametrize("huge", [1e300, math.inf, math.nan])
def test_output_is_finite_whatever_comes(huge):
    """Huge, infinite and absent numbers: a risk within its range and no NaN anywhere."""
    window = Side(huge, 10**9, {1: 2**62, 3: 2**62}, {HTTP: RequestCount(huge, huge, (0, 1), (0, 1))})
    for pair in ((window, window), (quiet(requests=10.0), window), (window, quiet(requests=10.0))):
        judge = judged([pair] * 50)
        found = judge.assess(SIGNATURES)
        assert 0.0 <= found.risk <= 100.0
        assert all(map(math.isfinite, numbers(msgspec.to_builtins(found))))


def test_windows_come_in_order():
    """A window twice is our own fault, and said so."""
    judge = judged([(quiet(), quiet())] * 3)
    with pytest.raises(BrokenInvariant):
        judge.add(2 * W, quiet(), quiet(), SIGNATURES)
    judge.add(50 * W, quiet(), quiet(), SIGNATURES)
    assert judge.assess(SIGNATURES).as_of_ns == 51 * W


def test_shares_of_one_document_sum_to_one():
    """Of the parts, and of the signals within each part; the worst signal comes first."""
    found = judged([(quiet(requests=100.0), Side(10.0, 20, {1: 1}, quiet(requests=10.0).requests))] * 24).assess(
        SIGNATURES
    )
    assert math.fsum(one.share for one in found.parts) == pytest.approx(1.0)
    for part in found.parts[:2]:
        weights = [one.weight for one in found.signals if one.part == part.part]
        reserve = UNHEARD_SHARE if part.part == "errors" else 0.0  # for event counters that may turn up
        assert math.fsum(weights) == pytest.approx((1.0 - reserve) * part.share)
    assert found.signals[0].signal == "log/error"


def test_counters_that_show_up_later_change_nothing_judged_before():
    """Pod-seconds until then; the evidence stays and goes on by requests."""
    judge = judged([(quiet(), Side(10.0, 20, {1: 1}))] * 5)
    before = {one.signal: one.log10_e for one in judge.assess(SIGNATURES).signals}
    judged([(quiet(requests=100.0), quiet(requests=100.0))] * 2, judge, 5)
    found = judge.assess(SIGNATURES)
    assert found.exposure.unit == "requests"
    assert all(one.log10_e == before[one.signal] for one in found.signals if one.signal in before)


def test_alpha_goes_to_the_parts_that_were_heard_before():
    """A baseline that has logs alone: what it was never heard with keeps a small reserve; levels have no history."""
    found = judged([(quiet(), None)] * 24 + [(quiet(), quiet())] * 3).assess(SIGNATURES)
    assert [round(one.share, 4) for one in found.parts] == [0.95, 0.025, 0.025, 0.0]


def test_a_workload_nobody_knows_tells_its_parts_in_the_baselines_first_two_minutes():
    """No part's share ever shrinks, so that what failed it before would fail it by the last shares as well."""
    judge, shown = judged([(quiet(), None)]), []
    for number in range(1, 30):
        loud = quiet(requests=100.0 if number == 20 else None)
        judged([(loud, quiet(requests=100.0))], judge, number)
        shown.append([one.share for one in judge.assess(SIGNATURES).parts])
    assert [round(one, 4) for one in shown[0]] == [0.3167, 0.0167, 0.0167, 0.0]
    assert [round(one, 4) for one in shown[-1]] == [0.475, 0.475, 0.05, 0.0]
    assert all(
        after >= before for one, two in itertools.pairwise(shown) for before, after in zip(one, two, strict=True)
    )
    assert shown[21] != shown[-1]
    assert shown[22:] == [shown[-1]] * 7


def test_a_baseline_that_is_late_costs_nothing_where_no_history_of_logs_could_have_judged():
    """Metrics that come every five minutes: the shares are those of a baseline that was there at once."""
    late = judged([(None, quiet())] * 70 + [(quiet(), quiet())] * 30).assess(SIGNATURES)
    assert [round(one.share, 4) for one in late.parts] == [0.95, 0.025, 0.025, 0.0]


def test_what_shows_up_in_the_canary_alone_gets_no_more_alpha():
    """Only what the baseline is heard with is known whatever the canary does."""
    found = judged([(quiet(), quiet(requests=100.0))] * 30).assess(SIGNATURES)
    assert [round(one.share, 4) for one in found.parts] == [0.95, 0.025, 0.025, 0.0]


def test_after_its_time_evidence_that_does_not_suffice_is_marginal():
    """`none` without evidence, `marginal` with some, and a FAIL or PASS can still come."""
    limits = {"lifetime_ns": 30 * W}
    bad = Side(10.0, 20, {1: 1})
    healthy = judged([(quiet(), quiet())] * 40, **limits)
    suspect = judged([(quiet(), bad)] * 12 + [(quiet(), quiet())] * 16, **limits)
    assert (healthy.verdict, suspect.verdict) == ("none", "none")
    judged([(quiet(), quiet())] * 3, suspect, 28)
    assert suspect.verdict == "marginal"
    assert suspect.assess(SIGNATURES).reasons[0].startswith("its time is over")
    judged([(quiet(), bad)] * 10, suspect, 31)
    assert suspect.verdict == "fail"


def test_an_operator_may_fail_by_score():
    """Below the marginal score at the end of its time, and not before."""
    bad = Side(10.0, 20, {1: 1})
    judge = judged([(quiet(), bad)] * 12 + [(quiet(), quiet())] * 17, lifetime_ns=30 * W, marginal_score=40.0)
    assert judge.verdict == "none"
    judged([(quiet(), quiet())] * 2, judge, 29)
    assert judge.verdict == "fail"


def test_warm_up_is_not_judged():
    """Errors of the first minute bring nothing; after it the same ones do."""
    bad = Side(10.0, 20, {1: 1})
    judge = judged([(quiet(8), bad)] * 12, warm_up_ns=12 * W)
    assert all(one.log10_e == 0.0 for one in judge.assess(SIGNATURES).signals)
    judged([(quiet(8), bad)] * 12, judge, 12)
    assert judge.verdict == "fail"


def test_traffic_that_does_not_follow_the_split_voids_the_comparison():
    """Not failed, not passed: `none`, with the share that was found."""
    window = (quiet(requests=500.0), quiet(requests=500.0))
    found = judged([window] * 40, intended_share=0.1).assess(SIGNATURES)
    assert found.verdict == "none"
    assert "50.0% of the requests, where 10.0% was intended" in found.reasons[0]
    kept = judged([(quiet(requests=900.0), quiet(requests=100.0))] * 40, intended_share=0.1).assess(SIGNATURES)
    assert "void" not in kept.reasons[0]


def test_the_first_line_of_a_traceback_is_told_last():
    """Of lines that come together, as Python writes them, an exception says more than that there was one."""
    known = {
        1: SignatureInfo("Traceback (most recent call last):", "error"),
        2: SignatureInfo("KeyError: '<*>'", "error"),
        3: SignatureInfo("ERROR: Exception in ASGI application", "error"),
    }
    judge = Judge.begin(JudgeSettings(), W)
    for index in range(40):
        judge.add(index * W, quiet(), Side(10.0, 20, {1: 1, 2: 1, 3: 1}), known)
    told = [reason for reason in judge.assess(known).reasons if "(log/error" in reason]
    assert ["Traceback" in reason for reason in told] == [False, False, True]


def test_reasons_are_bounded():
    """However long the texts and however many the signatures."""
    many = {number: SignatureInfo("x" * 10_000 + "`\n", "error") for number in range(2000)}
    judge = Judge.begin(JudgeSettings(), W)
    for index in range(30):
        judge.add(index * W, quiet(), Side(10.0, 9999, {number: 1 + number % 2 for number in many}), many)
    found = judge.assess(many)
    assert 1 <= len(found.reasons) <= 10
    assert all(len(sentence) < 400 and "\n" not in sentence for sentence in found.reasons)
    assert len(msgspec.msgpack.encode(judge.to_state())) < 60_000


def test_a_workload_with_gauges_alone_is_told_what_its_levels_need():
    """Not only that there are neither logs nor requests: there is something, and it takes three rollouts."""
    rule = SignalRule("memory", "level", "memory", "higher")
    judge = Judge.begin(JudgeSettings(), W)
    for index in range(5):
        side = Side(10.0, levels={"memory": {0: 5e8, 1: 5e8}})
        judge.add(index * W, side, side, {}, {"memory": rule})
    (reason,) = judge.assess({}, {"memory": rule}).reasons
    assert reason.endswith("have been seen; levels: 0 earlier rollouts for 1 signals, 3 are needed")


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (9.0, "none")])
def test_a_first_rollout_does_not_pass_with_a_level_that_is_plainly_worse(factor, verdict):
    """Nobody knows how far healthy pods stand apart, so that its lag cannot fail it; a PASS would deny what is seen."""
    lag = SignalRule("lag", "level", "saturation", "higher")
    judge = Judge.begin(JudgeSettings(), W)
    for index in range(300):
        ours, theirs = (quiet(requests=100.0) for _ in range(2))
        ours.levels, theirs.levels = {"lag": {0: 40.0, 1: 60.0}}, {"lag": {0: 50.0 * factor, 1: 45.0 * factor}}
        judge.add(index * W, ours, theirs, {}, {"lag": lag})
    found = judge.assess({}, {"lag": lag})
    assert found.verdict == verdict
    assert any("`lag`" in reason and "no history" in reason for reason in found.reasons) == (factor > 1.0)


@pytest.mark.parametrize(("ages_s", "waits"), [((9000, 0), True), ((0, 0), False), ((9000, 300), False)])
def test_levels_wait_for_a_canary_that_is_starting_beside_a_baseline_that_is_not(ages_s, waits):
    """Two minutes, with their share of alpha kept, and without a PASS; they go on to the bit after a restart."""
    cpu, start_ns, known = SignalRule("cpu", "level", "cpu", "higher"), 10_000 * 10**9, Past(levels=past(6, windows=60))
    judge, rng = Judge.begin(JudgeSettings(alpha=0.05), W, known), np.random.default_rng(3)
    for index in range(40):
        ours, theirs = (level_side(rng, cpu=factor) for factor in (1.0, 9.0 if index < 20 else 1.0))
        ours.born_ns, theirs.born_ns = (start_ns - age_s * 10**9 for age_s in ages_s)
        judge.add(start_ns + index * W, ours, theirs, {}, {"cpu": cpu})
        judge = Judge.from_state(JudgeSettings(alpha=0.05), W, judge.to_state(), known)
        (share,) = [one.share for one in judge.assess({}).parts if one.part == "levels"]
        assert share > 0.0
        told = any("two minutes old" in reason for reason in judge.assess({}).reasons)
        assert told == (waits and index < 24)
    assert (judge.verdict == "fail") != waits


@pytest.mark.parametrize(("starting", "verdict"), [(0, "pass"), (1, "none")])
def test_a_canary_that_restarts_again_and_again_does_not_pass_without_its_latencies(starting, verdict):
    """Its pods are never two minutes old: other distributions do not stand in for latencies, and it is said."""
    size = SignalRule("size", "values", "io", "either", known=False)
    rules = {"slow": SignalRule("slow", "values", "latency", "higher"), "size": size}
    judge, some = Judge.begin(JudgeSettings(), W), from_explicit_bounds((1.0,), (50, 50), 100.0)
    for index in range(300):
        ours, theirs = (quiet(requests=100.0) for _ in range(2))
        ours.values, theirs.values, theirs.starting = {"slow": some, "size": some}, {"size": some}, starting
        judge.add(index * W, ours, theirs, {}, rules)
    assert judge.verdict == verdict
    assert any("latencies are compared from when" in reason for reason in judge.assess({}).reasons) == bool(starting)


def test_a_pass_says_which_parts_without_counts_it_rests_on():
    """A workload of gauges alone has nothing else."""
    exposure = Exposure("pod_seconds", 900.0, 800.0)
    assert pass_reason([], ["levels"], exposure, 0.05) == (
        "no signal is worse than tolerated, shown at 5% in 800 pod-seconds against 900: the levels"
    )
