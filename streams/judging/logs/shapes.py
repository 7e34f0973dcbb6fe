"""Of which lines are the traces of one revision made? What a hash of them cannot tell a person.

Kept beside the judging and never looked at by it: the lines of the shapes met lately, so that a new one can be told as
"this line once instead of twice". Bounded by lines, the shapes not met for longest are forgotten first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b

from msgspec import Struct

from streams.windows.summary import MOST_ALIKE

MAX_LINES = 8_192
"""Lines of all shapes of one revision: 800 shapes of ten lines; 75 kB of a snapshot."""


class Shape(Struct, array_like=True, frozen=True):
    """Traces that log the same."""

    lines: tuple[int, ...]
    """Signatures, ascending, one per line: of lines alike as many as are told apart (`PodSummary.traces`)."""
    trace_id: str = ""
    """Of one of them, for a person to look for; empty where none is known."""


Shapes = dict[int, Shape]
"""`Trace.counted_shape` -> its lines, those met last at the end."""


def shape_of(signatures: Sequence[int]) -> int:
    """63 bits of a hash of signatures, given in ascending order; never 0."""
    packed = b"".join(number.to_bytes(8, "big") for number in signatures)
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big") >> 1 or 1


def meet(known: Shapes, met: Mapping[int, Shape], most_lines: int = MAX_LINES) -> None:
    """Take in the shapes of a window; the id that was known first stays.

    Args:
        known: changed in place, in an order that depends on what was met alone.
        met: by their numbers.
        most_lines: of all that stay.

    >>> known = {}
    >>> meet(known, {1: Shape((5, 5)), 2: Shape((6,))})
    >>> meet(known, {3: Shape((7, 8), "4bf9"), 1: Shape((5, 5), "00f0")}, 4)
    >>> known
    {1: Shape(lines=(5, 5), trace_id='00f0'), 3: Shape(lines=(7, 8), trace_id='4bf9')}
    """
    for number in sorted(met):
        before = known.pop(number, None)
        known[number] = before if before is not None and before.trace_id else met[number]
    over = sum(len(shape.lines) for shape in known.values()) - most_lines
    for number in list(known) if over > 0 else ():
        if over <= 0:
            break
        over -= len(known.pop(number).lines)


class Change(Struct, frozen=True):
    """A line that traces log in another number than those most like them."""

    number: int
    """Of the line's template."""
    canary: int
    """How often each of them logs it; up to what is told apart, or 1 where numbers are not looked at."""
    baseline: int


class Difference(Struct, frozen=True):
    """What some new traces of the canary log otherwise than those of the baseline most like them."""

    canary_traces: int
    baseline_traces: int
    """Of those most like them; 0: none is like them, and `changes` are all they log."""
    changes: tuple[Change, ...]
    trace_id: str = ""
    """Of one of the canary's; empty where none is known."""


_COMPARED = 32
"""Shapes of either side that are looked at, those of most traces: a thousand pairs at most."""


def differences(
    new: Mapping[int, int],
    usual: Mapping[int, int],
    canary: Mapping[int, Shape],
    baseline: Mapping[int, Shape],
    root: Callable[[int], int],
    *,
    counted: bool,
) -> list[Difference]:
    """What is different about new shapes, that of most traces first.

    Each is held against the shape of the baseline with the fewest lines more or less; what has more than half of its
    lines otherwise is like none. Shapes that differ from theirs in the same way are told together.

    Args:
        new: shape of the canary -> its traces.
        usual: shape of the baseline -> its traces.
        canary: lines of its shapes, as far as they are known.
        baseline: the same.
        root: the template that a signature is part of.
        counted: shapes tell how often a line comes, and are numbered so; else they are sets.
    """
    if not counted:
        canary, baseline = _sets(canary), _sets(baseline)
    theirs = {number: _tally(baseline[number], root, counted=counted) for number in _most(usual, baseline)}
    usual_lines = frozenset[int]().union(*theirs.values())
    found: dict[tuple[Change, ...], _Alike] = {}
    for number in _most(new, canary):
        mine = _tally(canary[number], root, counted=counted)
        nearest = min(theirs, key=lambda each: (_apart(mine, theirs[each]), -usual[each], each), default=None)
        if nearest is not None and 2 * _apart(mine, theirs[nearest]) > _lines(mine) + _lines(theirs[nearest]):
            nearest = None
        changes = tuple(_changes(mine, {} if nearest is None else theirs[nearest], usual_lines))
        alike = found.setdefault(changes, _Alike())
        alike.traces += new[number]
        alike.trace_id = alike.trace_id or canary[number].trace_id
        if nearest is not None:
            alike.usual.add(nearest)
    told = [
        Difference(alike.traces, sum(usual[number] for number in alike.usual), changes, alike.trace_id)
        for changes, alike in found.items()
        if changes  # none where signatures have become one template since
    ]
    return sorted(told, key=lambda one: (-one.canary_traces, -one.baseline_traces, len(one.changes)))


class _Alike:
    """New shapes that differ in the same way."""

    def __init__(self) -> None:
        self.traces = 0
        self.trace_id = ""
        self.usual: set[int] = set()


def _sets(known: Mapping[int, Shape]) -> Shapes:
    """Shapes by the number of their set, `Trace.shape`, whatever number a line comes in."""
    sets: Shapes = {}
    for shape in known.values():
        lines = sorted(set(shape.lines))
        sets.setdefault(shape_of(lines), Shape(tuple(lines), shape.trace_id))
    return sets


def _most(counts: Mapping[int, int], known: Mapping[int, Shape]) -> list[int]:
    """Shapes of which the lines are known, those of most traces."""
    return sorted(counts.keys() & known.keys(), key=lambda number: (-counts[number], number))[:_COMPARED]


def _tally(shape: Shape, root: Callable[[int], int], *, counted: bool) -> dict[int, int]:
    found: dict[int, int] = {}
    for line in shape.lines:
        number = root(line)
        found[number] = min(found.get(number, 0) + 1, MOST_ALIKE if counted else 1)
    return found


def _changes(mine: Mapping[int, int], theirs: Mapping[int, int], usual: frozenset[int]) -> Iterator[Change]:
    """Those of lines that no shape of the baseline has come first."""
    for line in sorted(mine.keys() | theirs.keys(), key=lambda each: (each in usual, each)):
        canary, baseline = mine.get(line, 0), theirs.get(line, 0)
        if canary != baseline:
            yield Change(line, canary, baseline)


def _lines(tally: Mapping[int, int]) -> int:
    return sum(tally.values())


def _apart(mine: Mapping[int, int], theirs: Mapping[int, int]) -> int:
    """Lines that one has more than the other."""
    both = sum(min(count, theirs[line]) for line, count in mine.items() if line in theirs)
    return _lines(mine) + _lines(theirs) - 2 * both
