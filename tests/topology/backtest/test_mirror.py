"""Time running backwards: the same records in the same windows' mirror images."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.records.metric import Kind, MetricSample, Series
from streams.risk.comparison import Comparison
from topology.backtest.mirror import mirrored, mirrored_case, pivot_ns
from topology.recording.cases import Case

SOURCE = Source(Revision(Workload("", "prod", "shop"), "b"), "p")
SERIES = Series("requests_total")


def case(start, end):
    """A case of this span."""
    return Case("x", Comparison("", "prod", "shop", "b", "c"), start, end)


@given(st.integers(0, 1000), st.integers(1, 1000), st.data())
def test_a_record_of_a_case_stays_in_it(start, length, data):
    """Promise: what lay in [start, end) does so in the mirror, and mirroring twice changes nothing."""
    before = case(start, start + length)
    time_ns = data.draw(st.integers(start, start + length - 1))
    pivot = pivot_ns([before, case(5, 3000)])
    record = LogRecord(SOURCE, time_ns, "x")
    after = mirrored_case(before, pivot)
    (turned,) = mirrored([record], pivot)
    assert after.start_ns <= turned.time_ns < after.end_ns
    assert mirrored_case(after, pivot) == before
    assert list(mirrored([turned], pivot)) == [record]


def test_what_ended_before_begins_after():
    """Promise: the order of cases is turned round, and none comes to lie before 1970."""
    early, late = case(10, 20), case(20, 40)
    pivot = pivot_ns([early, late])
    turned_early, turned_late = mirrored_case(early, pivot), mirrored_case(late, pivot)
    assert turned_late.end_ns <= turned_early.start_ns
    assert turned_late.start_ns >= 10


def test_totals_become_the_increases_between_them():
    """Promise: what was counted is counted, a reset counts from zero, and nothing shrinks."""
    totals = [(10, 5.0), (20, 8.0), (30, 2.0), (40, 2.0)]
    samples = [MetricSample(SOURCE, time_ns, SERIES, Kind.CUMULATIVE, total) for time_ns, total in totals]
    turned = list(mirrored(samples, 100))
    assert [(each.kind, each.time_ns, each.value) for each in turned] == [
        (Kind.DELTA, 89, 3.0),
        (Kind.DELTA, 79, 2.0),
        (Kind.DELTA, 69, 0.0),
    ]
