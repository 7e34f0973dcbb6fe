"""Tells a webhook each change of each alarm once: raised, cleared.

What is due follows from the view and the ledger alone, whatever happened meanwhile: an alarm that rings and was not
told is told as raised, one that has cleared and was told as raised is told as cleared, and one that did both while
nothing could be told is told as both, in this order. One that is silenced is not told, unless the silence ends first.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

import msgspec
from msgspec import Struct

from streams.records.times import rfc3339
from streams.watch.alarm import Alarm
from topology.alarms.view import KnownAlarm
from topology.alert import signature
from topology.alert.backoff import Backoff
from topology.alert.ledger import Change, Delivery, Ledger, LedgerWriter
from topology.alert.post import Outcome, Poster
from topology.serve.links import alarm_page
from topology.settings import AlertSettings

LONGEST_REFUSAL_S = 600.0
"""Between two attempts at a message that the receiver refuses; the others go on."""
_REMEMBER_S = 30 * 86_400
"""What was told of an alarm that Kafka does not hold any more is forgotten after this."""
_FORGET_S = 86_400.0
"""Between two looks for what is to be forgotten."""

_encode = msgspec.json.Encoder().encode


class Notice(Struct, frozen=True):
    """The body of a message."""

    type: str
    """`alarm.raised` or `alarm.cleared`."""
    timestamp: str
    """When it happened, RFC 3339."""
    data: Alarm
    """The alarm as it stands when the message is sent."""
    link: str
    """Page for people; "" if no public URL is set."""


class Webhook:
    """The one there is."""

    def __init__(
        self,
        url: str,
        secrets: Callable[[], tuple[bytes, ...]],
        settings: AlertSettings,
        poster: Poster,
        ledger: Ledger,
        writer: LedgerWriter,
        told: Callable[[Outcome, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._secrets = secrets
        self._settings = settings
        self._poster = poster
        self._ledger = ledger
        self._writer = writer
        self._told = told
        self._clock = clock
        self._backoff = Backoff()
        self._refused: dict[str, Backoff] = {}
        self._forgets_at_s = clock()
        self.waiting = 0
        """Alarms of which it does not know yet how they stand."""

    async def bring_up_to_date(self, alarms: Sequence[KnownAlarm], now_s: float) -> None:
        """Tell it what it has to be told now, if it answers."""
        if self._clock() >= self._forgets_at_s:
            self._forgets_at_s = self._clock() + _FORGET_S
            await self._forget({known.alarm.id for known in alarms}, now_s)
        due = sorted((known for known in alarms if self._due(known, now_s)), key=lambda known: known.raised_s)
        self._refused = {known.alarm.id: each for known in due if (each := self._refused.get(known.alarm.id))}
        self.waiting = len(due)
        for known in due:
            refused = self._refused.get(known.alarm.id)
            if not self._backoff.ready(self._clock()):
                break
            if refused is None or refused.ready(self._clock()):
                await self._tell(known, now_s)

    async def _forget(self, known: AbstractSet[str], now_s: float) -> None:
        """Of alarms that are gone for long, nothing need be remembered."""
        for alarm_id in self._ledger.forgettable(rfc3339(round((now_s - _REMEMBER_S) * 1e9))):
            if alarm_id not in known:
                self._ledger.put(alarm_id, None)
                if not await asyncio.to_thread(self._writer.write, alarm_id, None):
                    return  # Kafka takes nothing now; the next look forgets the others

    def _due(self, known: KnownAlarm, now_s: float) -> Change | None:
        """What it must be told next of an alarm."""
        told = self._ledger.told(known.alarm.id)
        if told is None:
            return None if _never_to_be_told(known, now_s, self._settings.catch_up_s) else "raised"
        return "cleared" if told.change == "raised" and not known.active else None

    async def _tell(self, known: KnownAlarm, now_s: float) -> None:
        while (change := self._due(known, now_s)) is not None:
            outcome = await self._post(known, change)
            self._told(outcome, 1)
            if outcome is Outcome.UNREACHED:
                self._backoff.failed(self._clock())
                return
            self._backoff.succeeded()
            if outcome is Outcome.REFUSED:
                again = self._refused.setdefault(known.alarm.id, Backoff(longest_s=LONGEST_REFUSAL_S))
                again.failed(self._clock())
                return
            await self._record(known.alarm.id, change)
        self.waiting -= 1

    async def _post(self, known: KnownAlarm, change: Change) -> Outcome:
        alarm = known.alarm
        base = self._settings.public_url or ""
        at = alarm.raised_at if change == "raised" else alarm.cleared_at or alarm.as_of
        body = _encode(Notice(f"alarm.{change}", at, alarm, f"{base}/{alarm_page(alarm)}" if base else ""))
        signed = signature.headers(message_id(alarm.id, change), round(time.time()), body, self._secrets())
        return await self._poster.post(self._url, body, signed, self._settings.webhook_token_file)

    async def _record(self, alarm_id: str, change: Change) -> None:
        told = Delivery(change, rfc3339(time.time_ns()))
        self._ledger.put(alarm_id, told)
        await asyncio.to_thread(self._writer.write, alarm_id, told)


def message_id(alarm_id: str, change: Change) -> str:
    """The `webhook-id` of a change: the same however often, and by whatever process, it is sent.

    >>> message_id("/prod/shop/2026-08-21T08:13:20Z", "raised")
    'serinus_be305a4edead86c1c98ab01966163544'
    """
    return f"serinus_{hashlib.sha256(f'{change} {alarm_id}'.encode()).hexdigest()[:32]}"


def _never_to_be_told(known: KnownAlarm, now_s: float, catch_up_s: float) -> bool:
    """Silenced; or cleared under a silence that lasted until then, or too long ago to be news."""
    if known.active or known.cleared_s is None:
        return known.silenced(now_s)
    cleared_at, silence = rfc3339(round(known.cleared_s * 1e9)), known.words.silence
    was_silenced = silence is not None and silence.at <= cleared_at and (silence.until or cleared_at) >= cleared_at
    return was_silenced or known.cleared_s < now_s - catch_up_s
