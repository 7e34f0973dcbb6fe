"""Plays services into Kafka in the formats of shippers, in real time, and counts what it sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from confluent_kafka import Producer
from msgspec import Struct

from topology.demo.service import Service, canary_share
from topology.demo.shipped import CounterWriter, LineWriter, Message
from topology.log import SILENT
from topology.settings import Kafka
from topology.topics import LOGS, METRICS

_TICK_S = 0.1
_SCRAPE_S = 5.0


class Part(Struct, frozen=True):
    """One service and the shippers it is written by."""

    service: Service
    write_line: LineWriter
    write_counters: CounterWriter


class Player:
    """Sends what happens until told to stop."""

    def __init__(self, kafka: Kafka, parts: Sequence[Part], seconds: float) -> None:
        self._producer = Producer(
            kafka.librdkafka(
                **{"linger.ms": 20, "compression.type": "lz4", "log.connection.close": False, "logger": SILENT}
            )
        )
        self._parts = parts
        self._seconds = seconds
        self._began_s = 0.0
        self._scraped_s = 0.0
        self.records = 0
        """Log lines and samples the broker has taken."""

    def play(self, stop: threading.Event, *, forever: bool = False) -> None:
        """Send in real time for the agreed time, or at its last traffic split for ever; returns when all is sent."""
        self._began_s = told_s = time.time()
        while not stop.wait(_TICK_S):
            now_s = time.time()
            passed_ratio = (now_s - self._began_s) / self._seconds
            if passed_ratio >= 1 and not forever:
                break
            scrape = now_s - self._scraped_s >= _SCRAPE_S
            for part in self._parts:
                for line in part.service.lines(told_s, now_s, canary_share(min(passed_ratio, 0.999))):
                    self._send(LOGS, part.write_line(line))
                if scrape:
                    for message in part.write_counters(part.service.counters(now_s)):
                        self._send(METRICS, message)
            self._scraped_s = now_s if scrape else self._scraped_s
            self._producer.poll(0)
            told_s = now_s
        self._producer.flush(30)

    def _send(self, topic: str, message: Message) -> None:
        payload, records = message

        def delivered(error: object, _message: object) -> None:
            if error is None:
                self.records += records

        self._producer.produce(topic, payload, on_delivery=delivered)
