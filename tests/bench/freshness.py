"""How long from a record produced to a risk that includes it, read over HTTP? At a steady rate, all roles running.

A record of event time t is in the answer as soon as `as_of` has passed the end of its window; `as_of` is polled, and
records are taken to be spread evenly over each window.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator

from confluent_kafka import Producer

from tests.bench.records import fluent_bit
from tests.bench.stage import Stage
from topology.topics import LOGS

_POLL_S = 0.05
_WINDOW_S = 5.0
BASELINE, CANARY = "6f87c5d5d5", "9b7f4d6c8f"


def run(stage: Stage, seconds: float = 90.0, records_per_s: int = 10_000, warm_up_s: float = 20.0) -> dict[str, float]:
    """Freshness percentiles in seconds."""
    stop = threading.Event()
    producing = threading.Thread(target=_produce, args=(stage.servers, records_per_s, stop), daemon=True)
    producing.start()
    delays: list[float] = []
    begun_s, judged_s = time.monotonic(), 0.0
    while time.monotonic() - begun_s < seconds + warm_up_s:
        as_of_s = stage.risks.risk("prod", "shop", BASELINE, CANARY).as_of_s
        if as_of_s > judged_s:
            if judged_s and time.monotonic() - begun_s > warm_up_s:
                delays += _delays(judged_s, as_of_s, time.time())
            judged_s = as_of_s
        time.sleep(_POLL_S)
    stop.set()
    producing.join()
    cuts = statistics.quantiles(delays, n=100)
    return {"p50_s": round(cuts[49], 2), "p99_s": round(cuts[98], 2), "records_per_s": records_per_s}


def _delays(from_s: float, to_s: float, now_s: float) -> Iterator[float]:
    """Of records evenly spread from one `as_of` to the next."""
    steps = round(100 * (to_s - from_s) / _WINDOW_S)
    return (now_s - (from_s + (to_s - from_s) * step / steps) for step in range(steps))


def _produce(servers: str, records_per_s: int, stop: threading.Event) -> None:
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000})
    draw = random.Random(1)
    told_s, owed = time.time(), 0.0
    while not stop.wait(0.02):
        now_s = time.time()
        owed += (now_s - told_s) * records_per_s
        for _ in range(int(owed)):
            revision = CANARY if draw.random() < 0.25 else BASELINE
            producer.produce(LOGS, fluent_bit(now_s, draw, pod_template_hash=revision))
        owed %= 1.0
        told_s = now_s
        producer.poll(0)
    producer.flush(30)
