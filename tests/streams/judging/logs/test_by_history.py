"""A revision by itself, judged by earlier cohorts: what it leaves behind (its bound: `tests/simulation`)."""

from __future__ import annotations

from streams.judging.logs.by_history import ByHistory, begin_by_history
from streams.judging.logs.past import LogPast, LogPrior
from streams.judging.logs.settings import ERRORS, LogSettings
from streams.judging.side import Side, SignatureInfo, Trace

WINDOW_NS = 5_000_000_000
SETTINGS = LogSettings()
KNOWN = {5: SignatureInfo("ERROR refused", "error")}
FAILED, TWICE = Trace(0, "error", (5,), 35), Trace(0, None, (), 500, 9, 502)


def shown(*traces):
    """The cohort of a revision that does this in each of sixty windows."""
    alone = ByHistory(SETTINGS, WINDOW_NS, 0.05, 500, begin_by_history(LogPast(), LogPrior(), 60 * WINDOW_NS))
    for index in range(60):
        alone.add(index * WINDOW_NS, Side(pod_s=10.0, lines=9, traces=list(traces)), KNOWN, {})
    return alone.cohort()


def test_what_it_showed_is_known_once_it_is_promoted():
    """Templates, sets of lines and how often each comes; of what was not promoted nothing."""
    for promoted in (False, True):
        past = LogPast()
        past.learn(shown(FAILED, TWICE), SETTINGS, LogPrior(), promoted=promoted)
        assert sorted(past.templates) == ([5] if promoted else [])
        assert sorted(past.shapes) == ([35, 500] if promoted else [])
        assert sorted(past.numbers) == ([35, 502] if promoted else [])


def test_its_errors_are_part_of_the_past_whatever_came_of_it():
    """Were those of failed revisions left out, days on which everybody fails would never be known."""
    cohort = shown(FAILED)
    assert (cohort.streams[ERRORS].events, cohort.streams[ERRORS].exposure_s) == (60.0, 600.0)


def test_stretches_of_production_count_in_the_rate_and_are_no_days_of_their_own():
    """Many of them may be of one day: that today is none on which everybody fails they cannot show."""
    guards = []
    for rehearsed in (False, True):
        past = LogPast()
        for _ in range(30):
            past.learn(shown(), SETTINGS, LogPrior(), rehearsed=rehearsed)
        state = begin_by_history(past, LogPrior(), 60 * WINDOW_NS)
        alone = ByHistory(SETTINGS, WINDOW_NS, 0.05, 500, state)
        alone.add(0, Side(pod_s=10.0, lines=9), KNOWN, {})
        assert alone.known
        guards.append((alone.guard, alone.can_fail))
    assert guards[0][1]
    assert guards[1] == (1.0, False)
