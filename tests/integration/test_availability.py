"""Five errors in a row abort a rollout, so there must be none: two replicas, and everything behind them taken away.

Freshness is held to an age of ten seconds, so that most tests need not wait for minutes; the nightly form of the last
one is without its broker for five. That it comes back is shown on Apache Kafka, which keeps what it held.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from confluent_kafka import Producer

from streams.judging.evidence import Exposure
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from tests.integration.apache_kafka import ApacheKafka, fetch
from tests.integration.ready_proxy import ReadyProxy
from tests.integration.role_process import RoleProcess
from tests.integration.traffic import Traffic
from topology.codecs import encode_json
from topology.demo.service import Rates, Service
from topology.demo.shipped import NAMESPACE
from topology.embedded import EmbeddedBroker, free_port
from topology.pipeline import prepare
from topology.settings import Kafka
from topology.topics import RISK

STALE_S = 10
LIVE = Comparison("", NAMESPACE, "checkout", "7d9c6b5f48", "5c4bd8f9f7")
"""Judged by a real scorer."""
HELD = Comparison("", NAMESPACE, "cart", "5d5c7b9f4", "6f8d9c6b77")
"""Its only document is published by the test: a pass."""


def _get(url: str, path: str) -> tuple[int, Any]:
    with urllib.request.urlopen(f"{url}{path}", timeout=5) as response:  # noqa: S310 - our own server
        return response.status, json.loads(response.read())


def _risk(url: str, pair: Comparison, *names: str) -> dict[str, Any]:
    """The answer to a question that gives these names of the pair, or all."""
    given = {name: value for name, value in msgspec.structs.asdict(pair).items() if name in names or not names}
    status, answer = _get(url, f"/v1/risk?{urlencode(given)}&view=verdict")
    assert status == 200
    return dict(answer)


class Client:
    """Asks for both pairs all the time, each time on a new connection, and keeps what it got."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.answers: list[tuple[float, dict[str, Any]]] = []
        self.errors: list[str] = []
        self._thread = threading.Thread(target=self._ask, name="client", daemon=True)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """As long as the context is open."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.05):
            for pair in (LIVE, HELD):
                try:
                    self.answers.append((time.time(), _risk(self._url, pair)))
                except Exception as error:  # noqa: BLE001 - whatever it is, Argo would count it
                    self.errors.append(repr(error))


def _replica(stack: ExitStack, servers: str, port: int, proxy: ReadyProxy) -> RoleProcess:
    """Start one, and let it have connections once it is ready."""
    role = stack.enter_context(
        RoleProcess("serve", "--bootstrap-servers", servers, "--port", port, "--stale-s", STALE_S)
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            _get(f"http://127.0.0.1:{port}", "/readyz")
        except OSError:
            assert role.alive
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            proxy.take_in(port)
            return role


def _hold(servers: str) -> float:
    """Publish the pass; when it was judged."""
    as_of_s = time.time()
    document = RiskDocument(
        HELD,
        verdict="pass",
        risk=2.0,
        score=98.0,
        confidence=1.0,
        exposure=Exposure("requests", 900.0, 100.0),
        as_of=rfc3339(int(as_of_s * 1e9)),
        reasons=("not worse",),
    )
    producer = Producer({"bootstrap.servers": servers})
    producer.produce(RISK, encode_json(document), HELD.key.encode())
    assert producer.flush(30) == 0
    return as_of_s


def _await(what: str, holds: Any, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.timeout(240)
def test_every_query_is_answered_whatever_is_away() -> None:
    """Promise: through a rolling restart, without score, without Kafka, each query gets 200 and the last document.

    With it comes its age; what is older than the policy allows is `none`, at once and never before.
    """
    service = Service(LIVE.workload, LIVE.baseline, LIVE.canary, Rates(), 500, seed=1)
    with ExitStack() as stack, EmbeddedBroker() as broker, ReadyProxy() as proxy:
        servers = broker.bootstrap_servers
        prepare(Kafka(servers), 2)
        quick = ["--bootstrap-servers", servers, "--session-timeout-s", 3]
        stack.enter_context(RoleProcess("ingest", *quick))
        score = stack.enter_context(RoleProcess("score", *quick))
        ports = [free_port(), free_port()]
        replicas = [_replica(stack, servers, port, proxy) for port in ports]
        traffic = stack.enter_context(Traffic(servers, [service]))
        _await("found by its hashes", lambda: _risk(proxy.url, LIVE, "baseline", "canary")["workload"] == LIVE.workload)
        for port in ports:
            _await("judged", partial(_judged, port))

        client = Client(proxy.url)
        with client.asking():
            held_at_s = _hold(servers)
            for number, port in enumerate(ports):  # a rolling restart
                proxy.take_out(port)
                assert replicas[number].end() == 0
                replicas[number] = _replica(stack, servers, port, proxy)
            restarted_s = time.time()
            _await("judged anew", lambda: _risk(proxy.url, LIVE)["age_s"] < STALE_S)

            score.kill()
            without_score_s = time.time()
            _await("old", lambda: _risk(proxy.url, LIVE)["reasons"][0].startswith("nothing was judged for"))

            held_at_s = _hold(servers)
            _await("a pass again", lambda: _risk(proxy.url, HELD)["verdict"] == "pass")
            traffic.stop()
            broker.stop()
            without_kafka_s = time.time()
            _await("none", lambda: _risk(proxy.url, HELD)["verdict"] == "none")
            time.sleep(2)
        ended_s = time.time()

    assert client.errors == []
    assert restarted_s < without_score_s < without_kafka_s < ended_s
    for begin_s, end_s in ((0, restarted_s), (without_score_s, without_kafka_s), (without_kafka_s, ended_s)):
        assert sum(begin_s <= at_s < end_s for at_s, _ in client.answers) > 20
    forgotten = [
        (at_s - restarted_s, answer["reasons"])
        for at_s, answer in client.answers
        if answer["workload"] == LIVE.workload and not answer["as_of"]
    ]
    assert forgotten == [], "answers without the last document, and how long after the restart"
    lately = [(at_s, answer) for at_s, answer in client.answers if answer["as_of"] == rfc3339(int(held_at_s * 1e9))]
    assert {answer["verdict"] for _, answer in lately} == {"pass", "none"}
    for _, answer in lately:
        assert answer["verdict"] == ("none" if answer["age_s"] > STALE_S else "pass")
    assert lately[-1][1]["reasons"][0].endswith("The last verdict was pass")


@pytest.mark.kafka
def test_replicas_go_on_when_kafka_comes_back(tmp_path: Path) -> None:
    """Promise: after an outage both replicas read on by themselves; each query got 200 meanwhile."""
    fetch()
    broker = ApacheKafka(free_port(), tmp_path)
    with ExitStack() as stack, ReadyProxy() as proxy:
        stack.callback(broker.stop)
        broker.start()
        prepare(Kafka(broker.bootstrap_servers), 2)
        ports = [free_port(), free_port()]
        replicas = [_replica(stack, broker.bootstrap_servers, port, proxy) for port in ports]
        client = Client(proxy.url)
        with client.asking():
            _hold(broker.bootstrap_servers)
            _await("a pass", lambda: _risk(proxy.url, HELD)["verdict"] == "pass")
            broker.stop()
            _await("none", lambda: _risk(proxy.url, HELD)["verdict"] == "none")
            broker.start(keep=True)
            _hold(broker.bootstrap_servers)
            for port in ports:
                _await("a pass again", partial(_passes, port))
        assert all(replica.alive for replica in replicas)
        assert client.errors == []


@pytest.mark.kafka
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("way", "outage_s"),
    [
        ("killed", 6),
        pytest.param("killed", 15, marks=pytest.mark.nightly),
        pytest.param("frozen", 15, marks=pytest.mark.nightly),
        pytest.param("killed", 300, marks=pytest.mark.nightly),
        pytest.param("frozen", 300, marks=pytest.mark.nightly),
    ],
)
def test_all_roles_outlive_an_outage(tmp_path: Path, way: str, outage_s: float) -> None:
    """Promise: with the only broker killed or hanging for minutes, each query gets 200, `none` once it is too old.

    Ingest, score and both replicas are the same processes afterwards, and go on without help. The outages are longer
    than a transaction may take, so that the broker ends ingest's.
    """
    fetch()
    service = Service(LIVE.workload, LIVE.baseline, LIVE.canary, Rates(), 100, seed=1)
    broker = ApacheKafka(free_port(), tmp_path)
    with ExitStack() as stack, ReadyProxy() as proxy:
        stack.callback(broker.stop)
        broker.start()
        servers = broker.bootstrap_servers
        prepare(Kafka(servers), 2)
        quick = ["--bootstrap-servers", servers, "--session-timeout-s", 3]
        ingest = RoleProcess("ingest", *quick, "--transaction-timeout-s", 5)
        roles = [stack.enter_context(role) for role in (ingest, RoleProcess("score", *quick))]
        ports = [free_port(), free_port()]
        roles += [_replica(stack, servers, port, proxy) for port in ports]
        with Traffic(servers, [service]):
            _await("found", lambda: _risk(proxy.url, LIVE, "baseline", "canary")["workload"] == LIVE.workload)
            for port in ports:
                _await("judged", partial(_judged, port))
        client = Client(proxy.url)
        with client.asking():
            away = _away(broker, way)
            away_s = time.time()
            while time.time() < away_s + outage_s:
                assert [role.alive for role in roles] == [True] * len(roles)
                time.sleep(1)
            away()
            back_s = time.time()
            with Traffic(servers, [service]):
                for port in ports:
                    _await("judged anew", partial(_judged_since, port, back_s), 120)
        assert [role.alive for role in roles] == [True] * len(roles)
    assert client.errors == []
    during = [(at_s, answer) for at_s, answer in client.answers if away_s <= at_s < back_s]
    assert len(during) > 10 * outage_s / 2
    live = [answer for _, answer in during if answer["workload"] == LIVE.workload]
    assert all(answer["as_of"] for answer in live), "the last document, not an empty one"
    assert {answer["verdict"] for answer in live if answer["age_s"] > STALE_S} == {"none"}


def _away(broker: ApacheKafka, way: str) -> Callable[[], None]:
    """Take the broker away; what brings it back."""
    if way == "frozen":
        broker.freeze()
        return broker.thaw
    broker.kill()
    return partial(broker.start, keep=True)


def _judged_since(port: int, since_s: float) -> bool:
    answer = _risk(f"http://127.0.0.1:{port}", LIVE)
    return time.time() - float(answer["age_s"]) > since_s


def _judged(port: int) -> bool:
    return bool(_risk(f"http://127.0.0.1:{port}", LIVE)["as_of"])


def _passes(port: int) -> bool:
    return bool(_risk(f"http://127.0.0.1:{port}", HELD)["verdict"] == "pass")
