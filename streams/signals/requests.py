"""Which metric series count requests, and which of their attribute values mean "the server failed it"?

A table of rules in order of preference as exposure: what the application says of itself, then its proxy, then the
generic name that anything may use. `_bucket` and `_sum` of a histogram count nothing here, and neither does
`nginx_ingress_controller_requests`: it names no backend pod. A series of a rule that needs a status and has none
(summed away, or never set) is not used at all: all its requests would count as good ones.

Sources: OpenTelemetry semantic conventions, HTTP and RPC metrics; Prometheus names as its compatibility page derives
them; Micrometer's `http.server.requests`; Envoy, "HTTP connection manager statistics"; istio.io "Istio Standard
Metrics"; grpc-ecosystem/go-grpc-prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from streams.records.metric import Series

_GRPC_SERVER_FAULTS = frozenset(
    {"2", "UNKNOWN", "4", "DEADLINEEXCEEDED", "12", "UNIMPLEMENTED", "13", "INTERNAL", "14", "UNAVAILABLE"}
    | {"15", "DATALOSS"}
)
"""Status codes that are the server's fault (semantic conventions, "gRPC", table of server span status)."""

Attributes = Mapping[str, str]
IsError = Callable[[Attributes], bool | None]
"""Whether these requests failed; None where the attributes cannot tell."""


class RequestRole(Struct, frozen=True):
    """What a series counts."""

    source: str
    """Name of the rule: the source of truth that its counts belong to, e.g. `http.server.request.duration`."""
    is_error: bool
    """The requests it counts have failed, by the server's fault."""


class _Rule(Struct, frozen=True):
    source: str
    names: tuple[str, ...]
    is_error: IsError


def request_role(series: Series) -> RequestRole | None:
    """What the series says of requests; None for one that counts none, or cannot tell good ones from failed.

    >>> request_role(Series("http_requests_total", (("code", "503"),)))
    RequestRole(source='http_requests_total', is_error=True)
    """
    rule = _BY_NAME.get(series.name)
    if rule is None:
        return None
    is_error = rule.is_error(dict(series.attributes))
    return None if is_error is None else RequestRole(rule.source, is_error)


def _first(attributes: Attributes, *keys: str) -> str:
    return next((attributes[key] for key in keys if attributes.get(key)), "")


def _http_status(code: str) -> bool | None:
    """`503`, `503.0` and `5xx` are the server's fault; None for what is no HTTP status."""
    return code[0] == "5" if len(code) >= 3 and code[0] in "12345" else None


def _otel_http(attributes: Attributes) -> bool:
    code = _first(
        attributes, "http.response.status_code", "http_response_status_code", "http.status_code", "http_status_code"
    )
    return bool(_http_status(code)) or bool(_first(attributes, "error.type", "error_type"))


def _otel_rpc(attributes: Attributes) -> bool:
    code = _first(
        attributes,
        *("rpc.response.status_code", "rpc_response_status_code", "rpc.grpc.status_code", "rpc_grpc_status_code"),
    )
    return _grpc(code) if code else bool(_first(attributes, "error.type", "error_type"))


def _grpc(code: str) -> bool:
    return code.upper().replace("_", "") in _GRPC_SERVER_FAULTS


def _micrometer(attributes: Attributes) -> bool | None:
    by_status = _http_status(_first(attributes, "status"))
    outcome = _first(attributes, "outcome")
    return by_status if by_status is not None or not outcome else outcome == "SERVER_ERROR"


def _istio(attributes: Attributes) -> bool | None:
    if attributes.get("reporter") != "destination":
        return None
    code = _first(attributes, "response_code")
    grpc = _first(attributes, "grpc_response_status")
    return (bool(_http_status(code)) or _grpc(grpc)) if code or grpc else None


def _envoy(attributes: Attributes) -> bool | None:
    """Of requests that came in: a sidecar's outbound listeners and the admin page serve others."""
    prefix = _first(attributes, "envoy_http_conn_manager_prefix")
    code = _first(attributes, "envoy_response_code_class")
    if prefix == "admin" or prefix.startswith("outbound") or code not in {"1", "2", "3", "4", "5"}:
        return None
    return code == "5"


def _grpc_handled(attributes: Attributes) -> bool | None:
    code = _first(attributes, "grpc_code")
    return _grpc(code) if code else None


def _any_status(attributes: Attributes) -> bool | None:
    return _http_status(_first(attributes, "code", "status", "status_code", "http_status", "http_status_code"))


_HTTP, _RPC = "http.server.request.duration", "rpc.server.call.duration"
_RULES = (
    _Rule(
        _HTTP,
        (
            *(_HTTP, "http_server_request_duration_seconds", "http_server_request_duration_seconds_count"),
            *("http_server_request_duration", "http_server_request_duration_count"),
        ),
        _otel_http,
    ),
    _Rule(
        "http.server.duration",  # the name before semantic conventions 1.23
        ("http.server.duration", "http_server_duration_milliseconds", "http_server_duration_milliseconds_count"),
        _otel_http,
    ),
    _Rule(
        "http.server.requests",  # Micrometer, Spring Boot, Quarkus
        ("http.server.requests", "http_server_requests_seconds", "http_server_requests_seconds_count"),
        _micrometer,
    ),
    _Rule(
        "http.server.request.count",
        (
            *("http.server.request.count", "http.server.request_count", "http.server.requests.count"),
            *("http_server_request_count", "http_server_request_count_total", "http_server_requests_total"),
        ),
        lambda attributes: _any_status(attributes) if not _otel_status(attributes) else _otel_http(attributes),
    ),
    _Rule(
        _RPC,
        (_RPC, "rpc_server_call_duration_seconds", "rpc_server_call_duration_seconds_count"),
        _otel_rpc,
    ),
    _Rule(
        "rpc.server.duration",
        ("rpc.server.duration", "rpc_server_duration_milliseconds", "rpc_server_duration_milliseconds_count"),
        _otel_rpc,
    ),
    _Rule("grpc_server_handled_total", ("grpc_server_handled_total", "grpc_server_handled"), _grpc_handled),
    _Rule("istio_requests_total", ("istio_requests_total", "istio_requests"), _istio),
    _Rule("envoy_http_downstream_rq_xx", ("envoy_http_downstream_rq_xx", "envoy_http_downstream_rq_xx_total"), _envoy),
    _Rule("http_requests_total", ("http_requests_total", "http_requests"), _any_status),
)


def _otel_status(attributes: Attributes) -> bool:
    return any(key.startswith(("http.", "http_response", "error")) for key in attributes)


_BY_NAME = {name: rule for rule in _RULES for name in rule.names}
SHARE_SOURCE = "requests x availability"
"""Of a gauge of how many requests there were and another of the share that succeeded (`words`)."""
REQUEST_SOURCES = (*(rule.source for rule in _RULES), SHARE_SOURCE)
"""Every source, the preferred one first."""


def best_source(among: Collection[str]) -> str:
    """The preferred one of these; empty where none of them is known."""
    return next((source for source in REQUEST_SOURCES if source in among), "")
