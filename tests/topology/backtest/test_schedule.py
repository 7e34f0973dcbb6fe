"""A case knows what had ended when it began, and nothing else, in whatever order the processes come back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.risk.comparison import Comparison
from topology.backtest.schedule import Schedule
from topology.recording.cases import Case

spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), min_size=1, max_size=20)


def cases_of(found):
    """Cases from (start, length)."""
    return [
        Case(f"case-{number}", Comparison("", "prod", f"shop-{number % 3}", "b", "c"), start, start + length)
        for number, (start, length) in enumerate(found)
    ]


@given(spans, st.randoms(use_true_random=False))
def test_before_each_case_exactly_those_that_had_ended_are_learned(found, draw):
    """Promise: in order of their end, each once, whichever case comes back first."""
    cases = cases_of(found)
    schedule: Schedule[str] = Schedule(cases)
    learned: list[Case] = []
    running: list[Case] = []
    begun: list[Case] = []
    while running or not schedule.done:
        for now, case in schedule.ready():
            assert all(ended == each.id for each, ended in now)
            learned += [each for each, _ in now]
            assert learned == sorted(learned, key=lambda each: (each.end_ns, each.id))
            assert {each.id for each in learned} == {each.id for each in cases if each.end_ns <= case.start_ns}
            begun.append(case)
            running.append(case)
        ended = running.pop(draw.randrange(len(running)))
        schedule.end(ended, ended.id)
    assert begun == sorted(cases, key=lambda each: (each.start_ns, each.id))


def test_cases_that_overlap_do_not_wait_for_each_other():
    """Promise: what may begin begins, so that several processes have work."""
    schedule: Schedule[str] = Schedule(cases_of([(0, 10), (1, 10), (9, 3), (11, 1)]))
    assert [case.id for _, case in schedule.ready()] == ["case-0", "case-1", "case-2"]
    assert list(schedule.ready()) == []
