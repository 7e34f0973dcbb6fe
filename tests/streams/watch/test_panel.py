"""The panel promises an average run length in windows, however seldom a signal has a value."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from streams.watch.panel import Panel, PanelState, SignalState
from streams.watch.points import Point

STEP_NS = 5_000_000_000


def played(every, values=200, panel=None, first=0):
    """A signal with a value in every so many windows, a lasting shift at the end, and one that has always one."""
    rng = np.random.default_rng(1)
    panel = panel or Panel(PanelState())
    for place, value in enumerate([*rng.normal(10.0, 1.0, values - 4), *rng.normal(20.0, 1.0, 4)]):
        for window in range(every):
            points = [Point("steady", 1.0)]
            if window == 0:
                points.append(Point("gauge", float(value)))
            panel.add((first + place * every + window) * STEP_NS, points)
    return panel


@pytest.mark.parametrize("every", [2, 12])
def test_what_seldom_has_a_value_needs_so_much_less_evidence(every):
    """M grows by one a value: twelve windows from one to the next, and a twelfth of it is as rare."""
    often, seldom = played(1), played(every)
    gained = seldom.log_share("gauge") - often.log_share("gauge")
    assert often.log_share("gauge") > 2.0
    assert gained == pytest.approx(math.log(every), abs=0.05)


def test_a_gap_is_no_rhythm():
    """An hour without a value, from a signal that has one in every window, changes next to nothing."""
    panel = played(1)
    before = panel.signals["gauge"].every.mean
    for window in range(720):
        panel.add((1000 + window) * STEP_NS, [Point("steady", 1.0)])
    panel.add(2000 * STEP_NS, [Point("gauge", 10.0)])
    assert panel.signals["gauge"].every.mean <= before + 0.03


def test_the_rhythm_survives_a_restart():
    """To the bit."""
    panel = played(3)
    written = msgspec.msgpack.encode(panel.to_state())
    again = Panel(msgspec.msgpack.decode(written, type=PanelState))
    for each in (panel, again):
        played(3, 10, each, first=10_000)
    assert again.log_share("gauge") == panel.log_share("gauge")
    assert msgspec.msgpack.encode(again.to_state()) == msgspec.msgpack.encode(panel.to_state())


def test_a_name_that_is_taken_has_no_other_place():
    """Whoever writes metrics may name one like the count, or the line, that is watched: that goes on as it was."""
    panel = Panel(PanelState())
    taken = [Point("log/error", 2.0, 10.0), Point("log/gone/started", 1.0, 10.0, model="gone", beside=9.0)]
    for window, points in enumerate([taken, [Point("log/error", 7.0), Point("log/gone/started", 7.0), *taken], taken]):
        panel.add(window * STEP_NS, points)
    alone = Panel(PanelState())
    for window in (0, 2):
        alone.add(window * STEP_NS, taken)
    assert panel.to_state().left_out == 2
    assert panel.signals["log/error"].count == alone.to_state().signals["log/error"].count


def test_the_score_is_reckoned_only_where_it_is_asked_for():
    """It has no weight in the evidence: of levels and counts that is the same to the bit, after a restart too."""
    asked, other = Panel(PanelState(), scored=True), Panel(PanelState())
    rng = np.random.default_rng(2)
    for place, value in enumerate([*rng.normal(10.0, 1.0, 300), *rng.normal(20.0, 1.0, 5)]):
        if place == 200:
            other = Panel(msgspec.msgpack.decode(msgspec.msgpack.encode(asked.to_state()), type=PanelState))
        points = [Point("gauge", float(value)), Point("errors", float(place % 3 if place < 300 else 30), 1.0)]
        said, silent = asked.add(place * STEP_NS, points), other.add(place * STEP_NS, points)
        assert {name: each.log_e for name, each in said.items()} == {name: each.log_e for name, each in silent.items()}
    assert min(each.abnormality for each in said.values()) > 0.2
    assert all(each.abnormality == 0.0 for each in silent.values())
    kept = other.to_state().signals
    assert kept["gauge"].level.surprise is None
    assert kept["errors"].count.surprise is None


@pytest.mark.parametrize(("below", "speaks"), [(9, False), (5, True), (0, True)])
def test_one_spike_in_a_quiet_stretch_is_no_rise(below, speaks):
    """Of ten values, all beyond the tolerance and their mean far above what was, half at least have to lie above."""
    known = SignalState("latency", "s", "higher", 1.0, warm=True, before=1.0, total=200.0, number=10, beyond=10)
    known.below = below
    assert known.speaks is speaks


@pytest.mark.parametrize(("level", "speaks"), [(14.0, False), (18.0, True), (6.0, False), (2.0, True)])
def test_a_rise_and_a_fall_are_tolerated_apart(level, speaks):
    """By half a rise, by three quarters a fall."""
    panel = Panel(PanelState())
    for place in range(160):
        value = level if place >= 150 else 10.0 + 0.1 * math.sin(place)
        panel.add(place * STEP_NS, [Point("gauge", value, worse="either", tolerance=0.5, tolerance_down=0.75)])
    known = panel.signals["gauge"]
    assert known.onset_ns is not None
    assert known.speaks == speaks
