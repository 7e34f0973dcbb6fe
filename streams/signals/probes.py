"""Does a series count what probes and scrapers ask for, instead of what is served?

Frameworks count them with everything else: `http_server_requests_seconds_count{uri="/actuator/health"}`. Their number
does not follow the traffic, they are fast, and a readiness probe that is answered with 503 while a pod starts is no
failed request. A pod that is not ready is told by Kubernetes (`kube_pod_status_ready`).

Sources: Kubernetes, "Configure Liveness, Readiness and Startup Probes" and "Kubernetes API health endpoints"; Spring
Boot Actuator, "Endpoints" (base path); MicroProfile Health 4.0, "REST interfaces specifications"; Quarkus (`/q`);
Prometheus, `metrics_path` and "Management API". Attributes as OpenTelemetry's semantic conventions, Micrometer,
prometheus-fastapi-instrumentator (`handler`), express-prom-bundle (`path`) and django-prometheus (`view`) name them.
"""

from __future__ import annotations

from streams.signals.names import words
from streams.signals.outcome import Attributes

_ROUTES = frozenset(
    (
        *("uri", "path", "handler", "route", "endpoint", "url", "http_route", "http_target", "http_path", "url_path"),
        *("http_url", "request_path", "request_uri"),
    )
)
"""Attributes that say what was asked for, their words joined by `_`."""
_PROBED = frozenset(
    (
        *("healthz", "livez", "readyz", "startupz", "health", "liveness", "readiness", "live", "ready", "started"),
        *("metrics", "prometheus", "ping"),
    )
)
"""Paths of one segment."""
_BASES = frozenset(("actuator", "-", "health", "healthz", "livez", "readyz", "q", "management"))
"""First segments under which the paths of `_PROBED`, and nothing else there, are probed too."""


_PROBED_VIEWS = frozenset(("prometheus-django-metrics", "health_check:health_check_home"))
"""Names that django-prometheus and django-health-check give their routes; Django's metrics tell views, not paths."""


def probed(attributes: Attributes) -> bool:
    """Whether the attributes name a route of probes or scrapers.

    >>> probed({"uri": "/actuator/health/readiness"}), probed({"handler": "/metrics"})
    (True, True)
    >>> probed({"view": "prometheus-django-metrics", "method": "GET"})
    True
    >>> probed({"path": "/health/records"}), probed({"queue": "/health"})
    (False, False)
    """
    if attributes.get("view", "") in _PROBED_VIEWS:
        return True
    return any("_".join(words(key)) in _ROUTES and _is_probed(value) for key, value in attributes.items())


def _is_probed(path: str) -> bool:
    if not path.startswith("/"):
        return False
    segments = [segment for segment in path.partition("?")[0].lower().split("/") if segment]
    if not segments or segments[-1] not in _PROBED:
        return False
    return all(segment in _PROBED | _BASES for segment in segments[:-1])
