"""What of a window is watched for."""

from __future__ import annotations

import pytest

from streams.judging.side import EventCount, Side
from streams.signals.rule import SignalRule
from streams.watch.points import points


@pytest.mark.parametrize(("criticality", "watched"), [("normal", ["http/client_error/attempts"]), ("watch", [])])
def test_events_that_are_shown_only_ring_no_bell(criticality, watched):
    """Promise: a scanner that asks for what is not there is no alarm."""
    rules = {"http/client_error": SignalRule("http/client_error", "events", "errors", criticality=criticality)}
    side = Side(10.0, events={"http/client_error": EventCount(5.0, 10.0, 50.0)})
    assert [point.signal for point in points(side, 0, rules, {}) if point.group == "errors"] == watched
