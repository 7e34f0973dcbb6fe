"""The description of the API, made from the table of routes and the very types that are sent: OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import msgspec
from msgspec import Struct

from topology.serve.routes import Fault, Reply, Route

_REF = "#/components/schemas/{name}"


def describe(routes: Sequence[Route], token_needed: bool) -> dict[str, Any]:
    """The whole document."""
    bodies = [kind for route in routes for reply in route.replies for kind in (reply.body, reply.smaller)]
    types = [kind for kind in [*bodies, *(route.body for route in routes)] if kind is not None]
    posted = {route.body.__name__ for route in routes if route.body is not None}
    schemas, components = msgspec.json.schema_components([*types, Fault], ref_template=_REF)
    refused = Reply(401, "No token, or a wrong one", Fault)
    too_long = Reply(413, "The body is longer than a mebibyte", Fault)
    by_type = dict(zip(map(str, [*types, Fault]), schemas, strict=True))
    for name in components.keys() - _reached(posted, components):
        component = components[name]
        if "properties" in component:
            _leave_nothing_out(component)

    def operation(route: Route) -> dict[str, Any]:
        replies = (*route.replies, too_long) if route.method == "POST" else route.replies
        replies = (*replies, refused) if token_needed and _needs_token(route) else replies
        return {
            "summary": route.summary,
            "operationId": _operation_id(route),
            "parameters": [*_in_path(route.path), *_in_query(route.query)],
            **_request_body(route, by_type),
            "responses": {str(reply.status): _response(reply, by_type) for reply in replies},
            "security": [{"bearer": []}] if token_needed and _needs_token(route) else [],
        }

    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Serinus",
            "version": metadata.version("serinus"),
            "description": "Continuous release risk for Argo Rollouts, from logs and metrics.",
        },
        "paths": {
            path: {route.method.lower(): operation(route) for route in routes if route.path == path}
            for path in dict.fromkeys(route.path for route in routes)
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _needs_token(route: Route) -> bool:
    return route.path not in {"/healthz", "/readyz"}


def _leave_nothing_out(component: dict[str, Any]) -> None:
    """Every field is in every answer, except in a run of Kayenta's that is not complete."""
    properties = component["properties"]
    component["required"] = [
        name for name, field in properties.items() if {"type": "null"} not in field.get("anyOf", ())
    ]
    for field in properties.values():
        field.pop("default", None)


def _reached(names: set[str], components: dict[str, Any]) -> set[str]:
    """These components, and those that they refer to."""
    found: set[str] = set()
    while names:
        found |= names
        text = str([components[name] for name in sorted(names)])
        names = set(re.findall(r"#/components/schemas/(\w+)", text)) - found
    return found


def _operation_id(route: Route) -> str:
    """Unique, and as people would call it.

    >>> _operation_id(Route("/kayenta/canary/{id}", None, "", (), method="POST"))
    'post_kayenta_canary_id'
    """
    path = re.sub(r"/\{cluster\}/\{namespace\}/\{workload\}(/\{baseline\}/\{canary\})?", "", route.path)
    words = [path] if route.method == "GET" else [route.method.lower(), path]
    return re.sub(r"[^A-Za-z0-9]+", "_", "_".join(words)).strip("_") or "index"


def _request_body(route: Route, schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if route.body is None:
        return {}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schemas[str(route.body)]}}}}


def _response(reply: Reply, schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    schema = {"type": "string"} if reply.body is None else schemas[str(reply.body)]
    if reply.smaller is not None:
        schema = {"anyOf": [schema, schemas[str(reply.smaller)]]}
    return {"description": reply.meaning, "content": {kind: {"schema": schema} for kind in reply.media_types}}


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _in_query(kind: type[Struct] | None) -> list[dict[str, Any]]:
    if kind is None:
        return []
    _, components = msgspec.json.schema_components([kind])
    schema = components[kind.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], **_parameter(field)}
        for name, field in schema["properties"].items()
    ]


def _parameter(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    schema = {name: value for name, value in options[0].items() if value is not None}
    return {"description": schema.pop("description", ""), "schema": schema}
