"""The roller counts a run of what readers found as it counts each record alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import BadRecord, Reason
from streams.records.identity import Source
from streams.records.log import LogRecord, Piece, Severity
from streams.windows.roller import Rolled, Roller
from streams.windows.summary import Limits, Summary, merge
from tests.streams.windows.test_summary import REVISION, WINDOW_NS, canonical, lines, samples, sources
from tests.streams.windows.traces import TRACES

late = st.builds(LogRecord, sources, st.just(5 * WINDOW_NS), st.just("late"))
records = st.one_of(lines, samples, late)
found = st.one_of(records, st.just(BadRecord(Reason.NO_HASH, "no")), st.lists(records, min_size=1, max_size=4))


def roller():
    """One that takes the first two windows."""
    made = Roller(WINDOW_NS, Limits())
    made.accept(0, 2 * WINDOW_NS - 1)
    return made


def counted(rolled):
    """Its summaries by revision and window, without what is only shown."""
    for summary in rolled.summaries:
        for pod in summary.pods.values():
            pod.excerpts.clear()
    return {(each.revision, each.start_ns): canonical(each) for each in rolled.summaries}


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
    assert counted(rolled) == counted(expected)
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


def test_the_widest_bounds_are_asked_for_once_and_only_before_a_record_is_refused():
    """Promise: they decide, and where all records keep the narrower ones, finding them costs nothing."""
    asked, made, source = [], Roller(WINDOW_NS, Limits()), Source(REVISION, "p")

    def widest():
        asked.append(None)
        return 0, 3 * WINDOW_NS

    made.accept(WINDOW_NS, 2 * WINDOW_NS, "logs/0", widest)
    made.add(LogRecord(source, WINDOW_NS, "x"))
    assert not asked
    for time_ns in (0, 3 * WINDOW_NS, WINDOW_NS):
        made.add(LogRecord(source, time_ns, "x"))
    with pytest.raises(BadRecord):
        made.add(LogRecord(source, 3 * WINDOW_NS + 1, "x"))
    assert len(asked) == 1
    assert sum(each.records for each in made.drain().summaries) == 4


TEXTS = (
    "INFO ready",
    "    return cart.total",
    "ERROR gone",
    "",
    "\tindented",
    "status=503",
    *(line for text in TRACES.values() for line in text.split("\n")),
)
pieces = st.builds(
    lambda kind, *fields: kind(*fields),
    st.sampled_from([LogRecord, LogRecord, Piece]),
    st.sampled_from([Source(REVISION, "p"), Source(REVISION, "q")]),
    st.integers(0, 9).map(lambda n: n * WINDOW_NS // 5),
    st.sampled_from(TEXTS),
    st.sampled_from([Severity.UNSET, Severity.INFO, Severity.ERROR]),
    st.sampled_from([None, "4bf92f3577b34da6a3ce929d0e0e4736"]),
    st.sampled_from(["", "app", "proxy"]),
    st.sampled_from(["", "stdout", "stderr"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=40), st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_where_runs_and_transactions_end_changes_nothing_that_counts(lines, runs, transactions):
    """Promise: frames, causes and pieces of cut lines come to the same summaries however a partition is split."""
    whole = roller()
    whole.add_all(lines)
    split, merged, named = roller(), {}, {}
    bounds = sorted({0, len(lines), *runs, *transactions})
    for start, end in pairwise(bound for bound in bounds if bound <= len(lines)):
        split.add_all(lines[start:end])
        if end in transactions or end == len(lines):
            rolled = split.drain()
            split.commit()
            named |= rolled.signatures
            for summary in rolled.summaries:
                key = summary.revision, summary.start_ns
                merge(merged.setdefault(key, Summary(*key)), summary)
    expected = whole.drain()
    assert named == expected.signatures
    assert counted(Rolled(list(merged.values()), {}, {})) == counted(expected)


@pytest.mark.parametrize("between", [{"container": "proxy"}, {"container": "app", "stream": "stderr"}])
def test_what_another_container_or_stream_writes_is_no_rest_of_a_cut_line(between):
    """Promise: a sidecar's line between two pieces is a line, and the rest after it is a rest."""
    source, made = Source(REVISION, "p"), roller()
    first = Piece(source, 0, "ERROR no", container="app", stream="stdout")
    rest = LogRecord(source, 2, " stock", container="app", stream="stdout")
    made.add_all([first, LogRecord(source, 1, "GET /cart", **between), rest])
    rolled = made.drain()
    assert ([what.text for what in rolled.signatures.values()], rolled.continued) == (["ERROR no", "GET <*>"], 1)


def test_a_transaction_read_again_knows_the_pieces_it_knew():
    """Promise: after a rewind the rest of a cut line is one again, the next line a line; after a forget not."""
    source, made = Source(REVISION, "p"), roller()
    made.add_all([Piece(source, 0, "ERROR no")], "logs-0")
    assert sum(made.drain().summaries[0].pods["p"].lines.values()) == 1
    made.commit()
    rest = [LogRecord(source, 1, " stock"), LogRecord(source, 2, "INFO next")]
    for _ in range(2):
        made.add_all(rest, "logs-0")
        made.rewind()
    made.add_all(rest, "logs-0")
    rolled = made.drain()
    assert ([what.text for what in rolled.signatures.values()], rolled.continued) == (["INFO next"], 1)
    made.rewind()
    made.forget()
    made.add_all(rest, "logs-0")
    assert len(made.drain().signatures) == 2


@pytest.mark.parametrize("name", TRACES)
def test_no_line_of_a_trace_but_its_exceptions_is_an_event(name):
    """Promise: frames, causes, source lines and marks are records and no lines, whatever runtime wrote them."""
    made, lines = roller(), TRACES[name].split("\n")
    made.add_all([LogRecord(Source(REVISION, "p"), 0, line) for line in lines])
    rolled = made.drain()
    texts = [what.text for what in rolled.signatures.values()]
    assert rolled.summaries[0].records == len(lines)
    assert rolled.continued + sum(rolled.summaries[0].pods["p"].lines.values()) == len(lines)
    assert not any(text.startswith(("at ", "File ", "Caused", "Suppressed", "...", "goroutine")) for text in texts)
