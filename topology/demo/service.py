"""A service like `issuegen` (its log lines and errors), as its pods would behave under a traffic split.

Pure and seeded: asked for what happened between two moments, it says which pod logged what and how its request counters
stand. In which shipper's format that reaches Kafka is not its matter.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from msgspec import Struct

SPLIT_STEPS = (0.05, 0.25, 0.50)
"""Canary's share of the traffic, in three equal stretches of the play."""
_THREADS = 8
_INFO = (
    "GET /api/orders/{a} completed in {b} ms",
    "POST /api/orders accepted order {a} for customer {c}",
    "cache hit for product {a} in segment {b}",
    "session {c} refreshed for customer {a}",
    "published event order-created id={c} in {b} ms",
)
_SHARED_WARNINGS = ("GC pause of {b} ms exceeded the target", "deprecated API version v1 used by client {c}")
_SHARED_ERRORS = ("status=500 upstream inventory timed out after {b} ms for order {a}",)
_BROKEN_ERRORS = (
    "PSQLException: connection to db-{b}:5432 failed, SQLSTATE 08006",
    "could not open JDBC connection for transaction {c}; nested exception is java.sql.SQLException",
)
_STACK = (
    "\tat org.postgresql.core.v3.ConnectionFactoryImpl.openConnectionImpl(ConnectionFactoryImpl.java:331)",
    "\tat com.zaxxer.hikari.pool.PoolBase.newConnection(PoolBase.java:364)",
    "\tat com.opsmx.issuegen.OrderRepository.save(OrderRepository.java:57)",
    "Caused by: java.net.ConnectException: Connection refused",
)


class Line(Struct, frozen=True):
    """One line a pod wrote."""

    pod: str
    pod_template_hash: str
    time_s: float
    text: str


class Counter(Struct, frozen=True):
    """How one pod's request counter of one status stands."""

    pod: str
    pod_template_hash: str
    time_s: float
    status: int
    total: int


class Rates(Struct, frozen=True):
    """What becomes of a request, as probabilities."""

    warning: float = 0.01
    error: float = 0.001
    """Errors both revisions have alike."""
    canary_only_error: float = 0.0
    """What the new version breaks."""


class Service:
    """One workload with two revisions."""

    def __init__(self, name: str, baseline: str, canary: str, rates: Rates, requests_per_s: float, seed: int) -> None:
        self.name = name
        self.baseline = baseline
        self.canary = canary
        self._rates = rates
        self._requests_per_s = requests_per_s
        self._random = random.Random(seed)  # noqa: S311 - a play, no cryptography
        self._pods = {
            hash_: [f"{name}-{hash_}-{suffix}" for suffix in suffixes]
            for hash_, suffixes in ((baseline, ("b4kx2", "c7n9p", "d2hv8", "f5q6t")), (canary, ("g8wz3", "h6mr5")))
        }
        self._totals: dict[tuple[str, str, int], int] = {}

    def lines(self, from_s: float, to_s: float, canary_share: float) -> Iterator[Line]:
        """What all pods logged from one moment to another, in order of time."""
        draw = self._random
        expected = (to_s - from_s) * self._requests_per_s
        requests = int(expected) + (draw.random() < expected % 1)
        for number in range(requests):
            time_s = from_s + (to_s - from_s) * (number + draw.random()) / requests
            hash_ = self.canary if draw.random() < canary_share else self.baseline
            pod = draw.choice(self._pods[hash_])
            level, status, text, stack = self._request(hash_)
            key = (hash_, pod, status)
            self._totals[key] = self._totals.get(key, 0) + 1
            clock = f"{int(time_s) // 3600 % 24:02d}:{int(time_s) // 60 % 60:02d}:{time_s % 60:06.3f}"
            head = f"{clock} [http-nio-8088-exec-{draw.randrange(_THREADS)}] {level:5} {text}"
            for text_of_line in (head, *stack):
                yield Line(pod, hash_, time_s, text_of_line)

    def counters(self, time_s: float) -> Iterator[Counter]:
        """The request counters of all pods at one moment."""
        for hash_, pods in self._pods.items():
            for pod in pods:
                for status in (200, 500):
                    yield Counter(pod, hash_, time_s, status, self._totals.get((hash_, pod, status), 0))

    def _request(self, hash_: str) -> tuple[str, int, str, tuple[str, ...]]:
        draw, rates = self._random, self._rates
        chance = draw.random()
        numbers = {"a": draw.randrange(10**6), "b": draw.randrange(1, 900), "c": f"{draw.getrandbits(48):012x}"}
        if hash_ == self.canary and draw.random() < rates.canary_only_error:
            stack = _STACK if draw.random() < 0.5 else ()
            return "ERROR", 500, draw.choice(_BROKEN_ERRORS).format(**numbers), stack
        if chance < rates.error:
            return "ERROR", 500, draw.choice(_SHARED_ERRORS).format(**numbers), ()
        if chance < rates.error + rates.warning:
            return "WARN", 200, draw.choice(_SHARED_WARNINGS).format(**numbers), ()
        return "INFO", 200, draw.choice(_INFO).format(**numbers), ()


def canary_share(passed_ratio: float) -> float:
    """The traffic split after a part of the play.

    >>> [canary_share(part) for part in (0.0, 0.5, 0.99)]
    [0.05, 0.25, 0.5]
    """
    return SPLIT_STEPS[min(len(SPLIT_STEPS) - 1, int(passed_ratio * len(SPLIT_STEPS)))]
