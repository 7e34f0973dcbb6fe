"""Which lines say the same? A log message becomes a masked signature, without any state.

Two steps, so that the hot path needs only the first: `fold` makes all digits alike (one pass in C), and `signature`
masks what varies in a folded line. The signature is a function of the folded line alone, so it may be cached by it, and
the same line gives the same signature on every worker. Merging signatures into templates is not done here.

A JSON line, or one of logfmt, is its level, logger, message and exception; a stack trace is its exceptions and the
frames next to them.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from msgspec import Struct, structs

from streams.records.log import Severity
from streams.records.severity import graver, in_line, of_field
from streams.windows.masks import masked, visible
from streams.windows.stack import Thrown, Trace, brief, trace
from streams.windows.structured import Structured, klog, logfmt, structured

MAX_LINE_CHARACTERS = 4096
"""What lies beyond does not tell lines apart; it bounds time and memory."""
MAX_SIGNATURE_CHARACTERS = 512
_MAX_TRACE_CHARACTERS = 65_536
_MASKED_CHARACTERS = 2048
"""Of one line; four times what a signature shows of it."""
_PART_CHARACTERS = 160
"""Of one exception's message, or of what was written before a trace."""
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_STATUS = re.compile(
    rb"""
    (?: tatus(?:_?[Cc]ode)?["']?[=:][ ]?["']?5
      | tatus(?:_?[Cc]ode)?(?:=|["']:[ ]?)["']?4
      | HTTP/[0-9.]{1,3}(?:\\?"|')?[ ][45]
    )
    [0-9]{2}(?![0-9.])
    """,
    re.VERBOSE,
)
"""A failed response: a server's fault in any notation, a client's where it is a field or in an access log."""
_GIN_STATUS = re.compile(rb"\[GIN\] [0-9/]{10} - [0-9:]{8} \|(?:\x1b\[[0-9;]{1,8}m)? {0,3}[45][0-9]{2}(?![0-9])")
_ENVOY_STATUS = re.compile(rb'"response_code":[ ]?"?5[0-9]{2}(?![0-9])')
_CHI_STATUS = re.compile(rb'" from [^ ]{1,64} - [45][0-9]{2}(?![0-9])')
_HAPROXY_STATUS = re.compile(rb" -?[0-9]{1,10}(?:/[+-]?[0-9]{1,10}){4} [45][0-9]{2}(?![0-9])")
"""Five times, then the status, as `option httplog` writes it; the request stands last."""
_BRACKET, _BRACE = b"[{"
_LEVEL = b'"level":'
_ZEROS = re.compile(r"00+")
_OF_SEVERITY = [blake2b(b"%d " % number, digest_size=8) for number in range(max(Severity) + 1)]
"""What each signature's hash begins with."""


class Signature(Struct, frozen=True, array_like=True, gc=False):
    """What a signature id stands for."""

    text: str
    """The line with holes (`<*>`) for what varies; `| exception @ frame < frame` for each exception of a trace."""
    severity: Severity
    """Of the record's field, else of the line; UNSET if neither tells."""


def fold(message: str) -> bytes:
    """The message as UTF-8 with every digit a `0`, but for a failed response's status and a JSON line's level.

    >>> fold("took 153 ms"), fold("status=503 in 12 ms")
    (b'took 000 ms', b'status=503 in 00 ms')
    """
    if len(message) > MAX_LINE_CHARACTERS:
        message = _cut(message)
    if (
        "tatus" in message
        or "HTTP/" in message
        or (message >= "{" and message[0] == "{")
        or "[GIN^" > message >= "[GIN]"  # begins so, and most lines cost one look
    ):
        return _folded_with_codes(message.encode("utf-8", "replace"))
    try:
        return message.encode().translate(_DIGITS)
    except UnicodeEncodeError:  # half of a surrogate pair
        return message.encode("utf-8", "replace").translate(_DIGITS)


def signature(folded: bytes, severity: Severity = Severity.UNSET) -> Signature:
    """What a folded line says, with holes for what varies.

    >>> signature(fold("ERROR order 4711 of 10.0.0.7:443 failed: timeout after 1.5s")).text
    'ERROR order <*> of <*> failed: timeout after <*>'
    >>> signature(fold('user "bob" took 3 ms')).text
    'user "<*>" took <*>'
    >>> signature(fold('{"level":"error","msg":"no stock of 17","logger":"shop.Cart"}'))
    Signature(text='error shop.Cart: no stock of <*>', severity=<Severity.ERROR: 17>)
    """
    line = folded.decode("utf-8", "replace")
    if not line.isprintable():  # all that is unseen is not printable
        line = visible(line)
    if "{" in line[:2] and line.startswith(("{", " {", "\t{")):
        found = structured(line.lstrip())
        text = _of_structured(found)
        severity = graver(severity or of_field(found.level) or in_line(line), found.message)
    else:
        found_trace = trace(line) if "\n" in line else None
        if found_trace is not None:
            text = _of_trace(found_trace)
            severity = severity or _severity_of_trace(found_trace)
        else:
            told = klog(line) if line[1:6] == "0000 " else logfmt(line) if "=" in line else None
            text = _of_line(line) if told is None else _of_structured(told)
            severity = graver(severity if told is None else severity or of_field(told.level), line)
    return Signature(text[:MAX_SIGNATURE_CHARACTERS].rstrip(), severity)


def signature_id(what: Signature) -> int:
    """63 bits of a hash, the same everywhere and in every language that knows BLAKE2b."""
    hashed = _OF_SEVERITY[what.severity].copy()
    hashed.update(what.text.encode())
    return int.from_bytes(hashed.digest(), "big") >> 1


def _cut(message: str) -> str:
    """The first characters; of a trace what tells it apart, which may stand far down."""
    if "\n" in message[:MAX_LINE_CHARACTERS]:
        message = brief(message[:_MAX_TRACE_CHARACTERS])
    return message[:MAX_LINE_CHARACTERS]


def _folded_with_codes(line: bytes) -> bytes:
    folded, form = line.translate(_DIGITS), None
    found: list[tuple[int, int]] = []
    if b"tatus" in line or b"HTTP/" in line:
        found = [(match.end() - 3, match.end()) for match in _STATUS.finditer(line)]
        if not found:
            form = _HAPROXY_STATUS if b"HTTP/" in line[-10:] else _CHI_STATUS if b'" from ' in line else None
    if line[0] == _BRACKET:
        form = _GIN_STATUS
    elif line[0] == _BRACE:
        form = _ENVOY_STATUS
        if (at := line.find(_LEVEL)) >= 0:
            found.append((at + len(_LEVEL), at + len(_LEVEL) + 2))  # pino's and bunyan's 10 to 60
    if form is not None and (match := form.search(line)) is not None:
        found.append((match.end() - 3, match.end()))
    for start, end in found:
        folded = folded[:start] + line[start:end] + folded[end:]
    return folded


def _of_line(line: str) -> str:
    return masked(line[:_MASKED_CHARACTERS])


def _of_structured(found: Structured) -> str:
    """`level logger: message (exception)`; the keys where there is no message."""
    told = trace(found.stack) if "\n" in found.stack else None
    if told is None and "\n" in found.message:
        told = trace(found.message)
        found = structs.replace(found, message=found.message if told is None else told.head)
    if told is not None and found.error and not any(thrown.text for thrown in told.exceptions):
        told, found = None, structs.replace(found, stack="")  # zap: of the call that logs, it names no exception
    error = found.kind or ("" if told is not None else found.stack or found.error)
    if not found.message and not error and told is None:
        status = f" status={found.status}" if found.status else ""
        return f"{_level(found.level)} {{{found.keys}}}{status}".lstrip()
    head = found.message or found.error
    parts = [
        _level(found.level),
        f"{found.logger}:" if found.logger else "",
        _part(head) if told is not None else _of_line(head),
    ]
    if found.status:
        parts.append(f"status={found.status}")
    if error and error != head:
        parts.append(f"({_part(error)})")
    text = " ".join(part for part in parts if part)
    return text if told is None else f"{text} {_of_exceptions(told)}".rstrip()


def _level(written: str) -> str:
    """A level as a word."""
    return of_field(written).name.lower() if written.isdigit() and of_field(written) else written


def _of_trace(found: Trace) -> str:
    return f"{_part(found.head)} {_of_exceptions(found)}".strip()


def _of_exceptions(found: Trace) -> str:
    return " ".join(f"| {_of_exception(thrown)}" for thrown in found.exceptions)


def _of_exception(thrown: Thrown) -> str:
    what = _part(thrown.text)
    if not thrown.frames:
        return what
    return f"{what} @ {_ZEROS.sub('0', ' < '.join(thrown.frames))}".lstrip()


def _part(text: str) -> str:
    return masked(text[:_MASKED_CHARACTERS])[:_PART_CHARACTERS].rstrip()


def _severity_of_trace(found: Trace) -> Severity:
    """The head's own; an exception without a head is an error, a panic fatal."""
    for text in (found.head, *(thrown.text for thrown in found.exceptions)):
        severity = in_line(text)
        if severity:
            return severity
    return Severity.ERROR if found.exceptions else Severity.UNSET
