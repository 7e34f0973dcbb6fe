"""What an ingest worker tells of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from streams.errors import Reason
from streams.windows.roller import Rolled


class Instruments:
    """The worker's counters, gauges and histograms."""

    def __init__(self, meter: Meter, lag: Callable[[], int]) -> None:
        """All of them.

        Args:
            meter: makes them.
            lag: messages that are not committed yet; asked at each scrape, by another thread.
        """
        self._records = meter.create_counter("serinus.ingest.records", description="Records read, bad ones included.")
        self._bytes = meter.create_counter("serinus.ingest.payload", unit="By", description="Payload read.")
        self._letters = meter.create_counter(
            "serinus.ingest.dead_letters", description="Records that could not be used, by reason."
        )
        self._no_value = meter.create_counter(
            "serinus.ingest.no_value",
            description="Samples without a value, or not a number: that there is none. No dead letters.",
        )
        self._other = meter.create_counter(
            "serinus.ingest.other",
            description="Lines and samples that found no place within a revision's limits, or in a message.",
        )
        self._continued = meter.create_counter(
            "serinus.ingest.continued", description="Records that go on with a line or an event, and are no lines."
        )
        self._unread_fields = meter.create_counter(
            "serinus.ingest.log_fields.unread", description="Named log fields that could not be read, by reason."
        )
        self._cycle = meter.create_histogram(
            "serinus.ingest.commit.duration", unit="s", description="From the end of reading to the commit."
        )
        self._transactions = meter.create_counter(
            "serinus.ingest.transactions", description="Transactions, by what became of them."
        )
        meter.create_observable_gauge(
            "serinus.ingest.lag.records",
            [lambda _options: [Observation(lag())]],
            description="Messages in the owned partitions that are not committed yet.",
        )
        self._slowest_ns = 0
        meter.create_observable_gauge(
            "serinus.ingest.event_time.delay",
            [self._delay],
            unit="s",
            description="How far the slowest owned partition, as last committed, is behind the clock.",
        )

    def _delay(self, _options: CallbackOptions) -> Iterable[Observation]:
        """Of the moment of reading, so that it grows while nothing is committed; none where nothing is owned."""
        slowest_ns = self._slowest_ns  # once: the worker's thread may take it away meanwhile
        return [Observation((time.time_ns() - slowest_ns) / 1e9)] if slowest_ns else []

    def read(self, topic: str, records: int, payload_bytes: int) -> None:
        """Records of one run of messages."""
        attributes = {"topic": topic}
        self._records.add(records, attributes)
        self._bytes.add(payload_bytes, attributes)

    def dead_letters(self, reason: Reason, records: int) -> None:
        """Records could not be used."""
        self._letters.add(records, {"reason": str(reason)})

    def no_value(self, samples: int) -> None:
        """Samples say that there is no value, as exporters do of what they cannot measure now."""
        self._no_value.add(samples)

    def too_long(self) -> None:
        """One sample is longer than a message may be."""
        self._other.add(1, {"kind": "samples"})

    def sent(self, rolled: Rolled, reports: Mapping[str, int]) -> None:
        """What a transaction held."""
        for kind, number in (
            ("lines", sum(summary.other_lines for summary in rolled.summaries)),
            ("samples", rolled.other_samples),
        ):
            if number:
                self._other.add(number, {"kind": kind})
        if rolled.continued:
            self._continued.add(rolled.continued)
        for reason, number in rolled.unread_fields.items():
            self._unread_fields.add(number, {"reason": reason})
        self._slowest_ns = min(reports.values(), default=0)

    def committed(self, duration_s: float) -> None:
        """A cycle is over."""
        self._transactions.add(1, {"outcome": "committed"})
        self._cycle.record(duration_s)

    def aborted(self) -> None:
        """A transaction was given up."""
        self._transactions.add(1, {"outcome": "aborted"})
