"""Which traces of one revision are over, and what did they show?

A trace is put together over windows and pods, and is over when it has been silent for `IDLE_NS` of event time (at the
grain of a window), or has lasted for `LONGEST_NS`. A trace that goes on after that counts as another one: it is closed
in the same way in every revision, judged or learned from, so that both are alike. Lines without an id are incidents:
what one pod logged of class warning and worse in one window, without a shape.

Bounded: of too many open traces the oldest are closed early, of a trace's signatures the least are kept, of a window's
kinds of traces the worst; before one of these is left out, how often each line comes is no longer told. All of these
are functions of what was counted, never of the order in which it came.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.logs.failures import FAILED
from streams.judging.logs.shapes import Shape, Shapes, meet, shape_of
from streams.judging.side import LogClass, Side, SignatureInfo, Trace
from streams.windows.summary import PodSummary, Summary, lines_together

IDLE_NS = 10_000_000_000
"""Silence after which a trace is over: twice the window, and longer than nearly any request's gaps."""
LONGEST_NS = 120_000_000_000
"""A trace is closed after so long even if it goes on, so that an id that is none (of a session) holds back nothing."""
MAX_OPEN = 20_000
"""Open traces of one revision."""
MAX_SIGNATURES = 64
"""Signatures kept of one trace."""
MAX_KINDS = 2_000
"""Kinds of traces of one window, see `Trace`."""
_RANK: dict[LogClass | None, int] = {"critical": 0, "error": 1, "warning": 2, None: 3}


_Kind = tuple[LogClass | None, tuple[int, ...], int, int]
"""Worst class, judged signatures, set and numbers of a trace; see `Trace`."""
_Kinds = dict[tuple[int, *_Kind], int]
"""Half and kind of the traces of a window -> how many there are."""


class OpenTrace(Struct, array_like=True):
    """One trace of which more may come."""

    first_ns: int
    """Start of the first window it was seen in."""
    last_ns: int
    """The same of the last."""
    half: int
    """See `Trace`."""
    signatures: tuple[int, ...] = ()
    """Of its lines, ascending, those of lines alike as often as `PodSummary.traces` tells."""
    whole: bool = True
    """Nothing of it was left out."""
    pod: int = 0
    """That it was first seen at."""
    trace_id: str = ""
    """As it may be shown; empty where it is not known."""


class TracesState(Struct, array_like=True):
    """Of one revision."""

    open: dict[int, OpenTrace] = {}
    """Trace -> of which more may come."""
    shapes: Shapes = {}
    """Of what those met lately are made; for people, nothing is judged by it."""


class Traces:
    """Fills in the traces of one revision's closed windows, in order of time."""

    def __init__(self, state: TracesState | None = None) -> None:
        self.state = state or TracesState()

    def close(
        self,
        start_ns: int,
        summary: Summary | None,
        pods: Mapping[str, int],
        signatures: Mapping[int, SignatureInfo],
        side: Side,
    ) -> None:
        """Add the traces that are over when this window closes to its side.

        Args:
            start_ns: of the window; after that of the one closed before.
            summary: all that was heard of the revision in it; None for silence.
            pods: their numbers within the revision, by name; at least of those in the summary.
            signatures: those judged, by id.
            side: changed in place.
        """
        kinds: _Kinds = {}
        if summary is not None:
            side.traces_cut = summary.traces_from is not None
            for name in sorted(summary.pods):
                pod, number = summary.pods[name], pods[name]
                self._extend(start_ns, number, pod, summary)
                loose = _without_trace(pod, signatures)
                if loose:
                    _count(kinds, side, number, number & 1, _kind(loose, signatures, whole=False))
        self._close_over(start_ns, signatures, kinds, side)
        side.numbers_cut = len(kinds) > MAX_KINDS
        if side.numbers_cut:
            kinds = _without_numbers(kinds)
        found = [
            Trace(half, worst, judged, shape, count, numbers)
            for (half, worst, judged, shape, numbers), count in kinds.items()
        ]
        found.sort(key=lambda one: (_RANK[one.log_class], one.shape, one.half, one.signatures, one.numbers))
        side.traces_cut = side.traces_cut or len(found) > MAX_KINDS
        side.traces = found[:MAX_KINDS]

    def _close_over(self, start_ns: int, signatures: Mapping[int, SignatureInfo], kinds: _Kinds, side: Side) -> None:
        """Traces that are over; those that log the same are looked into once."""
        read: dict[tuple[tuple[int, ...], bool], _Kind] = {}
        met: dict[tuple[int, ...], str] = {}
        for number in self._over(start_ns):
            trace = self.state.open.pop(number)
            key = trace.signatures, trace.whole
            kind = read.get(key)
            if kind is None:
                kind = read[key] = _kind(trace.signatures, signatures, whole=trace.whole)
            _count(kinds, side, trace.pod, trace.half, kind)
            if trace.whole:
                met[trace.signatures] = _least_id(met.get(trace.signatures, ""), trace.trace_id)
        if met:
            shapes = {(kind[3] or kind[2]): ids for (ids, whole), kind in read.items() if whole}
            meet(self.state.shapes, {shape: Shape(ids, met[ids]) for shape, ids in shapes.items()})

    def _extend(self, start_ns: int, pod_number: int, pod: PodSummary, summary: Summary) -> None:
        known, whole_below, names = self.state.open, summary.traces_from, summary.trace_ids
        for number, ids in pod.traces.items():
            trace = known.get(number)
            if trace is None:
                trace = known[number] = OpenTrace(start_ns, start_ns, pod_number & 1, pod=pod_number)
            trace.last_ns = start_ns
            trace.trace_id = trace.trace_id or names.get(number, "")
            together = lines_together(trace.signatures, ids)
            kinds = sorted(set(together))
            whole = len(kinds) <= MAX_SIGNATURES and (whole_below is None or number < whole_below)
            trace.whole = trace.whole and whole
            if len(kinds) > MAX_SIGNATURES:
                together = tuple(one for one in together if one < kinds[MAX_SIGNATURES])
            trace.signatures = together

    def _over(self, start_ns: int) -> list[int]:
        known = self.state.open
        over = [
            number
            for number, trace in known.items()
            if start_ns - trace.last_ns >= IDLE_NS or start_ns - trace.first_ns >= LONGEST_NS
        ]
        too_many = len(known) - len(over) - MAX_OPEN
        if too_many > 0:
            left = known.keys() - set(over)
            over += sorted(left, key=lambda number: (known[number].last_ns, number))[:too_many]
        return over


def _without_trace(pod: PodSummary, signatures: Mapping[int, SignatureInfo]) -> tuple[int, ...]:
    judged = [number for number in pod.lines if number in signatures and not signatures[number].raised]
    if not judged:
        return ()
    traced = {number for ids in pod.traces.values() for number in ids}
    return tuple(sorted(set(judged) - traced)[:MAX_SIGNATURES])


def _kind(ids: tuple[int, ...], signatures: Mapping[int, SignatureInfo], *, whole: bool) -> _Kind:
    once = tuple(sorted(set(ids)))
    judged = tuple(known for known in once if known in signatures and not signatures[known].raised)
    worst = min((signatures[known].log_class for known in judged), key=_RANK.__getitem__, default=None)
    numbers = shape_of(ids) if whole and len(once) < len(ids) else 0
    return worst, judged, shape_of(once) if whole else 0, numbers


def _count(kinds: _Kinds, side: Side, pod: int, half: int, kind: _Kind) -> None:
    kinds[half, *kind] = kinds.get((half, *kind), 0) + 1
    if kind[0] in FAILED:
        side.failed[pod] = side.failed.get(pod, 0) + 1


def _without_numbers(kinds: _Kinds) -> _Kinds:
    """Kinds that differ in how often a line comes are one: loops make many of few shapes, which are worth more."""
    found: _Kinds = {}
    for (half, worst, judged, shape, _), count in kinds.items():
        kind = half, worst, judged, shape, -1 if shape else 0
        found[kind] = found.get(kind, 0) + count
    return found


def _least_id(one: str, other: str) -> str:
    """Of two ids, either of which may not be known."""
    return min(one, other) if one and other else one or other
