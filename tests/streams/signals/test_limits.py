"""Which metric bounds which signal; a limit is no signal."""

from __future__ import annotations

import pytest

from streams.records.metric import Series
from streams.signals.catalogue import read_series
from streams.signals.limits import LIMITS, SHARES
from streams.signals.rules import RULES, WHOLE_POD

APP = {"container": "app"}
HEAP = {"area": "heap", "id": "G1 Old Gen"}
KNOWN = [
    # name, attributes, unit, one of the signals, factor
    ("kube_pod_container_resource_limits", {"resource": "memory", **APP}, "", "container.memory.working_set", 1.0),
    ("kube_pod_container_resource_limits", {"resource": "memory"}, "", "k8s.pod.memory.working_set", 1.0),
    ("kube_pod_container_resource_limits_memory_bytes", APP, "", "container.memory.rss", 1.0),
    ("k8s.container.memory_limit", {}, "By", "k8s.pod.memory.working_set", 1.0),
    ("container_spec_memory_limit_bytes", APP, "", "container.memory.working_set/pod", 1.0),
    ("container_threads_max", APP, "", "container.threads", 1.0),
    ("process_max_fds", {}, "", "process.open_fds", 1.0),
    ("process_files_max_files", {}, "", "process.open_fds", 1.0),
    ("jvm_memory_max_bytes", HEAP, "", "jvm.memory.used_after_gc", 1.0),
    ("jvm_memory_bytes_max", HEAP, "", "jvm.memory.used_after_gc", 1.0),
    ("jvm.memory.limit", {"jvm.memory.type": "heap"}, "MiBy", "jvm.memory.used_after_gc", 2.0**20),
    ("db.client.connection.max", {}, "{connection}", "db.client.connection.used", 1.0),
]
NOT_COUNTED = [
    ("kube_pod_container_resource_limits", {"resource": "cpu", **APP}, ""),
    ("container_spec_memory_limit_bytes", {"container": "POD"}, ""),
    ("container_spec_memory_limit_bytes", {}, ""),  # of the pod's own cgroup: it would count twice
    ("jvm_memory_max_bytes", {"area": "nonheap"}, ""),
    ("k8s.container.memory_limit", {}, "s"),
]


@pytest.mark.parametrize(("name", "attributes", "unit", "signal", "factor"), KNOWN)
def test_a_limit_is_read_into_what_it_bounds_and_judged_as_nothing(name, attributes, unit, signal, factor):
    """In the unit of the signal."""
    use, rules = read_series(Series(name, tuple(sorted(attributes.items())), unit))
    assert rules == ()
    assert use.role is None
    assert {reading.how for reading in use.gauge} == {"limit"}
    assert {reading.signal: reading.factor for reading in use.gauge}[signal] == factor


@pytest.mark.parametrize(("name", "attributes", "unit"), NOT_COUNTED)
def test_a_limit_of_something_else_is_read_for_nothing(name, attributes, unit):
    """Of processor time, of the pause container, of what is no heap."""
    use, rules = read_series(Series(name, tuple(sorted(attributes.items())), unit))
    assert (use.empty, rules) == (True, ())


def test_every_limit_is_of_a_signal_in_the_same_unit():
    """A signal that no rule knows would never be told of."""
    units = {rule.rule.signal: rule.rule.unit for rule in RULES}
    for limit in LIMITS:
        for signal in limit.signals:
            assert units[signal] == limit.unit, signal
    assert units.keys() >= SHARES
    assert any(signal.endswith(WHOLE_POD) for limit in LIMITS for signal in limit.signals)
