"""Which of the earlier cohorts were quiet, and which an incident that both revisions would have shared."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.logs.quiet import RECENT, Clumping, StreamCohort, StreamHistory, StreamPast

ALONE = Clumping()


def history(*cohorts, fade=1.0):
    """Of cohorts (events, pod-seconds), in turn."""
    found = StreamHistory(StreamPast())
    for events, exposure_s in cohorts:
        found.fade(fade)
        found.learn(StreamCohort(float(events), float(exposure_s), 0.0, 0.0), ALONE)
    return found


def settled(*cohorts, fade=1.0):
    """The past of these."""
    return history(*cohorts, fade=fade).settle(ALONE)


def test_a_first_cohort_in_an_outage_is_no_measure():
    """Six failures in the first minute the workload was ever seen, none in many later ones: an incident."""
    past = settled((6, 65), (0, 155), (0, 465), (0, 155))
    assert past.incidents == 1.0
    assert (past.cohorts, past.events) == (3.0, 0.0)


def test_incidents_do_not_hide_each_other():
    """Two outages of five comparisons, each of which would make the other look usual."""
    past = settled((6, 65), (0, 155), (0, 465), (8, 125), (0, 155))
    assert past.incidents == 2.0
    assert past.events == 0.0


def test_what_most_comparisons_show_is_no_incident():
    """A service that fails in three of four comparisons fails."""
    past = settled((0, 100), (9, 100), (8, 100), (10, 100))
    assert past.incidents == 0.0
    assert past.events == 27.0


def test_one_event_or_two_are_never_an_incident():
    """However quiet the others were."""
    assert settled(*[(0, 600)] * 10, (2, 5)).incidents == 0.0


@given(st.permutations([(0, 155), (6, 65), (0, 465), (8, 125), (1, 155), (3, 200), (0, 90)]))
def test_the_order_of_the_latest_does_not_matter(cohorts):
    """Exchangeable: without fading, any order settles alike."""
    one, other = settled(*cohorts), settled(*sorted(cohorts))
    assert msgspec.structs.astuple(one) == pytest.approx(msgspec.structs.astuple(other))


def test_it_is_bounded_and_loses_nothing():
    """What is older than the latest is settled for good, with its weight."""
    found = history(*[(1, 100)] * (3 * RECENT))
    assert len(found.recent) == RECENT
    past = found.settle(ALONE)
    assert (past.cohorts, past.exposure_s, past.incidents) == (3.0 * RECENT, 300.0 * RECENT, 0.0)


def test_settling_changes_nothing():
    """A question, asked as often as one likes."""
    found = history((6, 65), (0, 155), (1, 465))
    assert found.settle(ALONE) == found.settle(ALONE)
    assert len(found.recent) == 3
