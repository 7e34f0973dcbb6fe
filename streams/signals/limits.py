"""Which metric says how far a signal can go? It bounds signals of its own pod, and is none itself.

Only what counts the same things as the signal: several containers' limits are summed, as their memory is, and one
container without a limit leaves the pod without one (cAdvisor writes 0). Of the JVM's pools those that have no bound of
their own (-1) lie within the heap that the others bound.

Sources: kube-state-metrics, docs/metrics/workload/pod-metrics.md; cAdvisor, docs/storage/prometheus.md; OpenTelemetry
semantic conventions (k8s, JVM, database metrics); Prometheus, "Writing client libraries", section "Process metrics";
Micrometer's binders of the JVM and of processes.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from streams.records.metric import Series
from streams.signals.names import stems
from streams.signals.outcome import Attributes
from streams.signals.reading import Reading
from streams.signals.rules import WHOLE_POD, in_container
from streams.signals.units import factor, known_unit

_MEMORY = ("working_set", "rss", "usage")
_CONTAINER_MEMORY = tuple(f"container.memory.{what}{whole}" for what in _MEMORY for whole in ("", WHOLE_POD))
_POD_MEMORY = tuple(f"k8s.pod.memory.{what}" for what in _MEMORY)


class Limit(Struct, frozen=True):
    """One metric, in all its spellings."""

    signals: tuple[str, ...]
    """That it bounds."""
    stems: tuple[str, ...]
    """See `names.stems`."""
    unit: str = ""
    """UCUM of the signals."""
    only: Callable[[Attributes], bool] = lambda _: True
    """Series of it that count."""


def _of_memory(attributes: Attributes) -> bool:
    return attributes.get("resource") == "memory"


def _of_heap(attributes: Attributes) -> bool:
    return "heap" in (attributes.get(key) for key in ("area", "type", "jvm.memory.type", "jvm_memory_type"))


LIMITS = (
    Limit((*_CONTAINER_MEMORY, *_POD_MEMORY), ("kube_pod_container_resource_limits",), "By", _of_memory),
    Limit(
        (*_CONTAINER_MEMORY, *_POD_MEMORY),
        ("kube_pod_container_resource_limits_memory", "k8s_container_memory_limit"),
        "By",
    ),
    Limit(_CONTAINER_MEMORY, ("container_spec_memory_limit",), "By", in_container),
    Limit(("container.threads",), ("container_threads_max",), only=in_container),
    Limit(("process.open_fds",), ("process_max_fds", "process_files_max", "process_files_max_files")),
    Limit(
        ("jvm.memory.used_after_gc",),
        ("jvm_memory_max", "jvm_memory_bytes_max", "jvm_memory_limit", "process_runtime_jvm_memory_limit"),
        "By",
        _of_heap,
    ),
    Limit(("db.client.connection.used",), ("db_client_connection_max", "db_client_connections_max")),
)
SHARES = frozenset(
    ("hikaricp.connections.used", "tomcat.threads.busy", "jetty.threads.busy", "jvm.memory.usage_after_gc")
)
"""Signals that are shares of their own limit: 1."""
_BY_STEM = {stem: [one for one in LIMITS if stem in one.stems] for limit in LIMITS for stem in limit.stems}


def read_limit(series: Series) -> tuple[Reading, ...] | None:
    """The signals that a series bounds, none where this one of the metric does not count; None if it is no limit.

    >>> series = Series("kube_pod_container_resource_limits", (("container", "app"), ("resource", "memory")))
    >>> [reading.signal for reading in read_limit(series)][:2]
    ['container.memory.working_set', 'container.memory.working_set/pod']
    """
    for stem in stems(series.name):
        known = _BY_STEM.get(stem.stem)
        if known is None or stem.part:
            continue
        attributes = dict(series.attributes)
        scales = [(one, factor(known_unit(series.unit) or stem.unit, one.unit)) for one in known]
        return tuple(
            Reading(signal, "limit", scale, key=stem.stem)
            for one, scale in scales
            if scale is not None and one.only(attributes)
            for signal in one.signals
        )
    return None
