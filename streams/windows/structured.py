r"""What does a log line say that is a JSON object? Its message, level, logger and exception, whatever names they have.

Works on a folded line, whose numbers are no JSON any more, and on one that was cut off: it does not decode, it looks
for `"name":"value"` pairs, from the left. The first of each kind counts, so that what an application nests later cannot
take its place. One pass, possessive: linear in the line.
"""

from __future__ import annotations

import json
import re

from msgspec import Struct

from streams.records.log import STACK_KEYS, THROWN_KEYS

_PAIR = re.compile(r'"((?:[^"\\]|\\.){1,64}+)"\s{0,8}:\s{0,8}(?:"((?:[^"\\]|\\.)*+)("?)|(-?[\w.+-]{1,32}+))?')
_KINDS = {
    **dict.fromkeys(("message", "msg", "@m", "@mt", "log", "text", "short_message", "body", "event"), "message"),
    **dict.fromkeys(("level", "severity", "lvl", "loglevel", "log.level", "level_name", "levelname", "@l"), "level"),
    **dict.fromkeys(("logger", "logger_name", "loggername", "log.logger", "sourcecontext", "category"), "logger"),
    **dict.fromkeys(STACK_KEYS, "stack"),
    **dict.fromkeys(("error", "err", "error.message", "cause"), "error"),
    **dict.fromkeys(THROWN_KEYS, "kind"),
    **dict.fromkeys(("status", "status_code", "statuscode", "http.status_code"), "status"),
}
_MAX_LEVEL = 16
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
    """
    found: dict[str, str] = {}
    keys: list[str] = []
    for match in _PAIR.finditer(line):
        key = match[1]
        keys.append(key)
        kind = _KINDS.get(key.lower())
        if kind is None or kind in found:
            continue
        value = _text(match[2]) if match[2] is not None else match[4] or ""
        if value:
            found[kind] = value
    mongodb = _MONGODB.match(line)
    if mongodb is not None:
        found["level"] = _MONGODB_LEVELS[mongodb[1]]
    if len(found.get("level", "")) > _MAX_LEVEL:
        del found["level"]
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
