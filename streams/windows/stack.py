r"""What is a stack trace about? Its exceptions, and for each the few frames nearest to where it was thrown."""

from __future__ import annotations

from msgspec import Struct

from streams.windows.stack_lines import Form, form, looks_called, looks_raised, looks_thrown, names_exception, read

FRAMES = 3
"""Frames kept per exception, nearest to the throw first: more would tell apart what differs only in who called."""
_EXCEPTIONS = 4
_BRIEF_LINES = 1_000


class Thrown(Struct, frozen=True):
    """One exception of a trace."""

    text: str
    """Its type and message."""
    frames: tuple[str, ...]
    """Functions, nearest to the throw first."""


class Trace(Struct, frozen=True):
    """A stack trace in short."""

    head: str
    """What the application wrote before it; may be empty."""
    exceptions: tuple[Thrown, ...]
    """As written: outermost first in Java, .NET and Node, innermost first in Python."""


def trace(text: str) -> Trace | None:
    r"""The stack trace that a text of several lines is, or None if it is none.

    >>> trace("failed\njava.io.IOException: closed\n\tat a.B.c(B.java:1)\n\tat a.D.e(D.java:2)")
    Trace(head='failed', exceptions=(Thrown(text='java.io.IOException: closed', frames=('a.B.c', 'a.D.e')),))
    """
    lines = text.split("\n")
    reader = _Reader()
    begins = _read_line(reader, lines, 0)
    for place in range(1, len(lines)):
        _read_line(reader, lines, place)
    if not reader.seen:
        return None
    head = "" if begins else lines[0]
    if " panicked at " in head and form(lines[1]) is Form.OTHER:
        head = f"{head} {lines[1]}"  # Rust's message stands below the place
    if reader.loose and head and names_exception(head):
        reader.texts.insert(0, head)  # frames below a line that names the exception itself
        reader.frames.insert(0, reader.loose)
        head, reader.loose = "", []
    if reader.loose:
        reader.texts.append("")
        reader.frames.append(reader.loose)
    found = zip(reader.texts, reader.frames, strict=True)
    return Trace(head, tuple(Thrown(what, tuple(frames[:FRAMES])) for what, frames in found)[:_EXCEPTIONS])


def brief(text: str) -> str:
    r"""A long trace without what says nothing: its first line, the exceptions, and the frames next to them.

    >>> frames = "".join(f"\n\tat a.B.c{number}(B.java:1)" for number in range(99))
    >>> brief(f"failed{frames}\nCaused by: a.D: x").count("\n")
    4
    """
    kept: list[str] = []
    frames, traceback = 0, -1
    for line in text.split("\n", _BRIEF_LINES)[:_BRIEF_LINES]:
        what = form(line)
        if traceback >= 0 and line[:1] in {" ", "\t"}:
            kept.append(line)
            del kept[traceback : max(traceback, len(kept) - 3 * FRAMES)]  # a frame is a place, a line and marks
            continue
        traceback = len(kept) + 1 if what is Form.HEAD and line.startswith("Traceback") else -1
        frames = frames + 1 if what is Form.FRAME else frames if what is Form.REST else 0
        if frames <= FRAMES and what is not Form.REST:
            kept.append(line)
    return "\n".join(kept)


def _read_line(reader: _Reader, lines: list[str], place: int) -> bool:
    """Read one of the lines; False if it says nothing to a trace."""
    line = lines[place]
    following = lines[place + 1] if place + 1 < len(lines) else ""
    what, said = read(line)
    if what in {Form.OTHER, Form.THROWN} and looks_called(line, following):
        what, said = Form.FRAME, line
    if what is not Form.OTHER:
        reader.read(what, said)
        return True
    thrown = looks_raised(line) if reader.python else looks_thrown(line) and form(following) is Form.FRAME
    if thrown:
        reader.thrown(line)
    return thrown


class _Reader:
    """Collects exceptions and frames, line by line."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.frames: list[list[str]] = []
        self.loose: list[str] = []
        """Frames whose exception has not come yet (Python), or never will."""
        self.seen = False
        self.python = False
        """In a Python traceback whose exception has not come yet."""

    def read(self, what: Form, said: str) -> None:
        """Take in a line of some form."""
        self.seen = self.seen or what not in {Form.THROWN, Form.REST}  # a brace alone ends much else
        if what is Form.FRAME:
            self._frame(said)
        elif what is Form.HEAD and said.startswith("Traceback"):
            self.python = True
        elif said:
            self.thrown(said)

    def _frame(self, function: str) -> None:
        if self.python or not self.frames:
            self.loose.append(function)
            del self.loose[: -FRAMES if self.python else 0]
        elif len(self.frames[-1]) < FRAMES:
            self.frames[-1].append(function)

    def thrown(self, text: str) -> None:
        """Take in an exception."""
        self.texts.append(text)
        self.frames.append(self.loose[::-1] if self.python else [])
        self.seen = self.seen or self.python
        if self.python:
            self.loose, self.python = [], False
