"""How a role lives in this process: telemetry, signals, the first contact with Kafka, the work, and an end in time.

The work itself is in `ingest`, `score`, `serve` and `alert`; each is imported when it is run, as none needs the
libraries of the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from topology.connect import admin_client, wait_for_kafka
from topology.errors import Unavailable
from topology.settings import (
    AlertSettings,
    IngestSettings,
    RolloutsSettings,
    ScoreSettings,
    ServeSettings,
    TelemetrySettings,
)
from topology.signals import stop_on_signal
from topology.telemetry import Telemetry

log = logging.getLogger(__name__)

_GRACE_S = 4.0
"""From the signal to the end of the work; with the rest it stays below five seconds."""
_NOTICE_S = 0.25


def ingest(settings: IngestSettings, observe: TelemetrySettings, host: str) -> None:
    """Run an ingest worker until SIGINT or SIGTERM.

    It works in a thread: a call into librdkafka can block for long, and signals are only heard by a main thread that
    runs Python.
    """
    from topology.ingest import worker  # noqa: PLC0415 - see the module's docstring

    stop = stop_on_signal()
    admin_client(settings.kafka)
    telemetry = Telemetry.start("ingest", observe)
    try:
        if settings.metrics_port is not None:
            telemetry.serve_metrics(settings.metrics_port, host)
        if wait_for_kafka(settings.kafka, stop):
            _work(lambda: worker.run(settings, telemetry, stop), stop)
    finally:
        telemetry.shutdown()


def score(settings: ScoreSettings, observe: TelemetrySettings, host: str) -> None:
    """Run a score worker until SIGINT or SIGTERM; faust's worker listens for them itself."""
    from topology.score import worker  # noqa: PLC0415 - see the module's docstring

    stop = stop_on_signal()
    admin_client(settings.kafka)
    telemetry = Telemetry.start("score", observe)
    try:
        if settings.metrics_port is not None:
            telemetry.serve_metrics(settings.metrics_port, host)
        if wait_for_kafka(settings.kafka, stop):
            worker.run(settings, telemetry, stop)
    except SystemExit as ended:  # this is how faust's worker returns
        if ended.code:
            raise Unavailable(f"score ended with status {ended.code}") from ended
    finally:
        telemetry.shutdown()


def serve(settings: ServeSettings, observe: TelemetrySettings) -> None:
    """Run a serve replica until SIGINT or SIGTERM.

    It listens at once, also while Kafka is away: a server that does not answer would be restarted for nothing.
    """
    from topology.serve import server  # noqa: PLC0415 - see the module's docstring

    admin_client(settings.kafka)
    telemetry = Telemetry.start("serve", observe)

    gone = threading.Event()
    watch = threading.Thread(target=wait_for_kafka, args=(settings.kafka, gone), name="first-contact", daemon=True)
    watch.start()
    try:
        asyncio.run(_until_signal(lambda stop: server.run(settings, telemetry, stop)))
    finally:
        gone.set()
        telemetry.shutdown()


def alert(settings: AlertSettings, observe: TelemetrySettings, host: str) -> None:
    """Tell of alarms until SIGINT or SIGTERM."""
    from topology.alert import sender  # noqa: PLC0415 - see the module's docstring

    admin_client(settings.kafka)
    telemetry = Telemetry.start("alert", observe)
    try:
        if settings.metrics_port is not None:
            telemetry.serve_metrics(settings.metrics_port, host)
        asyncio.run(_until_signal(lambda stop: sender.run(settings, telemetry, stop)))
    finally:
        telemetry.shutdown()


def rollouts(settings: RolloutsSettings) -> None:
    """Watch a cluster until SIGINT or SIGTERM; it has nothing to finish."""
    from topology.rollouts.watch import RolloutWatcher  # noqa: PLC0415 - see the module's docstring

    async def work() -> None:
        watching = asyncio.ensure_future(RolloutWatcher(settings).run())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    asyncio.run(work())


async def _until_signal(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run it until it ends or SIGINT or SIGTERM comes, which sets its event.

    Raises:
        Unavailable: it did not end in time.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.ensure_future(run(stop))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    try:
        await asyncio.wait_for(running, _GRACE_S)
    except TimeoutError as error:
        raise Unavailable(f"the work did not end in {_GRACE_S:g} s") from error


def _work(work: Callable[[], None], stop: threading.Event) -> None:
    """Run it in a thread; what it raises is raised here; if it does not end in time, the process does."""
    failures: list[BaseException] = []
    done = threading.Event()

    def body() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failures.append(error)
        finally:
            done.set()

    threading.Thread(target=body, name="work", daemon=True).start()
    while not done.wait(_NOTICE_S):
        if stop.is_set() and not done.wait(_GRACE_S):
            log.error("did not end in %g s after the signal; what was not committed will be read again", _GRACE_S)
            logging.shutdown()
            os._exit(1)
    if failures:
        raise failures[0]
