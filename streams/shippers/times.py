"""Foreign times to integer nanoseconds since 1970 UTC; never the wall clock."""

from __future__ import annotations

from streams.errors import BadRecord, Reason
from streams.records.times import rfc3339_ns, within_range


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


def message_time(message_time_ns: int) -> int:
    """The Kafka message's time, for a record that has none of its own.

    Raises:
        BadRecord: NO_TIME, if the message has none either.
    """
    if message_time_ns > 0:
        return within_range(message_time_ns)
    raise BadRecord(Reason.NO_TIME, "neither the record nor its Kafka message has a time")
