"""What comes at the same hour of other days."""

from __future__ import annotations

import pytest

from streams.watch.habits import Habits

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS
BATCH = {"cpu": 0.6, "log/warning": 3.0}


def after(days, *, minutes=10, changes=BATCH, nothing=False):
    """Habits that know one incident on each of these days, at two in the night, of so many minutes."""
    habits = Habits([])
    for day in days:
        rang_ns = round(day * DAY_NS) + 120 * MINUTE_NS
        habits.learn(rang_ns, rang_ns + minutes * MINUTE_NS, changes, nothing=nothing)
    return habits


def usual(habits, day, *, minute=120.0, changes=BATCH, minutes=5):
    """Whether one of this day, after so many minutes, is."""
    rang_ns = round(day * DAY_NS + minute * MINUTE_NS)
    until_ns = habits.usual_until_ns(rang_ns, changes)
    return until_ns is not None and rang_ns + minutes * MINUTE_NS <= until_ns


@pytest.mark.parametrize(
    ("days", "known"), [([], False), ([1], False), ([1, 2], True), ([1, 2, 3, 4, 5, 6, 7, 8], True)]
)
def test_what_came_on_two_days_is_usual_on_the_next(days, known):
    """Once is chance."""
    assert usual(after(days), 9) is known


@pytest.mark.parametrize(
    ("what", "known"),
    [
        ({"minute": 149.0}, True),
        ({"minute": 91.0}, True),
        ({"minute": 151.0}, False),
        ({"minute": 720.0}, False),
        ({"minutes": 20}, True),
        ({"minutes": 21}, False),
        ({"changes": {"cpu": 1.19}}, True),
        ({"changes": {"cpu": 1.21}}, False),
        ({"changes": {"cpu": -0.1}}, False),
        ({"changes": {"cpu": 0.1, "memory": 1.0}}, False),
        ({"changes": {}}, False),
    ],
)
def test_what_is_not_like_it_is_told(what, known):
    """Another hour, more than twice as long or as far, the other way, one signal more."""
    assert usual(after([1, 2]), 3, **what) is known


def test_it_is_known_over_midnight():
    """The time of the day goes round."""
    habits = Habits([])
    for day in (1, 2):
        habits.learn(day * DAY_NS, day * DAY_NS + 10 * MINUTE_NS, BATCH, nothing=False)
    assert usual(habits, 2, minute=1425.0)


def test_two_of_one_day_are_one():
    """A fault that came twice within an hour is no habit."""
    assert not usual(after([1.0, 1.01]), 2)


def test_once_a_week_is_known_and_what_is_longer_ago_forgotten():
    """Two of the last month."""
    assert usual(after([1, 8]), 15)
    assert not usual(after([1, 8]), 35)


def test_what_somebody_called_nothing_counts_as_two_and_what_is_real_not_at_all():
    """Said at once or later, when it is known again."""
    assert usual(after([1], nothing=True), 2)
    habits = after([1, 2])
    habits.forget(2 * DAY_NS + 120 * MINUTE_NS)
    assert not usual(habits, 3)


def test_a_habit_keeps_two_and_what_is_remembered_is_bounded():
    """So that what comes each night leaves room for what comes each week."""
    known = []
    habits = Habits(known)
    for day in range(1, 26):
        for minute in (120, 600) if day % 7 == 0 else (120,):
            rang_ns = day * DAY_NS + minute * MINUTE_NS
            habits.learn(rang_ns, rang_ns + 10 * MINUTE_NS, {f"{minute}": 1.0}, nothing=False)
    assert len(known) == 4
    assert usual(habits, 28, minute=600.0, changes={"600": 1.0})
    for signals, most in ((1, 24), (100, 4)):
        for number in range(100):
            rang_ns = 26 * DAY_NS + (100 * signals + number) * 11 * MINUTE_NS
            habits.learn(rang_ns, rang_ns, dict.fromkeys(map(str, range(signals)), 1.0), nothing=False)
        assert len(known) == most
