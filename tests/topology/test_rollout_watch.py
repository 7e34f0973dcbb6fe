"""What `serinus rollouts` spares those it asks and tells; the whole of it, against an API server, is in tests/argo."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from topology.rollouts.watch import RolloutWatcher
from topology.settings import RolloutsSettings

NOBODY = "http://127.0.0.1:1"


async def test_watches_that_end_at_once_are_begun_anew_with_pauses(tmp_path):
    """Promise: a proxy that ends each is asked a few times a second at most, not as fast as it answers."""
    asked: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        asked[request.path] += 1
        if "watch" in request.query:
            return web.Response(text="")
        return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})

    app = web.Application()
    app.add_routes([web.get("/apis/{rest:.*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {}}]}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", **config}))
    watcher = RolloutWatcher(RolloutsSettings(NOBODY, kubeconfig=str(file)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            await watcher.run()
    await runner.cleanup()
    assert len(asked) == 3
    assert max(asked.values()) <= 2  # a list and a watch


@pytest.mark.parametrize("answered", [None, 503, 401])
async def test_while_serve_is_away_one_line_says_so(caplog, answered):
    """Promise: not one for each Rollout of the cluster, every two seconds; also where serve or a proxy says so."""
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=answered or 200)

    app = web.Application()
    app.add_routes([web.post("/v1/argo/rollouts", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = NOBODY if answered is None else f"http://127.0.0.1:{runner.addresses[0][1]}"
    watcher = RolloutWatcher(RolloutsSettings(url))
    for number in range(50):
        status = {"stableRS": "5d5", "currentPodHash": "6f8"}
        watcher._put("rollouts", {"metadata": {"namespace": "prod", "name": f"shop-{number}"}, "status": status})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            async with aiohttp.ClientSession() as session:
                await watcher._tell_all(session)
    await runner.cleanup()
    assert asked == (answered is not None)
    assert [record.getMessage().endswith("; 50 wait to be told") for record in caplog.records] == [True]
    assert len(watcher._changed) == 50
