"""How many records a second does one ingest process on one core take, against librdkafka's consumer alone and Faust?

The broker and everything else run on core 0, what is measured on core 1, one after the other, several times in one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import msgspec
from confluent_kafka import Consumer, Producer

from tests.bench.records import spread
from topology.settings import IngestSettings, Kafka, TelemetrySettings
from topology.topics import LOGS

RECORDS = 400_000
FAUST_RECORDS = 40_000
REPEATS = 3


def run(servers: str, repeats: int = REPEATS) -> dict[str, float]:
    """The figures for the broker at this address, whose topics exist and are empty."""
    fill(servers)
    rates: dict[str, list[float]] = {"consumer_alone": [], "ingest": []}
    for repeat in range(repeats):
        for name in rates:
            rates[name].append(_measured(name, servers, f"{repeat}-{time.time_ns()}"))
    faust = _measured("faust", servers, str(time.time_ns()))
    alone, ours = (statistics.median(rates[name]) for name in ("consumer_alone", "ingest"))
    return {
        "records_per_s": round(ours),
        "consumer_alone_per_s": round(alone),
        "faust_per_s": round(faust),
        "ratio": round(ours / alone, 3),
        "times_faust": round(ours / faust, 1),
    }


def fill(servers: str) -> None:
    """Put the records into serinus.logs."""
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 50, "queue.buffering.max.messages": 1_000_000, "batch.size": 2**20}
    )
    now_s = time.time()
    for number, payload in enumerate(spread(RECORDS, now_s - 60, now_s)):
        while True:
            try:
                producer.produce(LOGS, payload, partition=number // 500 % 8)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    producer.flush(120)


def _measured(name: str, servers: str, group: str) -> float:
    """Records a second of one child process on core 1."""
    output = subprocess.run(
        [sys.executable, "-m", "tests.bench.ingest", name, servers, group], check=True, capture_output=True, timeout=600
    ).stdout
    return float(msgspec.json.decode(output.splitlines()[-1]))


def consumer_alone(servers: str, group: str) -> float:
    """librdkafka's consumer in Python: batches, payloads looked at, nothing else."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 65_536,
        }
    )
    consumer.subscribe([LOGS])
    taken, began_s = 0, 0.0
    while taken < RECORDS:
        messages = consumer.consume(5_000, 1.0)
        began_s = began_s or (time.perf_counter() if messages else 0.0)
        for message in messages:
            message.value()
        taken += len(messages)
    passed_s = time.perf_counter() - began_s
    consumer.close()
    return taken / passed_s


def ingest(servers: str, group: str) -> float:
    """The real worker: decode, summarise, transactions."""
    from topology.ingest.worker import IngestWorker
    from topology.telemetry import Telemetry

    settings = IngestSettings(Kafka(servers), group=f"bench-{group}", worker_id=group, max_late_s=86_400)
    worker = IngestWorker(settings, Telemetry.start("ingest", TelemetrySettings()))
    import threading

    stop = threading.Event()
    taken, began_s = 0, 0.0
    while taken < RECORDS:
        cycle_s = time.perf_counter()
        taken += worker.cycle(stop)
        began_s = began_s or (cycle_s if taken else 0.0)
    passed_s = time.perf_counter() - began_s
    worker.close()
    return taken / passed_s


def faust(servers: str, group: str) -> float:
    """A Faust agent that decodes the same records and counts them by pod."""
    import asyncio
    import json
    import tempfile

    import faust as faust_streaming

    async def measured() -> float:
        app = faust_streaming.App(
            f"bench-{group}", broker=f"kafka://{servers}", store="memory://", web_enabled=False, datadir=tempfile.mkdtemp(),
            topic_disable_leader=True, consumer_auto_offset_reset="earliest",
        )
        done, times, counts = asyncio.Event(), [], {}

        @app.agent(app.topic(LOGS, value_serializer="raw", value_type=bytes))
        async def count(stream: faust_streaming.StreamT[bytes]) -> None:
            async for value in stream:
                record = json.loads(value)
                key = (record["kubernetes"]["pod_name"], record["log"].translate(digits))
                counts[key] = counts.get(key, 0) + 1
                times.append(time.perf_counter())
                if len(times) == FAUST_RECORDS:
                    done.set()

        digits = str.maketrans("123456789", "0" * 9)
        await app.start()
        await done.wait()
        await app.stop()
        return (FAUST_RECORDS - 1) / (times[-1] - times[0])

    return asyncio.run(measured())


if __name__ == "__main__":
    what, servers_, group_ = sys.argv[1:]
    os.sched_setaffinity(0, {1})
    print(msgspec.json.encode({"consumer_alone": consumer_alone, "ingest": ingest, "faust": faust}[what](servers_, group_)).decode())
    sys.stdout.flush()
    os._exit(0)  # whatever threads the libraries have left are not measured
