"""Which trace or request does a line belong to, as far as its text tells?

Two steps, as in `signature`: where the id stands is a function of the digit-folded line alone, so it may be cached by
it; only then is it cut out of the line itself. The rule is generic and stateless: the token after a key such as
`traceId=`, `trace_id:`, `X-Request-Id:` or `correlation-id`, else the first token that looks like an identifier made
by a machine: a UUID, 16 hexadecimal digits and more (letters and digits mixed: a bare number is a time or a size), or a
prefix and at least 16 digits (`blk_-1608999687919862906`). Both expressions have bounded repeats and begin at the start
of a token: time is linear in the length of the line, whatever it holds.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from streams.windows.secrets import may_hold_secrets, without_secrets

Place = tuple[int, int]
"""Start and stop of the id in the line, in characters."""

_LONGEST_ID = 128
_KEYED = re.compile(
    r"(?<![a-z0-9])(?:x[-_.]?)?(?:trace|request|req|correlation|transaction)[-_.]?id[\"']?\s{0,2}[:=]?\s{0,2}[\"'\[]?"
    r"([\w.:@/+-]{1,128})",
    re.IGNORECASE | re.ASCII,
)
_LONG = re.compile(
    r"(?<![\w-])(?=[\w-]{16})(?:"  # what is shorter is none: to see so takes less than half of trying all three
    r"[0a-f]{8}-[0a-f]{4}-[0a-f]{4}-[0a-f]{4}-[0a-f]{12}"  # UUID
    r"|(?=[a-f]{0,63}0)(?=0{0,63}[a-f])[0a-f]{16,64}"  # both digits and letters
    r"|[a-z]{1,24}[_-]-?0{16,40}"
    r")(?![\w-])",
    re.IGNORECASE | re.ASCII,
)

_HEXADECIMAL = re.compile(r"(?=[0-9-]{0,63}[a-f])[0-9a-f-]{1,64}")
"""No form of a secret is only that, and a payment card has no letter."""
_SHOWN = re.compile(r"[\w.:@/+=;|-]{1,128}", re.ASCII)


def id_place(folded: bytes) -> Place | None:
    """Where in a line an id stands; None if there is none.

    Args:
        folded: as `signature.fold` returns it.

    >>> from streams.windows.signature import fold
    >>> line = "ERROR TraceID: 2335a5b00dbd27d6528deae52023f34e no contacts"
    >>> line[slice(*id_place(fold(line)))]
    '2335a5b00dbd27d6528deae52023f34e'
    >>> id_place(fold("took 153 ms"))
    """
    if b"0" not in folded:
        return None
    text = folded.decode("utf-8", "replace")
    keyed = _KEYED.search(text) if "id" in text or "Id" in text or "ID" in text else None
    if keyed and "0" in keyed[1]:
        return keyed.span(1)
    found = _LONG.search(text)
    return found.span() if found else None


def shown_id(trace_id: str) -> str:
    """An id as it may leave the worker; empty where it is none that a person could look for, or holds a secret.

    >>> shown_id("2335a5b00dbd27d6"), shown_id("eve@shop.example"), shown_id("a b")
    ('2335a5b00dbd27d6', '', '')
    """
    if _HEXADECIMAL.fullmatch(trace_id):
        return trace_id
    if not _SHOWN.fullmatch(trace_id) or (may_hold_secrets(trace_id) and without_secrets(trace_id) != trace_id):
        return ""
    return trace_id


def trace_number(trace_id: str) -> int:
    """63 bits of a hash of an id, the same everywhere; 0 for an id that says "none" (no digit or letter but zero).

    >>> trace_number("0000000000000000"), trace_number("ABC1") == trace_number("abc1")
    (0, True)
    """
    if not trace_id.strip("0-"):
        return 0
    digest = blake2b(trace_id[:_LONGEST_ID].lower().encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
