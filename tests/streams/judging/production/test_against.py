"""A revision against what production did before it."""

import pytest

from streams.judging.production.against import Against, begin_against
from streams.judging.production.past import MINUTE_NS, ProductionPast
from streams.judging.production.peaks import Peaks, bound
from streams.judging.side import Side

WINDOW_NS = MINUTE_NS // 4


def _past():
    """Two days without an error."""
    peaks = Peaks()
    for _ in range(2880):
        peaks.add(0.0)
    return ProductionPast(peaks={"log/error": peaks}, pods=2.0)


@pytest.mark.parametrize(
    ("warm_up_s", "pods", "minutes"),
    [(0, 1, 4), (0, 2, 5), (0, 11, 14), (300, 1, 9)],
)
def test_the_later_counting_begins_the_longer_production_may_have_changed(warm_up_s, pods, minutes):
    """Promise: p is of all minutes from the last known of production to the first that counts; a pod comes a minute."""
    against = Against(WINDOW_NS, begin_against(_past(), (), 5 * MINUTE_NS))
    begin_ns = 100 * MINUTE_NS
    against.begin(begin_ns)
    for start_ns in range(begin_ns + warm_up_s * 10**9, begin_ns + 1200 * 10**9, WINDOW_NS):
        there = min(pods, 1 + (start_ns - begin_ns) // MINUTE_NS)
        against.add(start_ns, Side(pod_s=15.0 * there), {}, {})
    goals = [goal for goal in against.state.goals if goal.minutes == 5]
    assert goals
    assert {goal.p for goal in goals} == {bound(goal.quiet, 5, minutes) for goal in goals}
