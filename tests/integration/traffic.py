"""Services that log and count while a test does something to the workers, and a ledger of all that was sent."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from confluent_kafka import Producer

from streams.records.identity import Revision, Workload
from streams.windows.continuation import goes_on
from streams.windows.signature import Signature, fold, signature
from topology.demo.service import Counter as RequestCounter
from topology.demo.service import Line, Service
from topology.demo.shipped import NAMESPACE, fluent_bit_line, otlp_counters
from topology.topics import LOGS, METRICS

WINDOW_NS = 5_000_000_000
_TICK_S = 0.05
_SCRAPE_S = 0.5
_MOST_AT_ONCE_S = 0.5
"""Of a machine that is too busy for the traffic, so that it ends soon after it is told to."""


class Ledger:
    """How many records of which revision and window there are, and how many events of which pod and signature."""

    def __init__(self) -> None:
        self.records: Counter[tuple[Revision, int]] = Counter()
        self.lines: Counter[tuple[Revision, int, str, Signature]] = Counter()

    @property
    def total(self) -> int:
        """All records."""
        return self.records.total()


class Traffic:
    """Log lines as Fluent Bit ships them, request counters as the OpenTelemetry Collector does, in real time."""

    def __init__(self, servers: str, services: Sequence[Service], canary_share: float = 0.3) -> None:
        self.sent = Ledger()
        self.latest_ns = 0
        """Event time of the newest record."""
        self._producer = Producer({"bootstrap.servers": servers, "linger.ms": 10, "compression.type": "lz4"})
        self._services = services
        self._canary_share = canary_share
        self._revisions = {
            (service.name, hash_): Revision(Workload("", NAMESPACE, service.name), hash_)
            for service in services
            for hash_ in (service.baseline, service.canary)
        }
        self._signatures: dict[bytes, Signature] = {}
        self._failures: list[object] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, name="traffic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Send what has begun; afterwards `sent` is final."""
        self._stop.set()
        self._thread.join()
        assert self._producer.flush(30) == 0
        assert not self._failures

    def _play(self) -> None:
        told_s = scraped_s = time.time()
        while not self._stop.wait(_TICK_S):
            now_s = min(time.time(), told_s + _MOST_AT_ONCE_S)
            scrape = now_s - scraped_s >= _SCRAPE_S
            for service in self._services:
                for line in service.lines(told_s, now_s, self._canary_share):
                    self._send_line(service.name, line)
                if scrape:
                    self._send_counters(service.name, list(service.counters(now_s)))
            scraped_s = now_s if scrape else scraped_s
            told_s = now_s
            self._producer.poll(0)

    def _send_line(self, name: str, line: Line) -> None:
        revision, start_ns = self._revisions[name, line.pod_template_hash], _window(round(line.time_s, 6))
        folded = fold(line.text)
        what = self._signatures.get(folded)
        if what is None:
            what = self._signatures[folded] = signature(folded)
        self.sent.records[revision, start_ns] += 1
        if not goes_on(line.text, what.severity):
            self.sent.lines[revision, start_ns, line.pod, what] += 1
        self.latest_ns = max(self.latest_ns, start_ns + WINDOW_NS)
        self._send(LOGS, fluent_bit_line(line)[0])

    def _send_counters(self, name: str, counters: list[RequestCounter]) -> None:
        for counter in counters:
            self.sent.records[self._revisions[name, counter.pod_template_hash], _window(counter.time_s)] += 1
        for payload, _records in otlp_counters(counters):
            self._send(METRICS, payload)

    def _send(self, topic: str, payload: bytes) -> None:
        self._producer.produce(topic, payload, on_delivery=self._delivered)

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(error)


def _window(time_s: float) -> int:
    return int(time_s // 5) * WINDOW_NS
