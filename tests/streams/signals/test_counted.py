"""Counters under names of their own: what failed, by attributes; and whose word counts beside whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records.metric import Series
from streams.signals.catalogue import GUESSED_SOURCES, Catalogue, read_series
from streams.signals.outcome import failed
from streams.signals.reading import Reading
from streams.signals.requests import RequestRole, best_source
from streams.signals.words import FAILED


def series(name, **attributes):
    """A series with its attributes in order."""
    return Series(name, tuple(sorted(attributes.items())))


OUTCOMES = [
    ({"status": "500"}, True),
    ({"code": "5xx"}, True),
    ({"http.response.status_code": "503"}, True),
    ({"statusCode": "404"}, False),
    ({"response_code_class": "5"}, True),
    ({"grpc_code": "Unavailable"}, True),
    ({"grpc_status": "5"}, False),
    ({"code": "5"}, None),  # an HTTP class, or gRPC's NOT_FOUND
    ({"status": "ok"}, False),
    ({"status": "failed"}, True),
    ({"outcome": "SERVER_ERROR"}, True),
    ({"outcome": "CLIENT_ERROR"}, False),
    ({"status": "UNKNOWN", "outcome": "UNKNOWN"}, None),
    ({"result": "failure", "exception": "java.io.IOException"}, True),
    ({"exception": "none"}, False),
    ({"error.type": "timeout"}, True),
    ({"status_code": "STATUS_CODE_UNSET"}, False),
    ({"result": "hit"}, None),
    ({"path": "/500"}, None),
    ({"status": ""}, None),
    ({"kind": "successful_without_retry"}, False),
    ({"kind": "failed_with_retry"}, True),
    ({"kind": "not_permitted"}, None),
    ({"rcode": "SERVFAIL"}, True),
    ({"rcode": "No Error"}, False),
    ({"process_status": "success"}, False),
    ({"state": "succeeded"}, False),
    ({"state": "started"}, None),
]


@pytest.mark.parametrize(("attributes", "expected"), OUTCOMES)
def test_what_failed_by_the_servers_fault_is_told_by_the_usual_attributes(attributes, expected):
    """HTTP, gRPC, spans, Micrometer; None where nothing tells, or it may mean two things."""
    assert failed(attributes) is expected


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5))
def test_any_attributes_can_be_asked(attributes):
    """They come from outside."""
    assert failed(attributes) in {True, False, None}


OWN_NAMES = [
    ("shop_http_requests_total", {"statusCode": "500"}, RequestRole("shop_http_requests", True)),
    ("flask_http_request_total", {"status": "200"}, RequestRole("flask_http_request", False)),
    ("starlette_requests_total", {"status_code": "503"}, RequestRole("starlette_requests", True)),
    ("ktor_http_server_requests_seconds_count", {"status": "500"}, RequestRole("ktor_http_server_requests", True)),
    ("shop_http_requests_total", {"path": "/"}, None),
    ("shop_http_requests_seconds_bucket", {"status": "500", "le": "1"}, None),
    ("shop_http_response_size_bytes_count", {"status": "500"}, None),
    ("shop_http_request_errors_total", {"status": "500"}, None),  # failures only: their share is not told
    ("payment_client_requests_total", {"status": "500"}, None),
    ("redis_requests_total", {"status": "error"}, None),  # asked of a store
    ("http_server_request_duration_seconds_count", {"code": "500"}, RequestRole("http.server.request.duration", True)),
    ("http_server_requests_seconds_count", {"code": "500"}, RequestRole("http.server.requests", True)),
    ("promhttp_metric_handler_requests_total", {"code": "500"}, None),
    ("traefik_entrypoint_requests_total", {"code": "500"}, None),
    ("caddy_http_request_duration_seconds_count", {"handler": "encode", "code": "500"}, None),  # counted once more
    ("litestar_requests_in_progress", {"status_code": "200"}, None),  # a level, whose status says nothing yet
    ("istio_request_duration_milliseconds_count", {"reporter": "destination", "response_code": "500"}, None),
    ("jobs_processed_total", {"status": "failed"}, None),
    ("hubble_http_requests_total", {"reporter": "server", "status": "500"}, RequestRole("hubble_http_requests", True)),
    ("hubble_http_requests_total", {"reporter": "client", "status": "500"}, None),
    ("shop_http_request_retries_total", {"outcome": "success"}, None),
]


@pytest.mark.parametrize(("name", "attributes", "role"), OWN_NAMES)
def test_requests_served_are_known_under_any_prefix(name, attributes, role):
    """By words of requests, none of others, and attributes that tell good ones from failed."""
    assert read_series(series(name, **attributes))[0].role == role


ATTEMPTS = [
    ("jobs_processed_total", {"status": "failed"}, "jobs_processed/failed", {"event", "attempt"}),
    ("jobs_processed_total", {"status": "ok"}, "jobs_processed/failed", {"attempt"}),
    ("celery_tasks_total", {"state": "failed"}, "celery_tasks/failed", {"event", "attempt"}),
    (
        *("resilience4j_retry_calls_total", {"kind": "successful_without_retry"}),
        *("resilience4j_retry_calls/failed", {"attempt"}),
    ),
    (
        *("resilience4j_retry_calls_total", {"kind": "failed_with_retry"}),
        *("resilience4j_retry_calls/failed", {"event", "attempt"}),
    ),
    ("payment_client_requests_total", {"status": "500"}, "payment_client_requests/failed", {"event", "attempt"}),
    (
        *("spring_kafka_listener_seconds_count", {"result": "failure", "exception": "X"}),
        *("spring_kafka_listener/failed", {"event", "attempt"}),
    ),
    ("rpc_client_duration_milliseconds_count", {"rpc_grpc_status_code": "14"}, "rpc_client_duration/failed", None),
    (
        "http_client_requests_seconds_count",
        {"status": "IO_ERROR", "outcome": "UNKNOWN"},
        "http_client_requests/failed",
        None,
    ),
    ("grpc_client_handled_total", {"grpc_code": "Unavailable"}, "grpc_client_handled/failed", None),
]


@pytest.mark.parametrize(("name", "attributes", "signal", "how"), ATTEMPTS)
def test_what_is_no_request_served_is_a_share_of_failed_attempts(name, attributes, signal, how):
    """Jobs, messages, calls to others."""
    use, rules = read_series(series(name, **attributes))
    assert use.role is None
    assert {reading.how for reading in use.counter if reading.signal == signal} == (how or {"event", "attempt"})
    (rule,) = {rule for rule in rules if rule.signal == signal}
    assert (rule.kind, rule.group, rule.worse) == ("events", "errors", "higher")


def test_what_succeeded_after_a_retry_is_no_failure_whatever_the_name_says():
    """Of `..._retry_calls_total` by far the most are calls that went well."""
    use, _ = read_series(series("resilience4j_retry_calls_total", kind="successful_without_retry"))
    assert [reading.how for reading in use.counter] == ["attempt"]
    use, _ = read_series(series("celery_task_retried_total", exception="ValueError"))
    assert [reading.how for reading in use.counter] == ["event"]


def test_rates_of_requests_follow_the_traffic_and_are_not_judged():
    """Whatever they are called; a canary with a tenth of the traffic has a tenth of the rate."""
    for one in (
        series("shop_http_requests_total", code="200"),
        series("response_total", direction="inbound", classification="success"),
        series("envoy_http_downstream_rq_xx", envoy_response_code_class="2"),
    ):
        rates = [rule for rule in read_series(one)[1] if rule.kind == "level"]
        assert rates
        assert {(rule.group, rule.criticality) for rule in rates} == {("load", "watch")}


def test_sources_of_the_table_come_before_guessed_ones():
    """Applications, then proxies, then what goes by words."""
    assert best_source({"shop_http_requests", "istio_requests_total"}) == "istio_requests_total"
    assert best_source({"istio_requests_total", "http_requests_total"}) == "http_requests_total"
    assert best_source({"b_requests", "a_requests", ""}) == "a_requests"
    assert best_source({"shop_http_requests", "payment_requests"}) == "shop_http_requests"
    assert best_source(()) == ""


ISTIO = series("istio_requests_total", reporter="destination", response_code="503")
ISTIO_FAILED = Reading("istio_requests_total/failed", "event")


def test_what_a_proxy_says_of_failed_requests_is_judged_beside_the_application_and_not_twice():
    """A revision that refuses connections counts nothing itself; where there is but the proxy, it is the exposure."""
    alone, beside = Catalogue(), Catalogue()
    alone.learn(1, ISTIO)
    assert not alone.admit(ISTIO_FAILED)
    beside.learn(1, ISTIO)
    beside.learn(2, series("http_server_requests_seconds_count", status="200"))
    assert beside.admit(ISTIO_FAILED)
    assert Catalogue(beside.state).admit(ISTIO_FAILED)


@pytest.mark.parametrize(
    ("exposure", "other"),
    [
        (
            series("http_server_requests_seconds_count", status="200"),
            series("grpc_server_handled_total", grpc_code="Internal"),
        ),
        (
            series("shop_http_requests_total", code="200"),
            series("payment_requests_total", code="500"),
        ),
        (
            series("grpc_server_handled_total", grpc_code="OK"),
            series("shop_http_requests_total", code="500"),
        ),
    ],
)
def test_failures_of_every_source_are_judged_and_of_the_exposure_once(exposure, other):
    """HTTP beside gRPC, and counters that may be of calls to others: in whatever order they come."""
    for order in ((exposure, other), (other, exposure)):
        catalogue, uses = Catalogue(), {}
        for number, one in enumerate(order):
            catalogue.learn(number, one)
            uses[one] = catalogue.use(number)
        told = {
            one: [reading for reading in use.counter if reading.how == "attempt" and reading.signal.endswith(FAILED)]
            for one, use in uses.items()
        }
        assert all(map(catalogue.admit, told[other]))
        assert told[other]
        assert not any(map(catalogue.admit, told[exposure]))


@pytest.mark.parametrize(
    ("name", "refused", "served", "signal"),
    [
        ("http_requests_total", {"code": "404"}, {"code": "200"}, "http_requests_total/client_error"),
        (
            "http_server_requests_seconds_count",
            {"status": "401", "outcome": "CLIENT_ERROR"},
            {"status": "200"},
            "http.server.requests/client_error",
        ),
        (
            "istio_requests_total",
            {"reporter": "destination", "response_code": "200", "grpc_response_status": "16"},
            {"reporter": "destination", "response_code": "503"},
            "istio_requests_total/client_error",
        ),
        (
            "grpc_server_handled_total",
            {"grpc_code": "NotFound"},
            {"grpc_code": "OK"},
            "grpc_server_handled_total/client_error",
        ),
        (
            "envoy_http_downstream_rq_xx",
            {"envoy_response_code_class": "4"},
            {"envoy_response_code_class": "2"},
            "envoy_http_downstream_rq_xx/client_error",
        ),
        ("shop_http_requests_total", {"status": "4xx"}, {"status": "5xx"}, "shop_http_requests/client_error"),
    ],
)
def test_client_errors_are_shown_of_all_requests_once_one_is_refused(name, refused, served, signal):
    """Promise: a signal that fails nobody, and none of a service that refuses nobody."""
    catalogue = Catalogue()
    attempt, event = Reading(signal, "attempt"), Reading(signal, "event")
    catalogue.learn(1, series(name, **served))
    assert attempt in catalogue.use(1).counter
    assert event not in catalogue.use(1).counter
    assert not catalogue.admit(attempt)
    catalogue.learn(2, series(name, **refused))
    assert {attempt, event} <= set(catalogue.use(2).counter)
    assert not catalogue.use(2).role.is_error
    assert catalogue.admit(attempt)
    assert catalogue.rules[signal].criticality == "watch"


def test_guessed_sources_are_bounded_and_those_of_the_table_always_have_room():
    """Names come from outside."""
    catalogue = Catalogue()
    for number in range(GUESSED_SOURCES + 5):
        catalogue.learn(number, series(f"s{number}_requests_total", code="200"))
    assert sum(catalogue.use(number).role is not None for number in range(GUESSED_SOURCES + 5)) == GUESSED_SOURCES
    catalogue.learn(1000, series("http_requests_total", code="200"))
    catalogue.learn(1001, series("s0_requests_total", code="500"))
    assert catalogue.use(1000).role == RequestRole("http_requests_total", False)
    assert catalogue.use(1001).role == RequestRole("s0_requests", True)
