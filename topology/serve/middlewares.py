"""What is done with every request: headers that keep browsers careful, the token, counting, refusals as JSON."""

from __future__ import annotations

import logging
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from topology.serve.api import OUR_FAULT, json
from topology.serve.bearer import BearerToken
from topology.telemetry import Telemetry

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Answered without a token: the kubelet has none."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add what every response carries; a page brings its own Content-Security-Policy."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "serinus"  # aiohttp has named itself and its version


def observed(telemetry: Telemetry) -> Middleware:
    """Counts and times requests by route, never by what strangers wrote in the path."""
    requests = telemetry.meter.create_counter("serinus.serve.requests", description="HTTP requests answered")
    duration = telemetry.meter.create_histogram("serinus.serve.request_duration", "s", "Time to make an answer")

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            resource = request.match_info.route.resource
            route = "none" if resource is None else resource.canonical
            requests.add(1, {"route": route, "status": status})
            duration.record(time.perf_counter() - began, {"route": route})

    return observe


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Says in JSON, as the routes do, why there is no answer of theirs.

    404 and 405: there is no such route; 413: the body is too long; 400: it is not what its headers say, or its sender
    went away in the middle of it; 500: an error of ours.
    """
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refusal:
        allowed = ", ".join(sorted(refusal.allowed_methods))
        answer = json({"error": f"{request.method} is not allowed here; use {allowed}"}, refusal.status)
        answer.headers["Allow"] = allowed
        return answer
    except web.HTTPNotFound as refusal:
        return json({"error": "nothing is here; /openapi.json names all that can be asked"}, refusal.status)
    except web.HTTPException as refusal:
        return json({"error": refusal.text or refusal.reason}, refusal.status)
    except (web.RequestPayloadError, ConnectionError) as fault:
        return json({"error": f"the body cannot be read: {' '.join(str(fault).split())}"}, 400)
    except Exception:
        log.exception("no answer to %s %r", request.method, request.path_qs[:1000])
        return json({"error": OUR_FAULT}, 500)


def admitted(token: BearerToken) -> Middleware:
    """Refuses who brings no token or a wrong one with 401."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if request.path in OPEN_PATHS or token.admits(given):
            return await handler(request)
        refusal = json({"error": "send Authorization: Bearer <token>, with the token of this server"}, 401)
        fault = ', error="invalid_token"' if given else ""
        refusal.headers["WWW-Authenticate"] = f'Bearer realm="serinus"{fault}'
        return refusal

    return admit
