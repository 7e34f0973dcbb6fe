"""The page of one log template of a comparison: what it is, what was said of it, and a form to say more.

The form is posted to the page's own address and taken from our own pages only (`posted`); it needs no script. What it
holds goes the way of `POST /v1/feedback`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec
from aiohttp import web

from streams.records.identity import Scope
from streams.risk.comparison import TemplateFeedback
from streams.risk.templates import TemplateEvidence
from streams.templates.topics import LOG_CLASSES
from topology.serve import links
from topology.serve.feedback import FeedbackApi
from topology.serve.links import Links
from topology.serve.pages import Pages
from topology.serve.posted import Refused, fields, not_ours
from topology.serve.queries import from_path
from topology.serve.view import View

_AS_BEFORE = "as-before"


class TemplatePage:
    """Shows a template, and hears what people say of it."""

    def __init__(self, view: View, pages: Pages, feedback: FeedbackApi, address: Links) -> None:
        self._view = view
        self._pages = pages
        self._feedback = feedback
        self._address = address

    async def template(self, request: web.Request) -> web.Response:
        """The page; 404 where the comparison, or the template in its workload, is not known."""
        return self._shown(request.match_info, said="said" in request.query)

    async def say(self, request: web.Request) -> web.Response:
        """Take in the form, and show the page again; with the fault where there is one."""
        why = not_ours(request, self._address.base(request))
        if why is not None:
            return self._shown(request.match_info, 403, fault=why)
        typed: Mapping[str, str] = {}
        try:
            typed = await fields(request)
            said = _said(request.match_info, typed)
        except (msgspec.ValidationError, ValueError) as fault:
            return self._shown(request.match_info, 400, fault=f"that cannot be said: {fault}", typed=typed)
        found = self._feedback.pass_on(said)
        if isinstance(found, Refused):
            return self._shown(request.match_info, found.status, fault=found.why, typed=typed)
        return web.Response(status=303, headers={"Location": f"{said.template}?said=1"})

    def _shown(
        self,
        parts: Mapping[str, str],
        status: int = 200,
        *,
        fault: str = "",
        said: bool = False,
        typed: Mapping[str, str] | None = None,
    ) -> web.Response:
        """The page; `typed`: what stood in the form that was refused."""
        pair, name = from_path(parts), parts["template"]
        entry = None if pair is None else self._view.get(pair)
        text = None if pair is None else self._feedback.text_of(pair.of, name)
        if pair is None or entry is None or text is None:
            return self._pages.rendered("unknown_template.html", self._view, 404, name=name)
        document = entry.document
        return self._pages.rendered(
            "template.html",
            self._view,
            status,
            pair=pair,
            report=links.page(pair),
            id=name,
            text=text,
            row=_row(document.templates, name),
            told=[one for one in document.feedback if one.template == name],
            classes=LOG_CLASSES,
            scopes=get_args(Scope),
            as_before=_AS_BEFORE,
            fault=fault,
            said=said,
            typed=typed or {},
        )


def _said(parts: Mapping[str, str], given: Mapping[str, str]) -> TemplateFeedback:
    """What the form says of the template of this address.

    Raises:
        msgspec.ValidationError: a class that is none, a reason or a name that is missing or too long, ...
    """
    log_class = given.get("log_class")
    for name in ("reason", "who"):
        if not given.get(name):
            raise ValueError(f"{name} is missing")
    tags = tuple(dict.fromkeys(tag for each in given.get("tags", "").split(",") if (tag := each.strip())))
    pair = from_path(parts)
    if pair is None:
        raise ValueError("these are not the names of a workload and two pod-template hashes")
    values = {
        "type": "feedback",
        "cluster": pair.cluster,
        "namespace": pair.namespace,
        "workload": pair.workload,
        "template": parts["template"],
        "log_class": None if log_class == _AS_BEFORE else log_class or "",
        "reason": given["reason"],
        "tags": tags,
        "who": given["who"],
        "scope": given.get("scope", "workload"),
    }
    return msgspec.convert(values, TemplateFeedback)


def _row(rows: tuple[TemplateEvidence, ...], name: str) -> TemplateEvidence | None:
    return next((row for row in rows if row.id == name), None)
