"""What a policy asks of the judge of one comparison, and what its verdict owes to it."""

from __future__ import annotations

import math
import re

import msgspec
import pytest
from msgspec import structs

from streams.judging.critical import CRITICAL_SHARE
from streams.judging.judge import Judge
from streams.judging.judge_state import JudgeState
from streams.judging.settings import JudgeSettings
from streams.judging.side import EventCount, RequestCount, Side, SignatureInfo
from streams.policy.counted import COUNTED, REQUESTS
from streams.signals.rule import SignalRule

W = 5_000_000_000
HTTP = "http.server.request.duration"
SIGNATURES = {1: SignatureInfo("ERROR db pool exhausted <*>", "error"), 2: SignatureInfo("WARN slow", "warning")}
RULES = {
    "restarts": SignalRule("restarts", "events", "restarts", "higher"),
    "kills": SignalRule("kills", "events", "memory", "higher"),
}


def side(pods=2, requests=None, failed=0.0, incidents=None, lines=20, plain=20, **events):
    """One window; each event as (events, pods concerned)."""
    every = tuple(range(pods))
    counts = {} if requests is None else {HTTP: RequestCount(requests, failed, every, every)}
    found = Side(pods * 5.0, lines, incidents or {}, counts, plain_lines=plain)
    for name, (number, concerned) in events.items():
        found.events[name] = EventCount(number, 5.0 * pods, 0.0, concerned, pods)
    return found


def judged(windows, baseline, canary, rules=RULES, judge=None, first=0, **changed):
    """A judge after so many equal windows."""
    judge = judge or Judge.begin(JudgeSettings(**changed), W)
    for index in range(first, first + windows):
        judge.add(index * W, baseline, canary, SIGNATURES, rules)
    return judge


def counted(name, **changed):
    """The counted signals, one of them changed."""
    return tuple(structs.replace(each, **changed) if each.signal == name else each for each in COUNTED)


def row(judge, name, rules=RULES):
    """One signal as the document has it."""
    return next(one for one in judge.assess(SIGNATURES, rules).signals if one.signal == name)


# --- critical ---


def critical(*names):
    """The rules, these called critical."""
    return {name: structs.replace(rule, criticality="critical") for name, rule in RULES.items() if name in names} | {
        name: rule for name, rule in RULES.items() if name not in names
    }


def test_a_critical_signal_fails_the_canary_whatever_its_weights():
    """Restarts at a thousandth of their group's weight, in a part that has hardly any of alpha."""
    light = {name: structs.replace(rule, weight=0.001 if name == "restarts" else 1.0) for name, rule in RULES.items()}
    light = {name: structs.replace(rule, group="restarts") for name, rule in light.items()}
    alone = {**light, "restarts": structs.replace(light["restarts"], criticality="critical")}
    parts = {"logs": 1.0, "errors": 0.001, "values": 1.0, "levels": 1.0}
    worse = side(restarts=(1.0, 1))
    assert judged(12, side(8), worse, light, part_weights=parts).verdict != "fail"
    judge = judged(12, side(8), worse, alone, part_weights=parts, critical_share=CRITICAL_SHARE)
    assert judge.verdict == "fail"
    assert "`restarts` is critical: it fails the canary alone" in " ".join(judge.assess(SIGNATURES, alone).reasons)
    found = row(judge, "restarts", alone)
    assert (found.criticality, found.risk) == ("critical", 100.0)
    assert found.weight == pytest.approx(CRITICAL_SHARE * 0.95, rel=1e-6)


def test_what_critical_signals_have_of_alpha_is_taken_from_the_parts():
    """Shares of parts and of critical signals sum to 1, so that the union bound holds."""
    rules = critical("restarts", "kills")
    judge = judged(24, side(restarts=(0.0, 0)), side(restarts=(0.0, 0)), rules, critical_share=CRITICAL_SHARE)
    shares = [part.share for part in judge.assess(SIGNATURES, rules).parts]
    stakes = judge.to_state().critical.stakes
    assert math.fsum(shares) == pytest.approx(1.0 - CRITICAL_SHARE)
    assert math.fsum(stakes.given.values()) + stakes.cash == pytest.approx(1.0)


def test_a_counted_signal_can_be_critical():
    """Failed requests, where the errors have no share of alpha at all."""
    changed = {"signals": counted(REQUESTS, criticality="critical"), "critical_share": CRITICAL_SHARE}
    parts = {"logs": 1.0, "errors": 0.0, "values": 1.0, "levels": 1.0}
    healthy, failing = side(requests=200.0), side(requests=200.0, failed=20.0)
    assert judged(10, healthy, failing, part_weights=parts).verdict != "fail"
    assert judged(10, healthy, failing, part_weights=parts, **changed).verdict == "fail"
    assert judged(200, healthy, healthy, **changed).verdict == "pass"


def test_without_critical_signals_nothing_changes():
    """The parts have all of alpha."""
    shares = [part.share for part in judged(24, side(), side()).assess(SIGNATURES, RULES).parts]
    assert math.fsum(shares) == pytest.approx(1.0)


# --- must_have ---


def must_have(name):
    """The rules, this one called must_have."""
    return {**RULES, name: structs.replace(RULES[name], criticality="must_have")}


@pytest.mark.parametrize(
    ("baseline", "canary", "who"),
    [({}, {}, "either revision"), ({"kills": (0.0, 0)}, {}, "the canary"), ({}, {"kills": (0.0, 0)}, "the baseline")],
)
def test_no_pass_and_no_verdict_without_what_must_be_there(baseline, canary, who):
    """Neither PASS nor marginal, however good the rest; the reason names the signal and who lacks it."""
    rules = must_have("kills")
    judge = judged(
        200, side(requests=50.0, **baseline), side(requests=50.0, **canary), rules, must_have=("kills",), lifetime_ns=W
    )
    found = judge.assess(SIGNATURES, rules)
    assert (found.verdict, found.confidence, found.risk) == ("none", 0.0, 50.0)
    assert found.reasons[0] == f"cannot tell: `kills` must be there for a PASS, and has not been seen of {who}"
    both = side(requests=50.0, kills=(0.0, 0))
    assert judged(200, both, both, rules, must_have=("kills",)).verdict == "pass"


def test_what_must_be_there_holds_up_no_failure():
    """Evidence against the canary needs no other signal."""
    judge = judged(10, side(), side(incidents={1: 2}), must_have("kills"), must_have=("kills",))
    assert judge.verdict == "fail"


@pytest.mark.parametrize(
    ("pattern", "fits"), [("kil*", True), ("log/error", True), (REQUESTS, True), ("jvm_*", False), ("*", False)]
)
def test_patterns_and_counted_signals_can_be_asked_for(pattern, fits):
    """A pattern by some signal it fits; logs by their lines, requests by their counts."""
    rules = {name: structs.replace(rule, criticality="must_have") for name, rule in RULES.items()}
    signals = tuple(structs.replace(each, criticality="must_have") for each in COUNTED)
    both, ours = side(requests=50.0, kills=(0.0, 0)), side(requests=50.0, kills=(0.0, 0), restarts=(0.0, 0))
    judge = judged(200, ours, both, rules, must_have=(pattern,), signals=signals)
    assert (judge.verdict == "pass") == fits
    if pattern == "*":
        assert "`restarts` must be there for a PASS, and has not been seen of the canary" in str(
            judge.assess(SIGNATURES, rules).reasons
        )


# --- watch ---


def test_a_counted_signal_that_is_watched_neither_fails_nor_holds_up():
    """Failed requests, a tenth of them; they are shown."""
    settings = {"signals": counted(REQUESTS, criticality="watch")}
    judge = judged(200, side(requests=200.0), side(requests=200.0, failed=20.0), **settings)
    assert judge.verdict == "pass"
    found = row(judge, REQUESTS)
    assert (found.weight, found.risk, found.canary_count, found.criticality) == (0.0, 0.0, 4000.0, "watch")


# --- exposure ---


def test_by_pod_seconds_a_busier_canary_has_no_more_exposure():
    """Four times the requests and four times the incidents per pod: fails by pods, not by requests."""
    baseline, canary = side(pods=8, requests=80.0, incidents={1: 1}), side(requests=80.0, incidents={1: 1})
    assert judged(100, baseline, canary).verdict != "fail"
    judge = judged(100, baseline, canary, exposure="pod_seconds")
    assert judge.verdict == "fail"
    assert judge.assess(SIGNATURES, RULES).exposure.unit == "pod_seconds"


def test_failed_requests_are_a_share_of_requests_whatever_the_exposure():
    """Four times the requests of a pod, four times the failures."""
    baseline, canary = side(pods=8, requests=80.0, failed=8.0), side(requests=80.0, failed=8.0)
    assert judged(100, baseline, canary, exposure="pod_seconds").assess(SIGNATURES, RULES).risk < 100.0
    assert row(judged(100, baseline, canary, exposure="pod_seconds"), REQUESTS).effect_ratio == pytest.approx(
        1.0, rel=0.01
    )


def test_by_log_lines_a_canary_that_says_more_may_log_more_errors():
    """Plain lines are the exposure; unlike by pods, four times as many allow four times the errors."""
    baseline, canary = side(pods=8, plain=100, incidents={1: 1}), side(plain=100, incidents={1: 1})
    assert judged(100, baseline, canary).verdict == "fail"
    judge = judged(100, baseline, canary, exposure="log_lines")
    assert judge.verdict != "fail"
    exposure = judge.assess(SIGNATURES, RULES).exposure
    assert (exposure.unit, exposure.baseline, exposure.canary) == ("log_lines", 10_000.0, 10_000.0)


def test_where_requests_are_asked_for_nothing_else_will_do():
    """Without counts neither FAIL by logs nor PASS; the document says why."""
    judge = judged(100, side(), side(incidents={1: 2}), exposure="requests")
    found = judge.assess(SIGNATURES, RULES)
    assert found.verdict == "none"
    assert "counts log incidents against requests alone, so that they are not judged" in " ".join(found.unjudged)
    assert "0 of at least 100 requests" in " ".join(found.reasons)
    assert judged(100, side(), side(), exposure="requests").verdict == "none"
    assert judged(200, side(requests=50.0), side(requests=50.0), exposure="requests").verdict == "pass"


@pytest.mark.parametrize("exposure", ["auto", "requests", "pod_seconds"])
def test_minimum_exposure_is_that_of_what_is_asked_for(exposure):
    """Least requests by requests, least pod-seconds in any case; a FAIL waits for neither."""
    both = side(requests=50.0)
    needs = judged(200, both, both, exposure=exposure, minimum_requests=1e9).verdict
    assert needs == ("pass" if exposure == "pod_seconds" else "none")
    assert judged(200, both, both, exposure=exposure, minimum_pod_s=1e9).verdict == "none"
    failing = side(requests=50.0, failed=25.0)
    assert judged(100, both, failing, exposure=exposure, minimum_pod_s=1e9, minimum_requests=1e9).verdict == "fail"


# --- state ---


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_goes_on_from_its_state_to_the_bit(cut):
    """With everything set that a policy can set of the judge."""
    changed = {
        "critical_share": CRITICAL_SHARE,
        "must_have": ("kills", "log/*"),
        "exposure": "log_lines",
        "signals": counted(REQUESTS, criticality="critical"),
    }
    rules = critical("restarts") | {"kills": must_have("kills")["kills"]}
    windows = side(requests=20.0, kills=(1.0, 1)), side(requests=20.0, failed=1.0, restarts=(1.0, 1), incidents={1: 1})
    whole, begun = judged(14, *windows, rules, **changed), judged(cut, *windows, rules, **changed)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(begun.to_state()), type=JudgeState)
    resumed = judged(14 - cut, *windows, rules, Judge.from_state(JudgeSettings(**changed), W, state), cut)
    assert resumed.assess(SIGNATURES, rules) == whole.assess(SIGNATURES, rules)
    assert msgspec.msgpack.encode(resumed.to_state()) == msgspec.msgpack.encode(whole.to_state())


def test_events_that_hold_a_pass_back_are_named():
    """All else is shown: it takes more pod-seconds without a restart."""
    quiet = side(requests=400.0, restarts=(0.0, 0))
    reasons = judged(100, quiet, quiet).assess(SIGNATURES, RULES).reasons
    (reason,) = [one for one in reasons if "restarts" in one]
    assert re.fullmatch(r"cannot tell yet: [0-9]{1,2}% of the evidence that restarts is no worse is there", reason)
