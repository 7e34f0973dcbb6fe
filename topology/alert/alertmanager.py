"""Keeps one Alertmanager where the view of alarms is.

An Alertmanager forgets: an alert ends when it has not been heard of for some time, and after a restart it knows none.
So what rings is told again every `repeat_s`, each time with an end `hold_s` ahead, as Prometheus does it; what has
ended is told with its end, until it was taken and `hold_s` have passed since. Telling it again changes nothing there:
the labels are the same, and its notification log knows what was sent. So nothing need be remembered here: after a
restart all is told once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from topology.alarms.view import KnownAlarm
from topology.alert.alerts import Alert, alert, ended_s
from topology.alert.backoff import Backoff
from topology.alert.post import Outcome, Poster
from topology.settings import AlertSettings

BATCH = 64
"""Alerts of one request, as Prometheus sends them."""

_encode = msgspec.json.Encoder().encode


def named(urls: Sequence[str]) -> dict[str, str]:
    """Each Alertmanager once, by the name it has in the log and in metrics: paths may hold secrets.

    >>> list(named(("http://am:9093", "http://am:9093", "http://mimir/team-a", "http://mimir/team-b")))
    ['alertmanager am:9093', 'alertmanager mimir', 'alertmanager mimir 2']
    """
    found: dict[str, str] = {}
    for url in dict.fromkeys(urls):
        name = f"alertmanager {urlsplit(url).netloc}"
        alike = sum(urlsplit(other).netloc == urlsplit(url).netloc for other in found.values())
        found[f"{name} {alike + 1}" if alike else name] = url
    return found


class _Sent(Struct, frozen=True):
    """What an Alertmanager was told last of one alarm, and has taken."""

    ringing: bool
    at_s: float
    """By the clock that is never set back."""


class Alertmanager:
    """One of them; several are told the same, independently of each other."""

    def __init__(
        self,
        url: str,
        settings: AlertSettings,
        poster: Poster,
        told: Callable[[Outcome, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._settings = settings
        self._poster = poster
        self._told = told
        self._clock = clock
        self._sent: dict[str, _Sent] = {}
        self._backoff = Backoff()
        self.waiting = 0
        """Alarms of which it does not know yet how they stand."""

    async def bring_up_to_date(self, alarms: Sequence[KnownAlarm], now_s: float) -> None:
        """Tell it what it has to be told now, if it answers."""
        present = {known.alarm.id for known in alarms}
        self._sent = {name: sent for name, sent in self._sent.items() if name in present}
        due = self._due(alarms, now_s) if self._backoff.ready(self._clock()) else []
        for start in range(0, len(due), BATCH):
            outcome = await self._tell(due[start : start + BATCH], now_s)
            if outcome is not Outcome.TAKEN:
                self._backoff.failed(self._clock())
                break
            self._backoff.succeeded()
        self.waiting = sum(self._is_news(known, now_s) for known in alarms)

    def _due(self, alarms: Sequence[KnownAlarm], now_s: float) -> list[KnownAlarm]:
        """What it must be told: news first, and of these the oldest alarm."""
        clock_s = self._clock()
        due = [known for known in alarms if self._is_news(known, now_s) or self._is_to_repeat(known, now_s, clock_s)]
        return sorted(due, key=lambda known: (not self._is_news(known, now_s), known.raised_s))

    def _is_news(self, known: KnownAlarm, now_s: float) -> bool:
        sent = self._sent.get(known.alarm.id)
        return sent is None or sent.ringing != (ended_s(known, now_s) is None)

    def _is_to_repeat(self, known: KnownAlarm, now_s: float, clock_s: float) -> bool:
        end_s = ended_s(known, now_s)
        if end_s is not None and now_s - end_s > self._settings.hold_s:
            return False
        return clock_s - self._sent[known.alarm.id].at_s >= self._settings.repeat_s

    async def _tell(self, batch: Sequence[KnownAlarm], now_s: float) -> Outcome:
        """Tell it of several; where it refuses, one by one, so that one bad alert keeps back no other."""
        outcome = await self._post(batch, now_s)
        if outcome is not Outcome.REFUSED or len(batch) == 1:
            return outcome
        singly = [await self._post([known], now_s) for known in batch]
        return Outcome.TAKEN if Outcome.TAKEN in singly else Outcome.REFUSED

    async def _post(self, batch: Sequence[KnownAlarm], now_s: float) -> Outcome:
        body = _encode([self._alert(known, now_s) for known in batch])
        outcome = await self._poster.post(self._url, body, {}, self._settings.alertmanager_token_file)
        self._told(outcome, len(batch))
        if outcome is Outcome.TAKEN:
            at_s = self._clock()
            self._sent |= {known.alarm.id: _Sent(ended_s(known, now_s) is None, at_s) for known in batch}
        return outcome

    def _alert(self, known: KnownAlarm, now_s: float) -> Alert:
        settings = self._settings
        return alert(known, now_s, settings.hold_s, settings.public_url or "", settings.labels)
