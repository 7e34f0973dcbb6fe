"""The addresses of the pages, as people outside reach them."""

from __future__ import annotations

import re
from urllib.parse import quote

from aiohttp import web

from streams.risk.comparison import Comparison
from streams.watch.alarm import Alarm

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9]([-._A-Za-z0-9]{0,251}[A-Za-z0-9])?)(:[0-9]{1,5})?")


class Links:
    """Makes absolute addresses.

    Args:
        public_url: what they begin with, without a slash at its end; None: as the query addressed us.
        fallback: what they begin with where the query's Host header is no host.
    """

    def __init__(self, public_url: str | None, fallback: str) -> None:
        self._public_url = public_url
        self._fallback = fallback

    def base(self, request: web.Request) -> str:
        """What addresses in the answer to this request begin with; no slash at its end."""
        if self._public_url is not None:
            return self._public_url
        if _HOST.fullmatch(request.host) is None:
            return self._fallback
        return f"{request.scheme}://{request.host}"


def page(comparison: Comparison) -> str:
    """The path of a comparison's page, without a slash before it.

    >>> page(Comparison("", "prod", "shop", "5d5", "6f8"))
    'comparisons/-/prod/shop/5d5/6f8'
    """
    parts = (
        comparison.cluster or "-",
        comparison.namespace,
        comparison.workload,
        comparison.baseline,
        comparison.canary,
    )
    return "/".join(["comparisons", *(quote(part, safe="") for part in parts)])


def template_page(comparison: Comparison, template: str) -> str:
    """The path of the page of one of its log templates, without a slash before it."""
    return f"{page(comparison)}/templates/{quote(template, safe='')}"


def alarm_page(alarm: Alarm) -> str:
    """The path of an alarm's page, without a slash before it."""
    parts = (alarm.cluster or "-", alarm.namespace, alarm.workload, alarm.raised_at)
    return "/".join(["alarms", *(quote(part, safe="") for part in parts)])
