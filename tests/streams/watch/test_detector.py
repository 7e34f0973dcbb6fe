"""Evidence gathers, and ends: by eight ordinary points, not by a shift that goes on."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.watch.detector import CAP, Detector, DetectorState

_BETS = (1.0, 3.0, -1.0, -3.0)
_STARTS = (1.0,) * len(_BETS)


def bet(detector, time_ns, value):
    """One standard normal point, and whether it is over."""
    detector.add(time_ns, [math.exp(each * value - each * each / 2.0) for each in _BETS], _STARTS)
    before = detector.log_e
    detector.end(value - 0.5, -value - 0.5, 2)
    assert detector.log_e <= before


def test_eight_ordinary_points_end_it():
    """Higher or lower; then nothing is left of it."""
    for sign in (1.0, -1.0):
        detector = Detector(len(_BETS))
        for place in range(8):
            bet(detector, place, 2.0 * sign)
        assert detector.log_e > 8.0
        for place in range(8, 15):
            bet(detector, place, 0.0)
        assert detector.onset_ns is not None
        bet(detector, 15, 0.0)
        assert detector.onset_ns is None
        assert detector.log_e < 0.0


def test_a_shift_that_goes_on_does_not_end():
    """Of two deviations, for 200 points."""
    for seed in range(20):
        detector, rng = Detector(len(_BETS)), np.random.default_rng(seed)
        for place in range(200):
            bet(detector, place, float(rng.normal(2.0, 1.0)))
            assert place < 50 or detector.onset_ns is not None
        assert detector.log_e > 8.0


def test_it_goes_on_after_a_restart_to_the_bit():
    """In the middle of an end."""
    detector = Detector(len(_BETS))
    for place, value in enumerate((4.0, 4.0, 4.0, 0.0, 0.0)):
        bet(detector, place, value)
    again = Detector(
        len(_BETS), msgspec.msgpack.decode(msgspec.msgpack.encode(detector.to_state()), type=DetectorState)
    )
    for place in range(5, 15):
        bet(detector, place, 0.1)
        bet(again, place, 0.1)
        assert (again.log_e, again.onset_ns) == (detector.log_e, detector.onset_ns)


def bursts(detector, number, height):
    """Three points far out among 57 ordinary ones, over and over; the most that each says."""
    most, time_ns = [], detector.onset_ns or 0
    for _ in range(number):
        said = []
        for value in [height] * 3 + [0.0] * 57:
            time_ns += 1
            bet(detector, time_ns, value)
            said.append(detector.log_e)
        most.append(max(said))
    return most


def test_a_burst_like_those_before_is_no_news():
    """The first say how unlikely they are, later ones how often they come; a higher one speaks again."""
    detector = Detector(len(_BETS))
    said = bursts(detector, 20, 3.5)
    assert said[0] > 13.0
    assert all(math.exp(each) <= (60.0 * (number + 3)) / 8.0 for number, each in enumerate(said) if number >= 8)
    assert bursts(detector, 1, 6.0)[0] > said[-1] + 3.0


def test_what_was_seen_is_forgotten():
    """Half of it, after 65,536 points: bursts that come no more are news again."""
    detector = Detector(len(_BETS))
    before = bursts(detector, 10, 3.5)[-1]
    for place in range(140_000):
        bet(detector, 10_000 + place, 2.1 if place % 1000 < 3 else 0.0)
    assert bursts(detector, 1, 3.5)[0] > before + 3.0


def test_a_restart_at_the_cap_changes_nothing():
    """To the bit."""
    detector = Detector(len(_BETS))
    for place in range(40):
        bet(detector, place, 3.5)
        again = Detector(
            len(_BETS), msgspec.msgpack.decode(msgspec.msgpack.encode(detector.to_state()), type=DetectorState)
        )
        assert again.log_e == detector.log_e
    assert detector.log_e == CAP


def test_a_restart_where_it_was_said_for_long_enough_changes_nothing():
    """The evidence is dropped with the point, not with the next one: a climb reckons with what it was before."""
    detector = Detector(1)
    for place in range(1000):
        detector.add(place, [1.3], [1.0])
        assert Detector(1, detector.to_state()).log_e == detector.log_e
    assert detector.onset_ns > 900


@given(st.lists(st.floats(0.0, 1e6), min_size=6, max_size=6))
def test_whoever_adds_up_the_bets_itself_is_told_the_same(bets):
    """To the bit, so that a restart, after which they are added up here, changes nothing."""
    one, other = Detector(6), Detector(6)
    a, b, c, d, e, f = bets
    one.go_on(1, tuple(bets))
    other.go_on(1, tuple(bets), (a + b + c + d + e + f) / 6.0)
    assert one.log_e == other.log_e == Detector(6, other.to_state()).log_e


def test_what_is_passed_over_teaches_nothing():
    """Not how high it climbed; the next excursion does."""
    detector = Detector(len(_BETS))
    for place in range(300):
        bet(detector, place, 0.0)
    before = detector.to_state().highest
    for place, passes in ((300, True), (400, False)):
        for value in range(4):
            bet(detector, place + value, 4.0)
        if passes:
            detector.pass_over()
        for value in range(4, 60):
            bet(detector, place + value, 0.0)
        assert (detector.to_state().highest == before) is passes
