"""Filebeat's `output.kafka` in JSON, with `add_kubernetes_metadata` or autodiscover.

Source: elastic/beats libbeat/outputs/codec/json/event.go; elastic/elastic-agent-autodiscover
kubernetes/metadata/pod.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.shippers.identity import LABEL_PREFIX, Attributes, canonical
from streams.shippers.line import Layout, Line
from streams.shippers.times import any_time_ns


def _attributes(kubernetes: Mapping[str, object]) -> Attributes | None:
    if "namespace_name" in kubernetes or "pod_namespace" in kubernetes:
        return None
    pod = kubernetes.get("pod")
    if not isinstance(pod, Mapping):
        return None
    attributes: dict[str, object] = {}
    for labels in (pod.get("labels"), kubernetes.get("labels")):
        if isinstance(labels, Mapping):
            attributes.update(canonical(labels, LABEL_PREFIX))
    attributes["k8s_pod_name"] = pod.get("name")
    attributes["k8s_namespace_name"] = kubernetes.get("namespace")
    attributes["k8s_replicaset_name"] = _name(kubernetes.get("replicaset"))
    attributes["k8s_deployment_name"] = _name(kubernetes.get("deployment"))
    return attributes


def _name(kind: object) -> object:
    return kind.get("name") if isinstance(kind, Mapping) else None


def _event(line: Line) -> tuple[int, str | None]:
    stamp = line.at_timestamp
    return any_time_ns(stamp) if stamp is not None else 0, line.message


FILEBEAT = Layout("filebeat", _attributes, _event)
