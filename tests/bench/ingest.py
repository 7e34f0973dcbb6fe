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

from tests.bench.records import spread
from topology.ingest.worker import IngestWorker
from topology.settings import IngestSettings, Kafka, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import LOGS

RECORDS = 400_000
FAUST_RECORDS = 40_000
REPEATS = 3
_PARTITIONS = 8
_SESSION_S = 3
"""The embedded broker lets a group begin only after half of it."""


def run(servers: str, records: int = RECORDS, repeats: int = REPEATS) -> dict[str, float]:
    """The figures for the broker at this address, whose topics exist and are empty."""
    fill(servers, records)
    alone_rates, rates = [], []
    for _ in range(repeats):
        alone_rates.append(_measured("consumer_alone", servers, records))
        rates.append(_measured("ingest", servers, records))
    faust_per_s = _measured("faust", servers, min(records, FAUST_RECORDS))
    alone_per_s, records_per_s = statistics.median(alone_rates), statistics.median(rates)
    return {
        "records_per_s": round(records_per_s),
        "consumer_alone_per_s": round(alone_per_s),
        "faust_per_s": round(faust_per_s),
        "ratio": round(records_per_s / alone_per_s, 3),
        "times_faust": round(records_per_s / faust_per_s, 1),
        "us_per_record": round(1e6 / records_per_s, 3),
    }


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


def _measured(name: str, servers: str, records: int) -> float:
    """Records a second of one child process on core 1."""
    command = [sys.executable, "-m", "tests.bench.ingest", name, servers, str(records)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300).stdout
    return float(msgspec.json.decode(output.splitlines()[-1]))


def consumer_alone(servers: str, records: int) -> float:
    """The consumer of librdkafka in Python: batches, payloads looked at, nothing else."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"alone-{time.time_ns()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 65_536,
            "session.timeout.ms": _SESSION_S * 1000,
        }
    )
    consumer.subscribe([LOGS])
    taken, began_s = 0, 0.0
    while taken < records:
        messages = consumer.consume(5_000, 1.0)
        began_s = began_s or (time.perf_counter() if messages else 0.0)
        for message in messages:
            message.value()
        taken += len(messages)
    return taken / (time.perf_counter() - began_s)


def ingest(servers: str, records: int) -> float:
    """The real worker: decode, summarise, transactions."""
    name = f"bench-{time.time_ns()}"
    settings = IngestSettings(
        Kafka(servers), group=name, worker_id=name, max_late_s=86_400, session_timeout_s=_SESSION_S
    )
    worker = IngestWorker(settings, Telemetry.start("ingest", TelemetrySettings()))
    stop = threading.Event()
    taken, began_s = 0, 0.0
    while taken < records:
        cycle_s = time.perf_counter()
        taken += worker.cycle(stop)
        began_s = began_s or (cycle_s if taken else 0.0)
    return taken / (time.perf_counter() - began_s)


def faust(servers: str, records: int) -> float:
    """A Faust agent that decodes the same records and counts them by pod and folded line."""
    return asyncio.run(_faust(servers, records))


async def _faust(servers: str, records: int) -> float:
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
    times: list[float] = []
    counts: dict[tuple[str, str], int] = {}
    digits = str.maketrans("123456789", "0" * 9)

    @app.agent(app.topic(LOGS, value_serializer="raw", value_type=bytes))
    async def count(stream: faust_streaming.StreamT[bytes]) -> None:
        async for value in stream:
            record = json.loads(value)
            key = (record["kubernetes"]["pod_name"], record["log"].translate(digits))
            counts[key] = counts.get(key, 0) + 1
            times.append(time.perf_counter())
            if len(times) == records:
                done.set()

    await app.start()
    await done.wait()
    return (records - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    what, servers_, records_ = sys.argv[1:]
    os.sched_setaffinity(0, {1})
    rate = {"consumer_alone": consumer_alone, "ingest": ingest, "faust": faust}[what](servers_, int(records_))
    sys.stdout.write(f"{rate}\n")
    sys.stdout.flush()
    os._exit(0)  # threads and groups the libraries leave behind are not measured
