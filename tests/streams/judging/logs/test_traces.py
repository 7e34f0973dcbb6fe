"""Traces over windows and pods."""

from __future__ import annotations

import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.logs import traces as module
from streams.judging.logs.shapes import shape_of
from streams.judging.logs.traces import IDLE_NS, LONGEST_NS, Traces, TracesState
from streams.judging.side import Side, SignatureInfo, Trace
from streams.records.identity import Revision, Workload
from streams.windows.summary import MOST_ALIKE, PodSummary, Summary, lines_together

WINDOW_NS = 5_000_000_000
REVISION = Revision(Workload("", "prod", "shop"), "6f8")
KNOWN = {1: SignatureInfo("failed", "error"), 2: SignatureInfo("slow", "warning")}
PODS = {"a": 0, "b": 1}
SILENT = IDLE_NS // WINDOW_NS


def closed(windows, traces=None, traces_from=None):
    """Sides of consecutive windows; each maps a pod to its traces, or to signatures without one (key 0)."""
    traces, sides = traces or Traces(), []
    for index, pods in enumerate(windows):
        summary = Summary(REVISION, index * WINDOW_NS, traces_from=traces_from)
        for name, held in pods.items():
            lines = {number: 1 for ids in held.values() for number in ids}
            summary.pods[name] = PodSummary(lines, traces={trace: ids for trace, ids in held.items() if trace})
        side = Side()
        traces.close(index * WINDOW_NS, summary if pods else None, PODS, KNOWN, side)
        sides.append(side)
    return sides


def test_a_trace_is_put_together_over_windows_and_pods():
    """Its lines of both pods in two windows are one trace, told once it has been silent for ten seconds."""
    sides = closed([{"a": {77: (5,)}}, {"b": {77: (1, 6)}}, *[{}] * SILENT])
    assert [len(side.traces) for side in sides] == [0] * (1 + SILENT) + [1]
    assert sides[-1].traces == [Trace(0, "error", (1,), shape_of((1, 5, 6)))]
    assert [side.failed for side in sides] == [{}] * (1 + SILENT) + [{PODS["a"]: 1}]


def test_traces_alike_are_told_together():
    """The same worst class, judged signatures, shape and half: one entry with a count."""
    sides = closed([{"a": {1: (2, 9), 2: (2, 9), 3: (9,)}, "b": {4: (2, 9)}}, *[{}] * SILENT])
    both = shape_of((2, 9))
    assert sides[-1].traces == sorted(
        [Trace(0, "warning", (2,), both, 2), Trace(1, "warning", (2,), both), Trace(0, None, (), shape_of((9,)))],
        key=lambda one: (one.log_class is None, one.half),
    )


def test_how_often_a_line_was_logged_is_told_beside_the_set():
    """By both pods and all windows together, up to what is told apart."""
    both = [{"a": {77: (5,)}, "b": {77: (5, 9)}}, {"a": {77: (5,)}}]
    thrice, flood = closed([*both, *[{}] * SILENT]), closed([*both, *both, *both, *[{}] * SILENT])
    some = shape_of((5,) * min(3, MOST_ALIKE) + (9,))
    most = shape_of((5,) * MOST_ALIKE + (9,) * min(3, MOST_ALIKE))
    assert thrice[-1].traces == [Trace(0, None, (), shape_of((5, 9)), 1, some)]
    assert flood[-1].traces == [Trace(0, None, (), shape_of((5, 9)), 1, most)]


def test_where_there_is_no_room_for_all_numbers_shapes_and_counts_stay(monkeypatch):
    """Loops make many kinds of few shapes: how often a line comes is not told then; beyond that, kinds are left out."""
    monkeypatch.setattr(module, "MAX_KINDS", 3)
    loops = {number: (5,) * (number % 4 + 1) + (9,) for number in range(1, 9)}
    shape = shape_of((5, 9))
    (told,) = [side for side in closed([{"a": loops}, *[{}] * SILENT]) if side.traces]
    assert told.traces == [Trace(0, None, (), shape, len(loops), -1)]
    assert (told.traces[0].counted_shape, told.numbers_cut, told.traces_cut) == (0, True, False)
    (few,) = [side for side in closed([{"a": dict(list(loops.items())[:3])}, *[{}] * SILENT]) if side.traces]
    assert (len(few.traces), few.numbers_cut) == (3, False)
    (many,) = [side for side in closed([{"a": {n: (n,) for n in range(10, 19)}}, *[{}] * SILENT]) if side.traces]
    assert (len(many.traces), many.numbers_cut, many.traces_cut) == (3, True, True)


def test_lines_without_an_id_are_incidents_of_their_window():
    """What a pod logs of class warning and worse without an id is one incident at once, without a shape."""
    sides = closed([{"a": {0: (1, 2, 9)}, "b": {0: (9,)}}])
    assert sides[0].traces == [Trace(0, "error", (1, 2), 0)]
    assert sides[0].failed == {PODS["a"]: 1}


def test_a_trace_that_never_ends_is_closed():
    """After two minutes, however often it goes on."""
    sides = closed([{"a": {5: (9,)}}] * (LONGEST_NS // WINDOW_NS + 1))
    assert len(sides[-1].traces) == 1


def test_what_was_left_out_leaves_the_shape_unknown():
    """Traces from the least one that was cut on have no shape and no numbers, and the window says so."""
    sides = closed([{"a": {5: (9, 9), 50: (9, 9)}}, *[{}] * SILENT], traces_from=40)
    assert sides[0].traces_cut
    told = {(trace.shape, trace.numbers) for trace in sides[-1].traces}
    assert told == {(0, 0), (shape_of((9,)), shape_of((9, 9)))}


def test_too_many_open_traces_are_closed_early(monkeypatch):
    """The oldest first, so that memory is bounded."""
    monkeypatch.setattr(module, "MAX_OPEN", 3)
    traces = Traces()
    sides = closed([{"a": {1: (9,)}}, {"a": dict.fromkeys(range(2, 9), (9,))}], traces)
    assert sorted(traces.state.open) == [6, 7, 8]
    assert sum(trace.count for trace in sides[-1].traces) == 5


windows = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.dictionaries(
            st.integers(0, 6), st.lists(st.integers(1, 9), min_size=1).map(lambda ids: lines_together(ids, ()))
        ),
        max_size=2,
    ),
    max_size=12,
)


@given(windows, st.integers(0, 11), st.integers(0, 99))
def test_state_goes_on_to_the_bit_whatever_the_order_of_pods_and_traces(windows, cut, seed):
    """Snapshots at any window, and dictionaries in any order, tell the same traces."""
    draw = random.Random(seed)

    def shuffled(held):
        return dict(draw.sample(list(held.items()), len(held)))

    straight = closed(windows)
    first = Traces()
    head = closed(windows[:cut], first)
    wire = msgspec.msgpack.encode(first.state)
    second = Traces(msgspec.msgpack.decode(wire, type=TracesState))
    tail = []
    for index, pods in enumerate(windows[cut:], cut):
        summary = Summary(REVISION, index * WINDOW_NS)
        for name, held in shuffled(pods).items():
            lines = {number: 1 for ids in held.values() for number in ids}
            summary.pods[name] = PodSummary(lines, traces=shuffled({t: ids for t, ids in held.items() if t}))
        side = Side()
        second.close(index * WINDOW_NS, summary if pods else None, PODS, KNOWN, side)
        tail.append(side)
    assert [side.traces for side in head + tail] == [side.traces for side in straight]
