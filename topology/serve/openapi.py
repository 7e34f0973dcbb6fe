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
    types = [reply.body for route in routes for reply in route.replies if reply.body is not None]
    schemas, components = msgspec.json.schema_components([*types, Fault], ref_template=_REF)
    refused = Reply(401, "No token, or a wrong one", Fault)
    by_type = dict(zip(map(str, [*types, Fault]), schemas, strict=True))
    for component in components.values():
        component["required"] = list(component["properties"])  # we leave nothing out
        for field in component["properties"].values():
            field.pop("default", None)

    def operation(route: Route) -> dict[str, Any]:
        replies = (*route.replies, refused) if token_needed and _needs_token(route) else route.replies
        return {
            "summary": route.summary,
            "operationId": route.path.strip("/").split("/{")[0].replace("/", "_").replace(".", "_") or "index",
            "parameters": [*_in_path(route.path), *_in_query(route.query)],
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
        "paths": {route.path: {"get": operation(route)} for route in routes},
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _needs_token(route: Route) -> bool:
    return route.path not in {"/healthz", "/readyz"}


def _response(reply: Reply, schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    schema = {"type": "string"} if reply.body is None else schemas[str(reply.body)]
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
