"""How much memory do ingest and score hold with many workloads, and what does a workload cost?"""

from __future__ import annotations

import random
import time

from confluent_kafka import Producer

from streams.risk.comparison import CompareRequest, Comparison
from tests.bench.freshness import BASELINE, CANARY
from tests.bench.records import fluent_bit
from tests.bench.stage import Stage
from topology.codecs import encode_json
from topology.topics import LOGS, ROLLOUTS, partition_of

SIGNATURES = 200


def run(
    stage: Stage, workloads: int, seconds: float, records_per_s: int = 5_000, warm_up_s: float | None = None
) -> dict[str, object]:
    """Memory in MB, its growth, and processor time of score per workload and second.

    Every workload has two revisions, a comparison that runs, and 200 kinds of lines.

    Args:
        stage: the running roles.
        workloads: how many there are.
        seconds: how long records come, warm-up included.
        records_per_s: of all workloads.
        warm_up_s: growth counts from here; None: from half time. Score's ring takes 15 minutes to fill.
    """
    producer = Producer({"bootstrap.servers": stage.servers, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000})
    draw = random.Random(2)
    names = [f"shop-{''.join(chr(97 + int(digit)) for digit in str(number))}" for number in range(workloads)]
    for name in names:
        comparison = Comparison("", "prod", name, BASELINE, CANARY)
        partition = partition_of(comparison.of, stage.partitions)
        producer.produce(ROLLOUTS, encode_json(CompareRequest(comparison)), comparison.of.key, partition=partition)
    begun_s = told_s = time.time()
    curve: list[dict[str, float]] = []
    warm: dict[str, float] | None = None
    cpu_s = {role: stage.cpu_s(f"{role}-0") for role in ("ingest", "score")}
    number, owed = 0, 0.0
    while (now_s := time.time()) - begun_s < seconds:
        owed += (now_s - told_s) * records_per_s
        for _ in range(int(owed)):
            revision = (BASELINE, CANARY)[number // workloads % 2]
            producer.produce(LOGS, fluent_bit(now_s, draw, names[number % workloads], revision, kinds=SIGNATURES))
            number += 1
        owed %= 1.0
        told_s = now_s
        producer.poll(0.02)
        if now_s - begun_s > 60 * (len(curve) + 1):
            curve.append(_memory(stage))
        if warm is None and now_s - begun_s > (seconds / 2 if warm_up_s is None else warm_up_s):
            warm = _memory(stage)
    producer.flush(30)
    end = _memory(stage)
    warm = warm or end
    used_s = stage.cpu_s("score-0") - cpu_s["score"]
    return {
        "ingest_mb": end["ingest"],
        "score_mb": end["score"],
        "ingest_growth_mb": round(end["ingest"] - warm["ingest"], 1),
        "score_growth_mb": round(end["score"] - warm["score"], 1),
        "ingest_mb_by_minute": [each["ingest"] for each in curve],
        "score_mb_by_minute": [each["score"] for each in curve],
        "score_cpu_ms_per_workload_s": round(1e3 * used_s / seconds / workloads, 3),
        "ingest_cpu_us_per_record": round(1e6 * (stage.cpu_s("ingest-0") - cpu_s["ingest"]) / number, 2),
    }


def _memory(stage: Stage) -> dict[str, float]:
    return {role: round(stage.memory_mb(f"{role}-0"), 1) for role in ("ingest", "score")}
