"""How an incident is told."""

from __future__ import annotations

import pytest

from streams.watch.alarm import AlarmSignal
from streams.watch.incident import Incident, changed, signal_of
from streams.watch.panel import Panel, PanelState
from streams.watch.points import Point


@pytest.mark.parametrize(
    ("signal", "unit", "now"),
    [
        ("process.cpu.usage", "1", "0.25 (2.5 times)"),
        ("requests/error/http", "1", "0.25 (2.5 times)"),
        ("log/error", "1/s", "0.25 per pod-second (2.5 times)"),
        ("memory", "By", "0.25 By (2.5 times)"),
        ("queue", "", "0.25 (2.5 times)"),
    ],
)
def test_what_changed_is_told_with_its_unit(signal, unit, now):
    """A share has none: a load of the processor is no share of attempts."""
    told = {signal: AlarmSignal(signal, "other", unit, "higher", 0.1, 0.25, 2.5, 1.5, "")}
    assert changed(Incident("", "", 0, 0, 1.0, 0, told)) == f"{signal}: 0.1 before, {now}"


@pytest.mark.parametrize(("number", "more"), [(1, ""), (2, ", and 1 more signal"), (3, ", and 2 more signals")])
def test_how_many_more_there_are(number, more):
    """Of the worst the change is told, of the others their number."""
    told = {name: AlarmSignal(name, "other", "1", "higher", 0.1, 0.25, 2.5, 1.5, "") for name in "abc"[:number]}
    assert changed(Incident("", "", 0, 0, 1.0, 0, told)) == f"a: 0.1 before, 0.25 (2.5 times){more}"


@pytest.mark.parametrize("away", [0.0, -100.0])
def test_what_never_was_below_0_is_not_told_to_be(away):
    """Promise: at the usual load a level that did not follow a rush is less than nothing: that is told as 0."""
    panel = Panel(PanelState())
    for window in range(400):
        load = 1.0 + window % 7 if window < 390 else 60.0
        level = 1.0 + min(load, 9.0) + away
        panel.add(window * 5_000_000_000, [Point("cpu", level, group="cpu")], load=load)
    told = signal_of("cpu", panel, 2_000_000_000_000, 1.0)
    assert panel.signals["cpu"].now < away - 10.0
    assert told.now <= away
    assert (told.before >= 0.0, told.now >= 0.0) == (away == 0.0,) * 2
    assert told.ratio is None or told.ratio >= 0.0
