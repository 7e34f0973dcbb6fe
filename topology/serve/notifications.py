"""`POST /v1/argo/rollouts`: what Argo's notifications engine tells of a Rollout (deploy/argo/notifications).

It tries again on 5xx, three times within seconds, and then never: so 503 while what is known cannot be held against
what it says, or Kafka takes nothing.
"""

from __future__ import annotations

import logging

import msgspec
from aiohttp import web
from msgspec import Struct

from streams.risk.comparison import CompareRequest, RolloutEvent
from topology.rollouts.status import RolloutStatus, events
from topology.serve.api import SILENCE_S, Asker, json
from topology.serve.view import View

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(RolloutStatus).decode


class Told(Struct, frozen=True):
    """What was made of it."""

    sent: tuple[str, ...]
    """A few words for each event; empty where it says nothing new."""


class Notifications:
    """Hears what Argo tells."""

    def __init__(self, view: View, teller: Asker) -> None:
        self._view = view
        self._teller = teller

    async def rollout(self, request: web.Request) -> web.Response:
        """A Rollout's status; telling it again changes nothing."""
        try:
            status = _decode(await request.read())
        except msgspec.DecodeError as error:
            return json({"error": f"the body is no status of a Rollout: {error}"}, 400)
        if not self._view.caught_up or self._view.contact_age_s > SILENCE_S:
            return json({"error": "not read serinus.risk to its end, or Kafka does not answer: tell it again"}, 503)
        sent = []
        for event in list(events(status, (entry.document for entry in self._view.running()))):
            if not self._teller.tell(event):
                return json({"error": "too much waits for Kafka already: tell it again"}, 503)
            sent.append(_words(event))
        for words in sent:
            log.info("Argo told of %s: %s", status.workload.key, words)
        return json(Told(tuple(sent)))


def _words(event: RolloutEvent) -> str:
    pair = f"{event.comparison.baseline} and {event.comparison.canary}"
    return f"compare {pair}" if isinstance(event, CompareRequest) else f"{pair}: {event.outcome}"
