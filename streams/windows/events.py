r"""Which lines are one event? What goes on with a stack trace does, and so do the pieces of a long line.

A line that goes on with an event whose first line is not at hand is known by its form (`stack_lines`) and makes no
event of its own. (The last line of a Python traceback says what was thrown and looks like a line of its own; it is
one, if its head is not at hand.) `joining` applies this to records.

Bounded: an event takes in lines for a while (`Bounds`); what comes after still belongs to it and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from streams.records.log import Severity
from streams.records.severity import in_line
from streams.windows.stack_lines import Form, continues, form, looks_raised, looks_thrown

_BLANKS = frozenset((" ", "\t"))
_CONTINUING = frozenset((Form.FRAME, Form.CAUSE, Form.REST))
STARTS = frozenset(("Cau", "Sup", "Wra", "Tra", "Dur", "The", "gor", "cre", "[si"))
"""First three characters of those lines of a trace that do not begin with a blank: worth asking `Event.take`."""
_CRI = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::[^ ]{0,32})? ")
"""A line as the kubelet's container runtimes write it: time, stream, tag, content (Kubernetes, CRI log format)."""


Key = TypeVar("Key", bound=Hashable)


class Bounds(Struct, frozen=True):
    """How much one event may take in."""

    lines: int = 500
    characters: int = 65_536
    span_ns: int = 5_000_000_000
    """From the first line to the last."""
    gap_ns: int = 1_000_000_000
    """From one line to the next."""
    events: int = 10_000
    """Pods and streams with an event in the making."""


BOUNDS = Bounds()


class Event:
    """The lines of one event, while they come in."""

    __slots__ = (
        "_bounds",
        "_characters",
        "_doubtful",
        "_first_ns",
        "_last_ns",
        "_lines",
        "_python",
        "_trace",
        "left_out",
    )

    def __init__(self, head: str, time_ns: int, bounds: Bounds = BOUNDS) -> None:
        """Begin with a first line at an event time."""
        self._bounds = bounds
        self._lines = [head]
        self._characters = len(head)
        self._first_ns = self._last_ns = time_ns
        what = form(head)
        self._trace = what is not Form.OTHER
        self._python = what is Form.HEAD and head.startswith("Traceback")
        self._doubtful = False
        """The second line looks like an exception: only a frame may follow."""
        self.left_out = 0
        """Lines of the event that found no place in it."""

    def take(self, line: str, time_ns: int) -> bool:
        r"""Take in a line if it goes on with this event; False if it begins another.

        >>> event = Event("java.io.IOException: closed", 0)
        >>> event.take("\tat shop.Db.open(Db.java:42)", 0), event.take("INFO ready", 0)
        (True, False)
        """
        what = form(line)
        if not self._goes_on(what, line, time_ns):
            return False
        self._doubtful = not self._trace and what is Form.OTHER
        self._trace = self._trace or what is not Form.OTHER
        if what is Form.HEAD:
            self._python = line.startswith("Traceback")
        elif self._python and what is not Form.FRAME and line[:1] not in _BLANKS:
            self._python = False  # what was thrown ends the traceback
        self._last_ns = time_ns
        self._add(line)
        return True

    @property
    def text(self) -> str:
        """The event, its lines joined by newlines."""
        return "\n".join(self._lines)

    def _goes_on(self, what: Form, line: str, time_ns: int) -> bool:
        bounds = self._bounds
        near = abs(time_ns - self._last_ns) <= bounds.gap_ns and abs(time_ns - self._first_ns) <= bounds.span_ns
        if what in _CONTINUING or not near or self._doubtful:
            return near and what in _CONTINUING
        if self._python and (line[:1] in _BLANKS or looks_raised(line)):
            return True  # source lines, marks, and what was thrown
        if what is Form.THROWN or (what is Form.HEAD and line.startswith("Traceback")):
            return self._announced()
        if not self._trace:
            return looks_thrown(line) and self._announced()
        return not line.strip() or line[:1] in _BLANKS

    def _announced(self) -> bool:
        """Whether the application has just written one line that says that something went wrong."""
        if self._trace:
            return not self._lines[-1].strip() or form(self._lines[-1]) is Form.CAUSE
        return in_line(self._lines[0]) >= Severity.WARN

    def _add(self, line: str) -> None:
        bounds = self._bounds
        if len(self._lines) >= bounds.lines or self._characters + len(line) > bounds.characters:
            self.left_out += 1
            return
        self._lines.append(line)
        self._characters += len(line)


class Pieces(Generic[Key]):
    """Joins the pieces of lines that a container runtime has cut (CRI `P`, Docker's 16 KiB), for one batch."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self._bounds = bounds
        self._held: dict[Key, list[str]] = {}
        self._characters: dict[Key, int] = {}

    def add(self, key: Key, piece: str, more: bool) -> str | None:
        """The whole line once its last piece is there; `more` says that this was not the last.

        >>> pieces = Pieces()
        >>> pieces.add("pod", "a long", True), pieces.add("pod", " line", False)
        (None, 'a long line')
        """
        held = self._held.get(key)
        if held is None:
            if not more:
                return piece
            if len(self._held) >= self._bounds.events:
                return piece  # nothing is lost: it counts as a line of its own
            held = self._held[key] = []
            self._characters[key] = 0
        room = self._bounds.characters - self._characters[key]
        held.append(piece[:room])
        self._characters[key] += len(held[-1])
        return None if more else self._whole(key)

    def drain(self) -> Iterator[tuple[Key, str]]:
        """What has been seen of the lines whose end is not in this batch."""
        for key in list(self._held):
            yield key, self._whole(key)

    def _whole(self, key: Key) -> str:
        del self._characters[key]
        return "".join(self._held.pop(key))


def orphaned(line: str) -> bool:
    r"""Whether the line goes on with an event and never begins one, by its form alone.

    >>> orphaned("\tat shop.Db.open(Db.java:42)"), orphaned("\tindented")
    (True, False)
    """
    return continues(line)


def cri(line: str) -> tuple[str, bool, str] | None:
    """Stream, whether more of the line follows, and the content of a raw CRI line; None if it is none.

    >>> cri("2026-01-02T03:04:05.678901234Z stderr P half a li")
    ('stderr', True, 'half a li')
    """
    match = _CRI.match(line)
    return None if match is None else (match[1], match[2] == "P", line[match.end() :])
