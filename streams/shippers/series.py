"""What a metric sample measures: the series' name, unit and attributes, without what only says where.

Dropped are attributes that identify the pod, the node or the scrape, because baseline and canary must meet in equal
series. The container's *name* stays: two containers of a pod count apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.errors import BadRecord, Reason
from streams.records.metric import Kind, Series
from streams.shippers.identity import CANONICAL

MAX_ATTRIBUTES = 64
MAX_TEXT = 256

_NAME = re.compile(r"[^\x00-\x20\x7f]{1,255}")
_PLACE = frozenset(
    (
        "__name__",
        "pod",
        "pod_name",
        "pod_uid",
        "pod_ip",
        "uid",
        "namespace",
        "namespace_name",
        "exported_pod",
        "exported_namespace",
        "exported_instance",
        "exported_job",
        "exported_node",
        "instance",
        "job",
        "node",
        "nodename",
        "node_name",
        "host",
        "hostname",
        "host_ip",
        "host_name",
        "host_id",
        "net_host_name",
        "net_host_port",
        "image",
        "image_id",
        "image_name",
        "container_id",
        "container_image",
        "container_image_name",
        "container_image_tag",
        "container_image_tags",
        "replicaset",
        "owner_name",
        "created_by_name",
        "controller_revision_hash",
        "service_instance_id",
        "service_version",
        "process_pid",
        "prometheus",
        "prometheus_replica",
        "cluster",
    )
)
_PLACE_PREFIXES = ("k8s_", "kubernetes_", "resource_", "__")
_CADVISOR = frozenset(("id", "name"))
"""On `container_*` series: the cgroup's path and the runtime's name, both with the pod's uid in them."""
_OPERATOR = frozenset(("endpoint", "service"))
"""Added by the Prometheus Operator next to `job` and `instance`; elsewhere they may be the application's own."""
_UNITS = {
    "seconds": "s",
    "milliseconds": "ms",
    "millis": "ms",
    "microseconds": "us",
    "micros": "us",
    "nanoseconds": "ns",
    "nanos": "ns",
    "bytes": "By",
    "ratio": "1",
    "percent": "%",
    "celsius": "Cel",
}
_CUMULATIVE = ("_total", "_count", "_sum", "_bucket")
_GAUGES = frozenset(("nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"))
"""Levels under names of counters: prom-client, `lib/metrics/process{Handles,Requests,Resources}.js`."""
_UNDER_WAY = ("_in_progress_total", "_in_flight_total", "_inflight_total")
"""The same: gofiber's fiberprometheus, `http_requests_in_progress_total`."""


def series_of(name: str, attributes: Mapping[str, str], unit: str = "") -> Series:
    """The series of a sample.

    Raises:
        BadRecord: BAD_NAME, for a name that is empty, longer than 255 or holds blanks or control characters.
    """
    if _NAME.fullmatch(name) is None:
        raise BadRecord(Reason.BAD_NAME, f"metric name {name[:80]!r}")
    scraped = "job" in attributes and "instance" in attributes
    kept: dict[str, str] = {}
    for key, value in attributes.items():
        place = key.translate(CANONICAL)
        if place in {"k8s_container_name", "resource_k8s_container_name"}:
            kept["container"] = value[:MAX_TEXT]
        elif not (
            place in _PLACE
            or "pod_template_hash" in place
            or place.startswith(_PLACE_PREFIXES)
            or (place in _CADVISOR and name.startswith("container_"))
            or (scraped and place in _OPERATOR)
        ):
            kept[key[:MAX_TEXT]] = value[:MAX_TEXT]
    return Series(name, tuple(sorted(kept.items())[:MAX_ATTRIBUTES]), unit[:MAX_TEXT])


def kind_by_name(name: str) -> Kind:
    """Counter or gauge, where the shipper does not say: by the suffix (OpenMetrics, section "Suffixes").

    >>> kind_by_name("http_requests_total").value, kind_by_name("process_open_fds").value
    ('cumulative', 'gauge')
    """
    counts_up = name.endswith(_CUMULATIVE) and name not in _GAUGES and not name.endswith(_UNDER_WAY)
    return Kind.CUMULATIVE if counts_up else Kind.GAUGE


def unit_by_name(name: str) -> str:
    """UCUM unit by the name's suffix; empty where it says none, and for counts of a distribution.

    >>> unit_by_name("process_cpu_seconds_total"), unit_by_name("request_seconds_bucket"), unit_by_name("jobs")
    ('s', '', '')
    """
    if name.endswith(("_count", "_bucket")):
        return ""
    for suffix in ("_total", "_sum", "_max"):
        name = name.removesuffix(suffix)
    return _UNITS.get(name.rpartition("_")[2], "")
