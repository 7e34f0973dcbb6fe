r"""What becomes of an expression's digits, where the digits of the text are holes by then?

`shard \d+ of [a-z]+` is written for lines, but meets templates: `shard <*> of eu`. So what stands for digits (`\d`,
`\w`, a class that holds digits, with its repeat) stands for a hole as well. A digit that is written out finds nothing:
what it was is not known any more, and to take a hole for it would match every other number too. It is told, not
guessed; but for the statuses of failed responses (`503`), which are kept.
"""

from __future__ import annotations

import re

_PART = re.compile(
    r"""
    (?P<atom>\\[dw] | \[ (?!\^) (?:\\.|[^\]\\]) (?:\\.|[^\]\\])*+ \]) (?P<repeat>(?:[*+?]|\{\d*,?\d*\})[?+]?)?+
  | (?P<other>\\x(?:\{[^}]*+\}|..) | \\. | \[\^? \]?+ (?:\\.|[^\]\\])*+ \] | \{\d*+,?\d*+\} | \(\?P?<[^>]*+>)
  | (?P<status>(?<!\d)[45]\d\d(?!\d))
  | (?P<digits>\d+)
  | (?P<text>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_HOLDS_DIGITS = re.compile(r"\\[dw]|\d-\d|(?<!\\)\d")


def over_holes(expression: str) -> str:
    r"""The expression as it is run over templates.

    >>> over_holes(r"shard \d+ of [a-z]+"), over_holes("id [0-9a-f]{8,} [^0-9]"), over_holes("a{1,16} 503")
    ('shard (?:<\\*>|\\d+) of [a-z]+', 'id (?:<\\*>|[0-9a-f]{8,}) [^0-9]', 'a{1,16} 503')
    """
    return _PART.sub(_with_hole, expression)


def written_digits(expression: str) -> str | None:
    r"""The first digits that are written out and will not be there; None if there are none.

    >>> written_digits(r"error 42"), written_digits(r"\d{5} [0-9]+ status=(503|5\d\d)"), written_digits("eth0")
    ('42', None, '0')
    """
    for match in _PART.finditer(expression):
        if match.lastgroup == "digits" and not _begins_status(match):
            return match[0]
    return None


def _with_hole(match: re.Match[str]) -> str:
    atom = match["atom"]
    if atom is None or not _HOLDS_DIGITS.search(atom):
        return match[0]
    return rf"(?:<\*>|{match[0]})"


def _begins_status(match: re.Match[str]) -> bool:
    r"""`5\d\d`, `50[0-9]`: a status that is kept, with a part of it left open."""
    following = match.string[match.end() : match.end() + 2]
    return match[0][0] in "45" and len(match[0]) < 3 and following.startswith(("\\d", "[0", "[1", "[2", "[3", "[4"))
