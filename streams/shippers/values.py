"""Numbers that a metric sample may hold."""

from __future__ import annotations

import math
from contextlib import suppress

from streams.errors import BadRecord, Reason
from streams.records.histogram import LARGEST_COUNT, Histogram
from streams.records.metric import Kind

_MAX_TEXT = 400
"""Characters of a number: Go prints the largest double with 309 digits."""
_LARGEST_SUM = 1e290
"""Of a distribution's values, either way: so that sums of such sums stay finite, whatever is added first."""


def checked(value: float | Histogram | None, kind: Kind, name: str, *, monotonic: bool = True) -> float | Histogram:
    """The value, if it can be one of a metric of that kind.

    Raises:
        BadRecord: NO_VALUE where there is none, or not a number (also Prometheus' staleness marker); BAD_VALUE where
            it is infinite, negative though only growing, a count beyond `LARGEST_COUNT`, or a distribution's sum that
            no sum of others could be added to.
    """
    if value is None:
        raise BadRecord(Reason.NO_VALUE, f"{name[:80]}: no value")
    number = value.total if isinstance(value, Histogram) else value
    if math.isnan(number):
        raise BadRecord(Reason.NO_VALUE, f"{name[:80]}: not a number")
    if math.isinf(number):
        raise BadRecord(Reason.BAD_VALUE, f"{name[:80]}: {number}")
    if isinstance(value, Histogram):
        if not 0 <= value.count <= LARGEST_COUNT:
            raise BadRecord(Reason.BAD_VALUE, f"{name[:80]}: a count of {value.count}")
        if abs(number) > _LARGEST_SUM:
            raise BadRecord(Reason.BAD_VALUE, f"{name[:80]}: a sum of {number}")
    elif number < 0 and kind is not Kind.GAUGE and monotonic:
        raise BadRecord(Reason.BAD_VALUE, f"{name[:80]}: {number}, though it can only grow")
    return value


def number_in_text(text: str) -> float:
    """A double written as text, as Go and protobuf's JSON mapping write it (`NaN`, `+Inf`, `Infinity`).

    Raises:
        BadRecord: WRONG_TYPE.
    """
    if len(text) <= _MAX_TEXT and "_" not in text:
        with suppress(ValueError):
            return float(text)
    raise BadRecord(Reason.WRONG_TYPE, f"{text[:80]!r} is no number")
