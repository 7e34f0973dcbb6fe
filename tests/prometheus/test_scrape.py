"""A real Prometheus, with the files of deploy/prometheus, scrapes the real processes of all roles."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import yaml

from streams.judging.evidence import Exposure, SignalEvidence
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from tests.integration.role_process import RoleProcess
from tests.prometheus.conftest import PARTITIONS
from tests.prometheus.tools import ROOT, Server, eventually, free_port
from tests.topology.alarms.documents import alarm, at, publish, word
from topology.topics import LOGS, RISK, SUMMARIES

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(300)]

DEPLOY = ROOT / "deploy/prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DEPLOY / "rules.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = msgspec.json.decode((ROOT / "deploy/grafana/serinus.json").read_bytes())
SHOWN: list[str] = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
VARIABLES = {"$namespace": ".*", "$workload": ".*", "$__rate_interval": "1m"}


def substituted(expression: str) -> str:
    """As Grafana sends it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


@pytest.fixture
def roles(broker, receiver) -> Iterator[dict[str, int]]:
    """All four, as processes; role -> port of its metrics."""
    ports = {role: free_port() for role in ("ingest", "score", "serve", "alert")}
    own = {
        "ingest": ("--metrics-port", ports["ingest"]),
        "score": ("--metrics-port", ports["score"], "--session-timeout-s", 1),
        "serve": ("--port", ports["serve"]),
        "alert": ("--metrics-port", ports["alert"], "--alertmanager-url", receiver.url),
    }
    ready = {"ingest": "reads serinus", "score": "scores partitions", "serve": "serve listens on", "alert": "tells"}
    with ExitStack() as stack:
        processes = {
            role: stack.enter_context(RoleProcess(role, "--bootstrap-servers", broker, *words))
            for role, words in own.items()
        }
        for role, process in processes.items():
            process.await_output(ready[role])
        yield ports


@pytest.fixture
def prometheus(roles, tmp_path: Path) -> Iterator[Server]:
    """With our configuration, but for where the roles are and how often it looks."""
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    config["rule_files"] = [str(DEPLOY / file) for file in config["rule_files"]]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = []
    for job in config["scrape_configs"]:
        for each in job["static_configs"]:
            each["targets"] = [f"127.0.0.1:{roles[target.split(':')[0]]}" for target in each["targets"]]
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(config))
    server = Server("prometheus", [f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'data'}"], tmp_path)
    server.start()
    yield server
    server.stop()


def query(prometheus: Server, expression: str) -> list[dict[str, Any]]:
    """The series of now."""
    answer = prometheus.get(f"/api/v1/query?query={quote(expression)}")
    assert answer["status"] == "success"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def test_what_is_shown_is_exposed(producer, prometheus):
    """All roles are up; alarms ring and vanish; rules evaluate; every metric of rules and dashboard is there."""
    eventually(lambda: len(query(prometheus, 'up{job=~"serinus-.*"} == 1')) == 4)
    now = time.time()
    pair = Comparison("", "prod", "shop", "5d5c7b9f4", "6f8d9c6b77")
    signal = SignalEvidence("log/error", 3.0, 1.0, None, 0.5, 1.0, 37.5, 0.4)
    document = RiskDocument(pair, exposure=Exposure("requests", 9.0, 1.0), as_of=at(now), signals=(signal,))
    producer.produce(RISK, msgspec.json.encode(document), pair.key.encode())
    producer.produce(LOGS, b"no record")
    producer.produce(SUMMARIES, b"no bundle")
    ringing, quiet = alarm(raised_s=now), alarm(workload="till", raised_s=now)
    for message in (word(quiet, "silence"), ringing, quiet):
        publish(producer, message, PARTITIONS)

    (score,) = eventually(lambda: query(prometheus, 'workload:serinus_watch_score:max{workload="shop"}'))
    assert score["metric"]["namespace"] == "prod"
    assert score["value"][1] == "1.5"
    eventually(lambda: query(prometheus, 'ALERTS{alertname="WorkloadAbnormal",workload="shop"}'))
    assert not query(prometheus, 'ALERTS{alertname="WorkloadAbnormal",workload="till"}')
    eventually(lambda: query(prometheus, "serinus_alarm_silenced == 1"))

    wanted = _metrics([*(rule["expr"] for rule in RULES), *map(substituted, SHOWN)])
    eventually(lambda: wanted <= set(prometheus.get("/api/v1/label/__name__/values")["data"]), 30)
    for expression in SHOWN:
        query(prometheus, substituted(expression))
    health = [rule for group in prometheus.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
    assert len(health) == len(RULES)
    assert all(rule["health"] == "ok" for rule in health), health
    (count,) = query(prometheus, substituted(SHOWN[0]))
    assert count["value"][1] == "1"

    publish(producer, alarm(raised_s=now, cleared_s=time.time()), PARTITIONS)
    eventually(lambda: not query(prometheus, 'serinus_alarm_active{workload="shop"}'))
    eventually(lambda: not query(prometheus, 'ALERTS{alertname="WorkloadAbnormal"}'))


def _metrics(expressions: list[str]) -> set[str]:
    """The names of metrics that expressions speak of."""
    words = {word for each in expressions for word in re.findall(r"[a-z][a-z_:]*", each)}
    return {word for word in words if word.startswith(("serinus_", "workload:"))}
