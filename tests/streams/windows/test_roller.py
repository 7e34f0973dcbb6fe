"""The roller counts a run of what readers found as it counts each record alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import BadRecord, Reason
from streams.records.identity import Source
from streams.records.log import LogRecord
from streams.windows.roller import Roller
from streams.windows.summary import Limits
from tests.streams.windows.test_summary import REVISION, WINDOW_NS, canonical, lines, samples, sources

late = st.builds(LogRecord, sources, st.just(5 * WINDOW_NS), st.just("late"))
records = st.one_of(lines, samples, late)
found = st.one_of(records, st.just(BadRecord(Reason.NO_HASH, "no")), st.lists(records, min_size=1, max_size=4))


def roller():
    """One that takes the first two windows."""
    made = Roller(WINDOW_NS, Limits())
    made.accept(0, 2 * WINDOW_NS - 1)
    return made


@settings(max_examples=150, deadline=None)
@given(st.lists(found, max_size=40))
def test_a_run_counts_like_its_records(run):
    """Promise: a run gives the same summaries as its records one by one, whatever bad ones are among them."""
    one_by_one, rejected, newest_ns, total = roller(), [], 0, 0
    for position, message in enumerate(run):
        for record in message if isinstance(message, list) else [message]:
            total += 1
            try:
                if isinstance(record, BadRecord):
                    raise record
                one_by_one.add(record)
                newest_ns = max(newest_ns, record.time_ns)
            except BadRecord as bad:
                rejected.append((position, bad.reason))
    together = roller()
    added = together.add_all(run)
    assert (added.records, added.newest_ns) == (total, newest_ns)
    assert [(position, bad.reason) for position, bad in added.rejected] == rejected
    expected, rolled = one_by_one.drain(), together.drain()
    assert [canonical(summary) for summary in rolled.summaries] == [canonical(each) for each in expected.summaries]
    assert rolled.signatures == expected.signatures


def test_half_a_surrogate_pair_is_counted():
    """Promise: a message that UTF-8 cannot hold is a line like any other, alone and in a run."""
    record = LogRecord(Source(REVISION, "p"), 1, "odd \ud800")
    made = roller()
    made.add(record)
    assert made.add_all([record, record]).records == 2
    assert made.drain().summaries[0].records == 3


def test_out_of_bounds_is_said_with_the_bounds():
    """Promise: a record outside what is accepted is refused with its reason, and counts nothing."""
    made = roller()
    with pytest.raises(BadRecord) as refused:
        made.add(LogRecord(Source(REVISION, "p"), 9 * WINDOW_NS, "x"))
    assert refused.value.reason is Reason.TOO_EARLY
    assert made.drain().summaries == []
