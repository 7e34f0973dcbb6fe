"""Foreign times to integer nanoseconds since 1970 UTC; never the wall clock."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from streams.errors import BadRecord, Reason

_END_NS = 2**63
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on both sides: the offset is added in integers
_SECOND_NS = 1_000_000_000
_SCALE = tuple(10 ** (9 - digits) for digits in range(10))


def rfc3339_ns(text: str) -> int:
    """Nanoseconds of an RFC 3339 time, exact to the nanosecond; further digits are cut.

    >>> rfc3339_ns("2026-08-21T10:13:20.123456789Z") - rfc3339_ns("2026-08-21T12:13:20+02:00")
    123456789

    Raises:
        BadRecord: BAD_TIME, if it is none, has no offset, or lies outside 1970..2262.
    """
    try:
        if text[-1] == "Z":
            fraction, offset_s = text[19:-1], 0
        else:
            fraction, offset_s = _without_offset(text)
        time_ns = _whole_second_ns(text[:19]) - offset_s * _SECOND_NS
        if fraction:
            time_ns += _fraction_ns(fraction)
    except (ValueError, IndexError, OverflowError) as fault:
        raise BadRecord(Reason.BAD_TIME, f"not an RFC 3339 time: {text[:64]!r}") from fault
    return within_range(time_ns)


def seconds_ns(seconds: float) -> int:
    """Nanoseconds of floating-point seconds, to the microsecond: a double holds no more of today's times.

    >>> seconds_ns(1787300000.123456)
    1787300000123456000

    Raises:
        BadRecord: BAD_TIME, outside 1970..2262 or not a number.
    """
    if 0.0 <= seconds < 9_223_372_036.0:
        return int(seconds * 1e6 + 0.5) * 1000  # half the time that round takes
    raise BadRecord(Reason.BAD_TIME, f"{seconds!r} s is outside 1970..2262")


def unix_ns(number: float) -> int:
    """Nanoseconds of a Unix time in an unstated unit (s, ms, us or ns), told by its size.

    Units differ by 1000, and every time from 1973 to 2262 fits exactly one.

    Raises:
        BadRecord: BAD_TIME, outside 1970..2262 or not a number.
    """
    if 0 <= number < 1e10:
        return seconds_ns(number)
    for limit, unit_ns in ((1e13, 1_000_000), (1e16, 1000), (9.2e18, 1)):
        if 0 <= number < limit:
            return within_range(number * unit_ns if isinstance(number, int) else round(number * unit_ns))
    raise BadRecord(Reason.BAD_TIME, f"{number!r} is no Unix time within 1970..2262")


def any_time_ns(value: str | float) -> int:
    """Nanoseconds of a text (RFC 3339) or a number (Unix time).

    Raises:
        BadRecord: BAD_TIME.
    """
    return rfc3339_ns(value) if isinstance(value, str) else unix_ns(value)


def within_range(time_ns: int) -> int:
    """The time, if it lies within 1970..2262.

    Raises:
        BadRecord: BAD_TIME.
    """
    if 0 <= time_ns < _END_NS:
        return time_ns
    raise BadRecord(Reason.BAD_TIME, f"{str(time_ns)[:40]} ns is outside 1970..2262")


def message_time(message_time_ns: int) -> int:
    """The Kafka message's time, for a record that has none of its own.

    Raises:
        BadRecord: NO_TIME, if the message has none either.
    """
    if message_time_ns > 0:
        return within_range(message_time_ns)
    raise BadRecord(Reason.NO_TIME, "neither the record nor its Kafka message has a time")


@lru_cache(maxsize=4096)
def _whole_second_ns(text: str) -> int:
    """Nanoseconds of `YYYY-MM-DDTHH:MM:SS` taken as UTC; cached, as many records share a second."""
    if len(text) != 19 or text[4] != "-" or text[7] != "-" or text[10] not in "Tt " or text[13] != ":":
        raise ValueError(text)
    leap_s = 1 if text[17:] == "60" else 0  # RFC 3339, section 5.6: the leap second
    since = datetime.fromisoformat(text[:17] + "59" if leap_s else text) - _EPOCH
    return (since.days * 86_400 + since.seconds + leap_s) * _SECOND_NS


def _fraction_ns(fraction: str) -> int:
    """Nanoseconds of `.` and digits."""
    digits = fraction[1:10]
    if fraction[0] != "." or not (fraction.isascii() and fraction[1:].isdigit()):
        raise ValueError(fraction)
    scale: int = _SCALE[len(digits)]
    return int(digits) * scale


def _without_offset(text: str) -> tuple[str, int]:
    """Fraction and offset in seconds of a time that does not end in `Z`."""
    if text[-1] == "z":
        return text[19:-1], 0
    sign, hours, colon, minutes = text[-6], text[-5:-3], text[-3], text[-2:]
    digits = hours + minutes
    if sign not in "+-" or colon != ":" or len(text) < 25 or not (digits.isascii() and digits.isdigit()):
        raise ValueError(text)
    offset_s = int(hours) * 3600 + int(minutes) * 60
    return text[19:-6], offset_s if sign == "+" else -offset_s
