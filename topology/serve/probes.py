"""What the cluster's own machinery reads: /metrics, /healthz, /readyz."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from topology.serve.api import json
from topology.serve.view import View


class Probes:
    """Answers of which none is about one comparison."""

    def __init__(self, view: View, registry: CollectorRegistry) -> None:
        self._view = view
        self._registry = registry

    async def metrics(self, request: web.Request) -> web.Response:
        """All metrics of this process, as Prometheus text or OpenMetrics, whichever is asked for."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        body = await asyncio.to_thread(encode, self._registry)  # queries go on meanwhile
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def healthz(self, _: web.Request) -> web.Response:
        """The process lives."""
        return json({"alive": True, "reason": ""})

    async def readyz(self, _: web.Request) -> web.Response:
        """503 until all that was in serinus.risk at start has been read once; 200 from then on, broker or not."""
        if self._view.caught_up:
            return json({"ready": True, "reason": f"{len(self._view)} comparisons are known"})
        silence_s = self._view.contact_age_s
        reason = f"serinus.risk is not read to its end yet; Kafka last answered {silence_s:.0f} s ago, or never"
        return json({"ready": False, "reason": reason}, 503)
