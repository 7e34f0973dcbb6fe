"""`POST /v1/feedback` reclassifies a log template, `GET /v1/feedback` tells who changed what and when.

A post goes through `serinus.rollouts` to the scorer of the workload, or to all where it is said for more, and holds for
the windows that close after it was sent; what is told is what the scorers have published with the workload's
comparisons. Who may post: `posted`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec
from aiohttp import web
from msgspec import Struct

from streams.records.identity import Workload
from streams.risk.comparison import TemplateFeedback
from streams.risk.document import RiskDocument
from streams.shippers.faults import DECODE_FAULTS
from streams.templates.template import recalled
from topology.serve.api import Asker, json
from topology.serve.posted import Refused, not_json
from topology.serve.queries import BadQuery, WorkloadQuery, parse, shown
from topology.serve.view import View

log = logging.getLogger(__name__)


class PostedFeedback(TemplateFeedback, frozen=True, tag="feedback", tag_field="type", forbid_unknown_fields=True):
    """As it is posted: a key that is no field is refused, for without its class feedback takes back what was said."""


_decode = msgspec.json.Decoder(PostedFeedback).decode


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
        if (refusal := not_json(request)) is not None:
            return refusal
        try:
            said = TemplateFeedback(**msgspec.structs.asdict(_decode(await request.read())))
        except DECODE_FAULTS as error:
            return json({"error": f"the body is no feedback: {error}"}, 400)
        found = self.pass_on(said)
        return json({"error": found.why}, found.status) if isinstance(found, Refused) else json(found)

    def pass_on(self, said: TemplateFeedback) -> FeedbackTaken | Refused:
        """To the scorer, if it makes sense; does not wait for Kafka."""
        if not all(map(str.isprintable, (said.who, said.reason, *said.tags))):
            return Refused(400, "who, reason and tags must be printable")
        if not self._view.current:
            return Refused(503, "not read serinus.risk to its end, or Kafka does not answer: send it again")
        text = self.text_of(said.of, said.template)
        if text is None:
            return Refused(404, f"no comparison of {said.of.key} shows a template {shown(said.template)}")
        if said.shared and recalled(int(said.template, 16), text) is None:
            return Refused(404, f"{shown(said.template)} has become part of another template: say it of that")
        if not self._asker.tell(msgspec.structs.replace(said, text=text if said.shared else "")):
            return Refused(503, "too much waits for Kafka already: send it again")
        log.info(
            "%r says %s of template %s of %s (%s): %r",
            *(said.who, said.log_class, said.template, said.of.key, said.scope, said.reason),
        )
        return FeedbackTaken(said.template, text)

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

    def text_of(self, workload: Workload, template: str) -> str | None:
        """Of a template, as a comparison shows it or as feedback was given on it; None where neither is known."""
        for document in self._documents(workload):
            for row in document.templates:
                if row.id == template:
                    return row.text
            for given in document.feedback:
                if given.template == template:
                    return given.text
        return None
