"""Puts the serve role together, and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from streams.errors import BrokenInvariant
from topology.alarms.follower import AlarmFollower
from topology.alarms.view import AlarmView
from topology.background import Background
from topology.errors import not_listening, unreadable
from topology.serve.alarm_gauges import AlarmCollector
from topology.serve.alarm_page import AlarmPage
from topology.serve.alarms import Alarms
from topology.serve.api import Api, Asker, json
from topology.serve.bearer import BearerToken
from topology.serve.directory import Directory, Witness
from topology.serve.feedback import FeedbackApi
from topology.serve.follower import Follower
from topology.serve.gauges import RiskCollector
from topology.serve.kayenta import Kayenta, read_config
from topology.serve.kayenta_messages import CanaryConfig
from topology.serve.links import Links
from topology.serve.middlewares import add_headers, admitted, explained, observed
from topology.serve.notifications import Notifications
from topology.serve.openapi import describe
from topology.serve.pages import Pages
from topology.serve.probes import Probes
from topology.serve.production import Production, ProductionFollower, ProductionView
from topology.serve.rollouts import ComparisonRequests
from topology.serve.routes import routes
from topology.serve.sightings import Sightings
from topology.serve.template_page import TemplatePage
from topology.serve.view import View
from topology.settings import ServeSettings
from topology.telemetry import Telemetry

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_SHUTDOWN_S = 1.0
_LONGEST_LINE = 65_536
"""Bytes of a request's first line. aiohttp takes 8190, and refuses what is longer in plain text, before any route is
asked: up to here it is told what is wrong with it as with any other query."""
_SWITCH_S = 0.0005
"""How long a thread keeps the interpreter from the others. At Python's 5 ms, queries during a scrape of 500 comparisons
had a p99 of 30 ms, at this 9 ms (500 queries a second, 2 cores)."""


def build(
    settings: ServeSettings,
    view: View,
    asker: Asker,
    witness: Witness,
    telemetry: Telemetry,
    now: Callable[[], float] = time.time,
    alarm_view: AlarmView | None = None,
    production: ProductionView | None = None,
) -> web.Application:
    """The application over a view that somebody else keeps up to date.

    Args:
        settings: token, public URL, staleness.
        view: what is known.
        asker: told of pairs that are not.
        witness: knows whose records flow.
        telemetry: its registry is shown on /metrics, and counts what is asked.
        now: wall clock, seconds since 1970.
        alarm_view: what is known of alarms; None: nothing.
        production: what is known of production; None: nothing.

    Raises:
        BadPolicy: the token file holds no token, or a canary config is none.
    """
    middlewares = [observed(telemetry), explained]
    if settings.token_file is not None:
        middlewares.append(admitted(BearerToken(settings.token_file)))
    app = web.Application(middlewares=middlewares)
    app.on_response_prepare.append(add_headers)

    alarm_view = AlarmView() if alarm_view is None else alarm_view
    production = ProductionView() if production is None else production
    collectors = (
        RiskCollector(view, settings.stale_s, now),
        AlarmCollector(alarm_view, production, settings.stale_s, now),
    )
    for collector in collectors:
        telemetry.registry.register(collector)

    async def unregister(_: web.Application) -> None:
        for collector in collectors:
            telemetry.registry.unregister(collector)

    app.on_cleanup.append(unregister)

    async def openapi(_: web.Request) -> web.Response:
        return json(description)

    host = "localhost" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    links = Links(settings.public_url, f"http://{f'[{host}]' if ':' in host else host}:{settings.port}")
    directory = Directory(view, witness)
    api = Api(view, directory, asker, links, settings.stale_s, settings.ended_s, now)
    pages = Pages(view, settings.stale_s, now)
    feedback, alarms = FeedbackApi(view, asker), Alarms(alarm_view, asker, links, now)
    table = routes(
        api,
        alarms,
        Production(production, links, settings.stale_s, now),
        Notifications(view, asker),
        feedback,
        Kayenta(api, directory, links, list(map(_canary_config, settings.kayenta_configs)), now),
        pages,
        AlarmPage(alarm_view, pages, alarms, links, now),
        TemplatePage(view, pages, feedback, links),
        Probes(view, telemetry.registry),
        openapi,
    )
    description = describe(table, token_needed=settings.token_file is not None)
    app.add_routes([web.route(route.method, route.path, route.handler) for route in table])
    return app


async def run(
    settings: ServeSettings,
    telemetry: Telemetry,
    stop: asyncio.Event,
    listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until `stop` is set; answers from the first moment, is ready once the view has caught up.

    Meanwhile the interpreter switches threads more often: best in a process of its own.

    Args:
        settings: of this replica.
        telemetry: of this process.
        stop: set it to end within a second or two.
        listening: told the base URL once there is one, which a port of 0 leaves open until then.

    Raises:
        BadPolicy: the address cannot be had, or the token file holds no token.
        BrokenInvariant: a thread of ours ended by itself.
    """
    usual_switch_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    view, alarm_view, production = View(), AlarmView(), ProductionView()
    follower = Follower(settings.kafka, view, telemetry)
    requests = ComparisonRequests(settings.kafka, telemetry)
    sightings = Sightings(settings.kafka)
    threads = (
        follower,
        AlarmFollower(settings.kafka, alarm_view, telemetry),
        ProductionFollower(settings.kafka, production, telemetry),
        requests,
        sightings,
    )
    runner = web.AppRunner(
        build(settings, view, requests, sightings, telemetry, alarm_view=alarm_view, production=production),
        access_log=None,
        handle_signals=False,
        max_line_size=_LONGEST_LINE,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        url = await _listen(runner, settings)
        log.info("serve listens on %s", url)
        if listening is not None:
            listening(url)
        for thread in threads:
            thread.start()
        await _until(stop, *threads)
    finally:
        await runner.cleanup()
        await asyncio.gather(*(asyncio.to_thread(thread.stop) for thread in threads))
        sys.setswitchinterval(usual_switch_s)


def _canary_config(file: str) -> CanaryConfig:
    path = Path(file)
    try:
        return read_config(path.read_bytes(), file, path.stat().st_mtime_ns // 1_000_000)
    except OSError as error:
        raise unreadable("kayenta-config", file, error) from error


async def _listen(runner: web.AppRunner, settings: ServeSettings) -> str:
    """Begin to listen; the base URL."""
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except (OSError, UnicodeError) as error:
        raise not_listening("port", settings.host, settings.port, error) from error
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _until(stop: asyncio.Event, *threads: Background) -> None:
    """Wait for `stop`, and look after our threads meanwhile."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), _LOOK_S)
        except TimeoutError:
            for thread in threads:
                if thread.failure is not None:
                    raise BrokenInvariant(f"{type(thread).__name__} ended by itself") from thread.failure
