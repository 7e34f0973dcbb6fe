"""The pages for people: what is compared, and one comparison with its reasons.

They need no script and load nothing: the Content-Security-Policy admits one style sheet, by its hash. Templates escape
all they show, and isolate what is written from right to left; log text in a reason is a stranger's. Browsers tell our
own server, and nobody else, which page a form came from (`Referrer-Policy`: with `no-referrer` the Origin of a form
would be `null`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from streams.errors import BadRecord
from streams.policy.sensitivity import SENSITIVITIES
from streams.records.times import rfc3339_s
from streams.risk.document import RiskDocument
from streams.signals.units import shown_unit
from topology.freshness import SILENCE_S, Freshness
from topology.serve import answer, chart, links
from topology.serve.queries import from_path
from topology.serve.view import Entry, View

MOST_SHOWN = 200
"""Comparisons on the first page."""
REFRESH_S = 5
_LEFTWARD = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
_LEFTWARDS = re.compile(rf"[{_LEFTWARD}]++(?:\s++[{_LEFTWARD}]++)*+")
"""Words of letters written from right to left. Source: Unicode, DerivedBidiClass.txt, blocks of R and AL by default."""


class Pages:
    """Renders the view."""

    def __init__(self, view: View, stale_s: float, now: Callable[[], float]) -> None:
        self._view = view
        self._stale_s = stale_s
        self._now = now
        self._templates = Environment(
            loader=PackageLoader("topology.serve"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            finalize=_isolated,
        )
        self._templates.filters |= {"age": age, "moment": moment, "count": count, "measure": measure}
        loader = self._templates.loader
        style = loader.get_source(self._templates, "style.css")[0] if loader else ""
        self._templates.globals |= {"style": Markup(style), "refresh_s": REFRESH_S}  # noqa: S704 - our own file
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    async def comparisons(self, _: web.Request) -> web.Response:
        """The list of all comparisons: the running by risk, then the ended, latest first."""
        now_s = self._now()
        found = [(entry, answer.at(entry, now_s, self._stale_s)) for entry in self._view]
        found.sort(key=lambda each: answer.worst_first(*each))
        rows = [
            (document, answer.age_s(entry, now_s), links.page(document.comparison))
            for entry, document in found[:MOST_SHOWN]
        ]
        return self._page("comparisons.html", 200, rows=rows, more=len(found) - len(rows))

    async def comparison(self, request: web.Request) -> web.Response:
        """One comparison; 404 with a page where nothing is known of it, which asks for nothing."""
        pair = from_path(request.match_info)
        entry = None if pair is None else self._view.get(pair)
        if pair is None or entry is None:
            return self._page("unknown.html", 404, parts=list(request.match_info.values()), possible=pair is not None)
        now_s = self._now()
        asked = request.query.get("sensitivity", "")
        sensitivity = next((each for each in SENSITIVITIES if each == asked), None)
        document = answer.at(entry, now_s, self._stale_s, sensitivity)
        parameters = urlencode(msgspec.structs.asdict(pair) | ({"sensitivity": asked} if sensitivity else {}))
        return self._page(
            "comparison.html",
            200,
            document=document,
            pair=pair,
            age_s=answer.age_s(entry, now_s),
            page=links.page(pair),
            sensitivities=tuple(SENSITIVITIES) if document.readings else (),
            read_at=sensitivity or document.sensitivity,
            judged=entry.as_of_s > 0,
            canary_share=_canary_share(document),
            chart=self._chart(entry, document),
            json_url=f"v1/risk?{parameters}",
        )

    def _chart(self, entry: Entry, document: RiskDocument) -> chart.Chart | None:
        decided_s = None
        if document.decided_at is not None:
            try:
                decided_s = rfc3339_s(document.decided_at)
            except BadRecord:
                decided_s = None
        return chart.draw(entry.history, decided_s, document.verdict)

    def _page(self, template: str, status: int, **values: object) -> web.Response:
        return self.rendered(template, self._view, status, **values)

    def rendered(self, template: str, freshness: Freshness, status: int = 200, **values: object) -> web.Response:
        """A page, with a notice where what it shows may not be the latest."""
        silence_s = freshness.contact_age_s
        text = self._templates.get_template(template).render(
            **values, caught_up=freshness.caught_up, silence_s=silence_s if silence_s > SILENCE_S else None
        )
        headers = {"Content-Security-Policy": self._policy, "Referrer-Policy": "same-origin"}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _isolated(value: object) -> object:
    """As a page shows it: words written from right to left move no number beside them (UAX #9, isolates)."""
    if not isinstance(value, str) or value.isascii() or isinstance(value, Markup):
        return value
    return Markup(_LEFTWARDS.sub(r"<bdi>\g<0></bdi>", str(escape(value))))  # noqa: S704 - escaped before


def _canary_share(document: RiskDocument) -> float:
    """The canary's part of the exposure, 0..100."""
    whole = document.exposure.baseline + document.exposure.canary
    return 100.0 * document.exposure.canary / whole if whole > 0 else 0.0


def age(seconds: float) -> str:
    """A time span as people say it.

    >>> age(4.2), age(200), age(8000), age(200_000), age(1.8e9)
    ('4 s ago', '3 min ago', '2 h ago', '2 d ago', 'never')
    """
    if seconds > 1e9:
        return "never"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds // 86400:.0f} d ago"


def moment(text: str | None) -> str:
    """An RFC 3339 time as people read it; anything else as it is.

    >>> moment("2026-08-21T08:13:20.123Z"), moment(None)
    ('2026-08-21 08:13:20 UTC', '-')
    """
    if not text:
        return "-"
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return text


def count(number: float | None, digits: int = 1) -> str:
    """A number for people: thousands apart, decimals only where there are any.

    >>> count(12345.0), count(0.25, 2), count(-0.001, 2), count(-0.0), count(None)
    ('12,345', '0.25', '0.00', '0', '-')
    """
    if number is None:
        return "-"
    return f"{number:z,.0f}" if number == int(number) else f"{number:z,.{digits}f}"


def measure(number: float | None, unit: str = "") -> str:
    """A measured value with its unit, three digits that count.

    >>> measure(0.012345, "s"), measure(123456789.0, "By"), measure(0.5, "1"), measure(None)
    ('0.0123 s', '1.23e+08 By', '0.5', '-')
    """
    if number is None:
        return "-"
    return f"{number:.3g}{shown_unit(unit)}"
