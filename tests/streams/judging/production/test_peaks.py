"""How long production has been quiet: against a plain reckoning; and the bound, against the worst of processes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.judging.production.peaks import GRADES, LENGTHS, Peaks, bound, grade_of

minutes = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.5, 7.0, 1e12]), max_size=160)


def filled(events):
    """What is known after these minutes."""
    peaks = Peaks()
    for each in events:
        peaks.add(each)
    return peaks


@settings(max_examples=60, deadline=None)
@given(minutes, st.sampled_from(LENGTHS), st.integers(1, len(GRADES) - 1))
def test_quiet_is_what_a_plain_reckoning_says(events, length, grade):
    """Promise: of all stretches known, those since the latest that held so many; and the median of all."""
    peaks, least = filled(events), GRADES[grade]
    sums = [sum(events[start : start + length]) for start in range(len(events) - length + 1)]
    reached = [start for start, held in enumerate(sums) if held >= least]
    assert peaks.quiet(length, least) == (len(sums) - reached[-1] - 1 if reached else len(sums))
    ranked = sorted(grade_of(held) for held in sums)
    assert peaks.usual(length) == (GRADES[ranked[(len(ranked) - 1) // 2]] if ranked else 0)


@given(minutes, minutes)
@settings(max_examples=20, deadline=None)
def test_it_goes_on_from_its_state(first, second):
    """Promise: to the bit."""
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(filled(first)), type=Peaks)
    for each in second:
        kept.add(each)
    assert kept == filled([*first, *second])


def test_it_is_bounded():
    """Promise: however long it lives and whatever comes, two numbers a grade and length, and two hours of minutes."""
    peaks = filled([2.0 ** (37.0 * (minute % 997) / 997) for minute in range(4000)])
    assert all(len(one.latest) <= len(GRADES) >= len(one.usual) for one in peaks.stretches)
    assert len(peaks.recent) == LENGTHS[-1]
    assert len(msgspec.msgpack.encode(peaks)) < 6_000


@pytest.mark.parametrize(("period", "length"), [(200, 5), (400, 30)])
def test_the_bound_holds_for_bursts_that_come_back_when_least_expected(period, length):
    """Promise: of all times at which a revision may come, p is so small in so many at most."""
    later, chance = 4, bound(period - 40 - length, length, 4)
    events = [10.0 if minute % period == 0 else 0.0 for minute in range(6 * period)]
    peaks, reached = filled(events[: 4 * period]), 0
    for minute in range(4 * period, 5 * period):
        first = minute + later - 1
        shows = sum(events[first : first + length]) >= 10
        reached += shows and bound(peaks.quiet(length, 8), length, later) <= chance
        peaks.add(events[minute])
    assert 0 < reached <= chance * period
