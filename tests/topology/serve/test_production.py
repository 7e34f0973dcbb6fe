"""What serve says of what is in production."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec import structs

from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from tests.topology.serve.conftest import NOW_S
from topology.serve.production import ProductionView
from topology.serve.server import build
from topology.settings import Kafka, ServeSettings

PAIR = Comparison("", "prod", "shop", "5d5c8f7b9d", "6f87c5d5d5")
PASSED = RiskDocument(
    PAIR, "pass", risk=1.0, score=99.0, confidence=1.0, as_of=rfc3339(int(NOW_S - 5) * 10**9), reasons=("all is quiet",)
)


@pytest.fixture
async def watching(serve):
    """A server whose view of production the test feeds."""
    serve.production = ProductionView()
    serve.production.caught_up = True
    app = build(
        ServeSettings(Kafka("localhost:1")),
        serve.view,
        serve.asker,
        serve.witness,
        serve.telemetry,
        lambda: serve.now_s,
        production=serve.production,
    )
    serve.client = TestClient(TestServer(app))
    await serve.client.start_server()
    return serve


async def watched(serve, **parameters) -> dict[str, Any]:
    """The answer, which has status 200 whatever it is."""
    response = await serve.client.get("/v1/watch", params=parameters)
    assert response.status == 200
    found: dict[str, Any] = await response.json()
    return found


async def test_the_latest_verdict_is_told(watching):
    """In the shape of the answer on a comparison: the revision before, and the one in production."""
    assert watching.production.apply(PAIR.of.key.encode(), msgspec.json.encode(PASSED)) is None
    found = await watched(watching, namespace="prod", workload="shop")
    assert (found["verdict"], found["age_s"], found["reasons"]) == ("pass", 5.0, ["all is quiet"])
    assert (found["baseline"], found["canary"]) == (PAIR.baseline, PAIR.canary)


async def test_an_old_verdict_says_nothing(watching):
    """Once its records have stopped it cannot be told."""
    watching.production.apply(PAIR.of.key.encode(), msgspec.json.encode(PASSED))
    watching.now_s += 300
    found = await watched(watching, namespace="prod", workload="shop")
    assert (found["verdict"], found["confidence"]) == ("none", 0.0)


async def test_the_score_of_what_is_watched(watching):
    """A gauge from the first verdict with a score to the last: none while cold, none when its records have stopped."""
    cold = structs.replace(PASSED, verdict="none", comparison=structs.replace(PAIR, workload="cold"))
    for document in (cold, structs.replace(PASSED, watch_score=0.25)):
        watching.production.apply(document.comparison.of.key.encode(), msgspec.json.encode(document))
    series = 'serinus_watch_score{cluster="",namespace="prod",workload="shop"} 0.25'
    shown = await watching.text("/metrics")
    assert [line for line in shown.splitlines() if line.startswith("serinus_watch_score")] == [series]
    watching.now_s += 300
    assert "serinus_watch_score{" not in await watching.text("/metrics")


async def test_what_is_not_known_is_none(watching):
    """A workload never seen, one whose record is gone, a server that has just started, and a query with a fault."""
    watching.production.apply(PAIR.of.key.encode(), msgspec.json.encode(PASSED))
    watching.production.apply(PAIR.of.key.encode(), None)
    found = await watched(watching, namespace="prod", workload="shop")
    assert (found["verdict"], found["namespace"], found["workload"]) == ("none", "prod", "shop")
    watching.production.caught_up = False
    assert "just started" in (await watched(watching, namespace="prod", workload="shop"))["reasons"][0]
    found = await watched(watching, namespace="Prod!", pod="shop")
    assert found["verdict"] == "none"
    assert [reason.partition(":")[0] for reason in found["reasons"]] == ["namespace", "workload", "'pod'"]


@pytest.mark.parametrize(
    ("key", "value", "refusal"),
    [
        (PAIR.key.encode(), msgspec.json.encode(PASSED), "key_differs"),
        (b"\xff", msgspec.json.encode(PASSED), "key_differs"),
        (PAIR.of.key.encode(), b"{", "not_a_document"),
    ],
)
def test_what_is_no_verdict_is_refused(key, value, refusal):
    """And nothing is held."""
    view = ProductionView()
    assert view.apply(key, value) == refusal
    assert len(view) == 0


def test_no_more_are_held_than_there_is_room_for():
    """The one that changed longest ago goes."""
    view = ProductionView(most=2)
    for name in ("a", "b", "c"):
        document = msgspec.structs.replace(PASSED, comparison=msgspec.structs.replace(PAIR, workload=name))
        view.apply(document.comparison.of.key.encode(), msgspec.json.encode(document))
    assert len(view) == 2
    assert view.get(msgspec.structs.replace(PAIR, workload="a").of) is None
