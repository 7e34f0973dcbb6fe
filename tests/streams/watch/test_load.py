"""A level at its usual load."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.watch.load import LoadState
from streams.watch.panel import Panel, PanelState
from streams.watch.points import Point

STEP_NS = 5_000_000_000


def held(values, loads):
    """What each value would be at the usual load."""
    state = LoadState()
    return np.array([state.at_usual(float(value), float(load)) for value, load in zip(values, loads, strict=True)])


def test_what_follows_the_load_stands_still():
    """Of a level that varies by three with the traffic, what is left is its own noise; the unit and the mean stay."""
    rng = np.random.default_rng(1)
    loads = 100.0 * np.exp(rng.normal(0.0, 0.4, 800))
    noise = rng.normal(0.0, 1.0, 800)
    found = held(20.0 + 0.5 * loads + noise, loads)[200:]
    assert found.std() < 1.5 < 0.1 * (0.5 * loads).std()
    assert found.mean() == pytest.approx((20.0 + 0.5 * loads).mean(), rel=0.05)


@pytest.mark.parametrize("stays", [0.0, 0.9, 1.0])
def test_what_does_not_follow_the_load_is_left_as_it_is(stays):
    """Also of two that wander, which look alike by chance: a fifth of the runs have any slope, none a whole one."""
    sloped, moved = 0, []
    for seed in range(40):
        rng, at, values = np.random.default_rng(seed), 0.0, []
        loads = 100.0 + np.cumsum(rng.normal(0.0, 1.0, 400)) if stays else rng.normal(100.0, 10.0, 400)
        for each in rng.normal(0.0, 1.0, 400):
            at = stays * at + each
            values.append(50.0 + at)
        state = LoadState()
        found = [state.at_usual(value, float(load)) for value, load in zip(values, loads, strict=True)]
        sloped += state.slope != 0.0
        moved.append(np.std(np.array(found[100:]) - values[100:]) / np.std(values[100:]))
    assert sloped <= 8
    assert np.median(moved) < 0.5


def test_one_request_more_expensive_is_seen_through_the_traffic():
    """The processor takes twice as much for each from here on: at once, in every window, however busy it is."""
    rng = np.random.default_rng(2)
    loads = 100.0 * np.exp(rng.normal(0.0, 0.5, 320))
    each = np.where(np.arange(320) < 300, 0.5, 1.0)
    found = held(each * loads + rng.normal(0.0, 1.0, 320), loads)
    assert found[300:].min() > found[100:300].max()


@pytest.mark.parametrize("extreme", [1e30, -1e30, 1e-300, 0.0])
def test_numbers_that_nothing_real_has_leave_numbers(extreme):
    """Of the load and of the level."""
    panel = Panel(PanelState())
    for place in range(200):
        load, value = (extreme, 1.0) if place % 3 else (place % 7, extreme)
        reading = panel.add(place * STEP_NS, [Point("cpu", value, group="cpu")], float(load))["cpu"]
        assert math.isfinite(reading.log_e)


def followed():
    """A level that goes with the load, and one that is watched as it is, of a hundred windows."""
    panel, rng = Panel(PanelState()), np.random.default_rng(3)
    for place in range(100):
        load = 100.0 * math.exp(rng.normal(0.0, 0.5))
        panel.add(place * STEP_NS, [Point("cpu", 0.5 * load, group="cpu"), Point("heap", load, group="memory")], load)
    return panel, load


def without_load(panel, windows, value):
    """What is said in each of so many windows more, in which no load is told; None: nothing."""
    return [
        panel.add(place * STEP_NS, [Point("cpu", value, group="cpu")]).get("cpu") for place in range(100, 100 + windows)
    ]


def test_the_alarm_says_at_what_load_and_a_minute_without_is_bridged():
    """After twelve windows nobody knows what it would be: nothing is said and nothing is learned."""
    panel, load = followed()
    signals = panel.signals
    assert signals["cpu"].note == "at its usual load"
    assert signals["heap"].load is None
    found = without_load(panel, 14, 0.5 * load)
    assert found[11].value != 0.5 * load
    assert found[12:] == [None, None]


def test_a_load_that_is_lost_is_no_fault_of_the_level():
    """After five minutes what it is begins anew, silent, and nothing says that it is at its usual load."""
    panel, _ = followed()
    before = panel.signals["cpu"].before
    found = without_load(panel, 100, 4.0 * before)
    assert found[59] is None
    assert found[60].value == 4.0 * before
    known = panel.signals["cpu"]
    assert (known.note, known.load, known.speaks) == ("", None, False)
    assert panel.log_share("cpu") < 5.0


def test_what_rings_is_not_forgotten_when_the_load_is_lost():
    """It rings on, as it was told, until somebody or the hour ends it; then it begins anew."""
    panel, _ = followed()
    assert without_load(panel, 12, 1e4)[-1].log_e > 10.0
    panel.hear("cpu")
    told = panel.signals["cpu"].now
    for place in range(112, 212):
        assert panel.add(place * STEP_NS, [Point("cpu", 1.0, group="cpu")]) == {}
    assert (panel.signals["cpu"].now, panel.signals["cpu"].speaks) == (told, True)
    panel.quieten("cpu")
    assert panel.add(300 * STEP_NS, [Point("cpu", 1.0, group="cpu")])["cpu"].value == 1.0
    assert panel.signals["cpu"].load is None
