"""The pages of alarms, for people: all of them, and one with a form to acknowledge, silence or judge it.

The form is posted to the page's own address and taken from our own pages only (`posted`); it needs no script. What it
holds goes the way of `POST /v1/alarms/feedback`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.watch.feedback import ENDING
from topology.alarms.view import AlarmView
from topology.serve.alarm_answer import answer, worst_first
from topology.serve.alarms import Alarms, Feedback
from topology.serve.links import Links, alarm_page
from topology.serve.pages import Pages
from topology.serve.posted import Refused, fields, not_ours

MOST_ACTIVE = 100
"""Shown in full."""
MOST_CLEARED = 200
_HOUR_S = 3600
_LASTS = {"": None, "1": _HOUR_S, "4": 4 * _HOUR_S, "24": 24 * _HOUR_S, "168": 168 * _HOUR_S, "back": 0}
"""What the form offers -> seconds from now; None: until the alarm clears; 0: it is taken back."""


class AlarmPage:
    """Renders the view of alarms, as the other pages are rendered, and hears what people say of one."""

    def __init__(self, view: AlarmView, pages: Pages, alarms: Alarms, address: Links, now: Callable[[], float]) -> None:
        self._view = view
        self._pages = pages
        self._alarms = alarms
        self._address = address
        self._now = now

    async def alarms(self, _: web.Request) -> web.Response:
        """All alarms: the active by score, then the cleared, latest first."""
        now_s = self._now()
        found = sorted(self._view.all(), key=worst_first)
        active = [answer(known, now_s, alarm_page(known.alarm)) for known in found if known.active]
        cleared = [answer(known, now_s, alarm_page(known.alarm)) for known in found if not known.active]
        return self._pages.rendered(
            "alarms.html",
            self._view,
            active=active[:MOST_ACTIVE],
            cleared=cleared[:MOST_CLEARED],
            more=len(found) - len(active[:MOST_ACTIVE]) - len(cleared[:MOST_CLEARED]),
        )

    async def alarm(self, request: web.Request) -> web.Response:
        """One alarm; 404 where it is not known (any more)."""
        return self._shown(request.match_info, said="said" in request.query)

    async def say(self, request: web.Request) -> web.Response:
        """Take in the form, and show the page again; with the fault where there is one."""
        parts = request.match_info
        why = not_ours(request, self._address.base(request))
        if why is not None:
            return self._shown(parts, 403, fault=why)
        typed: Mapping[str, str] = {}
        try:
            typed = await fields(request)
            said, until_s = self._said(_id(parts), typed)
        except (msgspec.ValidationError, ValueError) as fault:
            return self._shown(parts, 400, fault=f"that cannot be said: {fault}", typed=typed)
        found = self._alarms.pass_on(said, until_s)
        if isinstance(found, Refused):
            return self._shown(parts, found.status, fault=found.why, typed=typed)
        return web.Response(status=303, headers={"Location": "?said=1"})

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
        known = self._view.get(_id(parts))
        if known is None:
            return self._pages.rendered("unknown_alarm.html", self._view, 404, workload=parts["workload"])
        shown = answer(known, self._now(), "")
        return self._pages.rendered(
            "alarm.html", self._view, status, alarm=shown, fault=fault, said=said, typed=typed or {}
        )

    def _said(self, alarm_id: str, given: Mapping[str, str]) -> tuple[Feedback, float | None]:
        """What the form says of an alarm, and until when (seconds since 1970).

        Raises:
            msgspec.ValidationError: a kind that is none, a reason or a name that is missing or too long, ...
            ValueError: a length that is not offered.
        """
        lasts = given.get("lasts", "")
        if lasts not in _LASTS:
            raise ValueError("lasts is none of those offered")
        kind, lasts_s, until_s = given.get("kind", ""), _LASTS[lasts], None
        if kind in ENDING and lasts_s is not None:
            until_s = self._now() + lasts_s
        until = "" if until_s is None else rfc3339(int(until_s * 1e9))
        values = {"alarm_id": alarm_id, "kind": kind, "reason": given.get("reason", ""), "who": given.get("who", "")}
        return msgspec.convert({**values, "until": until}, Feedback), until_s


def _id(parts: Mapping[str, str]) -> str:
    """Of the alarm that a page's path names, where `-` stands for the empty cluster."""
    cluster = "" if parts["cluster"] == "-" else parts["cluster"]
    return f"{Workload(cluster, parts['namespace'], parts['workload']).key}/{parts['raised_at']}"
