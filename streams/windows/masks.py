r"""What in a line is a value? Everything that is one becomes a hole, `<*>`.

Looks at a line whose digits are folded to `0`, word by word, so that a word met before costs one look-up. A digit other
than `0` is one that `fold` has kept because it tells what happened (the status of a response); it is no value here.

What counts as a value: words with digits (and their unit), URLs, paths of files, addresses of mail and hosts, long
hexadecimal, what stands behind `key=` or in quotes, dates. What does not: words, class names, `eth0`. Runs of values
are one value, so that lists of any length look alike. All expressions are possessive or bounded: time is linear in the
line whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

HOLE = "<*>"
MAX_WORDS = 128
"""Of a line; those beyond do not tell lines apart."""
_CACHED_WORDS = 1 << 14
_MAX_CACHED_WORD = 48
"""Characters."""

_UNSEEN = re.compile(
    r"\x1b(?:\[[0-?]{0,32}[ -/]{0,8}[@-~]?|\][^\x07\x1b]{0,256}+\x07?|[@-Z\\^_])?"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
"""ECMA-48 sequences, control characters, and Unicode's that reorder or hide text."""
_METHOD = r"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH)\ "
_QUOTED = re.compile(rf"""(["'])(?<![\w]['])({_METHOD})?+(?:[^"]*+(?=")|[^']*+(?='))\1(?!\w)""", re.VERBOSE)
_KEYED = re.compile(r"""=(?<=[\w.\]-]=)(?![=>1-9])(?:"[^"]*+"|'[^']*+'|\[[^\[\]]*+\]|[^\s,;)\]}|="'][^\s,;)\]}|=]*+)""")
"""`key=value`. RFC 5424's, logfmt's and most frameworks' way to write a value into a line."""
_GENERIC = "com|net|org|edu|gov|mil"
_VALUES = r"[^\s,;)\]}\"'|<>=]*+"
_PLAIN_PART = r"""
    (?P<code>[45]\d\d)(?!\w)                                                # a status that was kept
  | (?P<name>[A-Za-z]{2,}+0)(?=[,;:#()\[\]{}"'|<>=]|\Z)                  # eth0, ssh2, IPv4
  | (?P<value>[<>~]?+=?+0[^=,;:#()\[\]{}"'|<>]*+)
  | (?P<word>[^=,;:#()\[\]{}"'|<>]++)
"""
_PLAIN = re.compile(_PLAIN_PART, re.VERBOSE)
"""What words are made of in which none of `_ADDRESSED` stands."""
_ADDRESSED = re.compile(r"[./@\\]")
_PART = re.compile(
    rf"""
    [A-Za-z][A-Za-z0+.-]{{1,15}}://[^\s,;)\]}}"'|<>]*+                     # URL
  | [A-Za-z]:\\[^,;)\]}}"'|<>]*+ | \\\\?+[\w?][^,;)\]}}"'|<>]*+             # path of Windows
  | /?+(?:[\w.$@%+~-]++/){{2,}}+{_VALUES} | /[\w.$@%+~-]{_VALUES}           # path
  | [\w.+-]++@[\w-]++(?:\.[\w-]++)++                                        # mail address
  | [\w-]++(?:\.[\w-]++)++:0++                                              # host and port
  | (?:[\w-]++\.){{1,8}}(?:{_GENERIC}|io|dev|cloud|local|internal|localdomain|arpa|svc|lan)(?![\w.-])
  | (?:[\w-]++\.){{1,8}}(?:{_GENERIC}|co|ac)\.[a-z]{{2}}(?![\w.-])          # host
  | {_PLAIN_PART}
    """,
    re.VERBOSE,
)
_STATUS_DIGITS = 3
_HEX = re.compile(r"(?:[0a-fA-F]{8,}|(?:[0a-fA-F]{4,}-){2,8}[0a-fA-F]+)\Z")
_UNIT = re.compile(
    r"<\*> (?:[KMGTP]i?B?|B|[kmg]b|bytes?|[mun]?s|m?secs?|seconds?|mins?|minutes?|hours?|days?|[MG]Hz|%)(?!\w)"
)
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)"
_NAME = re.compile("[ADFJMNOSTW][a-z]{2}")
"""What begins like a day."""
_DATE = re.compile(rf"\b(?:{_DAY}[a-z]{{0,6}},? ){{1,3}}(?=<\*>)")
_EMPTY = re.compile(r"\( ?\)|\[ ?\]|\{ ?\}")
_AGAIN = re.compile(r"(?<=<\*>) ?(?:\(<\*>\)|\[<\*>\])")
"""`host (address)`: two ways to write one value."""
_RUN = re.compile(r"<\*>(?:[ ,.:;/_@#%+-]*+<\*>)++")


class Words(dict[str, Answer]):
    """What words come to, worked out for each that is not in it; all are forgotten where there are too many."""

    __slots__ = ("_longest", "_most", "_of")

    def __init__(self, of: Callable[[str], Answer], most: int, longest: int) -> None:
        """So many words at most; one of more characters than `longest` is rarely met twice, and not remembered."""
        self._of, self._most, self._longest = of, most, longest

    def __missing__(self, word: str) -> Answer:
        if len(word) > self._longest:
            return self._of(word)
        if len(self) >= self._most:
            self.clear()
        found = self[word] = self._of(word)
        return found


def masked(line: str) -> str:
    r"""One line, digits folded, with holes for its values and single blanks.

    >>> masked('user=bob took 0.00 GB from db.shop.local:0000 (00.0.0.0) in "a b" on eth0')
    'user=<*> took <*> from <*> in "<*>" on eth<*>'
    >>> masked(r'err="no \"shop\" in \"prod\"" of "shop"')
    'err=<*> of "<*>"'
    """
    if '"' in line or "'" in line:
        if '\\"' in line:
            line = line.replace('\\"', "'")  # quotes within quotes end none
        line = _QUOTED.sub(_quoted, line)
    if "=" in line:
        line = _KEYED.sub("=<*>", line)
    words = line.split(None, MAX_WORDS)
    if len(words) > MAX_WORDS:
        del words[MAX_WORDS]
    text = " ".join(map(_known.__getitem__, words))
    return _collapsed(text) if HOLE in text else text


def visible(line: str) -> str:
    r"""The line without what is not seen of it: terminal escapes, control characters, what reorders text.

    >>> visible("\x1b[31mERROR\x1b[0m no stock")
    'ERROR no stock'
    """
    return _UNSEEN.sub("", line)


def collapsed(text: str) -> str:
    """The text with units, dates and runs of holes taken into one hole each.

    >>> collapsed("<*> KB of <*>, <*>, <*> on Fri Nov <*>")
    '<*> of <*> on <*>'
    """
    return " ".join(_collapsed(text).split()) if HOLE in text else text


def _collapsed(text: str) -> str:
    """A text with holes and single blanks; what has single blanks no more is what had others."""
    text = _UNIT.sub(HOLE, text)
    if not text.islower() and _NAME.search(text):
        text = _DATE.sub("", text)
    is_loose = False
    if "(" in text or "[" in text or "{" in text:
        whole, text = len(text), _EMPTY.sub("", text)
        is_loose = len(text) < whole
        if "(<*>)" in text or "[<*>]" in text:
            text = _AGAIN.sub("", text)
    if text.count(HOLE) > 1:
        text = _RUN.sub(HOLE, text)
    return " ".join(text.split()) if is_loose else text


def _masked(word: str) -> str:
    if word.isalnum():
        return _masked_plain(word)
    return (_PART if _ADDRESSED.search(word) else _PLAIN).sub(_hole, word)


def _masked_plain(word: str) -> str:
    """As `_PLAIN` would, of letters and digits alone: most of what is met but once are ids."""
    if "0" not in word:
        return HOLE if _HEX.match(word) else word
    if len(word) == _STATUS_DIGITS and word[0] in "45" and word.isdecimal():
        return word
    name = word[:-1]
    return f"{name}{HOLE}" if len(name) > 1 and name.isalpha() and name.isascii() else HOLE


_known = Words(_masked, _CACHED_WORDS, _MAX_CACHED_WORD)
"""With holes."""


def _quoted(match: re.Match[str]) -> str:
    quote = match[1]
    return f"{quote}{match[2] or ''}{HOLE}{quote}"


def _hole(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "word":
        return HOLE if "0" in text or _HEX.match(text) else text
    if kind == "code":
        return text
    return f"{text[:-1]}{HOLE}" if kind == "name" else HOLE
