"""Unix times and messages' times become exact nanoseconds, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadRecord, Reason
from streams.shippers.times import any_time_ns, message_time, seconds_ns, unix_ns

SECOND_NS = 1_000_000_000
AT_NS = 1_787_307_200 * SECOND_NS


@given(st.integers(0, 9_000_000_000_000_000))
def test_float_seconds_to_the_microsecond(time_us):
    """Seconds as a double are read back to the microsecond they were written with."""
    if time_us < 2**51:  # beyond that a double holds no microseconds
        assert seconds_ns(time_us / 1e6) == time_us * 1000


@pytest.mark.parametrize("unit_ns", [1, 1000, 1_000_000, SECOND_NS])
def test_unix_time_in_any_unit(unit_ns):
    """A bare number is taken in the unit that its size shows."""
    assert unix_ns(AT_NS // unit_ns) == AT_NS
    assert any_time_ns(AT_NS // unit_ns) == AT_NS


@pytest.mark.parametrize("number", [-1, -0.5, float("nan"), float("inf"), -float("inf"), 1e300, 10**30, 2**63])
def test_numbers_that_are_no_time(number):
    """Numbers outside 1970..2262 are refused."""
    for read in (unix_ns, seconds_ns):
        with pytest.raises(BadRecord):
            read(number)


def test_messages_time():
    """The Kafka message's time stands in, unless it has none."""
    assert message_time(AT_NS) == AT_NS
    for time_ns in (0, -1):
        with pytest.raises(BadRecord) as refused:
            message_time(time_ns)
        assert refused.value.reason is Reason.NO_TIME
