r"""What does a log line say that is a JSON object, logfmt or klog's? Its message, level, logger and exception.

They are found whatever names they have. Logfmt is what logrus, Go's log/slog and go-kit write as text: `key=value` from
the first word on, one of the keys that of a message. (Sources: logrus, `TextFormatter`; Go, log/slog `TextHandler`;
go-kit/log `NewLogfmtLogger`; brandur.org/logfmt. Python's logfmt and charmbracelet/log write the same.)

Works on a folded line, whose numbers are no JSON any more, and on one that was cut off: it does not decode, it looks
for `"name":"value"` pairs, from the left. The first of each kind counts, so that what an application nests later cannot
take its place. One pass, possessive: linear in the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from streams.records.log import STACK_KEYS, THROWN_KEYS

_PAIR = re.compile(r'"((?:[^"\\]|\\.){1,64}+)"\s{0,8}:\s{0,8}(?:"((?:[^"\\]|\\.)*+)("?)|(-?[\w.+-]{1,32}+))?')
_LOGFMT_PAIR = re.compile(r'(?:\A|(?<=\s))([\w.@-]{1,64}+)=(?:"((?:[^"\\]|\\.)*+)("?)|([^\s"]*+))')
_IS_LOGFMT = re.compile(r'[\w.@-]{1,64}+=(?:"|[^\s"=]*+\s)')
_KLOG = re.compile(
    r"([IWEF])0000 00:00:00\.0{6} {1,7}0{1,7} ([\w.-]{1,64}):0{1,5}\] "
    r'"((?:[^"\\]|\\.)*+)"?(?: err="((?:[^"\\]|\\.)*+))?'
)
_KLOG_LEVELS = {"I": "info", "W": "warning", "E": "error", "F": "fatal"}
_KINDS = {
    **dict.fromkeys(("message", "msg", "@m", "@mt", "log", "text", "short_message", "body", "event"), "message"),
    **dict.fromkeys(("level", "severity", "lvl", "loglevel", "log.level", "level_name", "levelname", "@l"), "level"),
    **dict.fromkeys(("logger", "logger_name", "loggername", "log.logger", "sourcecontext", "category"), "logger"),
    **dict.fromkeys(STACK_KEYS, "stack"),
    **dict.fromkeys(("error", "err", "error.message", "cause"), "error"),
    **dict.fromkeys(THROWN_KEYS, "kind"),
    **dict.fromkeys(("status", "status_code", "statuscode", "http.status_code", "response_code"), "status"),
}
_LOGFMT_KINDS = {key: kind for key, kind in _KINDS.items() if kind != "message"} | dict.fromkeys(
    ("msg", "message"), "message"
)
_MAX_LEVEL = 16
_NULL = "null"
_MONGODB = re.compile(r'\{"t":\{"\$date":"[^"]{1,40}"\},\s{0,4}"s":\s{0,4}"([FEWID])')
"""Source: MongoDB's manual, "Log Messages", structured logging since 4.4."""
_MONGODB_LEVELS = {"F": "fatal", "E": "error", "W": "warning", "I": "info", "D": "debug"}


class Structured(Struct, frozen=True):
    """What a JSON line says; empty where it does not."""

    message: str = ""
    level: str = ""
    logger: str = ""
    stack: str = ""
    """An exception, with or without its trace."""
    error: str = ""
    kind: str = ""
    """Type of an exception."""
    status: str = ""
    """Of a response, if `fold` kept it."""
    keys: str = ""
    """All keys in order, for a line that has none of these."""


def structured(line: str) -> Structured:
    r"""Read a line that begins with a brace.

    >>> found = structured('{"level":"error","ms":000,"msg":"no \\"stock\\"","logger":"shop.Cart"}')
    >>> found.message, found.level, found.logger
    ('no "stock"', 'error', 'shop.Cart')
    >>> structured('{"msg":"paid","exception":null}').kind
    ''
    """
    mongodb = _MONGODB.match(line)
    return _told(_PAIR.finditer(line), _KINDS, "" if mongodb is None else _MONGODB_LEVELS[mongodb[1]])


def logfmt(line: str) -> Structured | None:
    r"""Read a line of `key=value`; None for one that is not, or has no message: then all of it says what happened.

    >>> logfmt('time="0000-00-00T00:00:00Z" level=warning msg="no \\"stock\\"" item=00').message
    'no "stock"'
    >>> logfmt("retry=0 of order, msg=none"), logfmt("at=info method=GET status=000")
    (None, None)
    """
    if " msg=" not in line and " message=" not in line and not line.startswith(("msg=", "message=")):
        return None
    if not _IS_LOGFMT.match(line):
        return None
    found = _told(_LOGFMT_PAIR.finditer(line), _LOGFMT_KINDS)
    return found if found.message and found.level else None


def klog(line: str) -> Structured | None:
    r"""Read a line of Kubernetes' structured logging; None for one that is not, whose message is not quoted.

    Source: kubernetes/klog, `InfoS` and `ErrorS`: the message, then the error, then `key="value"`.

    >>> found = klog('E0000 00:00:00.000000 0 pod.go:00] "Error syncing pod" err="no \\"shop\\"" pod="prod/shop-0"')
    >>> found.level, found.logger, found.message, found.error
    ('error', 'pod.go', 'Error syncing pod', 'no "shop"')
    """
    match = _KLOG.match(line)
    if match is None:
        return None
    level, logger, message, error = match.groups(default="")
    return Structured(_text(message), _KLOG_LEVELS[level], logger, error=_text(error))


def _told(pairs: Iterable[re.Match[str]], kinds: Mapping[str, str], level: str = "") -> Structured:
    """Of the first value of each kind; `level` is that of a form of its own, before any that is named."""
    found: dict[str, str] = {}
    keys: list[str] = []
    for match in pairs:
        key = match[1]
        keys.append(key)
        kind = kinds.get(key.lower())
        if kind is None or kind in found:
            continue
        value = _text(match[2]) if match[2] is not None else match[4] or ""
        if value and (value != _NULL or match[2] is not None):
            found[kind] = value
    if level:
        found["level"] = level
    if len(found.get("level", "")) > _MAX_LEVEL or not found.get("level", "1").strip("0"):
        del found["level"]  # all zeros: any number that was folded
    if found.get("status", "")[:1] not in {"4", "5"}:
        found.pop("status", None)
    return Structured(**found, keys=" ".join(keys))


def _text(quoted: str) -> str:
    """The text of a JSON string, also of one cut off in the middle of an escape."""
    if "\\" not in quoted:
        return quoted
    try:
        text = json.loads(f'"{quoted}"', strict=False)
    except ValueError:
        return quoted
    return text if isinstance(text, str) else quoted
