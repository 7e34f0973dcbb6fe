"""Messages no shipper should send, of every kind we know; each is bad as a whole."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from topology.topics import LOGS, METRICS

Payload = bytes | None
LONG_LINE_BYTES = 5_000_000
LONG_LINES = 10
_HASH = "6f87c5d5d5"


def log_record(**changes: Any) -> dict[str, Any]:
    """A good record of Fluent Bit, but for the changes."""
    labels = {"app.kubernetes.io/name": "shop", "rollouts-pod-template-hash": changes.pop("hash_", _HASH)}
    kubernetes = {"pod_name": f"shop-{_HASH}-x2k9p", "namespace_name": "prod", "labels": labels}
    return {"@timestamp": 1_787_307_200.5, "log": "GET /api/orders took 3 ms", "kubernetes": kubernetes, **changes}


def metric_message(hash_: str = _HASH, **point: Any) -> dict[str, Any]:
    """A good counter of the OpenTelemetry Collector, but for the changes."""
    attributes = {
        "k8s.namespace.name": "prod",
        "k8s.pod.name": f"shop-{_HASH}-x2k9p",
        "k8s.pod.label.rollouts-pod-template-hash": hash_,
    }
    resource = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    sample = {"timeUnixNano": "1787307200500000000", "asInt": "7", **point}
    total = {"dataPoints": [sample], "aggregationTemporality": 2, "isMonotonic": True}
    metric = {"name": "http.server.request.count", "sum": total}
    return {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": [metric]}]}]}


def hostile(count: int, draw: random.Random) -> Iterator[tuple[str, Payload]]:
    """So many (topic, payload), all kinds in turn, then `LONG_LINES` of the longest."""
    kinds = [(LOGS, kind) for kind in _LOGS] + [(METRICS, kind) for kind in _METRICS]
    for number in range(count):
        topic, kind = kinds[number % len(kinds)]
        yield topic, kind(draw)
    for _ in range(LONG_LINES):
        yield LOGS, json.dumps(log_record(log="x" * LONG_LINE_BYTES)).encode()


def _truncated(good: dict[str, Any]) -> Callable[[random.Random], Payload]:
    whole = json.dumps(good).encode()
    return lambda draw: whole[: draw.randrange(1, len(whole))]


def _fixed(bad: dict[str, Any]) -> Callable[[random.Random], Payload]:
    payload = json.dumps(bad).encode()
    return lambda _draw: payload


def _not_utf8(draw: random.Random) -> Payload:
    return json.dumps(log_record()).encode().replace(b"orders", b"\xff\xc0" + bytes([draw.randrange(128, 256)]))


def _deep(draw: random.Random) -> Payload:
    depth = draw.randrange(2_000, 20_000)
    return b'{"log": ' + b'{"a": [' * depth + b"]}" * depth + b"}"


def _no_protobuf(draw: random.Random) -> Payload:
    return b"\n\xff\xff\xff\x7f" + draw.randbytes(draw.randrange(200))


def _noise(draw: random.Random) -> Payload:
    return b"\x00" + draw.randbytes(draw.randrange(1, 400))


_ANY = [_noise, _no_protobuf, _deep, lambda _draw: b"", lambda _draw: None, _fixed({}), lambda _draw: b"[1, 2]"]
_LOGS: list[Callable[[random.Random], Payload]] = [
    *_ANY,
    _truncated(log_record()),
    _not_utf8,
    _fixed(log_record(**{"@timestamp": float("nan"), "time": 0, "date": "never"})),
    _fixed(log_record(**{"@timestamp": 10**400})),
    _fixed(log_record(kubernetes=7)),
    _fixed(log_record(kubernetes={"labels": ["rollouts-pod-template-hash"]})),
    _fixed(log_record(log={"level": "info"}, message=None)),
    _fixed(log_record(hash_="a" * 10_000)),
    _fixed(log_record(hash_={"value": _HASH})),
]
_METRICS: list[Callable[[random.Random], Payload]] = [
    *_ANY,
    _truncated(metric_message()),
    _fixed(metric_message(asInt=None, asDouble=float("nan"))),
    _fixed(metric_message(asInt="9" * 400)),
    _fixed(metric_message(asInt=10**400)),
    _fixed(metric_message(asInt={"value": 7})),
    _fixed(metric_message(timeUnixNano=10**400)),
    _fixed(metric_message(hash_="a" * 10_000)),
    _fixed(metric_message(hash_=["6f87c5d5d5"])),  # type: ignore[arg-type] # that is what is wrong with it
]
