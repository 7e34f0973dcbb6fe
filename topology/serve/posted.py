"""Who may have had this post sent: a program, our own page, or the page of a stranger that somebody has open?

A browser sends what any page tells it to, with all that lets its owner in (a proxy's cookie, a network). Two kinds of
post it does not send for strangers unasked: one declared as JSON (CORS, whose question nobody here answers), and one
that it says comes from our own page. It says so in `Sec-Fetch-Site`, where the connection is trusted (HTTPS,
localhost), else in `Origin`; no script can set either.

Source: W3C Fetch Metadata Request Headers, section 2; WHATWG Fetch, section 3.2 (Origin header).
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from msgspec import Struct

from topology.serve.api import json

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 10
_MOST_BYTES = 16_384
"""Of a form: a reason of 2,000 characters, escaped, tags and a name."""


class Refused(Struct, frozen=True):
    """What was posted goes nowhere."""

    status: int
    why: str


def not_json(request: web.Request) -> web.Response | None:
    """The refusal of a post that is not declared as JSON; None for one that is."""
    if request.content_type == "application/json":
        return None
    return json({"error": "send it with Content-Type: application/json"}, 415)


def not_by_program(request: web.Request) -> web.Response | None:
    """The refusal of a post that some page has sent; None for a program's, also if it does not declare what it sends.

    Argo's notifications engine names no type unless it is told to. Browsers say with each post where it comes from.
    """
    of_a_page = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return not_json(request) if of_a_page else None


def not_ours(request: web.Request, base: str) -> str | None:
    """Why a form is not taken for that of our own page; None if it is.

    Args:
        request: the post.
        base: what addresses of our pages begin with, as people reach them.
    """
    if request.content_type != FORM:
        return f"a form is sent as {FORM}"
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return None if site == "same-origin" else "this form was sent by a page that is not ours"
    origin = request.headers.get("Origin")
    if origin is None:
        return "the browser does not say which page sent this form; programs send JSON to the API"
    return (
        None if origin == _origin(base) else "this form was sent by a page that is not ours, or under another address"
    )


async def fields(request: web.Request) -> dict[str, str]:
    """What a form holds.

    Raises:
        ValueError: too much, or not text.
    """
    body = await request.read()
    if len(body) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES} bytes")
    pairs = parse_qsl(
        body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict", max_num_fields=_MOST_FIELDS
    )
    return {name: value.strip() for name, value in pairs}


def _origin(url: str) -> str:
    """Scheme, host and port as browsers write them.

    >>> _origin("https://Serinus.example:443/risk"), _origin("http://localhost:8080")
    ('https://serinus.example', 'http://localhost:8080')
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" if parts.port in {None, usual} else f"{parts.scheme}://{host}:{parts.port}"
