"""Puts the alert role together, and runs it until it is told to stop.

Nobody is told anything before all that Kafka held at start was read: a silence might be in it, or that a message was
sent. From then on each receiver is looked after by a task of its own, so that none waits for another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import Protocol

from streams.errors import BrokenInvariant
from topology.alarms.follower import AlarmFollower
from topology.alarms.view import AlarmView, KnownAlarm
from topology.alert.alertmanager import Alertmanager, named
from topology.alert.instruments import Instruments
from topology.alert.ledger import Ledger, LedgerFollower, LedgerWriter
from topology.alert.post import Poster
from topology.alert.signature import Secrets
from topology.alert.webhook import Webhook
from topology.background import Background
from topology.settings import AlertSettings
from topology.telemetry import Telemetry

log = logging.getLogger(__name__)

_LOOK_S = 0.5
"""Between two looks at what there is to tell."""


class Receiver(Protocol):
    """Somebody who is told of alarms."""

    waiting: int

    async def bring_up_to_date(self, alarms: list[KnownAlarm], now_s: float) -> None:
        """Tell what has to be told now."""


async def run(settings: AlertSettings, telemetry: Telemetry, stop: asyncio.Event) -> None:
    """Tell of alarms until `stop` is set.

    Raises:
        BadPolicy: a file of the settings does not hold what it must.
        BrokenInvariant: a thread of ours ended by itself.
    """
    secrets = None if settings.webhook_secret_file is None else Secrets(settings.webhook_secret_file)
    view, ledger, writer = AlarmView(), Ledger(), LedgerWriter(settings.kafka)
    receivers: dict[str, Receiver] = {}
    instruments = Instruments(
        telemetry.meter, lambda: len(view.active()), lambda: {name: each.waiting for name, each in receivers.items()}
    )
    threads = (AlarmFollower(settings.kafka, view, telemetry), LedgerFollower(settings.kafka, ledger, telemetry))
    async with AsyncExitStack() as stack:
        poster = await stack.enter_async_context(Poster(settings.ca_file, settings.cert_file, settings.key_file))
        for name, url in named(settings.alertmanager_urls).items():
            receivers[name] = Alertmanager(url, settings, poster, instruments.told(name))
        if settings.webhook_url is not None and secrets is not None:
            told = instruments.told("webhook")
            url, signed_by = settings.webhook_url, secrets.current
            receivers["webhook"] = Webhook(url, signed_by, settings, poster, ledger, writer, told)
        for thread in threads:
            thread.start()
        try:
            await _tell(view, ledger, receivers, threads, stop)
        finally:
            await asyncio.gather(*(asyncio.to_thread(thread.stop) for thread in threads))
            await asyncio.to_thread(writer.close)


async def _tell(
    view: AlarmView,
    ledger: Ledger,
    receivers: dict[str, Receiver],
    threads: tuple[Background, ...],
    stop: asyncio.Event,
) -> None:
    """Once Kafka was read, look after every receiver until `stop` is set."""
    tasks: list[asyncio.Task[None]] = []
    try:
        while not await _stopped(stop):
            for thread in threads:
                if thread.failure is not None:
                    raise BrokenInvariant(f"{type(thread).__name__} ended by itself") from thread.failure
            for task in tasks:
                if task.done():
                    task.result()
            if not tasks and view.caught_up and ledger.caught_up:
                tasks = [asyncio.create_task(_look_after(each, view)) for each in receivers.values()]
                log.info("tells %s of %d alarms", ", ".join(receivers), len(view))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _look_after(receiver: Receiver, view: AlarmView) -> None:
    while True:
        await receiver.bring_up_to_date(view.all(), time.time())
        await asyncio.sleep(_LOOK_S)


async def _stopped(stop: asyncio.Event) -> bool:
    """Wait a little; whether it is over."""
    try:
        await asyncio.wait_for(stop.wait(), _LOOK_S)
    except TimeoutError:
        return False
    return True
