"""Lines of one event are one event, whatever is written between those of other pods; bounded; nothing counts twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.events import Bounds, Event, Events, Pieces, cri, may_continue, orphaned
from tests.streams.windows.traces import TRACES

S_NS = 1_000_000_000


def _events(lines, bounds=None):
    """The texts that (key, line) pairs come to."""
    events = Events(bounds) if bounds else Events()
    found = [text for key, line in lines for _, text in events.add(key, line, 0)]
    return [*found, *(text for _, text in events.drain())], events


@pytest.mark.parametrize("name", TRACES)
def test_the_lines_of_a_trace_are_one_event(name):
    """Promise: a trace between two other lines comes out whole and alone."""
    lines = ["INFO before", *TRACES[name].split("\n"), "INFO after"]
    assert _events([("pod", line) for line in lines])[0] == ["INFO before", TRACES[name], "INFO after"]


@pytest.mark.parametrize("name", TRACES)
def test_a_line_that_goes_on_is_worth_asking_for(name):
    """Promise: the cheap question finds a line of each trace before the first that is not asked for matters."""
    lines = TRACES[name].split("\n")
    event = Event(lines[0], 0)
    for line in lines[1:]:
        assert event.take(line, 0)
    assert any(may_continue(line) for line in lines[1:3])


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


def test_a_continuation_without_its_head_is_no_event():
    """Promise: the rest of a trace whose head was in an earlier batch is counted, and is no event of its own."""
    lines = TRACES["java"].split("\n")
    found, events = _events([("pod", line) for line in [*lines[3:], "INFO after"]])
    assert found == ["INFO after"]
    assert events.orphans == len(lines) - 3


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
    event = Event("a.BError: x", 0)
    assert event.take(frames[0], S_NS)
    assert not event.take(frames[1], 3 * S_NS)


def test_many_pods_at_once_are_bounded():
    """Promise: events in the making are bounded in number; the oldest ends early, none is lost."""
    found, _ = _events([(number, "INFO x") for number in range(100)], Bounds(events=10))
    assert found == ["INFO x"] * 100


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
