"""Error templates are watched one by one, the loudest of late, a bounded number."""

from __future__ import annotations

import random

import msgspec

from streams.judging.side import Side, SignatureInfo
from streams.records.identity import Workload
from streams.watch.alarm import Alarm
from streams.watch.loud import LOUD_ERRORS, LOUD_WARNINGS, Loud, LoudState, signal_name
from streams.watch.watch import Watch, WatchSettings, WatchState

WINDOW_NS = 5_000_000_000
HOUR_NS = 3_600_000_000_000
SIGNATURES = {number: SignatureInfo(f"failure of kind {chr(97 + number)}", "error") for number in range(26)}
NOISY, RARE = SIGNATURES[0].text, SIGNATURES[1].text


def _add(loud: Loud, window: int, incidents: dict[int, int]) -> list[str]:
    return loud.add(window * WINDOW_NS, Side(pod_s=20.0, incidents=incidents), SIGNATURES, (), {})


def test_a_rare_failure_that_becomes_frequent_is_seen_behind_a_noisy_one():
    """Its class counts the most widespread template only, and shows nothing; the alarm names the template."""
    alarms = _played(times=30.0)
    assert alarms
    told = {signal.signal: signal for alarm in alarms for signal in alarm.signals}
    assert signal_name(RARE) in told
    assert signal_name(NOISY) not in told
    assert told[signal_name(RARE)].direction == "higher"
    assert _played(times=1.0) == []


def _played(times: float) -> list[Alarm]:
    """An hour and a half of a template at two of four pods in every window, and one that is rare, then not so rare."""
    draw, found = random.Random(3), []
    watch = Watch(WatchSettings(), WINDOW_NS, Workload("", "prod", "shop"), WatchState(), list)
    for window in range(1080):
        often = times if window >= 1000 else 1.0
        incidents = {0: 2} | ({1: 1} if draw.random() < 0.02 * often else {})
        sides = {"old": Side(pod_s=20.0, incidents=incidents)}
        watch.add(window * WINDOW_NS, sides, {}, {}, SIGNATURES, [(window * WINDOW_NS, sides)])
        found += watch.alarms()
        if window == 500:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(watch.to_state()), type=WatchState)
            watch = Watch(WatchSettings(), WINDOW_NS, Workload("", "prod", "shop"), state, list)
    return found


def test_what_a_window_shows_does_not_choose_it():
    """A template is followed from the window after that which first showed it, and then counts zeros too."""
    loud, side = Loud(LoudState(), LOUD_ERRORS), Side(pod_s=20.0, incidents={3: 2})
    assert list(loud.points(side, SIGNATURES, {})) == []
    _add(loud, 0, {3: 2})
    (point,) = loud.points(side, SIGNATURES, {})
    assert (point.signal, point.value, point.exposure) == (signal_name(SIGNATURES[3].text), 2.0, 20.0)
    (point,) = loud.points(Side(pod_s=20.0), SIGNATURES, {})
    assert point.value == 0.0


def test_a_bounded_number():
    """However many templates there are; warnings have places of their own, what has no class has none."""
    state = LoudState()
    many = {number: SignatureInfo(f"kind {'x' * number}", "error") for number in range(100)}
    many |= {200: SignatureInfo("slow", "warning")}
    for window in range(300):
        Loud(state, LOUD_ERRORS).add(
            window * WINDOW_NS, Side(pod_s=20.0, incidents={window % 100: 1, 200: 3, 300: 3}), many, (), {}
        )
    assert len(state.followed) == LOUD_ERRORS.most
    assert len(state.heard) <= 64
    assert signal_name("slow") not in state.heard
    warned = LoudState()
    Loud(warned, LOUD_WARNINGS).add(0, Side(pod_s=20.0, incidents={1: 1, 200: 3, 300: 3}), many, (), {})
    assert warned.followed == [signal_name("slow")]


def test_of_very_many_the_most_widespread_are_looked_at():
    """Whoever logs new texts all the time neither takes much time nor hides what is at every pod."""
    many = {number: SignatureInfo(f"kind {number}", "error") for number in range(3000)}
    state = LoudState()
    Loud(state, LOUD_ERRORS).add(0, Side(pod_s=20.0, incidents=dict.fromkeys(many, 1) | {2999: 4}), many, (), {})
    assert signal_name(many[2999].text) in state.heard


def test_the_loud_takes_the_place_of_the_quiet():
    """Once it is four times as loud, once an hour at most, and of none that an alarm tells of."""
    state = LoudState()
    loud = Loud(state, LOUD_ERRORS)
    _add(loud, 0, dict.fromkeys(range(LOUD_ERRORS.most), 1))
    assert _add(loud, 1, {20: 3, 21: 9}) == []  # within the hour nothing changes
    hour = HOUR_NS // WINDOW_NS
    spoken_of = set(state.followed) - {signal_name(SIGNATURES[5].text)}
    side = Side(pod_s=20.0, incidents={20: 1})
    assert loud.add((hour + 1) * WINDOW_NS, side, SIGNATURES, spoken_of, {}) == [signal_name(SIGNATURES[5].text)]
    assert signal_name(SIGNATURES[21].text) in state.followed
    assert _add(loud, hour + 2, {20: 90}) == []
    assert _add(loud, 2 * hour + 2, {20: 9}) != []
    assert len(state.followed) == LOUD_ERRORS.most
