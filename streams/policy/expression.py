r"""May this regular expression be run over lines that an attacker writes?

Python's `re` backtracks, so what an operator may give is restricted to forms whose time is bounded: no look-around, no
reference back, nothing repeated that itself repeats or branches (the exponential forms), at most two repeats without
a small bound, and few choices besides (alternatives and small repeats multiply). Over a line's first 400 characters
the worst expression that is admitted took 1.5 s on a line made for it, ordinary ones microseconds; whoever runs them
must cut the line and run them once per kind of line, not per line.
"""

from __future__ import annotations

import re
import warnings

MAX_LENGTH = 300
"""Characters of one expression."""
MAX_CHOICES = (4096, 512, 8)
"""Product of all alternatives and small repeats, by the number of repeats without a small bound."""
_NARROW = 16
"""A repeat of at most so many is narrow."""
_BOUNDS = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_GROUP_OPENS = re.compile(r"\((?:\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>|[aimsx]+\)))?")


def fault(expression: str) -> str | None:
    r"""Why it may not be used; None where it may.

    >>> fault(r"deadlock .* detected"), fault(r"(?i)order [0-9a-f]{8,16}")
    (None, None)
    >>> fault(r"(a+)+$")
    'a repeat or a branch is itself repeated: its time could grow exponentially'
    """
    if not expression or len(expression) > MAX_LENGTH:
        return f"it has {len(expression)} characters, give 1 to {MAX_LENGTH}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(expression)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"it does not compile: {error}"
    if compiled.match("") is not None and compiled.fullmatch("") is not None:
        return "it matches an empty text, hence everything"
    return _Scan(expression).fault()


class _Scan:
    """One pass over an expression that is known to compile."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0
        self._wide = 0
        self._choices = 1
        self._complex = [False]
        """Whether each open group, outermost first, holds a repeat or a branch so far."""
        self._branches = [1]
        """The alternatives of each open group so far."""

    def fault(self) -> str | None:
        """The first thing that is not allowed."""
        last_complex = False
        while self._at < len(self._text):
            character = self._text[self._at]
            low, high = self._repeat()
            if high is not None:
                problem = self._count(low, high, last_complex)
                last_complex = True
            else:
                problem, last_complex = self._atom(character)
            if problem is not None:
                return problem
        return self._cost()

    def _cost(self) -> str | None:
        if self._wide >= len(MAX_CHOICES):
            return f"it has {self._wide} repeats without a bound of {_NARROW} or less, two are allowed"
        choices, most = self._choices * self._branches[0], MAX_CHOICES[self._wide]
        if choices > most:
            return f"its alternatives and small repeats multiply to {choices}, {most} are allowed: write several"
        return None

    def _repeat(self) -> tuple[int, float | None]:
        """The bounds of the repeat that stands here, if one does; moves past it and its `?` or `+`."""
        character = self._text[self._at]
        if character in "*+?":
            low, high = {"*": (0, float("inf")), "+": (1, float("inf")), "?": (0, 1.0)}[character]
            self._at += 1
        else:
            match = _BOUNDS.match(self._text, self._at)
            if match is None or not (match[1] or match[3]):
                return 0, None
            low = int(match[1] or 0)
            high = float(match[3] or "inf") if match[2] else float(low)
            self._at = match.end()
        if self._text[self._at : self._at + 1] in {"?", "+"}:
            self._at += 1
        return low, high

    def _count(self, low: int, high: float, repeats_complex: bool) -> str | None:
        if high > 1 and repeats_complex:
            return "a repeat or a branch is itself repeated: its time could grow exponentially"
        if high - low > _NARROW:
            self._wide += 1
        else:
            self._choices *= int(high - low) + 1
        if high != low or high > 1:
            self._complex[-1] = True
        return None

    def _atom(self, character: str) -> tuple[str | None, bool]:
        """Moves past one atom; what is wrong with it, and whether it is a group that holds a repeat or a branch."""
        if character == "\\":
            return self._escape(), False
        if character == "[":
            self._at = _class_end(self._text, self._at)
            return None, False
        if character == "(":
            return self._open(), False
        self._at += 1
        if character == "|":
            self._complex[-1] = True
            self._branches[-1] += 1
        if character == ")" and len(self._complex) > 1:
            inner = self._complex.pop()
            self._choices *= self._branches.pop()
            self._complex[-1] = self._complex[-1] or inner
            return None, inner
        return None, False

    def _escape(self) -> str | None:
        following = self._text[self._at + 1 : self._at + 2]
        self._at += 2
        return "it refers back to a group" if following in set("123456789") else None

    def _open(self) -> str | None:
        match = _GROUP_OPENS.match(self._text, self._at)
        opens = match[0] if match is not None else "("
        self._at += len(opens)
        if opens == "(" and self._text[self._at : self._at + 1] == "?":
            return "use (...), (?:...), (?P<name>...) or flags such as (?i): no look-around, no reference back"
        if opens.endswith(")"):
            return "(?x) changes how spaces are read; leave it out" if "x" in opens else None
        self._complex.append(False)
        self._branches.append(1)
        return None


def _class_end(text: str, start: int) -> int:
    """The place after a character class."""
    at = start + 1
    if text[at : at + 1] == "^":
        at += 1
    if text[at : at + 1] == "]":
        at += 1
    while text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at + 1
