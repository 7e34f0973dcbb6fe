"""What of a window is watched for."""

from __future__ import annotations

import pytest

from streams.judging.side import EventCount, Side
from streams.records.histogram import from_explicit_bounds
from streams.signals.rule import SignalRule
from streams.watch.panel import Panel, PanelState
from streams.watch.points import points


@pytest.mark.parametrize(("criticality", "watched"), [("normal", ["http/client_error/attempts"]), ("watch", [])])
def test_events_that_are_shown_only_ring_no_bell(criticality, watched):
    """Promise: a scanner that asks for what is not there is no alarm."""
    rules = {"http/client_error": SignalRule("http/client_error", "events", "errors", criticality=criticality)}
    side = Side(10.0, events={"http/client_error": EventCount(5.0, 10.0, 50.0)})
    assert [point.signal for point in points(side, 0, rules, {}) if point.group == "errors"] == watched


def test_a_bucket_out_of_this_world_is_a_level_that_can_be_watched():
    """Promise: whatever bounds a service writes, the window of its workload closes."""
    side = Side(10.0, values={"latency": from_explicit_bounds([1e300, 1.7e308], [20, 5, 5], 0.0)})
    found = list(points(side, 0, {}, {}))
    assert "latency/p95" in Panel(PanelState()).add(0, found)
