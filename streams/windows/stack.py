r"""What is a stack trace about? Its exceptions, and for each the few frames nearest to where it was thrown.

Knows the lines of Java (with `Caused by`, `Suppressed`, `... 12 more`), Python, Go, .NET and Node by their form. A
line of `Form.FRAME`, `CAUSE` or `REST` belongs to an event that an earlier line began, whether or not we have seen that
line: it is never an event of its own.

Sources: java.lang.Throwable.printStackTrace; CPython Lib/traceback.py; Go runtime/traceback.go; .NET
Exception.ToString; V8's stack trace API.
"""

from __future__ import annotations

import re
from enum import Enum

from msgspec import Struct

FRAMES = 3
"""Frames kept per exception, nearest to the throw first: more would tell apart what differs only in who called."""
_EXCEPTIONS = 4
_MAX_FRAME = 80
_BRIEF_LINES = 1_000
_SCANNED = 400
"""Characters of a line that are looked at."""


class Form(Enum):
    """What a line is to a stack trace."""

    FRAME = 1
    """Where it was."""
    CAUSE = 2
    """Another exception of the same event follows: in this line or below it."""
    REST = 3
    """Belongs to the trace and says nothing."""
    HEAD = 4
    """A trace begins here: `Traceback`, `panic:`."""
    THROWN = 5
    """An exception and its message; begins an event, or ends a Python trace."""
    OTHER = 6


_TYPE = r"[A-Za-z_][\w$.`]{0,200}+(?:(?<=Exception)|(?<=Error)|(?<=Failure)|(?<=Throwable)|(?<=Interrupt))"
_FORMS = re.compile(
    rf"""
    (?P<frame>
        \s++at\ (?:async\ |new\ )?(?P<java>[\w.$<>/@\[\]`+~-]++)[^\n]*              # Java, .NET, Node
      | \s++at\ \S[^\n]*                                                           # any of them, unusual
      | \s*+File\ "(?P<file>[^"\n]*+)",\ line\ [0-9]++(?:,\ in\ (?P<python>[^\n]*+))?
      | (?P<go>[\w./*()\[\]-]*[\w)\]]\.[\w.*()\[\]-]+)\((?:0x|\.\.\.|\{{0x)[^\n]*\)\Z       # Go, a call
      | \s++from\ \S+:[0-9]+:in\ [^\n]*                                            # Ruby
    )
  | (?P<cause>
        \s*+(?:Caused\ by|Suppressed|Wrapped\ by):\ (?P<caused>[^\n]*+)
      | \s*+--->\ (?P<inner>[^\n]*+)                                               # .NET
      | During\ handling\ of\ the\ above\ exception[^\n]*
      | The\ above\ exception\ was\ the\ direct\ cause[^\n]*
    )
  | (?P<rest>
        \s*+\.\.\.\ [0-9]+\ (?:more|common\ frames)[^\n]*
      | \s*+---\ End\ of\ [^\n]*
      | \s++\[Previous\ line\ repeated\ [^\n]*
      | \s++\S+\.go:[0-9]+[^\n]*
      | goroutine\ [0-9]+\ [^\n]*\]?:
      | created\ by\ [\w./*()-]+(?:\ in\ goroutine\ [0-9]+)?\Z
      | \[signal\ SIG[^\n]*
      | \s{{4,}}(?:\^|~)[\^~\s]*\Z                                                 # Python's marks
    )
  | (?P<head>(?:Traceback\ \(most\ recent\ call\ last\):|panic:\ |fatal\ error:\ )[^\n]*)
  | (?P<thrown>(?:Exception\ in\ thread\ "[^"\n]*+"\ |Unhandled\ exception\.\ |Uncaught\ )?+{_TYPE}(?::\s[^\n]*|\s*)\Z)
    """,
    re.VERBOSE,
)
_FORM_OF = {
    "frame": Form.FRAME,
    "cause": Form.CAUSE,
    "rest": Form.REST,
    "head": Form.HEAD,
    "thrown": Form.THROWN,
}
_CLASS = re.compile(r"(?:[\w$]{1,80}+\.){1,16}+[A-Z][\w$]{0,100}+(?:: .*)?\Z")
"""A class with its package, and perhaps a message."""
_RAISED = re.compile(r"[A-Za-z_][\w.]*+(?::|\Z)")
_NAMED = re.compile(rf"(?:^|[\s\[(]){_TYPE}(?=[:\s,;)\]]|\Z)")


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


def form(line: str) -> Form:
    r"""What a line is to a stack trace, by itself.

    >>> form("\tat shop.Db.open(Db.java:42)").name, form("java.sql.SQLException: no connection").name
    ('FRAME', 'THROWN')
    >>> form("  indented").name
    'OTHER'
    """
    match = _FORMS.match(line[:_SCANNED])
    return Form.OTHER if match is None else _form(match)


def continues(line: str) -> bool:
    r"""Whether the line belongs to an event begun earlier, whatever came before it.

    >>> continues("Caused by: java.io.IOException: closed"), continues("java.io.IOException: closed")
    (True, False)
    """
    return form(line) in {Form.FRAME, Form.CAUSE, Form.REST}


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
    if reader.loose and head and _has_exception(head):
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


def looks_thrown(line: str) -> bool:
    """Whether a line may name an exception by nothing but its class, `shop.OrderFailed: no stock`: frames decide.

    >>> looks_thrown("shop.OrderFailed: no stock"), looks_thrown("shop failed: no stock")
    (True, False)
    """
    return _CLASS.match(line) is not None


def looks_raised(line: str) -> bool:
    """Whether a line may end a Python traceback: any class may be raised.

    >>> looks_raised("shop.OutOfStock: 7 pieces"), looks_raised("KeyboardInterrupt"), looks_raised("INFO ready")
    (True, True, False)
    """
    return _RAISED.match(line) is not None


def _read_line(reader: _Reader, lines: list[str], place: int) -> bool:
    """Read one of the lines; False if it says nothing to a trace."""
    line = lines[place]
    match = _FORMS.match(line[:_SCANNED])
    if match is not None:
        reader.read(match, line)
        return True
    if reader.python:
        thrown = looks_raised(line)
    else:
        following = lines[place + 1] if place + 1 < len(lines) else ""
        thrown = looks_thrown(line) and form(following) is Form.FRAME
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

    def read(self, match: re.Match[str], line: str) -> None:
        what = _form(match)
        if what is Form.HEAD:
            self._begin(line)
        elif what is Form.FRAME:
            self._frame(_function(match))
        elif what is Form.CAUSE:
            self.seen = True
            text = match["caused"] or match["inner"]
            if text:
                self.thrown(text)
        elif what is Form.THROWN:
            self.thrown(line.strip())
        else:
            self.seen = True

    def _begin(self, line: str) -> None:
        self.python = line.startswith("Traceback")
        self.seen = True
        if not self.python:
            self.thrown(line)

    def _frame(self, function: str) -> None:
        self.seen = True
        if self.python or not self.frames:
            self.loose.append(function)
            del self.loose[: -FRAMES if self.python else 0]
        elif len(self.frames[-1]) < FRAMES:
            self.frames[-1].append(function)

    def thrown(self, text: str) -> None:
        self.texts.append(text)
        self.frames.append(self.loose[::-1] if self.python else [])
        self.seen = self.seen or self.python
        if self.python:
            self.loose, self.python = [], False


def _has_exception(line: str) -> bool:
    """Whether a type of exception stands in the line, so that frames may follow it."""
    return _NAMED.search(line[:_SCANNED]) is not None


def _form(match: re.Match[str]) -> Form:
    for name, what in _FORM_OF.items():
        if match[name] is not None:
            return what
    return Form.OTHER


def _function(match: re.Match[str]) -> str:
    """The function of a frame, without file, line and arguments."""
    python = match["python"]
    if python is not None:
        module = match["file"].replace("\\", "/").rpartition("/")[2].removesuffix(".py")
        name = f"{module}.{python}"
    else:
        name = match["java"] or match["go"] or match[0].strip()
    return name[:_MAX_FRAME]
