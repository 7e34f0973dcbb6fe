"""One metric sample as the rest of Serinus sees it, whatever shipped it."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from streams.records.histogram import Histogram
from streams.records.identity import Source


class Kind(Enum):
    """How a sample's number relates to time."""

    GAUGE = "gauge"
    """The level at that moment."""
    CUMULATIVE = "cumulative"
    """The total since `start_ns` (or since an unknown start): differences count."""
    DELTA = "delta"
    """The increase since the previous sample: sums count."""


class Series(Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """What is measured, apart from which pod it was measured at."""

    name: str
    """As the shipper spells it: `http.server.request.duration`, `http_requests_total`."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Sorted by key, without those that only identify the pod, node, container or scrape target."""
    unit: str = ""
    """UCUM as OpenTelemetry writes it (`s`, `ms`, `By`, `1`, `{request}`); empty where unknown."""


class MetricSample(Struct, frozen=True, gc=False):
    """One decoded measurement of one series at one pod."""

    source: Source
    time_ns: int
    """Event time, nanoseconds since 1970 UTC."""
    series: Series
    kind: Kind
    value: float | Histogram
    """Finite, never NaN. A GAUGE is never a histogram."""
    start_ns: int = 0
    """Start of a CUMULATIVE total where the shipper says (OTLP startTimeUnixNano); 0 = unknown."""


_WHOLE = 2.0**53
"""From here on a double is a whole number as it is."""


def exact(number: float) -> float:
    """The nearest multiple of 1/65536, so that sums of up to 1.3e11 are exact, hence the same in any order.

    Increments of DELTA series and totals of their histograms are rounded so before they are added up.
    """
    if -_WHOLE < number < _WHOLE:
        return round(number * 65536.0) / 65536.0
    return number
