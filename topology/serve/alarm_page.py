"""The page of alarms, for people: what rings now with all that is known of it, and what has cleared."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from topology.alarms.view import AlarmView
from topology.serve.alarm_answer import answer, worst_first
from topology.serve.links import alarm_page
from topology.serve.pages import Pages

MOST_ACTIVE = 100
"""Shown in full."""
MOST_CLEARED = 200


class AlarmPage:
    """Renders the view of alarms, as the other pages are rendered."""

    def __init__(self, view: AlarmView, pages: Pages, now: Callable[[], float]) -> None:
        self._view = view
        self._pages = pages
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
