"""`GET /v1/alarms` and `POST /v1/alarms/feedback`.

What is posted goes through Kafka to the scorer, which learns from it, and back to every replica and to `serinus alert`:
it shows once it has been read there, so that all of them say the same. The topic keeps it for seven days, hence
nothing may be said for longer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Annotated, get_args

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from streams.records.times import rfc3339_s
from streams.risk.comparison import Sender
from streams.watch.alarm import Alarm
from streams.watch.feedback import ENDING, AlarmFeedback, FeedbackKind
from topology.alarms.view import AlarmView, KnownAlarm
from topology.codecs import DOCUMENT_FAULTS
from topology.serve.alarm_answer import answer, worst_first
from topology.serve.api import Asker, json, starting
from topology.serve.links import Links, alarm_page
from topology.serve.posted import Refused, not_json
from topology.serve.queries import AlarmsQuery, BadQuery, parse, shown
from topology.topics import ALARMS

log = logging.getLogger(__name__)

LONGEST_S = 7 * 86_400
"""As long as serinus.rollouts keeps what is said."""


class Feedback(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's word on one alarm."""

    alarm_id: Annotated[str, Meta(min_length=1, max_length=1024, description="`id` of the alarm")]
    kind: Annotated[
        FeedbackKind,
        Meta(
            description="`nothing`: it should not have rung; `real`: it was right to; `acknowledge`: somebody is on "
            "it; `silence`: nobody is to be told of it"
        ),
    ]
    reason: Annotated[str, Meta(min_length=1, max_length=2000, description="Why, for those who come after")]
    who: Annotated[Sender, Meta(min_length=1, description="Who says it; a name for people, no proof")]
    until: Annotated[
        str,
        Meta(
            max_length=64,
            description="End of a silence or an acknowledgement, RFC 3339, at most seven days ahead; a time that has "
            'passed takes it back; "": until the alarm clears, at most seven days',
        ),
    ] = ""


class Heard(Struct, frozen=True):
    """It is on its way to those who learn from it."""

    alarm_id: str
    kind: FeedbackKind


_decode = msgspec.json.Decoder(Feedback).decode
_ALLOWED = f"give alarm_id, kind ({', '.join(get_args(FeedbackKind))}), reason, who and, for an end, until (RFC 3339)"


class Alarms:
    """What production did after promotion, and what people say of it."""

    def __init__(self, view: AlarmView, asker: Asker, links: Links, now: Callable[[], float] = time.time) -> None:
        self._view = view
        self._asker = asker
        self._links = links
        self._now = now

    async def alarms(self, request: web.Request) -> web.Response:
        """The alarms that are known: the active by score, then the cleared, latest first."""
        try:
            query = parse(request.query, AlarmsQuery)
        except BadQuery as fault:
            return json({"error": "; ".join(fault.complaints)}, 400)
        if not self._view.caught_up:
            return json({"error": starting(ALARMS)}, 503)
        base, now_s = self._links.base(request), self._now()
        found = sorted((known for known in self._view.all() if _matches(known, query)), key=worst_first)
        return json([answer(known, now_s, f"{base}/{alarm_page(known.alarm)}") for known in found[: query.limit]])

    async def feedback(self, request: web.Request) -> web.Response:
        """Pass on what somebody says of an alarm; saying it again changes nothing."""
        if (refusal := not_json(request)) is not None:
            return refusal
        try:
            said = _decode(await request.read())
            until_s = rfc3339_s(said.until) if said.until else None
        except DOCUMENT_FAULTS as error:
            return json({"error": f"the body is no feedback: {error}; {_ALLOWED}"}, 400)
        found = self.pass_on(said, until_s)
        return json({"error": found.why}, found.status) if isinstance(found, Refused) else json(found)

    def pass_on(self, said: Feedback, until_s: float | None) -> Heard | Refused:
        """To the scorer, if it makes sense; does not wait for Kafka.

        Args:
            said: of one alarm.
            until_s: its `until` in seconds since 1970; None: it has none.
        """
        if not all(map(str.isprintable, (said.who, said.reason))):
            return Refused(400, "who and reason must be printable")
        if until_s is not None and (complaint := self._complaint(said.kind, until_s)):
            return Refused(400, complaint)
        if not self._view.current:
            return Refused(503, "not read serinus.alarms to its end, or Kafka does not answer: say it again")
        known = self._view.get(said.alarm_id)
        if known is None:
            return Refused(404, f"no alarm is known with the id {shown(said.alarm_id)}")
        return self._told(known.alarm, said)

    def _complaint(self, kind: FeedbackKind, until_s: float) -> str:
        if kind not in ENDING:
            return f"until: only {' and '.join(sorted(ENDING))} have an end"
        if until_s > self._now() + LONGEST_S:
            return "until: give a time at most seven days ahead; it can be said again"
        return ""

    def _told(self, alarm: Alarm, said: Feedback) -> Heard | Refused:
        event = AlarmFeedback(
            alarm_id=alarm.id,
            cluster=alarm.cluster,
            namespace=alarm.namespace,
            workload=alarm.workload,
            kind=said.kind,
            reason=said.reason,
            who=said.who,
            until=said.until or None,
        )
        if not self._asker.tell(event):
            return Refused(503, "too much waits for Kafka already: say it again")
        log.info("%r says %s of alarm %r: %r", said.who, said.kind, alarm.id, said.reason)
        return Heard(alarm.id, said.kind)


def _matches(known: KnownAlarm, query: AlarmsQuery) -> bool:
    alarm = known.alarm
    states = {alarm.state, "active"} if known.active else {alarm.state}
    return (
        query.cluster in {"", alarm.cluster}
        and query.namespace in {None, alarm.namespace}
        and query.workload in {None, alarm.workload}
        and (query.state is None or query.state in states)
    )
