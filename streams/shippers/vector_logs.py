"""Vector's `kubernetes_logs` source through its `kafka` sink, codecs `json` and `native_json`.

Source: vectordotdev/vector src/sources/kubernetes_logs/*.rs, lib/codecs/src/encoding/format/{json,native_json}.rs.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.shippers.identity import LABEL_PREFIX, Attributes, canonical
from streams.shippers.line import Layout, Line
from streams.shippers.times import any_time_ns


def _attributes(kubernetes: Mapping[str, object]) -> Attributes | None:
    if "pod_namespace" not in kubernetes or "namespace_name" in kubernetes:
        return None
    labels = kubernetes.get("pod_labels")
    attributes = canonical(labels, LABEL_PREFIX) if isinstance(labels, Mapping) else {}
    attributes["k8s_pod_name"] = kubernetes.get("pod_name")
    attributes["k8s_namespace_name"] = kubernetes["pod_namespace"]
    attributes["k8s_replicaset_name"] = kubernetes.get("pod_owner")  # "ReplicaSet/<name>"
    return attributes


def _event(line: Line) -> tuple[int, str | None]:
    stamp = line.timestamp
    return any_time_ns(stamp) if stamp is not None else 0, line.message


VECTOR = Layout("vector", _attributes, _event)
