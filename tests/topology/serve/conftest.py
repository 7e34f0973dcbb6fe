"""A server over a view that the test feeds itself; nothing here needs Kafka but `kafka`."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from streams.judging.evidence import Exposure, RiskPoint, SignalEvidence
from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison, RolloutEvent
from streams.risk.document import RiskDocument
from topology.codecs import encode_json
from topology.create_topics import create
from topology.embedded import EmbeddedBroker
from topology.serve.rollouts import Asked
from topology.serve.server import build
from topology.serve.view import View
from topology.settings import Kafka, ServeSettings, TelemetrySettings
from topology.telemetry import Telemetry
from topology.topics import definitions

NOW_S = 1_787_300_000.0


class Asker:
    """Remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[Comparison] = []
        self.again: list[bool] = []
        self.says = Asked.SENT
        self.told: list[RolloutEvent] = []
        self.full = False

    def ask(self, comparison: Comparison, again: bool = False) -> Asked:
        """Says what the test wants."""
        self.asked.append(comparison)
        self.again.append(again)
        return self.says

    def tell(self, event: RolloutEvent) -> bool:
        """Remembers that too."""
        if not self.full:
            self.told.append(event)
        return not self.full


class Witness:
    """Has seen what the test says."""

    def __init__(self) -> None:
        self.seen: dict[str, frozenset[Workload]] = {}
        self.wanted = 0

    def whose(self, pod_template_hash: str) -> frozenset[Workload]:
        """What the test wants."""
        return self.seen.get(pod_template_hash, frozenset())

    def want(self) -> None:
        """Counts."""
        self.wanted += 1


class Serve:
    """A server in this process, and all that a test may turn."""

    def __init__(self) -> None:
        self.view = View()
        self.view.caught_up = True
        self.asker = Asker()
        self.witness = Witness()
        self.now_s = NOW_S
        self.telemetry = Telemetry.start("serve", TelemetrySettings())
        self.client: Any = None

    def publish(self, document: RiskDocument) -> None:
        """As if it had come from Kafka."""
        assert self.view.apply(document.comparison.key.encode(), encode_json(document)) is None

    async def start(self, **settings: Any) -> None:
        """Begin to answer."""
        made = ServeSettings(Kafka("localhost:1"), **settings)
        app = build(made, self.view, self.asker, self.witness, self.telemetry, lambda: self.now_s)
        self.client = TestClient(TestServer(app))
        await self.client.start_server()

    async def risk(self, pair: Comparison, **more: str) -> dict[str, Any]:
        """The answer to `GET /v1/risk`, once it is seen to be what it always must be."""
        return await self.risk_of(msgspec.structs.asdict(pair) | more)

    async def risk_of(self, parameters: dict[str, str]) -> dict[str, Any]:
        """The same for any parameters."""
        response = await self.client.get("/v1/risk", params=parameters)
        assert response.status == 200
        assert response.content_type == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        answer = await response.json(loads=strict_json)
        assert isinstance(answer, dict)
        return answer

    async def text(self, path: str, status: int = 200) -> str:
        """The body of an answer."""
        response = await self.client.get(path)
        assert response.status == status
        return str(await response.text())


def strict_json(text: str) -> Any:
    """As Go reads JSON: without NaN."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """A server that is not started yet."""
    made = Serve()
    yield made
    if made.client is not None:
        await made.client.close()
    made.telemetry.shutdown()


@pytest.fixture
def pair() -> Comparison:
    """The comparison most tests are about."""
    return Comparison("", "prod", "shop", "5d5c7b9f4", "6f8d9c6b77")


@pytest.fixture
def judged(pair: Comparison) -> Callable[..., RiskDocument]:
    """Makes documents of a comparison judged four seconds ago."""

    def make(**changes: Any) -> RiskDocument:
        age_s = changes.pop("age_s", 4.0)
        document = RiskDocument(
            comparison=pair,
            verdict="none",
            risk=37.5,
            score=62.5,
            confidence=0.4,
            exposure=Exposure("requests", 900.0, 100.0),
            started_at=rfc3339(int((NOW_S - 600) * 1e9)),
            as_of=rfc3339(int((NOW_S - age_s) * 1e9)),
            signals=(SignalEvidence("log/error", 3.0, 1.0, None, 0.5, 1.0, 37.5, 0.4),),
            reasons=("log/error: 1 of 4 events are the canary's, at 10.0% of the requests",),
            unjudged=("requests/error: no counter",),
            history=(RiskPoint(NOW_S - 9, 50.0), RiskPoint(NOW_S - 4, 37.5)),
        )
        return msgspec.structs.replace(document, **changes)

    return make


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """An embedded broker with our topics, three partitions each."""
    with EmbeddedBroker() as embedded:
        cluster = Kafka(embedded.bootstrap_servers)
        create(cluster, definitions(partitions=3))
        yield cluster


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until something holds."""

    def wait(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)

    return wait
