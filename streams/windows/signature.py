"""Which lines say the same? A log message becomes a masked signature, without any state.

Two steps, so that the hot path needs only the first: `fold` makes all digits alike (one pass in C), and `signature`
masks what varies in a folded line. The signature is a function of the folded line alone, so it may be cached by it, and
the same line gives the same signature on every worker. Merging signatures into templates is not done here.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from msgspec import Struct

from streams.records.log import Severity
from streams.records.severity import graver

HOLE = "<*>"
MAX_LINE_CHARACTERS = 4096
"""What lies beyond does not tell lines apart; it bounds time and memory."""
_MAX_SIGNATURE_CHARACTERS = 512
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_TOKEN = re.compile(r"[^\s=,;:()\[\]{}\"'|]+")
_LETTERED_HEX = re.compile(r"[0a-fA-F]{8,}(?:-[0a-fA-F]{4,})*\Z")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_HOLES = re.compile(r"<\*>(?:[\s,.:;/_-]*<\*>)+")
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class Signature(Struct, frozen=True, array_like=True):
    """What a signature id stands for."""

    text: str
    """The line with holes (`<*>`) for what varies."""
    severity: Severity
    """Of the record's field, else of the line; UNSET if neither tells."""


def fold(message: str) -> bytes:
    """The message as UTF-8 with every digit a `0`.

    >>> fold("took 153 ms")
    b'took 000 ms'
    """
    try:
        return message[:MAX_LINE_CHARACTERS].encode().translate(_DIGITS)
    except UnicodeEncodeError:  # half of a surrogate pair
        return message[:MAX_LINE_CHARACTERS].encode("utf-8", "replace").translate(_DIGITS)


def signature(folded: bytes, severity: Severity = Severity.UNSET) -> Signature:
    """What a folded line says, with holes for what varies.

    >>> signature(fold("ERROR order 4711 of 10.0.0.7:443 failed: timeout after 1.5s")).text
    'ERROR order <*> of <*> failed: timeout after <*>'
    >>> signature(fold('user "bob" took 3 ms')).text
    'user "<*>" took <*> ms'
    """
    line = _CONTROL.sub("", folded.decode("utf-8", "replace"))
    text = line if line.startswith("{") else _QUOTED.sub(_quoted_hole, line)
    text = _HOLES.sub(HOLE, _TOKEN.sub(_masked, text))
    return Signature(text.strip()[:_MAX_SIGNATURE_CHARACTERS], graver(severity, line))


def signature_id(what: Signature) -> int:
    """63 bits of a hash, the same everywhere and in every language that knows BLAKE2b."""
    digest = blake2b(f"{int(what.severity)} {what.text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _quoted_hole(match: re.Match[str]) -> str:
    quote = match[0][0]
    return f"{quote}{HOLE}{quote}"


def _masked(match: re.Match[str]) -> str:
    token = match[0]
    return HOLE if "0" in token or _LETTERED_HEX.match(token) else token
