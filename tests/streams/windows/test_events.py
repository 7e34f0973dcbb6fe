"""Lines of one event are one event, whatever is written between those of other pods; bounded; nothing counts twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from streams.errors import BadRecord, Reason
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.windows.events import BOUNDS, Bounds, Event, Pieces, cri, orphaned
from streams.windows.joining import joined
from tests.streams.windows.traces import TRACES

S_NS = 1_000_000_000


def _record(pod, line):
    return LogRecord(Source(Revision(Workload("", "prod", "shop"), "5d8f"), pod), 0, line)


def _events(lines, bounds=BOUNDS):
    """The texts that (pod, line) pairs come to, and all that is said of them."""
    run = joined([_record(pod, line) for pod, line in lines], bounds)
    assert len(run.found) == len(lines)
    return [one.message for one in run.found if one != ()], run


@pytest.mark.parametrize("name", TRACES)
def test_the_lines_of_a_trace_are_one_event(name):
    """Promise: a trace between two other lines comes out whole and alone."""
    lines = ["INFO before", *TRACES[name].split("\n"), "INFO after"]
    assert _events([("pod", line) for line in lines])[0] == ["INFO before", TRACES[name], "INFO after"]


def test_pods_and_streams_do_not_mix():
    """Promise: lines of two pods that alternate are two events."""
    one, other = TRACES["java"].split("\n"), TRACES["go"].split("\n")
    mixed = [pair for two in zip(one, other, strict=False) for pair in (("a", two[0]), ("b", two[1]))]
    rest = [("a", line) for line in one[len(other) :]]
    assert sorted(_events([*mixed, *rest])[0]) == sorted([TRACES["java"], TRACES["go"]])


def test_two_exceptions_in_a_row_are_two_events():
    """Promise: an exception after the frames of another begins anew."""
    text = TRACES["java, bare"]
    assert _events([("pod", line) for line in (text + "\n" + text).split("\n")])[0] == [text, text]


def test_an_exception_joins_the_error_line_before_it_but_not_an_info_line():
    """Promise: `log.error("...", e)` is one event; what only stood before a crash is not part of it."""
    frames = ["java.io.IOException: closed", "\tat a.B.c(B.java:1)"]
    assert len(_events([("pod", line) for line in ("ERROR order failed", *frames)])[0]) == 1
    assert len(_events([("pod", line) for line in ("INFO order placed", *frames)])[0]) == 2


def test_what_only_looks_like_an_exception_joins_no_line():
    """Promise: a class name and a colon are an exception only if a frame follows; each logger's line stays its own."""
    lines = ["ERROR order failed", "shop.Cart: retrying", "shop.Disk: retrying", "\tat a.B.c(B.java:1)"]
    assert _events([("pod", line) for line in lines])[0] == [*lines[:2], "\n".join(lines[2:])]
    event = Event(lines[0], 0)
    assert event.take(lines[1], 0)
    assert not event.take(lines[2], 0)


def test_a_continuation_without_its_head_is_no_event():
    """Promise: the rest of a trace whose head was in an earlier batch is counted, and is no event of its own."""
    lines = TRACES["java"].split("\n")
    found, events = _events([("pod", line) for line in [*lines[3:], "INFO after"]])
    assert found == ["INFO after"]
    assert events.orphans == len(lines) - 3
    assert events.continued == 0


@pytest.mark.parametrize("name", TRACES)
@given(data=st.data())
def test_a_trace_cut_anywhere_is_at_most_its_heads(name, data):
    """Promise: wherever a batch ends, no frame ever becomes an event; heads and what was thrown may."""
    lines = TRACES[name].split("\n")
    at = data.draw(st.integers(1, len(lines) - 1))
    found = _events([("pod", line) for line in lines[:at]])[0] + _events([("pod", line) for line in lines[at:]])[0]
    assert not any(orphaned(text.split("\n")[0]) for text in found)


def test_an_event_is_bounded_in_lines_characters_and_time():
    """Promise: what comes beyond the bounds still belongs to the event, is left out, and counted."""
    frames = [f"\tat a.B.c(B.java:{number})" for number in range(1000)]
    found, events = _events([("pod", line) for line in ["a.BError: x", *frames]], Bounds(lines=10))
    assert [text.count("\n") for text in found] == [9]
    assert events.left_out == 991
    found, events = _events([("pod", line) for line in ["a.BError: x", *frames]], Bounds(characters=100))
    assert len(found[0]) <= 120
    assert events.continued == 1000
    event = Event("a.BError: x", 0)
    assert event.take(frames[0], S_NS)
    assert not event.take(frames[1], 3 * S_NS)


def test_many_pods_at_once_are_bounded():
    """Promise: events in the making are bounded in number; beyond it lines stay alone, none is lost."""
    lines = [(f"pod-{number}", line) for line in ("a.BError: x", "\tat a.B.c(B.java:1)") for number in range(100)]
    found, events = _events(lines, Bounds(events=10))
    assert events.continued == 10
    assert len(found) == 190


def test_messages_of_many_records_are_joined_across_and_what_else_was_found_stays():
    """Promise: records that came in one message, or in several, are joined alike; faults keep their positions."""
    bad = BadRecord(Reason.EMPTY, "x")
    head, *frames = (_record("pod", line) for line in TRACES["java, bare"].split("\n"))
    other = _record("other", "INFO x")
    run = joined([bad, (other, head), bad, (frames[0],), frames[1]])
    assert run.found[0] is bad
    assert run.found[2] is bad
    assert [one.message for one in run.found[1]] == ["INFO x", TRACES["java, bare"]]
    assert run.found[3:] == [(), ()]


def test_records_of_a_cut_line_are_joined_before_events_are():
    """Promise: pieces become a line, the line may be part of a trace; a line cut off by the run's end is not lost."""
    lines = [("a.BError: ", True), ("x", False), ("\tat a.B", True), (".c(B.java:1)", False), ("INFO ", True)]
    run = joined([structs.replace(_record("pod", line), partial=more) for line, more in lines])
    assert [one.message for one in run.found if one != ()] == ["a.BError: x\n\tat a.B.c(B.java:1)", "INFO "]
    assert not any(one.partial for one in run.found if one != ())


def test_a_run_without_traces_is_left_as_it_is():
    """Promise: nothing is copied where nothing is joined."""
    lines = [_record("pod", f"INFO {number}") for number in range(10)]
    assert joined(lines).found is lines


def test_pieces_of_a_line_are_joined():
    """Promise: what the container runtime has cut is one line again, per pod; an end without a beginning is a line."""
    pieces = Pieces()
    assert pieces.add("a", "one ", True) is None
    assert pieces.add("b", "whole", False) == "whole"
    assert pieces.add("a", "two ", True) is None
    assert pieces.add("a", "three", False) == "one two three"
    assert pieces.add("a", "tail", False) == "tail"


def test_pieces_are_bounded_and_none_is_lost_at_the_end_of_a_batch():
    """Promise: a line of any length costs no more than the bound; what is still open comes out at the end."""
    pieces = Pieces(Bounds(characters=10))
    for _ in range(1000):
        assert pieces.add("a", "12345", True) is None
    assert list(pieces.drain()) == [("a", "1234512345")]
    assert list(pieces.drain()) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2016-10-06T00:17:09.669794202Z stdout F whole", ("stdout", False, "whole")),
        ("2016-10-06T00:17:09.669794202+02:00 stderr P:tag  part", ("stderr", True, " part")),
        ("2016-10-06T00:17:09Z stdout F ", ("stdout", False, "")),
        ("2016-10-06 00:17:09 INFO stdout F x", None),
        ("", None),
    ],
)
def test_a_raw_line_of_the_container_runtime_is_taken_apart(line, expected):
    """Promise: the CRI format is read as the kubelet defines it, and nothing else is taken for it."""
    assert cri(line) == expected
