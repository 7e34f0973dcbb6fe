"""Times as text become exact nanoseconds, or are refused, and come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadRecord, Reason
from streams.records.times import rfc3339, rfc3339_ns

SECOND_NS = 1_000_000_000
AT_NS = 1_787_307_200 * SECOND_NS


@given(st.integers(0, 2**63 - 1))
def test_what_is_written_is_read_again(time_ns):
    """Cut to the millisecond."""
    assert rfc3339_ns(rfc3339(time_ns)) == time_ns // 1_000_000 * 1_000_000


@given(st.integers(0, 2**63 - 1), st.integers(0, 9), st.integers(-14 * 60, 14 * 60))
def test_rfc3339_to_the_digit(time_ns, digits, offset_min):
    """Any time in 1970..2262, with any offset and number of digits, is read exactly."""
    time_ns -= time_ns % 10 ** (9 - digits)
    second, fraction = divmod(time_ns, SECOND_NS)
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second, minutes=offset_min)
    if local.year < 1970:
        return
    sign, (hours, minutes) = "-" if offset_min < 0 else "+", divmod(abs(offset_min), 60)
    part = f".{fraction:09d}"[: digits + 1] if digits else ""
    assert rfc3339_ns(f"{local:%Y-%m-%dT%H:%M:%S}{part}{sign}{hours:02d}:{minutes:02d}") == time_ns


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2026-08-21T10:13:20Z", AT_NS),
        ("2026-08-21T10:13:20.1Z", AT_NS + 100_000_000),
        ("2026-08-21T10:13:20.1234567891234Z", AT_NS + 123_456_789),
        ("2026-08-21t10:13:20z", AT_NS),
        ("2026-08-21 10:13:20+00:00", AT_NS),
        ("2026-08-21T12:13:20.5+02:00", AT_NS + 500_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * SECOND_NS),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_rfc3339(text, time_ns):
    """The forms that RFC 3339 admits are read, a leap second as the second after."""
    assert rfc3339_ns(text) == time_ns


@pytest.mark.parametrize(
    "text",
    [
        *("", "Z", "yesterday", "2026-08-21", "2026-08-21T10:13:20", "2026-08-21T10:13Z", "2026-13-01T00:00:00Z"),
        *("2026-08-21T25:13:20Z", "2026-08-21T10:13:20.Z", "2026-08-21T10:13:20.1xZ", "2026-08-21T10:13:20,5Z"),
        *("1969-12-31T23:59:59Z", "2263-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"),
        *("2026-08-21T10:13:20+2:00", "2026-08-21T10:13:20+0200", "2026-08-21T10:13:20.٣Z", "20260821T101320.1234Z"),
        *("x" * 100_000, "2026-08-21T10:13:20." + "1" * 100_000, "2026-W34-5T10:13:20Z"),
        *("2026-08-21T10:13+20Z", "2026-08-21T10:13-02:0+01:00", "2026-08-21T10+00:00Z", "2026-08-21T10:13:+2Z"),
    ],
)
def test_not_rfc3339(text):
    """Anything else, and what lies outside 1970..2262, is refused."""
    with pytest.raises(BadRecord) as refused:
        rfc3339_ns(text)
    assert refused.value.reason is Reason.BAD_TIME
