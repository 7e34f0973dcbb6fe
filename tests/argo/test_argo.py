"""Our templates against the code of Argo Rollouts itself: what it makes of a running serve that is fed from Kafka.

The expectations are in Go (phases_test.go has the table), because Argo's code is; here is the world they hold in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.judging.evidence import Exposure, SignalEvidence
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from tests.integration.role_process import RoleProcess
from topology.codecs import encode_json
from topology.create_topics import create
from topology.embedded import EmbeddedBroker, free_port
from topology.settings import Kafka
from topology.topics import RISK, definitions

HERE = Path(__file__).parent
FLAGS = os.environ.get("SERINUS_TEST_GO_FLAGS", "").split()
"""Such as -run=TestPhases/pass, while one works on them."""
NOBODY = "127.0.0.1:1"
FRESH_S = 3600
"""A document is fresh for as long as the tests take, and old where it is meant to be."""

pytestmark = [
    pytest.mark.argo,
    pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed: NOT held against Argo Rollouts' code"),
]

SEEN: dict[str, dict[str, Any]] = {
    "pass": {"verdict": "pass", "risk": 2.0, "score": 98.0, "confidence": 1.0},
    "fail": {"verdict": "fail", "risk": 100.0, "score": 0.0},
    "marginal": {"verdict": "marginal", "risk": 70.0, "score": 30.0},
    "none": {"verdict": "none", "risk": 37.5, "score": 62.5},
    "stale": {"verdict": "pass", "risk": 2.0, "score": 98.0, "age_s": 2 * FRESH_S},
    "stale fail": {"verdict": "fail", "risk": 100.0, "score": 0.0, "age_s": 2 * FRESH_S},
    "aborted": {"verdict": "fail", "risk": 100.0, "score": 0.0, "state": "ended", "outcome": "aborted", "age_s": 60.0},
}


def _pair(scenario: str) -> Comparison:
    number = list(SEEN).index(scenario)
    return Comparison("", "prod", f"shop-{number}", f"5d5c7b9f{number}", f"6f8d9c6b{number}")


def _document(scenario: str) -> RiskDocument:
    """As large as documents come: many signals, long reasons."""
    seen = dict(SEEN[scenario])
    as_of_ns = int((time.time() - seen.pop("age_s", 4.0)) * 1e9)
    signals = tuple(
        SignalEvidence(f"http_server_request_duration_seconds_{number}", 3.0, 1.0, 1.1, 0.5, 0.01, 37.5, 0.4)
        for number in range(100)
    )
    return RiskDocument(
        _pair(scenario),
        exposure=Exposure("requests", 900.0, 100.0),
        as_of=rfc3339(as_of_ns),
        started_at=rfc3339(as_of_ns - 600 * 10**9),
        signals=signals,
        reasons=tuple(
            f"log/error {number}: 1 of 4 events are the canary's, at 10.0% of the requests" for number in range(9)
        ),
        **seen,
    )


def _serve(stack: ExitStack, servers: str, *arguments: object) -> str:
    """Start one; its base URL."""
    role = stack.enter_context(
        RoleProcess("serve", "--bootstrap-servers", servers, "--port", 0, "--stale-s", FRESH_S, *arguments)
    )
    role.await_output("serve listens on ")
    return role.output.split("serve listens on ")[1].split()[0]


def _await_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            assert time.monotonic() < deadline, f"{url} is not ready"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Brokers, documents and servers; the file that tells Go of them."""
    directory = tmp_path_factory.mktemp("argo")
    config = directory / "kayenta.json"
    config.write_text(json.dumps({"name": "my-test", "applications": ["guestbook"], "metrics": [], "classifier": {}}))
    with ExitStack() as stack:
        fed, empty = (stack.enter_context(EmbeddedBroker()).bootstrap_servers for _ in range(2))
        for servers in (fed, empty):
            create(Kafka(servers), definitions(partitions=2))
        producer = Producer({"bootstrap.servers": fed})
        for scenario in SEEN:
            producer.produce(RISK, encode_json(_document(scenario)), _pair(scenario).key.encode())
        assert producer.flush(30) == 0
        serve = {
            "kafka": _serve(stack, fed, "--kayenta-config", config),
            "no kafka": _serve(stack, NOBODY),
            "empty": _serve(stack, empty),
        }
        _await_ready(serve["kafka"])
        _await_ready(serve["empty"])
        port = free_port()
        arguments = ["serve", "--bootstrap-servers", fed, "--port", port, "--stale-s", FRESH_S, "--log-level", "error"]
        pairs = {
            scenario: {field: getattr(_pair(scenario), field) for field in Comparison.__struct_fields__[1:]}
            for scenario in SEEN
        }
        pairs["unknown"] = {"namespace": "prod", "workload": "nobody", "baseline": "a1", "canary": "b2"}
        pairs["faulty"] = {"namespace": "Prod", "workload": "nobody", "baseline": "a1", "canary": "-b2"}
        file = directory / "world.json"
        file.write_text(
            json.dumps(
                {
                    "python": sys.executable,
                    "serve": serve,
                    "pairs": pairs,
                    "restarting": ["-m", "topology", *map(str, arguments)],
                    "restartingURL": f"http://127.0.0.1:{port}",
                }
            )
        )
        yield file


@pytest.mark.timeout(900)
def test_argo_takes_it_as_meant(world: Path) -> None:
    """Every template, in every case of the table, makes Argo Rollouts do what it says; every file fits its schema."""
    done = subprocess.run(
        ["go", "test", "-count=1", "-timeout=600s", "-parallel=64", *FLAGS, "./..."],
        cwd=HERE,
        env={**os.environ, "SERINUS_TEST_WORLD": str(world)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5000:]


def test_go_is_formatted() -> None:
    """Go's own formatter finds nothing to do."""
    found = subprocess.run(["gofmt", "-l", "."], cwd=HERE, capture_output=True, text=True, check=True)
    assert found.stdout == ""
