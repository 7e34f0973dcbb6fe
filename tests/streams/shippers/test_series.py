"""Baseline and canary meet in equal series, whatever pod, node or scrape they come from."""

from __future__ import annotations

import pytest

from streams.errors import BadRecord, Reason
from streams.records.metric import Kind
from streams.shippers.series import MAX_ATTRIBUTES, MAX_TEXT, kind_by_name, series_of, unit_by_name


def test_places_are_dropped_and_meanings_kept():
    """What identifies pod, node or scrape goes; what is measured stays, sorted."""
    places = {
        "pod": "a",
        "namespace": "b",
        "instance": "c",
        "job": "d",
        "host": "e",
        "node": "f",
        "image": "g",
        "rollouts_pod_template_hash": "h",
        "label_pod_template_hash": "h",
        "k8s.pod.uid": "i",
        "pod_ip": "j",
        "service.instance.id": "k",
        "resource.k8s.pod.name": "l",
        "__name__": "m",
        "service": "n",
        "endpoint": "o",
    }
    kept = {"status": "500", "le": "0.5", "quantile": "0.9", "method": "GET", "http.route": "/a", "container": "app"}
    assert dict(series_of("x", places | kept).attributes) == kept
    assert list(series_of("x", places | kept).attributes) == sorted(kept.items())


def test_what_is_a_place_only_beside_others():
    """`endpoint` without a scrape target, and `name` on other than cAdvisor's series, are the application's own."""
    assert dict(series_of("x", {"endpoint": "/pay", "name": "pool"}).attributes) == {"endpoint": "/pay", "name": "pool"}
    assert series_of("container_cpu_usage_seconds_total", {"name": "ab12", "id": "/kubepods"}).attributes == ()


def test_containers_count_apart():
    """Two containers of a pod are two series, else one counter would seem to be reset by the other."""
    one, other = (series_of("cpu", {"k8s.container.name": name}) for name in ("app", "istio-proxy"))
    assert one != other


def test_bounds():
    """Attributes are bounded in number and length."""
    series = series_of("x", {f"{i:03d}" + "k" * 1000: "v" * 1000 for i in range(200)})
    assert len(series.attributes) == MAX_ATTRIBUTES
    assert {len(text) for pair in series.attributes for text in pair} == {MAX_TEXT}


def test_levels_under_names_of_counters():
    """prom-client and fiberprometheus end gauges in `_total`: without types they would be counters."""
    assert kind_by_name("http_requests_in_progress_total") is Kind.GAUGE
    assert kind_by_name("nodejs_active_handles_total") is Kind.GAUGE
    assert kind_by_name("nodejs_gc_runs_total") is Kind.CUMULATIVE


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "x" * 256, "\x00"])
def test_names_that_are_none(name):
    """A metric name is neither empty nor endless nor broken."""
    with pytest.raises(BadRecord) as refused:
        series_of(name, {})
    assert refused.value.reason is Reason.BAD_NAME


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("http_requests_total", Kind.CUMULATIVE, ""),
        ("process_cpu_seconds_total", Kind.CUMULATIVE, "s"),
        ("request_seconds_count", Kind.CUMULATIVE, ""),
        ("request_seconds_sum", Kind.CUMULATIVE, "s"),
        ("request_seconds_bucket", Kind.CUMULATIVE, ""),
        ("request_seconds_max", Kind.GAUGE, "s"),
        ("memory_bytes", Kind.GAUGE, "By"),
        ("istio_request_duration_milliseconds_sum", Kind.CUMULATIVE, "ms"),
        ("jvm_info", Kind.GAUGE, ""),
    ],
)
def test_by_name(name, kind, unit):
    """Where a shipper sends neither type nor unit, the name's suffix tells."""
    assert (kind_by_name(name), unit_by_name(name)) == (kind, unit)
