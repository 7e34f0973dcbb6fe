"""How many records a second does one ingest process on one core take, against librdkafka's consumer alone and Faust?

What is measured is kept on core 1, one after the other, several times in one run; the broker is free.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import faust as faust_streaming
import msgspec
from confluent_kafka import Consumer, Producer
from msgspec import Struct

from tests.bench.records import spread
from topology.ingest.worker import IngestWorker
from topology.settings import IngestSettings, Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import LOGS

RECORDS = 400_000
FAUST_RECORDS = 40_000
REPEATS = 3
_PARTITIONS = 8
_PATIENCE_S = 120
_SESSION_S = 3
"""The embedded broker lets a group begin only after half of it."""


class Rate(Struct):
    """What one child process reached, from its first batch to its last."""

    records_per_s: float
    cpu_us_per_record: float
    """Processor time, user and system, all threads: what other load on the machine changes least."""


def run(servers: str, records: int = RECORDS, repeats: int = REPEATS) -> dict[str, float]:
    """The figures for the broker at this address, whose topics exist and are empty."""
    fill(servers, records)
    alone, worker, agent = [], [], []
    for _ in range(repeats):
        alone.append(_measured("consumer_alone", servers, records))
        worker.append(_measured("ingest", servers, records))
        agent.append(_measured("faust", servers, min(records, FAUST_RECORDS)))
    alone_per_s, records_per_s, faust_per_s = map(_median, (alone, worker, agent))
    return {
        "records_per_s": round(records_per_s),
        "consumer_alone_per_s": round(alone_per_s),
        "faust_per_s": round(faust_per_s),
        "ratio": round(records_per_s / alone_per_s, 3),
        "times_faust": round(records_per_s / faust_per_s, 1),
        "us_per_record": round(1e6 / records_per_s, 3),
        "cpu_us_per_record": _cpu_us(worker),
        "consumer_alone_cpu_us_per_record": _cpu_us(alone),
        "faust_cpu_us_per_record": _cpu_us(agent),
    }


def _median(rates: list[Rate]) -> float:
    return statistics.median(rate.records_per_s for rate in rates)


def _cpu_us(rates: list[Rate]) -> float:
    return round(statistics.median(rate.cpu_us_per_record for rate in rates), 3)


def fill(servers: str, records: int) -> None:
    """Put the records into serinus.logs."""
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 50, "queue.buffering.max.messages": 1_000_000, "batch.size": 2**20}
    )
    now_s = time.time()
    for number, payload in enumerate(spread(records, now_s - 60, now_s)):
        while True:
            try:
                producer.produce(LOGS, payload, partition=number // 500 % _PARTITIONS)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    producer.flush(120)


def _measured(name: str, servers: str, records: int) -> Rate:
    """What one child process on core 1 reaches."""
    command = [sys.executable, "-m", "tests.bench.ingest", name, servers, str(records)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=_PATIENCE_S).stdout
    rate = msgspec.json.decode(output.splitlines()[-1], type=Rate)
    sys.stderr.write(f"{name}: {rate.records_per_s:,.0f} records/s, {rate.cpu_us_per_record:.2f} us a record\n")
    return rate


class _Stopwatch:
    """Runs from the first records on; those that start it do not count."""

    def __init__(self) -> None:
        self._started: tuple[int, float, float] | None = None

    def took(self, total: int) -> None:
        """So many records have been taken by now."""
        if self._started is None and total:
            self._started = total, time.perf_counter(), time.process_time()

    def rate(self, total: int) -> Rate:
        """From the start to now."""
        uncounted, began_s, began_cpu_s = self._started
        counted = total - uncounted
        return Rate(counted / (time.perf_counter() - began_s), (time.process_time() - began_cpu_s) / counted * 1e6)


def consumer_alone(servers: str, records: int) -> Rate:
    """The consumer of librdkafka in Python: batches, payloads looked at, nothing else."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"alone-{time.time_ns()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 65_536,
            "fetch.queue.backoff.ms": 10,
            "session.timeout.ms": _SESSION_S * 1000,
        }
    )
    consumer.subscribe([LOGS])
    watch, taken = _Stopwatch(), 0
    while taken < records:
        messages = consumer.consume(5_000, 1.0)
        for message in messages:
            message.value()
        taken += len(messages)
        watch.took(taken)
    return watch.rate(taken)


def ingest(servers: str, records: int) -> Rate:
    """The real worker: decode, summarise, transactions."""
    name = f"bench-{time.time_ns()}"
    settings = IngestSettings(
        Kafka(servers), group=name, worker_id=name, max_late_s=86_400, session_timeout_s=_SESSION_S
    )
    worker = IngestWorker(settings, Telemetry.start("ingest", TelemetrySettings()))
    stop, watch, taken = threading.Event(), _Stopwatch(), 0
    while taken < records:
        taken += worker.cycle(stop)
        watch.took(taken)
    return watch.rate(taken)


def faust(servers: str, records: int) -> Rate:
    """A Faust agent that decodes the same records and counts them by pod and folded line."""
    # Not asyncio.run: before it returns it waits for Faust's cancelled tasks, some of which never end.
    return asyncio.new_event_loop().run_until_complete(_faust(servers, records))


async def _faust(servers: str, records: int) -> Rate:
    app = faust_streaming.App(
        f"bench-{time.time_ns()}",
        broker=f"kafka://{servers}",
        store="memory://",
        web_enabled=False,
        datadir=tempfile.mkdtemp(),
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=_SESSION_S,
        broker_heartbeat_interval=1.0,
    )
    done = asyncio.Event()
    watch, taken = _Stopwatch(), 0
    counts: dict[tuple[str, str], int] = {}
    digits = str.maketrans("123456789", "0" * 9)

    @app.agent(app.topic(LOGS, value_serializer="raw", value_type=bytes))
    async def count(stream: faust_streaming.StreamT[bytes]) -> None:
        nonlocal taken
        async for value in stream:
            record = json.loads(value)
            key = (record["kubernetes"]["pod_name"], record["log"].translate(digits))
            counts[key] = counts.get(key, 0) + 1
            taken += 1
            watch.took(taken)
            if taken == records:
                done.set()

    await app.start()
    await done.wait()
    return watch.rate(taken)


if __name__ == "__main__":
    what, servers_, records_ = sys.argv[1:]
    os.sched_setaffinity(0, {1})
    rate = {"consumer_alone": consumer_alone, "ingest": ingest, "faust": faust}[what](servers_, int(records_))
    sys.stdout.write(msgspec.json.encode(rate).decode() + "\n")
    sys.stdout.flush()
    os._exit(0)  # threads and groups the libraries leave behind are not measured
