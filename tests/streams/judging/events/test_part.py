"""Events of counters: exposure, what one side lacks, what is told, state."""

from __future__ import annotations

import math

import msgspec
import pytest

from streams.judging.events.part import SIGNALS, EventPart, EventPartState
from streams.judging.events.telling import event_reasons
from streams.judging.settings import JudgeSettings
from streams.judging.side import EventCount, RequestCount, Side
from streams.signals.requests import REQUEST_SOURCES
from streams.signals.rule import SignalRule

RULES = {
    "restarts": SignalRule("restarts", "events", "restarts", "higher"),
    "calls": SignalRule("calls", "events", "errors", "higher"),
    "logged": SignalRule("logged", "events", "errors", "higher"),
    "unknown": SignalRule("unknown", "events", "errors", "higher", known=False, guessed=True),
    "watched": SignalRule("watched", "events", "errors", "higher", criticality="watch"),
}


def side(pods=4, requests=None, **events):
    """One window; each event as (events, pods concerned) or (events, pods concerned, attempts)."""
    found = Side(5.0 * pods)
    for name, (number, concerned, *attempts) in events.items():
        found.events[name] = EventCount(number, 5.0 * pods, attempts[0] if attempts else 0.0, concerned, pods)
    if requests is not None:
        found.requests[REQUEST_SOURCES[0]] = RequestCount(requests)
    return found


def judged(windows, baseline, canary, part=None):
    """A part after so many equal windows."""
    part = part or EventPart(JudgeSettings(), EventPartState())
    for _ in range(windows):
        part.add(baseline, canary, RULES)
    return part


def only(part):
    """The evidence of its one signal."""
    (one,) = part.evidence()
    return one


def test_restarts_at_the_canary_alone_fail_it_though_the_baseline_counts_none():
    """The baseline has no such counter at all: its pods are exposure."""
    part = judged(21, side(8), side(2, restarts=(1.0, 1)))
    assert part.log_p < math.log(0.001)
    found = only(part)
    assert (found.canary, found.baseline, found.by) == (21.0, 0.0, "pods")
    assert (found.canary_exposure, found.baseline_exposure) == (210.0, 840.0)
    assert found.effect_ratio is None


def test_as_many_restarts_per_pod_are_no_evidence():
    """Half the pods, half the events."""
    assert judged(50, side(8, restarts=(4.0, 4)), side(4, restarts=(2.0, 2))).log_p > math.log(0.5)


def test_a_burst_of_one_pod_is_one_incident():
    """Five hundred timeouts at once, once."""
    part = judged(9, side(4), side(4))
    part.add(side(4), side(4, logged=(500.0, 1)), RULES)
    judged(20, side(4), side(4), part)
    assert part.log_p > math.log(0.5)
    assert only(part).canary == 500.0


def test_failed_calls_are_judged_among_all_calls():
    """A canary of half the traffic is not better for that, and one with ten times the failures is worse."""
    same = judged(60, side(calls=(10.0, 4, 1000.0)), side(calls=(5.0, 4, 500.0)))
    assert same.log_p > math.log(0.5)
    assert only(same).by == "attempts"
    assert judged(60, side(calls=(10.0, 4, 1000.0)), side(calls=(50.0, 4, 500.0))).log_p < math.log(0.001)


def test_what_follows_requests_is_judged_by_requests():
    """Ten times the traffic, ten times the incidents: no evidence by requests, though much by pods."""
    baseline, canary = side(20, 100.0, logged=(1.0, 1)), side(20, 1000.0, logged=(10.0, 10))
    part = judged(60, baseline, canary)
    assert only(part).by == "requests"
    assert part.log_p > math.log(0.05)


def test_what_is_told_is_of_one_unit():
    """Neither pod-seconds from before requests were counted, nor those of a minute without any, are requests."""
    part = judged(3, side(4), side(4, logged=(1.0, 1)))
    judged(3, side(4, 10.0), side(4, 20.0, logged=(1.0, 1)), part)
    judged(12, side(4, 0.0), side(4, 0.0), part)
    found = only(part)
    assert (found.by, found.baseline_exposure, found.canary_exposure) == ("requests", 30.0, 60.0)
    assert found.canary == 6.0


def test_an_unknown_counter_of_one_side_is_told_and_not_judged():
    """New instrumentation, or a new failure: cannot tell."""
    part = judged(30, side(4), side(4, unknown=(5.0, 4)))
    assert part.log_p == 0.0
    assert part.evidence() == []
    assert part.unjudged() == ["unknown: only the canary reports it, and no rule tells it from new instrumentation"]
    assert judged(30, side(4, unknown=(0.0, 0)), side(4, unknown=(5.0, 4))).log_p < math.log(0.01)


def test_silence_passes_by_exposure_and_events_hold_it_up():
    """Four and a half floors' worth, as of critical log lines."""
    silent = judged(70, side(4, restarts=(0.0, 0)), side(4, restarts=(0.0, 0)))
    assert silent.least_shown[0] >= math.log(20.0)
    restarting = judged(70, side(4, restarts=(0.0, 0)), side(4, restarts=(0.5, 1)))
    assert restarting.least_shown[0] < math.log(20.0)


def test_what_is_watched_is_shown_and_never_counts():
    """No stake, no PASS to hold up."""
    part = judged(30, side(4), side(4, watched=(5.0, 4)))
    assert part.log_p == 0.0
    assert part.least_shown is None
    assert only(part).log_e > math.log(100.0)


def test_missing_sides_change_nothing():
    """No evidence, no failure."""
    part = EventPart(JudgeSettings(), EventPartState())
    part.add(None, side(4, restarts=(9.0, 4)), RULES)
    part.add(side(4), None, RULES)
    part.add(None, None, RULES)
    assert part.log_p == 0.0


@pytest.mark.parametrize("events", [math.nan, math.inf, -3.0])
def test_numbers_that_cannot_be_do_no_harm(events):
    """Not a number, infinite, negative."""
    part = judged(5, side(4, calls=(events, 1, 100.0)), side(4, calls=(events, 1, 100.0)))
    assert math.isfinite(part.log_p)


def test_the_state_goes_on_to_the_bit():
    """A snapshot in MessagePack, in the middle of a bin."""
    baseline, canary = side(4, 50.0, logged=(1.0, 1)), side(4, 50.0, logged=(3.0, 3), restarts=(1.0, 1))
    whole = judged(31, baseline, canary)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(judged(20, baseline, canary).state), type=EventPartState)
    resumed = judged(11, baseline, canary, EventPart(JudgeSettings(), state))
    assert resumed.state == whole.state
    assert resumed.evidence() == whole.evidence()


def test_signals_past_the_bound_are_told_of():
    """Bounded, and never silently."""
    rules = {f"s{number}": SignalRule(f"s{number}", "events", worse="higher") for number in range(SIGNALS + 3)}
    part = EventPart(JudgeSettings(), EventPartState())
    part.add(side(**dict.fromkeys(rules, (1.0, 1))), side(**dict.fromkeys(rules, (1.0, 1))), rules)
    assert len(part.state.signals) == SIGNALS
    assert "3 or more found no place" in part.unjudged()[-1]


def ruled(windows, baseline, canary, **changed):
    """A part whose rules are changed alike."""
    rules = {name: msgspec.structs.replace(rule, **changed) for name, rule in RULES.items()}
    part = EventPart(JudgeSettings(), EventPartState())
    for _ in range(windows):
        part.add(baseline, canary, rules)
    return part


def test_missing_data_is_what_the_policy_says_it_is():
    """Zero of a counter no rule knows, so that the canary's alone are evidence; unjudged of one that a rule knows."""
    part = ruled(30, side(4), side(4, unknown=(5.0, 4)), missing_data="zero")
    assert part.log_p < math.log(0.01)
    assert part.unjudged() == []
    part = ruled(30, side(4), side(4, restarts=(5.0, 4)), missing_data="unjudged")
    assert part.log_p == 0.0
    assert part.unjudged() == ["restarts: only the canary reports it, and missing_data is unjudged"]


def test_tolerance_and_margin_are_the_signals_own():
    """Three times the failures: tolerated where four times are; a PASS shows less than the margin."""
    windows = side(calls=(100.0, 4, 1000.0)), side(calls=(300.0, 4, 1000.0))
    assert ruled(60, *windows).log_p < math.log(0.05)
    assert ruled(60, *windows, tolerance_up=3.0).log_p > math.log(0.5)
    assert ruled(60, *windows, tolerance_up=3.0, margin=9.0).least_shown[0] > math.log(20.0)
    assert ruled(60, *windows, tolerance_up=3.0).least_shown[0] < math.log(20.0)


@pytest.mark.parametrize(
    ("rule", "refusing"),
    [
        ({"criticality": "watch"}, ["http/client_error"]),
        ({"criticality": "watch", "weight": 0.0}, []),
        ({}, []),
    ],
)
def test_client_errors_are_told_of_and_fail_nobody_unless_a_policy_says_so(rule, refusing):
    """A fifth of the canary's requests; none of the baseline's."""
    rules = {"http/client_error": SignalRule("http/client_error", "events", "errors", "higher", **rule)}
    part = EventPart(JudgeSettings(), EventPartState())
    shown = [side(2, **{"http/client_error": (bad, 2 * (bad > 0.0), 50.0)}) for bad in (0.0, 10.0)]
    for _ in range(30):
        part.add(*shown, rules)
    assert part.refusing == refusing
    assert (part.log_p < 0.0) == (not rule)
    found = only(part)
    assert (found.canary, found.baseline, found.by) == (100.0 * 3, 0.0, "attempts")
    said = [reason.told for reason in event_reasons(part, 0.5, 0.05)]
    assert any("shown only" in sentence for sentence in said) == bool(refusing)


def test_a_pass_is_withheld_from_where_a_twentieth_of_e_would_be_above_e():
    """As of what can fail a canary, at the share of what has not been heard yet."""
    rules = {"http/client_error": SignalRule("http/client_error", "events", "errors", "higher", criticality="watch")}
    part, below = EventPart(JudgeSettings(), EventPartState()), -math.inf
    shown = [side(2, **{"http/client_error": (bad, int(bad), 200.0)}) for bad in (0.0, 1.0)]
    for _ in range(300):
        part.add(*shown, rules)
        found = max((one.log_e for one in part.evidence()), default=0.0)
        if part.refusing:
            break
        below = found
    assert 1.0 < below <= math.log(math.e / 0.05) < found < 6.0
