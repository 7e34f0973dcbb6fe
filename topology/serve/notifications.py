"""`POST /v1/argo/rollouts` and `/v1/argo/experiments`: what Argo's notifications engine or `serinus rollouts` tell.

The engine tries again on 5xx, three times within seconds, and then never: so 503 while what is known cannot be held
against what it says, or Kafka takes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import msgspec
from aiohttp import web
from msgspec import Struct

from streams.risk.comparison import CompareRequest, RolloutEvent, TemplateFeedback
from streams.risk.document import RiskDocument
from topology.codecs import DOCUMENT_FAULTS
from topology.rollouts.status import ExperimentStatus, RolloutStatus, events, experiment_events
from topology.serve.api import Asker, json
from topology.serve.posted import not_by_program
from topology.serve.view import View

log = logging.getLogger(__name__)

_decode_rollout = msgspec.json.Decoder(RolloutStatus).decode
_decode_experiment = msgspec.json.Decoder(ExperimentStatus).decode


class PassedOn(Struct, frozen=True):
    """What was made of it."""

    sent: tuple[str, ...]
    """A few words for each event; empty where it says nothing new."""


class Notifications:
    """Hears what Argo tells."""

    def __init__(self, view: View, asker: Asker) -> None:
        self._view = view
        self._asker = asker

    async def rollout(self, request: web.Request) -> web.Response:
        """A Rollout's status; telling it again changes nothing."""
        if (refusal := not_by_program(request)) is not None:
            return refusal
        try:
            status = _decode_rollout(await request.read())
            found = list(events(status, self._running()))
        except DOCUMENT_FAULTS as error:
            return json({"error": f"the body is no status of a Rollout: {error}"}, 400)
        return self._pass_on(status.workload.key, found)

    async def experiment(self, request: web.Request) -> web.Response:
        """An Experiment's status; telling it again changes nothing."""
        if (refusal := not_by_program(request)) is not None:
            return refusal
        try:
            status = _decode_experiment(await request.read())
            found = list(experiment_events(status, self._running()))
        except DOCUMENT_FAULTS as error:
            return json({"error": f"the body is no status of an Experiment: {error}"}, 400)
        return self._pass_on(f"{status.namespace}/{status.experiment}", found)

    def _running(self) -> Iterator[RiskDocument]:
        return (entry.document for entry in self._view.running())

    def _pass_on(self, whose: str, found: list[RolloutEvent]) -> web.Response:
        if not self._view.current:
            return json({"error": "not read serinus.risk to its end, or Kafka does not answer: tell it again"}, 503)
        sent = []
        for event in found:
            if not self._asker.tell(event):
                return json({"error": "too much waits for Kafka already: tell it again"}, 503)
            sent.append(_words(event))
        for words in sent:
            log.info("Argo told of %s: %s", whose, words)
        return json(PassedOn(tuple(sent)))


def _words(event: RolloutEvent) -> str:
    if isinstance(event, TemplateFeedback):
        return f"template {event.template}: {event.log_class}"
    pair = f"{event.comparison.baseline} and {event.comparison.canary}"
    if event.comparison.is_alone:
        pair = f"{event.comparison.canary} with history"
    return f"compare {pair}" if isinstance(event, CompareRequest) else f"{pair}: {event.outcome}"
