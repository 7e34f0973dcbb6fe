"""OTLP's messages as its JSON mapping spells them, typed.

Only what Serinus reads; other keys are passed over. Lists that are decoded member by member hold `Raw`.
"""

from __future__ import annotations

from msgspec import Raw, Struct

Int = int | str | float
"""A 64-bit integer."""
Number = float | int | str
"""A double."""


class AnyValue(Struct, rename="camel"):
    """common.proto; a oneof, so at most one field is set."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Int | None = None
    double_value: Number | None = None
    array_value: Values | None = None
    kvlist_value: KeyValues | None = None
    bytes_value: str | None = None


class KeyValue(Struct):
    """common.proto."""

    key: str = ""
    value: AnyValue | None = None


class Values(Struct):
    """ArrayValue of common.proto."""

    values: list[AnyValue] = []


class KeyValues(Struct):
    """KeyValueList of common.proto."""

    values: list[KeyValue] = []


class Resource(Struct):
    """resource.proto."""

    attributes: list[KeyValue] = []


class Resources(Struct, rename="camel"):
    """The outermost message, of logs or of metrics."""

    resource_logs: list[Raw] | None = None
    resource_metrics: list[Raw] | None = None


class Scopes(Struct, rename="camel"):
    """ResourceLogs or ResourceMetrics."""

    resource: Raw = Raw(b"{}")
    scope_logs: list[Raw] = []
    scope_metrics: list[Raw] = []


class Members(Struct, rename="camel"):
    """ScopeLogs or ScopeMetrics."""

    log_records: list[Raw] = []
    metrics: list[Raw] = []


class LogRecord(Struct, rename="camel"):
    """logs.proto."""

    time_unix_nano: Int = 0
    observed_time_unix_nano: Int = 0
    severity_number: Int = 0
    severity_text: str = ""
    body: AnyValue | None = None
    attributes: list[KeyValue] = []
    trace_id: str = ""
    event_name: str = ""


class Data(Struct, rename="camel"):
    """Gauge, Sum, Histogram, ExponentialHistogram or Summary."""

    data_points: list[Raw] = []
    aggregation_temporality: Int = 0
    is_monotonic: bool = False


class Metric(Struct, rename="camel"):
    """metrics.proto."""

    name: str = ""
    unit: str = ""
    gauge: Data | None = None
    sum: Data | None = None
    histogram: Data | None = None
    exponential_histogram: Data | None = None
    summary: Data | None = None


class BucketsMessage(Struct, rename="camel"):
    """ExponentialHistogramDataPoint.Buckets."""

    offset: Int = 0
    bucket_counts: list[Int] = []


class Quantile(Struct):
    """SummaryDataPoint.ValueAtQuantile."""

    quantile: Number = 0.0
    value: Number = 0.0


class Point(Struct, rename="camel"):
    """The data points of all five shapes."""

    attributes: list[KeyValue] = []
    start_time_unix_nano: Int = 0
    time_unix_nano: Int = 0
    flags: Int = 0
    as_double: Number | None = None
    as_int: Int | None = None
    count: Int = 0
    sum: Number | None = None
    bucket_counts: list[Int] = []
    explicit_bounds: list[Number] = []
    scale: Int = 0
    zero_count: Int = 0
    positive: BucketsMessage | None = None
    negative: BucketsMessage | None = None
    quantile_values: list[Quantile] = []
