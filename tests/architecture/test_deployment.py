"""What can be said of the deployment files without a container engine and without the network.

That images exist, that they start and that Fluent Bit, Prometheus and Alertmanager take their files is not shown here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from streams.shippers.faults import MAX_RECORD_BYTES
from topology.alert.alerts import ALERT_NAME
from topology.cli import command
from topology.topics import COPARTITIONED, LOGS, definitions

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


COMPOSE = _yaml(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ROLES = {name: service for name, service in SERVICES.items() if "build" in service}
PROMETHEUS = _yaml(DEPLOY / "prometheus/prometheus.yml")
RULES = [
    rule for group in _yaml(DEPLOY / "prometheus/rules.yml")["groups"] for rule in group["rules"] if "alert" in rule
]


@pytest.mark.parametrize("path", sorted([ROOT / "docker-compose.yml", *DEPLOY.rglob("*.y*ml")]), ids=lambda p: p.name)
def test_yaml_parses(path):
    """Every YAML file under deploy/ can be read and says something."""
    assert all(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name):
    """Every service names its image with a version, and never `latest`."""
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+(\.\d+)+[-a-z0-9.]*", SERVICES[name]["image"])


def test_base_images_are_pinned():
    """Every stage of the Dockerfile begins with a versioned image."""
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+[-a-z]*", base) for base in bases)


def test_kafka_is_the_version_of_the_tests():
    """The image of the broker is the version that deploy/kafka/run starts."""
    (version,) = re.findall(r"<kafka\.version>(.+)</kafka\.version>", (DEPLOY / "kafka/pom.xml").read_text())
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


def test_broker_settings_agree_with_the_topics():
    """No topic allows a message that the brokers of deploy/kafka and docker-compose.yml would not replicate."""
    largest = max(int(topic.config.get("max.message.bytes", 0)) for topic in definitions())
    properties = (DEPLOY / "kafka/server.properties").read_text()
    for setting in ("message.max.bytes", "replica.fetch.max.bytes"):
        assert f"\n{setting}={largest}\n" in properties
        assert SERVICES["kafka"]["environment"][f"KAFKA_{setting.replace('.', '_').upper()}"] == largest


@pytest.mark.parametrize("name", ROLES)
def test_commands_are_ours(name):
    """A role's command line is one that `serinus` accepts, and every SERINUS_ variable one that it reads."""
    service = ROLES[name]
    subcommand, *arguments = service["command"]
    assert isinstance(command, click.Group)
    found = command.commands[subcommand]
    found.make_context(subcommand, arguments)
    read = {
        variable
        for option in found.params
        for variable in ([option.envvar] if isinstance(option.envvar, str) else option.envvar or [])
    }
    given = {variable for variable in service["environment"] if variable.startswith("SERINUS_")}
    assert "SERINUS_BOOTSTRAP_SERVERS" in given
    assert given <= read


def _documents(directory: str) -> list[dict[str, Any]]:
    paths = sorted((DEPLOY / directory).rglob("*.yaml"))
    return [each for path in paths for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


CONTAINERS = [
    container
    for each in _documents("kubernetes")
    if each["kind"] == "Deployment"
    for kind in ("initContainers", "containers")
    for container in each["spec"]["template"]["spec"].get(kind, [])
] + [
    metric["provider"]["job"]["spec"]["template"]["spec"]["containers"][0]
    for each in _documents("argo")
    for metric in each.get("spec", {}).get("metrics", [])
    if "job" in metric["provider"]
]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["args"][0])
def test_containers_are_started_as_they_can_be(container):
    """Each runs a command of ours by words it accepts, with no variable that it does not read."""
    subcommand, *arguments = container["args"]
    assert isinstance(command, click.Group)
    found = command.commands[subcommand]
    found.make_context(subcommand, arguments)
    variables = [[option.envvar] if isinstance(option.envvar, str) else option.envvar or [] for option in found.params]
    read = {variable for each in variables for variable in each} | {"PYTHONDONTWRITEBYTECODE"}
    assert {variable["name"] for variable in container["env"]} <= read
    assert container["image"] == COMPOSE["services"]["serve"]["image"]


def test_all_containers_are_looked_at():
    """The roles, two of which create topics, and the job, namespaced and for the cluster."""
    assert sorted(container["args"][0] for container in CONTAINERS) == [
        *("alert", "ingest", "rollouts", "score", "serve"),
        *("topics", "topics"),
        *("verify", "verify"),
    ]


def test_the_image_verifies_unless_told_otherwise():
    """A job that names no command, like the one that is replaced, runs `serinus verify`."""
    (words,) = re.findall(r"^CMD (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert yaml.safe_load(words) == ["verify"]


def test_every_role_has_a_service():
    """The roles and the creation of the topics are there; the roles wait for the topics."""
    assert {service["command"][0] for service in ROLES.values()} == {"topics", "ingest", "score", "serve", "alert"}
    for name in ("ingest", "score", "serve", "alert"):
        assert ROLES[name]["depends_on"]["topics"]["condition"] == "service_completed_successfully"
        assert "healthcheck" in ROLES[name]
    assert "/readyz" in ROLES["serve"]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", SERVICES)
def test_references_exist(name):
    """Mounted files are in the repository, named volumes are declared, and dependencies are services."""
    service = SERVICES[name]
    for volume in service.get("volumes", []):
        source, target = volume.split(":")[:2]
        assert target.startswith("/")
        assert (ROOT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
    assert set(service.get("depends_on", [])) <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_published_ports_are_local(name):
    """Nothing of it is reachable from other machines."""
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_prometheus_scrapes_services():
    """Every scrape target is a role at the port it is told to listen on; all roles are scraped."""
    targets = [
        target.split(":")
        for job in PROMETHEUS["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
    ]
    for name, port in targets:
        environment = ROLES[name]["environment"]
        assert int(port) == environment.get("SERINUS_METRICS_PORT", environment.get("SERINUS_PORT"))
        assert environment["SERINUS_HOST"] == "0.0.0.0"  # noqa: S104 - inside its container
    assert {name for name, _ in targets} == {"ingest", "score", "serve", "alert"}


def test_prometheus_files_belong_together():
    """Rule files and the alertmanager that prometheus.yml names are mounted and there."""
    mounted = {volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]}
    assert {f"/etc/prometheus/{file}" for file in PROMETHEUS["rule_files"]} <= mounted
    for manager in PROMETHEUS["alerting"]["alertmanagers"]:
        for static in manager["static_configs"]:
            assert {target.split(":")[0] for target in static["targets"]} <= set(SERVICES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_rules_are_complete(rule):
    """Every alert says how bad it is and, in words, what it means and where."""
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]


def test_rules_cover_what_matters():
    """Risk, lag, dead letters, alarms and those that were not told each raise an alert."""
    expressions = " ".join(rule["expr"] for rule in RULES)
    for metric in (
        "serinus_risk_score",
        "serinus_ingest_lag_records",
        "serinus_ingest_dead_letters_total",
        "serinus_alarm_active",
        "serinus_alert_waiting",
    ):
        assert metric in expressions


def test_alertmanager_routes_to_receivers():
    """The default receiver is defined, and inhibition names alerts that exist."""
    config = _yaml(DEPLOY / "prometheus/alertmanager.yml")
    assert config["route"]["receiver"] in {receiver["name"] for receiver in config["receivers"]}
    alerts = {rule["alert"] for rule in RULES} | {ALERT_NAME}
    for inhibition in config["inhibit_rules"]:
        for matcher in inhibition["source_matchers"] + inhibition["target_matchers"]:
            assert matcher.removeprefix("alertname = ") in alerts


def test_fluent_bit_ships_to_our_topic():
    """What Fluent Bit reads the demo service writes, and what it writes ingest reads."""
    pipeline = _yaml(DEPLOY / "shippers/fluent-bit.yaml")["pipeline"]
    (source,), (filter_, cut), (sink,) = pipeline["inputs"], pipeline["filters"], pipeline["outputs"]
    assert sink["topics"] == LOGS
    assert sink["brokers"] == ROLES["ingest"]["environment"]["SERINUS_BOOTSTRAP_SERVERS"]
    assert str(Path(source["path"]).parent) == SERVICES["shop"]["command"][-1]
    assert f"function {filter_['call']}(" in (DEPLOY / "shippers/kubernetes.lua").read_text()
    mounted = {volume.split(":")[1] for volume in SERVICES["fluent-bit"]["volumes"]}
    assert filter_["script"] in mounted
    most = re.search(rf"function {cut['call']}\(.*string.sub\(.*, 1, (\d+)\)", cut["code"], re.DOTALL)
    assert most is not None
    escaped = 6 * int(most[1])
    assert escaped < MAX_RECORD_BYTES
    assert SERVICES["fluent-bit"]["entrypoint"][-1].removeprefix("--config=") in mounted


def test_demo_service_writes_cri_lines(tmp_path):
    """Both revisions write lines of the runtime's format, and they are those that docker-compose.yml asks for."""
    script = DEPLOY / "shippers/demo_service.py"
    process = subprocess.Popen([sys.executable, "-I", "-S", str(script), str(tmp_path)])
    try:
        deadline = time.monotonic() + 30
        while len(list(tmp_path.glob("*.log"))) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        process.terminate()
        assert process.wait(10) == 0
    line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) F .+")
    hashes = set()
    for file in tmp_path.glob("*.log"):
        pod, namespace, container = file.stem.split("_")
        assert (namespace, container.split("-")[0]) == ("demo", "shop")
        hashes.add(pod.split("-")[1])
        assert all(line.fullmatch(text) for text in file.read_text().splitlines())
    assert len(hashes) == 2
    query = re.search(r"baseline=(\w+)&canary=(\w+)", (ROOT / "docker-compose.yml").read_text())
    assert query
    assert set(query.groups()) == hashes


def test_topics_are_well_formed():
    """Names are unique, times and sizes are numbers, policies are Kafka's, and each topic says what it is for."""
    topics = definitions()
    names = [topic.name for topic in topics]
    assert len(names) == len(set(names))
    for topic in topics:
        assert topic.purpose
        assert set(topic.config["cleanup.policy"].split(",")) <= {"compact", "delete"}
        assert int(topic.config["segment.ms"]) < int(topic.config["retention.ms"])
        assert topic.config["message.timestamp.type"] == "CreateTime"


def test_topics_of_a_workload_are_copartitioned():
    """One scorer owns partition N of all topics that are partitioned by workload."""
    raw = tomllib.loads((DEPLOY / "kafka/topics.toml").read_text(encoding="utf-8"))["topic"]
    assert len({topic["partitions"] for topic in raw if topic["name"] in COPARTITIONED}) == 1


def test_image_holds_what_is_built():
    """Everything the Dockerfile copies is in the repository and not ignored; nothing else needs to be sent."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored


@pytest.mark.parametrize("script", ["deploy/kafka/run", ".ci/run"])
def test_scripts_can_be_run(script):
    """They are executable, begin with a shell and are without syntax errors."""
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(path)], check=True)
