"""Which metric bounds which signal; a limit is no signal."""

from __future__ import annotations

import msgspec
import pytest

from streams.records.metric import Series
from streams.signals import catalogue as catalogues
from streams.signals.catalogue import Catalogue, CatalogueState, read_series
from streams.signals.limits import LIMITS, SHARES
from streams.signals.reading import Reading, SeriesUse
from streams.signals.requests import RequestRole
from streams.signals.rule import SignalRule
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


def restored(catalogue):
    """Written as a snapshot and read."""
    return Catalogue(msgspec.msgpack.decode(msgspec.msgpack.encode(catalogue.state), type=CatalogueState))


def test_series_of_an_earlier_snapshot_are_read_anew_once():
    """Else a bound would be watched as a level, and refused requests have no attempts, for good."""
    threads, memory, requests = (
        Series("container_threads_max", (("container", "app"),)),
        Series("container_spec_memory_limit_bytes", (("container", "app"),)),
        Series("http_requests_total", (("code", "200"),)),
    )
    before = {
        1: SeriesUse(gauge=(Reading("container.threads/max", "level"),)),
        2: SeriesUse(),
        3: SeriesUse(RequestRole("http_requests_total", False)),
        4: SeriesUse(gauge=(Reading("container.threads/max", "level"),)),
    }
    catalogue = restored(Catalogue(CatalogueState(before)))
    catalogue.learn(1, threads)
    catalogue = restored(catalogue)
    for number, series in ((1, memory), (2, memory), (3, requests)):
        catalogue.learn(number, series)
    assert catalogue.use(1) == read_series(threads)[0]
    assert catalogue.use(2) == read_series(memory)[0]
    assert Reading("http_requests_total/client_error", "attempt") in catalogue.use(3).counter
    assert catalogue.use(4) == before[4]
    assert list(catalogue.state.uses) == [1, 2, 3, 4]
    assert list(catalogue.state.outdated) == [4]
    fresh = Catalogue()
    fresh.learn(1, threads)
    assert restored(fresh).state.outdated == {}


def test_series_are_read_anew_by_rules_of_another_number():
    """A snapshot says by which rules its series were read, so that those that come later reach it as well."""
    for by in (-1, 1):
        catalogue = Catalogue()
        catalogue.learn(1, Series("container_threads_max", (("container", "app"),)))
        catalogue.state.rules += by
        assert list(restored(catalogue).state.outdated) == [1]


def test_signals_that_are_judged_follow_the_rules_of_another_number():
    """Else a share that is read as one would be judged both ways, at a quarter of the weight, for good."""
    apdex, fresh = Series("apdex_score"), Catalogue()
    (share,) = read_series(apdex)[0].gauge
    fresh.learn(1, apdex)
    assert fresh.admit(share)
    known = SignalRule("apdex_score", "level", "other", "either", 0.25)
    before = SeriesUse(gauge=(Reading("apdex_score", "level"),))
    candidates, signals = {"level:apdex_score": known}, {"apdex_score": known}
    catalogue = restored(Catalogue(CatalogueState({1: before}, candidates, signals, rules=catalogues.RULES - 1)))
    assert catalogue.rules["apdex_score"] == known
    catalogue.learn(1, apdex)
    assert catalogue.admit(share)
    assert catalogue.rules == fresh.rules
    assert catalogue.state.candidates == fresh.state.candidates
