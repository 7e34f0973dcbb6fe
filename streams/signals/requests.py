"""Which metric series count requests, and which of their attribute values mean "the server failed it"?

A table of rules in order of preference as exposure: what the application says of itself, then the generic name that
anything may use, then its proxy; after all of the table, counters in no rule (`counted`). `_bucket` and `_sum` of a
histogram count nothing here. A series that needs a status and has none (summed away, or never set) is not used at all:
all its requests would count as good ones.

What an ingress counts names no backend pod, so that it says of a revision only what its shipper says (`service` or
`canary` of the ingress, made the revision's label); whichever it gives is taken.

Sources: OpenTelemetry semantic conventions, HTTP and RPC metrics; its span metrics connector; Prometheus names as its
compatibility page derives them; Micrometer's `http.server.requests`; gRPC A66, "OpenTelemetry Metrics";
grpc-ecosystem/go-grpc-prometheus; Envoy, "HTTP connection manager statistics"; istio.io "Istio Standard Metrics";
ingress-nginx, "Monitoring"; Traefik, Linkerd, HAProxy, Kong and APISIX, their pages on Prometheus metrics; Caddy,
modules/caddyhttp/metrics.go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

from msgspec import Struct

from streams.records.metric import Series
from streams.signals.names import stems, words
from streams.signals.outcome import Attributes, failed, grpc_failed, http_failed

COUNTS = frozenset(("", "total", "count"))
"""Parts of a metric (`names.PARTS`) of which the increase is a number of things."""
IsError = Callable[[Attributes], bool | None]
"""Whether these requests failed; None where the attributes cannot tell."""


CADDY_HANDLERS = frozenset(("subroute", "reverse_proxy", "file_server", "static_response"))
"""Of Caddy's handlers those that answer; of a site with a host all stand below one `subroute`, which alone counts."""


class RequestRole(Struct, frozen=True):
    """What a series counts."""

    source: str
    """Name of the rule: the source of truth that its counts belong to, e.g. `http.server.request.duration`."""
    is_error: bool
    """The requests it counts have failed, by the server's fault."""


class _Rule(Struct, frozen=True):
    source: str
    stems: tuple[str, ...]
    """See `names.stems`."""
    is_error: IsError


def request_role(series: Series) -> RequestRole | None:
    """What the series says of requests; None for one that counts none, or cannot tell good ones from failed.

    >>> request_role(Series("http_requests_total", (("code", "503"),)))
    RequestRole(source='http_requests_total', is_error=True)
    """
    for stem in stems(series.name):
        rule = _BY_STEM.get(stem.stem) if stem.part in COUNTS else None
        if rule is not None:
            is_error = rule.is_error(dict(series.attributes))
            return None if is_error is None else RequestRole(rule.source, is_error)
    return None


def _first(attributes: Attributes, *keys: str) -> str:
    return next((attributes[key] for key in keys if attributes.get(key)), "")


def _other(attributes: Attributes) -> bool:
    """Failed by labels that are no convention's: the same names are given to counters of one's own."""
    return bool(failed(attributes))


def _otel_http(attributes: Attributes) -> bool:
    code = _first(
        attributes, "http.response.status_code", "http_response_status_code", "http.status_code", "http_status_code"
    )
    if code:
        return bool(http_failed(code)) or bool(_first(attributes, "error.type", "error_type"))
    return bool(_first(attributes, "error.type", "error_type")) or _other(attributes)


def _otel_rpc(attributes: Attributes) -> bool:
    code = _first(
        attributes,
        *("rpc.response.status_code", "rpc_response_status_code", "rpc.grpc.status_code", "rpc_grpc_status_code"),
    )
    return grpc_failed(code) if code else bool(_first(attributes, "error.type", "error_type")) or _other(attributes)


def _micrometer(attributes: Attributes) -> bool | None:
    by_status = http_failed(_first(attributes, "status"))
    outcome = _first(attributes, "outcome")
    if by_status is not None or outcome:
        return by_status if by_status is not None else outcome == "SERVER_ERROR"
    return failed(attributes)


def _istio(attributes: Attributes) -> bool | None:
    if attributes.get("reporter") != "destination":
        return None
    code = _first(attributes, "response_code")
    grpc = _first(attributes, "grpc_response_status")
    return (bool(http_failed(code)) or grpc_failed(grpc)) if code or grpc else None


def _envoy(attributes: Attributes) -> bool | None:
    """Of requests that came in: a sidecar's outbound listeners and the admin page serve others."""
    prefix = _first(attributes, "envoy_http_conn_manager_prefix")
    code = _first(attributes, "envoy_response_code_class")
    return None if prefix == "admin" or prefix.startswith("outbound") else http_failed(f"{code}xx")


def _caddy(attributes: Attributes) -> bool | None:
    """Once: handlers that pass a request on (`encode`, `headers`) count it as well."""
    return failed(attributes) if attributes.get("handler") in CADDY_HANDLERS else None


def _linkerd(attributes: Attributes) -> bool | None:
    return failed(attributes) if attributes.get("direction") == "inbound" else None


def _spans(attributes: Attributes) -> bool | None:
    """Span metrics: only of spans of a server or consumer, and only where the kind is told."""
    kind = _first(attributes, "span_kind", "span.kind").removeprefix("SPAN_KIND_")
    return failed(attributes) if kind in {"SERVER", "CONSUMER"} else None


def _grpc(*keys: str) -> IsError:
    return lambda attributes: grpc_failed(code) if (code := _first(attributes, *keys)) else None


_HTTP, _RPC = "http.server.request.duration", "rpc.server.call.duration"
_RULES = (
    _Rule(_HTTP, ("http_server_request_duration",), _otel_http),
    _Rule("http.server.duration", ("http_server_duration",), _otel_http),  # before semantic conventions 1.23
    _Rule("http.server.requests", ("http_server_requests",), _micrometer),  # Micrometer, Spring Boot, Quarkus
    _Rule(
        "http.server.request.count",
        ("http_server_request_count", "http_server_requests_count", "http_server_requests_total"),
        lambda attributes: failed(attributes) if not _otel_status(attributes) else _otel_http(attributes),
    ),
    _Rule(_RPC, ("rpc_server_call_duration",), _otel_rpc),
    _Rule("rpc.server.duration", ("rpc_server_duration",), _otel_rpc),
    _Rule("grpc_server_handled_total", ("grpc_server_handled",), _grpc("grpc_code")),
    _Rule("grpc.server.call.duration", ("grpc_server_call_duration",), _grpc("grpc.status", "grpc_status")),
    _Rule(
        "grpc.server.processing.duration",  # grpc-spring
        ("grpc_server_processing_duration",),
        _grpc("statusCode", "status_code"),
    ),
    _Rule("grpc.io/server/completed_rpcs", ("grpc_io_server_completed_rpcs",), _grpc("grpc_server_status")),
    _Rule("http_requests_total", ("http_requests",), failed),
    _Rule("http.request.duration", ("http_request_duration", "http_requests_duration"), failed),  # Prometheus clients
    _Rule("calls", ("traces_span_metrics_calls", "traces_spanmetrics_calls", "calls"), _spans),
)
_PROXY_RULES = (
    _Rule("istio_requests_total", ("istio_requests",), _istio),
    _Rule("envoy_http_downstream_rq_xx", ("envoy_http_downstream_rq_xx",), _envoy),
    _Rule("response_total", ("response",), _linkerd),
    _Rule("traefik_service_requests_total", ("traefik_service_requests", "traefik_backend_requests"), failed),
    _Rule("nginx_ingress_controller_requests", ("nginx_ingress_controller_requests",), failed),
    _Rule(
        "nginxplus_upstream_server_responses",
        ("nginxplus_upstream_server_responses", "nginx_ingress_nginxplus_upstream_server_responses"),
        failed,
    ),
    _Rule("nginx_vts_upstream_requests_total", ("nginx_vts_upstream_requests",), failed),
    _Rule("haproxy_server_http_responses_total", ("haproxy_server_http_responses",), failed),
    _Rule("haproxy_backend_http_responses_total", ("haproxy_backend_http_responses",), failed),
    _Rule("kong_http_requests_total", ("kong_http_requests", "kong_http_status"), failed),
    _Rule("caddy_http_request_duration", ("caddy_http_request_duration",), _caddy),
    _Rule("apisix_http_status", ("apisix_http_status",), failed),
)


def _otel_status(attributes: Attributes) -> bool:
    return any(key.startswith(("http.", "http_response", "error")) for key in attributes)


_BY_STEM = {stem: rule for rule in (*_RULES, *_PROXY_RULES) for stem in rule.stems}
SHARE_SOURCE = "requests x availability"
"""Of a gauge of how many requests there were and another of the share that succeeded (`words`)."""
PROXY_SOURCES = tuple(rule.source for rule in _PROXY_RULES)
"""What stands before the application counts, the preferred one first."""
REQUEST_SOURCES = (*(rule.source for rule in _RULES), *PROXY_SOURCES, SHARE_SOURCE)
"""Every source of the table, the preferred one first."""
_CACHED_SOURCES = 1 << 10
"""A workload has a few, and they are the same window by window."""
_SERVERS = frozenset(("http", "grpc", "rpc", "server"))
_RANKS = {source: rank for rank, source in enumerate(REQUEST_SOURCES)}


def best_source(among: Collection[str]) -> str:
    """The preferred one of these; empty where there is none.

    Guessed ones come after those of the table, the protocols of servers first: `shop_http_requests` is what the shop
    serves, `payment_requests` may be what it asks of others.
    """
    return min(filter(None, among), key=_preference, default="")


@lru_cache(_CACHED_SOURCES)
def _preference(source: str) -> tuple[int, bool, str]:
    return _RANKS.get(source, len(_RANKS)), _SERVERS.isdisjoint(words(source)), source
