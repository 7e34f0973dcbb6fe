"""What does a metric's name say, however it is spelled?

`http.server.request.duration`, `http_server_request_duration_seconds_bucket` and `httpServerRequestDuration` are one
stem, `http_server_request_duration`, and what was hung on it: which part of the metric this is, and its unit.

Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"; OpenMetrics, section "Suffixes".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from streams.signals.units import unit_of_word

PARTS = frozenset(("total", "count", "sum", "bucket", "max", "created", "info"))

_CLASS = re.compile("(?<=[1-5])XX")
"""Of an HTTP status: one word with its digit."""
_ACRONYM = re.compile("(?<=[A-Z]{2})(?=[A-Z](?!s(?![a-z]))[a-z])")
"""Where one ends and a word begins: `HTTP|Errors`, but `IOPs`, and not `M|Sec`: that would be a thousand times more."""


class Stem(Struct, frozen=True):
    """One way to read a name."""

    stem: str
    """Lower case, words joined by `_`."""
    part: str = ""
    """Which of `PARTS` was cut off; empty for none."""
    unit: str = ""
    """UCUM of the suffix that was cut off; empty for none."""


def words(name: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words("http.server.requestDuration_p99"), words("HTTPErrors-total")
    (['http', 'server', 'request', 'duration', 'p99'], ['http', 'errors', 'total'])
    >>> words("HTTPCode_Target_5XX_Count"), words("diskIOPs"), words("latencyMSec")
    (['http', 'code', 'target', '5xx', 'count'], ['disk', 'iops'], ['latency', 'msec'])
    """
    found: list[str] = []
    word = ""
    name = _ACRONYM.sub("_", _CLASS.sub("xx", name))
    for before, letter in zip(" " + name, name, strict=False):
        if not letter.isalnum() or (letter.isupper() and (before.islower() or before.isdigit())):
            found.append(word)
            word = ""
        if letter.isalnum():
            word += letter.lower()
    found.append(word)
    return [word for word in found if word]


def is_done(name: str) -> bool:
    """Whether it is OpenTelemetry's name of how many have been created; OpenMetrics' `_created` is when the series was.

    >>> is_done("orders.created"), is_done("orders_created")
    (True, False)
    """
    return name.endswith(".created")


def stems(name: str) -> Iterator[Stem]:
    """The ways to read a name, the most literal first.

    >>> [(one.stem, one.part, one.unit) for one in stems("jvm_gc_pause_seconds_sum")]
    [('jvm_gc_pause_seconds_sum', '', ''), ('jvm_gc_pause_seconds', 'sum', ''), ('jvm_gc_pause', 'sum', 's')]
    """
    rest = words(name)
    yield Stem("_".join(rest))
    unit = unit_of_word(rest[-1]) if len(rest) > 1 else ""
    if unit:
        yield Stem("_".join(rest[:-1]), "", unit)
    if len(rest) > 1 and rest[-1] in PARTS and not is_done(name):
        part = rest.pop()
        yield Stem("_".join(rest), part)
        unit = unit_of_word(rest[-1]) if len(rest) > 1 else ""
        if unit:
            yield Stem("_".join(rest[:-1]), part, unit)
