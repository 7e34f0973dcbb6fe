"""Which lines carry an id, and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.correlation import id_place, shown_id, trace_number
from streams.windows.signature import MAX_LINE_CHARACTERS, fold


def found(line):
    """The id of a line, as ingest cuts it out."""
    place = id_place(fold(line))
    return None if place is None else line[slice(*place)]


@pytest.mark.parametrize(
    ("line", "trace_id"),
    [
        (
            "ERROR TraceID: 2335a5b00dbd27d6528deae52023f34e SpanID: f944863e860b478e [x]",
            "2335a5b00dbd27d6528deae52023f34e",
        ),
        ('{"level":"info","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","n":1}', "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("GET /orders requestId=r-17 took 3 ms", "r-17"),
        ("x-request-id: 0af7651916cd43dd8448eb211c80319c done", "0af7651916cd43dd8448eb211c80319c"),
        ("correlation-id=[a1b2] user 7", "a1b2"),
        ("order 415d1665-fbb2-4ec9-83f5-5ebe51dc1825 paid", "415d1665-fbb2-4ec9-83f5-5ebe51dc1825"),
        ("Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106", "blk_-1608999687919862906"),
        ("naïve 🙂 blk_1608999687919862906 ok", "blk_1608999687919862906"),
        ("span 00f067aa0ba902b7 ended", "00f067aa0ba902b7"),
        ("requestId=null user 17", None),
        ("took 1618349384123456789 ns, 12 rows", None),
        ("INFO listening on 0.0.0.0:8080", None),
        ("deadbeefdeadbeef is a word here, 1 time", None),
        ("no digits at all", None),
        ("", None),
    ],
)
def test_the_id_of_a_line(line, trace_id):
    """A keyed id first, else the first token that looks like one; numbers, times and words are none."""
    assert found(line) == trace_id


@given(st.text(max_size=200), st.sampled_from(["traceId=ab12cd", "blk_1234567890123456", ""]))
def test_an_id_is_a_part_of_the_line(text, token):
    """Whatever the line holds: what is cut out has no blank, and is what the same fold gives again."""
    line = f"{text} {token}"
    trace_id = found(line)
    if trace_id is not None:
        assert trace_id
        assert not set(trace_id) & set(" \t\n")
        assert found(line) == trace_id


@pytest.mark.parametrize("hostile", ["a0" * 2048, "traceId" * 600 + "0", "blk_-" * 800 + "0", "0a-" * 1400, "f" * 4096])
def test_hostile_lines_cost_no_more(hostile):
    """Repeats are bounded: the longest lines are done well within the test's patience, many times over."""
    for _ in range(200):
        id_place(fold(hostile[:MAX_LINE_CHARACTERS]))


def test_numbers_of_traces():
    """The same everywhere, whatever the case of the letters; an id of zeros says that there is none."""
    assert trace_number("4BF92f35") == trace_number("4bf92f35") > 0
    assert trace_number("4bf92f35") != trace_number("4bf92f36")
    assert trace_number("00000000-0000-0000") == 0
    assert trace_number("\ud800") > 0


@pytest.mark.parametrize(
    "trace_id", ["eve@shop.example", "a" * 121 + "/eve@shop.example", "a" * 129, "<b>", "a b", "é1"]
)
def test_an_id_that_may_not_be_shown_is_empty(trace_id):
    """Also one of which only a part could be: half a secret has no form of one, and half an id is not found."""
    assert shown_id(trace_id) == ""
