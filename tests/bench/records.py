"""Records like those of a busy service: Fluent Bit, about 450 bytes, 50 message kinds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

KINDS = [
    f"{level} {verb} {what} {{}} in {{}} ms for customer {{}} from segment {kind % 7} of the cache"
    for kind, (level, verb, what) in enumerate(
        (level, verb, what)
        for level in ("INFO ", "INFO ", "INFO ", "WARN ", "ERROR")
        for verb in ("handled", "rejected")
        for what in ("order", "payment", "session", "refund", "basket")
    )
]


def fluent_bit(
    time_s: float, draw: random.Random, workload: str = "shop", pod_template_hash: str = "6f87c5d5d5", kinds: int = 50
) -> bytes:
    """One record of one of six pods."""
    pod = f"{workload}-{pod_template_hash}-x{draw.randrange(6)}k9p"
    kind = draw.randrange(kinds)
    text = KINDS[kind % len(KINDS)].format(draw.randrange(10**6), draw.randrange(900), draw.randrange(10**5))
    if kinds > len(KINDS):
        text += " via " + "".join(chr(97 + int(digit)) for digit in str(kind))
    record = {
        "@timestamp": round(time_s, 6),
        "time": "2026-08-21T10:13:20.123456789Z",
        "stream": "stdout",
        "_p": "F",
        "log": text,
        "kubernetes": {
            "pod_name": pod,
            "namespace_name": "prod",
            "host": "node-3.example.internal",
            "labels": {"app.kubernetes.io/name": workload, "rollouts-pod-template-hash": pod_template_hash},
            "container_name": "app",
            "docker_id": "ab12cd34",
        },
    }
    return json.dumps(record, separators=(",", ":")).encode()


def spread(count: int, from_s: float, to_s: float, seed: int = 1) -> Iterator[bytes]:
    """So many records of one revision, evenly over a stretch of event time."""
    draw = random.Random(seed)
    for number in range(count):
        yield fluent_bit(from_s + (to_s - from_s) * number / count, draw)
