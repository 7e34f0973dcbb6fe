"""`GET /v1/risk` and `GET /v1/comparisons`.

`/v1/risk` always answers 200 with a whole RiskAnswer, also to a query that makes no sense and when the fault is ours:
Argo Rollouts takes anything else for an error of the measurement and aborts the rollout at the fifth, whereas verdict
`none` makes it wait or pause (`rollouts-contract.md`, 0.1 to 0.3). Nothing is sent to Kafka for a query with a fault.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec
from aiohttp import web
from msgspec import structs

from streams.policy.written import Sensitivity
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from streams.watch.feedback import WorkloadEvent
from topology.freshness import SILENCE_S
from topology.serve import answer
from topology.serve.answer import RiskAnswer, VerdictAnswer
from topology.serve.directory import Directory, several
from topology.serve.links import Links, page
from topology.serve.queries import MOST_SIGNALS, BadQuery, ComparisonsQuery, RiskQuery, parse, wanted
from topology.serve.rollouts import MOST_PER_MINUTE, Asked
from topology.serve.view import View
from topology.topics import RISK

log = logging.getLogger(__name__)


_AWAITED = (
    "nothing is known of this pair yet: its comparison is asked for and begins with the first records of both"
    " revisions, or without a baseline with those of the canary"
)
_REASONS = {
    Asked.SENT: _AWAITED,
    Asked.ALREADY: _AWAITED,
    Asked.TOO_MANY: (
        f"nothing is known of this pair, and its comparison is not asked for: within a minute "
        f"{MOST_PER_MINUTE} other unknown pairs were; are the hashes right?"
    ),
    Asked.UNSENT: "nothing is known of this pair, and its comparison cannot be asked for: Kafka takes nothing now",
}
_AGAIN = "another begins once both revisions are heard, and after an abort with new pods of the canary"
_UNSEEN = (
    "no workload is known whose records carry both of these hashes: they are looked for now, ask again; "
    "or name namespace and workload"
)
_OF_THE_ANSWER = {"view", "signals", "sensitivity"}
"""Parameters of a query that say nothing of the pair."""
OUR_FAULT = "an error of ours kept this answer from being made: its trace is in the log of the serve role"

_encode = msgspec.json.Encoder().encode


class Asker(Protocol):
    """Has comparisons begun."""

    def ask(self, comparison: Comparison, again: bool = False) -> Asked:
        """Ask for one, without waiting; `again`: where one has ended."""

    def tell(self, event: WorkloadEvent) -> bool:
        """Pass on what became of one, without waiting; False if too much waits already."""


class Api:
    """The queries that programs make."""

    def __init__(
        self,
        view: View,
        directory: Directory,
        asker: Asker,
        links: Links,
        stale_s: float,
        ended_s: float,
        now: Callable[[], float],
    ) -> None:
        self._view = view
        self._directory = directory
        self._asker = asker
        self._links = links
        self._stale_s = stale_s
        self._ended_s = ended_s
        self._now = now

    async def risk(self, request: web.Request) -> web.Response:
        """One comparison's risk and verdict; always 200."""
        base = self._links.base(request)
        now_s = self._now()
        try:
            query = parse(request.query, RiskQuery)
            return json(_shown(self._risk(query, now_s, base), query))
        except BadQuery as fault:
            valid = {name: value for name, value in fault.valid.items() if name not in _OF_THE_ANSWER}
            whole = answer.unanswerable(fault.complaints, now_s, f"{base}/", valid)
            return json(answer.small(whole) if fault.valid.get("view") == "verdict" else whole)
        except Exception:  # whatever it is, an error status would abort a rollout
            log.exception("no answer to %r", request.path_qs[:1000])
            return json(answer.unanswerable((OUR_FAULT,), now_s, f"{base}/", {}))

    async def comparisons(self, request: web.Request) -> web.Response:
        """What is compared: the running by risk, then the ended, latest first; 400 to a query with a fault."""
        try:
            query = parse(request.query, ComparisonsQuery)
        except BadQuery as fault:
            return json({"error": "; ".join(fault.complaints)}, 400)
        base = self._links.base(request)
        now_s = self._now()
        found = [
            (entry, answer.at(entry, now_s, self._stale_s)) for entry in self._view if _matches(entry.document, query)
        ]
        found.sort(key=lambda each: answer.worst_first(*each))
        return json(
            [
                answer.summary(entry, now_s, self._stale_s, f"{base}/{page(document.comparison)}")
                for entry, document in found[: query.limit]
            ]
        )

    def look(
        self, comparison: Comparison, now_s: float, report_url: str, sensitivity: Sensitivity | None = None
    ) -> RiskAnswer:
        """What is known of a pair, which is asked for where nothing is, or of an earlier attempt only."""
        whole, doubt = self._look(comparison, now_s, report_url, sensitivity), self._directory.doubt(comparison)
        first, *rest = whole.reasons
        return structs.replace(whole, reasons=(first, doubt, *rest)) if doubt else whole

    def _look(
        self, comparison: Comparison, now_s: float, report_url: str, sensitivity: Sensitivity | None
    ) -> RiskAnswer:
        entry = self._view.get(comparison)
        if entry is not None and answer.is_over(entry, now_s, self._ended_s):
            asked = self._asker.ask(comparison, again=True) if self._view.caught_up else Asked.ALREADY
            then = _AGAIN if asked in {Asked.SENT, Asked.ALREADY} else _REASONS[asked]
            return answer.unknown(comparison, now_s, report_url, self._with_silence(f"{answer.before(entry)}; {then}"))
        if entry is not None:
            if self._view.caught_up and not entry.document.named and entry.document.state == "running":
                self._asker.ask(comparison)  # so that score knows that somebody waits for it
            return answer.known(entry, now_s, self._stale_s, report_url, sensitivity)
        reason = _REASONS[self._asker.ask(comparison)] if self._view.caught_up else starting(RISK)
        return answer.unknown(comparison, now_s, report_url, self._with_silence(reason))

    def _risk(self, query: RiskQuery, now_s: float, base: str) -> RiskAnswer:
        pair = wanted(query)
        found = self._directory.find(pair)
        if len(found) == 1:
            return self.look(found[0], now_s, f"{base}/{page(found[0])}", query.sensitivity)
        unseen = _UNSEEN if self._view.caught_up else starting(RISK)
        reason = several(found) if found else self._with_silence(unseen)
        said = {name: value or "" for name, value in structs.asdict(pair).items()}
        return answer.unanswerable((reason,), now_s, f"{base}/", said)

    def _with_silence(self, reason: str) -> str:
        silence_s = self._view.contact_age_s
        return reason if silence_s <= SILENCE_S else f"{reason} (Kafka has not answered for {silence_s:.0f} s)"


def starting(topic: str) -> str:
    """Why what is not known may yet become so."""
    return f"this server has just started and has not read all of {topic} yet: ask again"


def json(value: object, status: int = 200) -> web.Response:
    """A response of JSON, without NaN."""
    return web.Response(body=_encode(value), status=status, content_type="application/json", charset="utf-8")


def _shown(whole: RiskAnswer, query: RiskQuery) -> VerdictAnswer:
    """As much of the answer as is wanted."""
    if query.view == "verdict":
        return answer.small(whole)
    return whole if query.signals == "all" else answer.worst(whole, MOST_SIGNALS)


def _matches(document: RiskDocument, query: ComparisonsQuery) -> bool:
    pair = document.comparison
    return (
        query.cluster in {"", pair.cluster}
        and query.namespace in {None, pair.namespace}
        and query.workload in {None, pair.workload}
        and query.state in {None, document.state}
    )
