"""In which unit is a number, and what does it take to compare it with another?

Source: UCUM as OpenTelemetry's semantic conventions use it ("Instrument units"); suffixes as Prometheus' naming
practices and the OpenTelemetry-Prometheus compatibility page derive them.
"""

from __future__ import annotations

_TIME, _BYTES, _SHARE, _CORES = "time", "bytes", "share", "cores"
_UNITS: dict[str, tuple[str, float]] = {
    "s": (_TIME, 1.0),
    "ms": (_TIME, 1e-3),
    "us": (_TIME, 1e-6),
    "ns": (_TIME, 1e-9),
    "min": (_TIME, 60.0),
    "h": (_TIME, 3600.0),
    "By": (_BYTES, 1.0),
    "kBy": (_BYTES, 1e3),
    "MBy": (_BYTES, 1e6),
    "GBy": (_BYTES, 1e9),
    "KiBy": (_BYTES, 2.0**10),
    "MiBy": (_BYTES, 2.0**20),
    "GiBy": (_BYTES, 2.0**30),
    "1": (_SHARE, 1.0),
    "%": (_SHARE, 1e-2),
    "{cpu}": (_CORES, 1.0),
    "m{cpu}": (_CORES, 1e-3),
}
_WORDS = {
    **dict.fromkeys(("seconds", "second", "sec", "secs", "s"), "s"),
    **dict.fromkeys(("milliseconds", "millisecond", "millis", "msec", "ms"), "ms"),
    **dict.fromkeys(("microseconds", "microsecond", "micros", "usec", "us", "µs"), "us"),
    **dict.fromkeys(("nanoseconds", "nanosecond", "nanos", "nsec", "ns"), "ns"),
    **dict.fromkeys(("bytes", "byte"), "By"),
    **dict.fromkeys(("kilobytes", "kb"), "kBy"),
    **dict.fromkeys(("megabytes", "mb"), "MBy"),
    **dict.fromkeys(("gigabytes", "gb"), "GBy"),
    **dict.fromkeys(("kibibytes", "kib"), "KiBy"),
    **dict.fromkeys(("mebibytes", "mib"), "MiBy"),
    **dict.fromkeys(("gibibytes", "gib"), "GiBy"),
    **dict.fromkeys(("ratio", "fraction"), "1"),
    **dict.fromkeys(("percent", "percentage", "pct"), "%"),
    **dict.fromkeys(("cores", "vcpus"), "{cpu}"),
    **dict.fromkeys(("millicores", "millicpu"), "m{cpu}"),
}
_BASE = {_TIME: "s", _BYTES: "By", _SHARE: "1", _CORES: "{cpu}"}


def unit_of_word(word: str) -> str:
    """The UCUM unit that a word of a name stands for; empty for any other word.

    >>> unit_of_word("milliseconds"), unit_of_word("mib"), unit_of_word("pod")
    ('ms', 'MiBy', '')
    """
    return _WORDS.get(word, "")


def known_unit(unit: str) -> str:
    """A shipper's unit as UCUM where it is one that can be converted, else empty (`{request}`, `foo`)."""
    return unit if unit in _UNITS else _WORDS.get(unit.lower(), "")


def base_unit(unit: str) -> str:
    """The unit in which quantities of this kind are compared; empty for an unknown one.

    >>> base_unit("ms"), base_unit("MiBy"), base_unit("{request}")
    ('s', 'By', '')
    """
    found = _UNITS.get(unit)
    return _BASE[found[0]] if found else ""


def shown_unit(unit: str) -> str:
    """A unit behind a number, with the blank between them; a share has none.

    >>> shown_unit("By"), shown_unit("1"), shown_unit("")
    (' By', '', '')
    """
    return "" if unit in {"", "1"} else f" {unit}"


def factor(unit: str, wanted: str) -> float | None:
    """What to multiply a number in `unit` with to have it in `wanted`; None if they measure different things.

    A number without a known unit is taken to be in the one wanted.

    >>> factor("ms", "s"), factor("", "By"), factor("By", "s")
    (0.001, 1.0, None)
    """
    if not unit or not wanted or unit == wanted:
        return 1.0
    given, goal = _UNITS.get(unit), _UNITS.get(wanted)
    if given is None or goal is None:
        return 1.0
    return given[1] / goal[1] if given[0] == goal[0] else None
