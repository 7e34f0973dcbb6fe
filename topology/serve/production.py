"""`GET /v1/watch`: may what is in production stay? In the words and the shape of `GET /v1/risk`, and always 200.

What scorers say of each workload's production (`serinus.watch`) is held in memory by every replica, the latest of each.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web
from confluent_kafka import Message

from streams.records.identity import Workload
from topology.freshness import Freshness
from topology.serve import answer
from topology.serve.api import OUR_FAULT, json, starting
from topology.serve.links import Links
from topology.serve.queries import BadQuery, WorkloadQuery, parse
from topology.serve.view import Entry, Refusal, entry_of
from topology.settings import Kafka
from topology.telemetry import Telemetry
from topology.topic_follower import TopicFollower
from topology.topics import WATCH

log = logging.getLogger(__name__)

MOST_WORKLOADS = 20_000
"""Held at a time; past it the one that changed longest ago is dropped."""

_UNKNOWN = "nothing is known of this workload's production: it is watched once its records carry a pod-template hash"


class ProductionView(Freshness):
    """The latest verdict on production of each workload."""

    def __init__(self, most: int = MOST_WORKLOADS) -> None:
        super().__init__()
        self._most = most
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, workload: Workload) -> Entry | None:
        """What is known of one."""
        with self._lock:
            return self._entries.get(workload.key)

    def all(self) -> list[Entry]:
        """Of every workload."""
        with self._lock:
            return list(self._entries.values())

    def apply(self, key: bytes | None, value: bytes | None) -> Refusal | None:
        """Take one message of `serinus.watch`; why it was skipped, if it was."""
        name = (key or b"").decode(errors="replace")
        if value is None:
            with self._lock:
                self._entries.pop(name, None)
            return None
        entry = entry_of(value)
        if entry is None:
            return "not_a_document"
        if entry.document.comparison.of.key != name:
            return "key_differs"
        with self._lock:
            self._entries[name] = entry
            self._entries.move_to_end(name)
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        return None


class ProductionFollower(TopicFollower):
    """Keeps a view up to date from `start` to `stop`."""

    def __init__(self, kafka: Kafka, view: ProductionView, telemetry: Telemetry) -> None:
        super().__init__("serve.production", kafka, (WATCH,), view, telemetry)
        self._view = view

    def _apply(self, message: Message) -> None:
        refusal = self._view.apply(message.key(), message.value())
        if refusal is not None:
            log.warning("skipped %s[%d]@%d: %s", WATCH, message.partition(), message.offset(), refusal)

    def _held(self) -> str:
        return f"{len(self._view)} workloads"


class Production:
    """The query of those who may roll back."""

    def __init__(self, view: ProductionView, links: Links, stale_s: float, now: Callable[[], float]) -> None:
        self._view = view
        self._links = links
        self._stale_s = stale_s
        self._now = now

    async def watch(self, request: web.Request) -> web.Response:
        """The verdict on one workload's production; always 200."""
        page, now_s = f"{self._links.base(request)}/alarms", self._now()
        try:
            query = parse(request.query, WorkloadQuery)
            workload = Workload(query.cluster, query.namespace, query.workload)
            entry = self._view.get(workload)
            if entry is not None:
                return json(answer.known(entry, now_s, self._stale_s, page))
            reason = _UNKNOWN if self._view.caught_up else starting(WATCH)
            said = {"cluster": query.cluster, "namespace": query.namespace, "workload": query.workload}
            return json(answer.unanswerable((reason,), now_s, page, said))
        except BadQuery as fault:
            return json(answer.unanswerable(fault.complaints, now_s, page, fault.valid))
        except Exception:  # whatever it is, an error status would abort a rollout
            log.exception("no answer to %r", request.path_qs[:1000])
            return json(answer.unanswerable((OUR_FAULT,), now_s, page, {}))
