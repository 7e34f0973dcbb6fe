"""What of a window is watched for, and how a policy changes it."""

from __future__ import annotations

import pytest

from streams.judging.side import EventCount, RequestCount, Side, SignatureInfo
from streams.policy.rules import AppliedRules
from streams.policy.workload_policy import GroupPolicy, SignalPolicy, WorkloadPolicy
from streams.records.histogram import Histogram, from_explicit_bounds
from streams.signals.rule import SignalRule
from streams.watch.loud import LOUD_ERRORS, Loud, LoudState
from streams.watch.panel import Panel, PanelState
from streams.watch.points import COUNTED_RULES, Point, points

CLIENT = "http/client_error"
RULES = {
    CLIENT: SignalRule(CLIENT, "events", "errors", "higher", criticality="watch"),
    "heap": SignalRule("heap", "level", "memory", "higher"),
    "latency": SignalRule("latency", "values", "latency", "higher"),
}
SIDE = Side(
    10.0,
    requests={"http": RequestCount(50.0, 1.0)},
    events={CLIENT: EventCount(5.0, 10.0, 50.0)},
    levels={"heap": {0: 1.0, 1: 2.0}},
    values={"latency": Histogram(0, 30, 3.0, 0, {1: 30})},
)


def found(policy: WorkloadPolicy | None) -> dict[str, Point]:
    """What is watched of a window under a policy."""
    rules = AppliedRules(COUNTED_RULES).under(policy, RULES)
    return {point.signal: point for point in points(SIDE, 0, rules, {}) if point.weight > 0.0}


def test_events_that_are_shown_only_ring_no_bell_unless_the_policy_says_so():
    """Promise: a scanner that asks for what is not there is no alarm, but for who wants it."""
    assert f"{CLIENT}/attempts" not in found(None)
    wanted = SignalPolicy(CLIENT, criticality="normal", tolerance_up=0.5)
    point = found(WorkloadPolicy(signals=(wanted,)))[f"{CLIENT}/attempts"]
    assert (point.weight, point.tolerance) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("signal", "silent"),
    [
        ("log/error", {"log/error", "log/new error signatures"}),
        ("requests/error", {"requests/error/http"}),
        ("heap", {"heap", "heap/worst pod"}),
        ("latency", {"latency/mean", "latency/p95"}),
    ],
)
def test_what_a_policy_wants_shown_only_rings_no_bell(signal, silent):
    """Whatever it is: lines, failed requests, gauges, distributions."""
    usual = found(None).keys()
    assert silent <= usual
    assert found(WorkloadPolicy(signals=(SignalPolicy(signal, criticality="watch"),))).keys() == usual - silent


def test_direction_weights_and_tolerances_are_those_of_the_policy():
    """Of a signal and of its group; a rise and a fall apart."""
    heap = SignalPolicy("heap", worse="either", weight=2.0, tolerance_down=0.7)
    point = found(WorkloadPolicy(signals=(heap,), groups=(GroupPolicy("memory", 3.0, tolerance_up=0.4),)))["heap"]
    assert (point.worse, point.weight, point.tolerance, point.tolerance_down) == ("either", 6.0, 0.4, 0.7)


def test_templates_follow_their_class():
    """Of a class that is shown only none takes a place, and those that had one ring no more."""
    infos = {1: SignatureInfo("refused", "critical"), 2: SignatureInfo("timeout", "error")}
    side, loud = Side(10.0, incidents={1: 1, 2: 1}), Loud(LoudState(), LOUD_ERRORS)
    some, none = (
        {each: SignalRule(each, "events", criticality="watch") for each in silent}
        for silent in (
            ["log/error"],
            ["log/error", "log/critical"],
        )
    )
    loud.add(0, side, infos, (), some)
    assert [point.signal for point in loud.points(side, infos, some)] == ["log/template/refused"]
    assert [point.weight for point in loud.points(side, infos, none)] == [0.0]


def test_a_bucket_out_of_this_world_is_a_level_that_can_be_watched():
    """Promise: whatever bounds a service writes, the window of its workload closes."""
    side = Side(10.0, values={"latency": from_explicit_bounds([1e300, 1.7e308], [20, 5, 5], 0.0)})
    found = list(points(side, 0, {}, {}))
    assert "latency/p95" in Panel(PanelState()).add(0, found)
