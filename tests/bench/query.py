"""How long does `GET /v1/risk` take at 500 requests a second? Open loop: a slow answer delays no other question."""

from __future__ import annotations

import asyncio
import statistics
import time

import aiohttp

from tests.bench.freshness import BASELINE, CANARY
from tests.bench.stage import Stage


def run(stage: Stage, seconds: float = 20.0, requests_per_s: int = 500) -> dict[str, float]:
    """Latency percentiles in milliseconds; serve must answer for shop in prod."""
    return asyncio.run(_load(stage.risks.address, seconds, requests_per_s))


async def _load(address: str, seconds: float, requests_per_s: int) -> dict[str, float]:
    url = f"{address}/v1/risk?namespace=prod&workload=shop&baseline={BASELINE}&canary={CANARY}"
    latencies: list[float] = []

    async def ask(session: aiohttp.ClientSession) -> None:
        began_s = time.perf_counter()
        async with session.get(url) as response:
            await response.read()
            assert response.status == 200
        latencies.append(time.perf_counter() - began_s)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        begun_s, tasks = time.perf_counter(), set()
        for number in range(int(seconds * requests_per_s)):
            await asyncio.sleep(max(0.0, begun_s + number / requests_per_s - time.perf_counter()))
            task = asyncio.create_task(ask(session))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    cuts = statistics.quantiles(latencies, n=100)
    return {"p50_ms": round(cuts[49] * 1e3, 2), "p99_ms": round(cuts[98] * 1e3, 2), "requests_per_s": requests_per_s}
