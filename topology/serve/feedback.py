"""`POST /v1/feedback` reclassifies a log template, `GET /v1/feedback` tells who changed what and when.

A post goes through `serinus.rollouts` to the scorer of the workload, and holds for the windows that close after it was
sent; what is told is what the scorers have published with the workload's comparisons. A post must be declared as JSON:
a form of another site cannot send that without asking first, and nobody is allowed to.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from aiohttp import web
from msgspec import Struct

from streams.records.identity import Workload
from streams.risk.comparison import TemplateFeedback
from streams.risk.document import RiskDocument
from topology.serve.api import SILENCE_S, Asker, json
from topology.serve.queries import BadQuery, WorkloadQuery, parse, shown
from topology.serve.view import View

_decode = msgspec.json.Decoder(TemplateFeedback).decode


class FeedbackTaken(Struct, frozen=True):
    """It is on its way to the scorer; `GET /v1/feedback` tells it once it holds."""

    template: str
    text: str
    """Of the template."""


class FeedbackApi:
    """Passes on feedback, and tells it."""

    def __init__(self, view: View, asker: Asker) -> None:
        self._view = view
        self._asker = asker

    async def give(self, request: web.Request) -> web.Response:
        """Reclassify, tag or (without a class) take back; saying it again changes nothing but its time."""
        if request.content_type != "application/json":
            return json({"error": "send Content-Type: application/json"}, 415)
        try:
            said = _decode(await request.read())
        except msgspec.DecodeError as error:
            return json({"error": f"the body is no feedback: {error}"}, 400)
        return self._pass_on(said)

    def _pass_on(self, said: TemplateFeedback) -> web.Response:
        if not all(map(str.isprintable, (said.who, said.reason, *said.tags))):
            return json({"error": "who, reason and tags must be printable"}, 400)
        if not self._view.caught_up or self._view.contact_age_s > SILENCE_S:
            return json({"error": "not read serinus.risk to its end, or Kafka does not answer: send it again"}, 503)
        text = self._text(said)
        if text is None:
            return json({"error": f"no comparison of {said.of.key} shows a template {shown(said.template)}"}, 404)
        if not self._asker.tell(said):
            return json({"error": "too much waits for Kafka already: send it again"}, 503)
        return json(FeedbackTaken(said.template, text))

    async def history(self, request: web.Request) -> web.Response:
        """What was said of a workload's templates, the latest first; 400 to a query with a fault."""
        try:
            query = parse(request.query, WorkloadQuery)
        except BadQuery as fault:
            return json({"error": "; ".join(fault.complaints)}, 400)
        documents = self._documents(Workload(query.cluster, query.namespace, query.workload))
        told = {msgspec.json.encode(one): one for document in documents for one in document.feedback}
        return json([told[key] for key in sorted(told, key=lambda key: (told[key].at, key), reverse=True)])

    def _documents(self, workload: Workload) -> Iterator[RiskDocument]:
        return (entry.document for entry in self._view if entry.document.comparison.of == workload)

    def _text(self, said: TemplateFeedback) -> str | None:
        """Of the template, as a comparison shows it or as feedback was given on it."""
        for document in self._documents(said.of):
            for row in document.templates:
                if row.id == said.template:
                    return row.text
            for given in document.feedback:
                if given.template == said.template:
                    return given.text
        return None
