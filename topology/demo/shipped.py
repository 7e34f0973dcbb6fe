"""The made-up service's lines and counters, written as shippers write them (shared formats: one function a shipper).

A message and how many records it carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import groupby

import msgspec

from topology.demo.service import Counter, Line

NAMESPACE = "demo"
Message = tuple[bytes, int]
_encode = msgspec.json.Encoder().encode


def fluent_bit_line(line: Line) -> Message:
    """Fluent Bit `out_kafka`, format json, kubernetes filter."""
    return _encode(
        {
            "@timestamp": round(line.time_s, 6),
            "time": _rfc3339(line.time_s),
            "stream": "stdout",
            "_p": "F",
            "log": line.text,
            "kubernetes": {
                "pod_name": line.pod,
                "namespace_name": NAMESPACE,
                "host": "node-1",
                "labels": {"app": "issuegen", "rollouts-pod-template-hash": line.pod_template_hash},
                "container_name": "issuegen",
            },
        }
    ), 1


def vector_line(line: Line) -> Message:
    """Vector `kafka` sink, json codec, `kubernetes_logs` source."""
    return _encode(
        {
            "file": f"/var/log/pods/{NAMESPACE}_{line.pod}/issuegen/0.log",
            "kubernetes": {
                "container_name": "issuegen",
                "pod_labels": {"app": "issuegen", "rollouts-pod-template-hash": line.pod_template_hash},
                "pod_name": line.pod,
                "pod_namespace": NAMESPACE,
                "pod_owner": f"ReplicaSet/{line.pod.rsplit('-', 1)[0]}",
            },
            "message": line.text,
            "source_type": "kubernetes_logs",
            "stream": "stdout",
            "timestamp": _rfc3339(line.time_s),
        }
    ), 1


def otlp_counters(counters: Iterable[Counter]) -> list[Message]:
    """OpenTelemetry Collector `kafka` exporter, otlp_json: one message for all pods."""
    resources, points = [], 0
    for (pod, hash_), of_pod in groupby(counters, lambda counter: (counter.pod, counter.pod_template_hash)):
        data = [
            {
                "attributes": [{"key": "http.response.status_code", "value": {"intValue": str(counter.status)}}],
                "timeUnixNano": str(round(counter.time_s * 1e9)),
                "asInt": str(counter.total),
            }
            for counter in of_pod
        ]
        points += len(data)
        total = {"name": "http.server.request.count", "unit": "{request}"}
        total["sum"] = {"dataPoints": data, "aggregationTemporality": 2, "isMonotonic": True}  # type: ignore[assignment]
        attributes = {
            "k8s.namespace.name": NAMESPACE,
            "k8s.pod.name": pod,
            "k8s.pod.label.rollouts-pod-template-hash": hash_,
        }
        resources.append(
            {
                "resource": {
                    "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
                },
                "scopeMetrics": [{"scope": {"name": "issuegen"}, "metrics": [total]}],
            }
        )
    return [(_encode({"resourceMetrics": resources}), points)]


def prometheus_counters(counters: Iterable[Counter]) -> list[Message]:
    """prometheus-kafka-adapter, JSON: one message a sample."""
    name = "http_server_requests_seconds_count"
    return [
        (
            _encode(
                {
                    "timestamp": f"{datetime.fromtimestamp(int(counter.time_s), UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "value": str(counter.total),
                    "name": name,
                    "labels": {
                        "__name__": name,
                        "namespace": NAMESPACE,
                        "pod": counter.pod,
                        "rollouts_pod_template_hash": counter.pod_template_hash,
                        "status": str(counter.status),
                        "uri": "/api/orders",
                    },
                }
            ),
            1,
        )
        for counter in counters
    ]


LineWriter = Callable[[Line], Message]
CounterWriter = Callable[[Iterable[Counter]], list[Message]]


def _rfc3339(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
