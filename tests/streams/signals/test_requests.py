"""Which series count requests, rule by rule."""

from __future__ import annotations

import pytest

from streams.records.metric import Series
from streams.signals.requests import REQUEST_SOURCES, RequestRole, request_role

HTTP = "http.server.request.duration"
MICROMETER = "http.server.requests"
RPC = "rpc.server.call.duration"

ENVOY = "envoy_http_downstream_rq_xx"
ROLES = [
    (HTTP, {"http.response.status_code": "200"}, HTTP, False),
    (HTTP, {"http.response.status_code": "503"}, HTTP, True),
    (HTTP, {"http.response.status_code": "404"}, HTTP, False),
    (HTTP, {"http.response.status_code": "200", "error.type": "timeout"}, HTTP, True),
    (HTTP, {"http.response.status_code": "200", "error.type": ""}, HTTP, False),
    (HTTP, {}, HTTP, False),
    ("http_server_request_duration_seconds", {"http_response_status_code": "500"}, HTTP, True),
    ("http_server_request_duration_seconds_count", {"http_response_status_code": "201"}, HTTP, False),
    ("http_server_request_duration_seconds_count", {"error_type": "java.io.IOException"}, HTTP, True),
    ("http.server.duration", {"http.status_code": "502"}, "http.server.duration", True),
    ("http_server_duration_milliseconds_count", {"http_status_code": "200"}, "http.server.duration", False),
    ("http_server_requests_seconds_count", {"status": "500", "outcome": "SERVER_ERROR"}, MICROMETER, True),
    ("http_server_requests_seconds_count", {"status": "UNKNOWN", "outcome": "SERVER_ERROR"}, MICROMETER, True),
    ("http_server_requests_seconds_count", {"status": "404", "outcome": "CLIENT_ERROR"}, MICROMETER, False),
    ("http.server.requests", {"outcome": "SUCCESS"}, MICROMETER, False),
    ("http.server.request.count", {"http.response.status_code": "500"}, "http.server.request.count", True),
    ("http_server_requests_total", {"code": "200"}, "http.server.request.count", False),
    (RPC, {"rpc.response.status_code": "UNAVAILABLE"}, RPC, True),
    (RPC, {"rpc.response.status_code": "NOT_FOUND", "error.type": "NOT_FOUND"}, RPC, False),
    (RPC, {"error.type": "timeout"}, RPC, True),
    ("rpc_server_call_duration_seconds_count", {"rpc_response_status_code": "OK"}, RPC, False),
    ("rpc.server.duration", {"rpc.grpc.status_code": "13"}, "rpc.server.duration", True),
    ("rpc_server_duration_milliseconds_count", {"rpc_grpc_status_code": "0"}, "rpc.server.duration", False),
    ("grpc_server_handled_total", {"grpc_code": "Internal"}, "grpc_server_handled_total", True),
    ("grpc_server_handled_total", {"grpc_code": "DeadlineExceeded"}, "grpc_server_handled_total", True),
    ("grpc_server_handled_total", {"grpc_code": "InvalidArgument"}, "grpc_server_handled_total", False),
    ("istio_requests_total", {"reporter": "destination", "response_code": "503"}, "istio_requests_total", True),
    (
        "istio_requests_total",
        {"reporter": "destination", "response_code": "200", "grpc_response_status": "14"},
        "istio_requests_total",
        True,
    ),
    (
        "istio_requests_total",
        {"reporter": "destination", "response_code": "200", "grpc_response_status": "5"},
        "istio_requests_total",
        False,
    ),
    ("istio_requests_total", {"reporter": "destination", "response_code": "0"}, "istio_requests_total", False),
    (ENVOY, {"envoy_response_code_class": "5", "envoy_http_conn_manager_prefix": "inbound_8080"}, ENVOY, True),
    (ENVOY, {"envoy_response_code_class": "4"}, ENVOY, False),
    ("http_requests_total", {"code": "500"}, "http_requests_total", True),
    ("http_requests_total", {"status": "5xx"}, "http_requests_total", True),
    ("http_requests_total", {"status_code": "301"}, "http_requests_total", False),
    ("http_requests_total", {"statusCode": "500"}, "http_requests_total", True),
    ("http_requests_total", {"response_code": "500"}, "http_requests_total", True),
    ("http_requests_total", {"status": "error"}, "http_requests_total", True),
    ("http_request_duration_seconds_count", {"status_code": "500"}, "http.request.duration", True),
    ("http_request_duration_ms_count", {"code": "200"}, "http.request.duration", False),
    ("http_server_duration_count", {"http_status_code": "500"}, "http.server.duration", True),
    ("http_server_duration_seconds_count", {"http_status_code": "500"}, "http.server.duration", True),
    ("rpc_server_duration_count", {"rpc_grpc_status_code": "13"}, "rpc.server.duration", True),
    ("grpc.server.call.duration", {"grpc.status": "INTERNAL"}, "grpc.server.call.duration", True),
    ("grpc_server_call_duration_seconds_count", {"grpc_status": "NOT_FOUND"}, "grpc.server.call.duration", False),
    (
        *("grpc_server_processing_duration_seconds_count", {"statusCode": "UNAVAILABLE"}),
        *("grpc.server.processing.duration", True),
    ),
    (
        *("traces_spanmetrics_calls_total", {"span_kind": "SPAN_KIND_SERVER", "status_code": "STATUS_CODE_ERROR"}),
        *("calls", True),
    ),
    ("traces.span.metrics.calls", {"span.kind": "SERVER", "status.code": "STATUS_CODE_UNSET"}, "calls", False),
    ("response_total", {"direction": "inbound", "classification": "failure"}, "response_total", True),
    ("response_total", {"direction": "inbound", "classification": "success"}, "response_total", False),
    ("traefik_service_requests_total", {"code": "502"}, "traefik_service_requests_total", True),
    ("nginx_ingress_controller_requests", {"status": "502"}, "nginx_ingress_controller_requests", True),
    ("nginx_ingress_controller_requests", {"status": "404"}, "nginx_ingress_controller_requests", False),
    (
        *("nginx_ingress_nginxplus_upstream_server_responses", {"code": "5xx"}),
        *("nginxplus_upstream_server_responses", True),
    ),
    ("haproxy_backend_http_responses_total", {"code": "5xx"}, "haproxy_backend_http_responses_total", True),
    (
        *("caddy_http_request_duration_seconds_count", {"handler": "subroute", "code": "502"}),
        *("caddy_http_request_duration", True),
    ),
    ("kong_http_requests_total", {"code": "200"}, "kong_http_requests_total", False),
    ("apisix_http_status", {"code": "500"}, "apisix_http_status", True),
]

NONE = [
    ("http_server_request_duration_seconds_bucket", {"http_response_status_code": "200", "le": "0.5"}),
    ("http_server_request_duration_seconds_sum", {"http_response_status_code": "200"}),
    ("http_server_requests_seconds_max", {"status": "200"}),
    ("http_server_requests_seconds_count", {"uri": "/"}),
    ("istio_requests_total", {"reporter": "source", "response_code": "503"}),
    ("istio_requests_total", {"response_code": "503"}),
    (ENVOY, {"envoy_response_code_class": "5", "envoy_http_conn_manager_prefix": "outbound_80"}),
    (ENVOY, {"envoy_response_code_class": "2", "envoy_http_conn_manager_prefix": "admin"}),
    (ENVOY, {}),
    ("http_requests_total", {"handler": "/"}),
    ("http_requests_total", {"status": "cached"}),
    ("nginx_ingress_controller_requests", {"ingress": "shop"}),
    ("nginx_ingress_controller_request_size_count", {"status": "500"}),
    ("response_total", {"direction": "outbound", "classification": "failure"}),
    ("traces_spanmetrics_calls_total", {"span_kind": "SPAN_KIND_CLIENT", "status_code": "STATUS_CODE_ERROR"}),
    ("http.client.request.duration", {"http.response.status_code": "500"}),
    ("container_cpu_usage_seconds_total", {}),
    ("", {}),
]


@pytest.mark.parametrize(("name", "attributes", "source", "is_error"), ROLES)
def test_counts_requests_and_knows_the_failed(name, attributes, source, is_error):
    """Each rule knows its spellings and what a server's fault is."""
    assert request_role(Series(name, tuple(sorted(attributes.items())))) == RequestRole(source, is_error)


@pytest.mark.parametrize(("name", "attributes"), NONE)
def test_leaves_alone_what_counts_no_requests_or_cannot_tell_failures(name, attributes):
    """Buckets, sums, clients, ingresses, and counters without any status."""
    assert request_role(Series(name, tuple(sorted(attributes.items())))) is None


def test_every_source_is_named_once_and_applications_come_before_proxies():
    """The order is the preference as exposure."""
    assert len(set(REQUEST_SOURCES)) == len(REQUEST_SOURCES)
    assert REQUEST_SOURCES.index(HTTP) < REQUEST_SOURCES.index("istio_requests_total")
