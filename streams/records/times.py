"""Times as text, RFC 3339, to integer nanoseconds since 1970 UTC and back; never the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from streams.errors import BadRecord, Reason

_SECOND_NS = 1_000_000_000
_END_NS = 2**63
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on both sides: the offset is added in integers
_SCALE = tuple(10 ** (9 - digits) for digits in range(10))


def rfc3339(time_ns: int) -> str:
    """Nanoseconds since 1970 as UTC text with milliseconds.

    >>> rfc3339(1_787_300_000_123_000_000)
    '2026-08-21T08:13:20.123Z'
    """
    moment = datetime.fromtimestamp(time_ns // _SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns // 1_000_000 % 1000:03d}Z"


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
        raise BadRecord(Reason.BAD_TIME, f"not an RFC 3339 time with Z or an offset: {text[:64]!r}") from fault
    return within_range(time_ns)


def rfc3339_s(text: str) -> float:
    """Seconds of an RFC 3339 time, to the microsecond that a double holds of today's.

    >>> rfc3339_s("2026-08-21T08:13:20.123Z")
    1787300000.123

    Raises:
        BadRecord: as `rfc3339_ns`.
    """
    return rfc3339_ns(text) / _SECOND_NS


def within_range(time_ns: int) -> int:
    """The time, if it lies within 1970..2262.

    Raises:
        BadRecord: BAD_TIME.
    """
    if 0 <= time_ns < _END_NS:
        return time_ns
    raise BadRecord(Reason.BAD_TIME, f"{str(time_ns)[:40]} ns is outside 1970..2262")


@lru_cache(maxsize=4096)
def _whole_second_ns(text: str) -> int:
    """Nanoseconds of `YYYY-MM-DDTHH:MM:SS` taken as UTC; cached, as many records share a second."""
    if len(text) != 19 or text[4] != "-" or text[7] != "-" or text[10] not in "Tt " or text[13] != ":":
        raise ValueError(text)
    leap_s = 1 if text[17:] == "60" else 0  # RFC 3339, section 5.6: the leap second
    moment = datetime.fromisoformat(text[:17] + "59" if leap_s else text)
    if moment.tzinfo is not None:  # an offset where the seconds should be
        raise ValueError(text)
    since = moment - _EPOCH
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
