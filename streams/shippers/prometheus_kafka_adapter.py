"""Telefonica's prometheus-kafka-adapter: one sample of Prometheus' remote write per message, as JSON or Avro-JSON.

Source: Telefonica/prometheus-kafka-adapter serializers.go. It sends no types: the name's suffix tells a counter from a
gauge.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from streams.errors import BadRecord, Reason
from streams.records.identity import Source
from streams.records.metric import Kind, MetricSample, Series
from streams.shippers.cache import Remembered
from streams.shippers.faults import DECODE_FAULTS, MAX_RECORD_BYTES, check_size, json_fault
from streams.shippers.identity import Identities, canonical
from streams.shippers.reader import Reader
from streams.shippers.series import kind_by_name, series_of, unit_by_name
from streams.shippers.times import any_time_ns, message_time
from streams.shippers.values import checked, number_in_text


class _Sample(Struct, gc=False):
    labels: Raw = Raw()
    name: str = ""
    value: str | float | int | None = None
    timestamp: str | float | int | None = None


_decode = msgspec.json.Decoder(_Sample).decode
_labels = msgspec.json.Decoder(dict[str, str | int | float | None]).decode


class PrometheusKafkaAdapter(Reader):
    """Reads messages of one sample each."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._known: Remembered[tuple[str, bytes], tuple[Source, Series, Kind]] = Remembered()

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[MetricSample | BadRecord]:
        """The sample of one message.

        Raises:
            BadRecord: why there is none.
        """
        check_size(payload, MAX_RECORD_BYTES)
        try:
            sample = _decode(payload)
        except DECODE_FAULTS as fault:
            raise json_fault(fault) from fault
        name, labels = sample.name, bytes(sample.labels)
        source, series, kind = self._known.answers.recent.get((name, labels)) or self._known.of(
            (name, labels), 4 * len(labels) + 1000, lambda: self._described(name, labels)
        )
        stamp = sample.timestamp
        time_ns = message_time(message_time_ns) if stamp is None else any_time_ns(stamp)
        return (MetricSample(source, time_ns, series, kind, checked(_number(sample.value), kind, series.name)),)

    def _described(self, name: str, labels: bytes) -> tuple[Source, Series, Kind]:
        if not labels:
            raise BadRecord(Reason.UNKNOWN_FORMAT, "no labels: prometheus-kafka-adapter did not write this")
        try:
            attributes = {key: str(value) for key, value in _labels(labels).items() if value is not None}
        except DECODE_FAULTS as fault:
            raise json_fault(fault, "labels") from fault
        name = name or attributes.get("__name__", "")
        series = series_of(name, attributes, unit_by_name(name))
        return self._identities.source(canonical(attributes)), series, kind_by_name(name)


def _number(value: str | float | None) -> float | None:
    """A number as Go prints it: digits, `NaN`, `+Inf`, `-Inf`."""
    if isinstance(value, str):
        return number_in_text(value)
    try:
        return None if value is None else float(value)
    except OverflowError as fault:
        raise BadRecord(Reason.BAD_VALUE, "value is no double") from fault
