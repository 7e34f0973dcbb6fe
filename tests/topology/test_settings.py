"""Settings: what cannot be followed stops at start, and no secret is ever shown."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import rich.console

from streams.errors import BadPolicy
from topology import kafka_properties
from topology.settings import AlertSettings, IngestSettings, Kafka, ScoreSettings, ServeSettings, TelemetrySettings

KAFKA = Kafka("localhost:9092")
SECRET = "hunter2"  # noqa: S105 - what must not be shown


@pytest.mark.parametrize("servers", ["a:9092", "a:1,b.c-d:65535", "127.0.0.1:9092, [::1]:9092", "broker_0:9092"])
def test_brokers_are_accepted(servers: str) -> None:
    """Names, addresses of both families, several with commas."""
    assert Kafka(servers).servers


@pytest.mark.parametrize("servers", ["", "a", "a:", "a:0", "a:65536", ":9092", "kafka://a:9092", "a:9092,", "a b:1"])
def test_other_brokers_are_refused(servers: str) -> None:
    """The error names the field."""
    with pytest.raises(BadPolicy, match="bootstrap-servers"):
        Kafka(servers)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: IngestSettings(KAFKA, window_s=0), "window-s"),
        (lambda: IngestSettings(KAFKA, window_s=2.5), "window-s"),  # type: ignore[arg-type]
        (lambda: IngestSettings(KAFKA, window_s=True), "window-s"),
        (lambda: IngestSettings(KAFKA, cycle_s=float("nan")), "cycle-s"),
        (lambda: IngestSettings(KAFKA, log_fields=("a b",)), "log-fields"),
        (lambda: IngestSettings(KAFKA, cycle_s=30), "transaction-timeout-s"),
        (lambda: IngestSettings(KAFKA, batch_records=0), "batch-records"),
        (lambda: IngestSettings(KAFKA, cluster="-x"), "cluster"),
        (lambda: IngestSettings(KAFKA, worker_id=""), "worker-id"),
        (lambda: IngestSettings(KAFKA, log_topics={"a b": "auto"}), "log-topic"),
        (lambda: IngestSettings(KAFKA, log_topics={"..": "auto"}), "log-topic"),
        (lambda: IngestSettings(KAFKA, log_topics={"x": ""}), "log-topic"),
        (lambda: IngestSettings(KAFKA, log_topics={}, metric_topics={}), "log-topic"),
        (lambda: IngestSettings(KAFKA, log_topics={"x": "auto"}, metric_topics={"x": "auto"}), "metric-topic"),
        (lambda: IngestSettings(KAFKA, metrics_port=70_000), "metrics-port"),
        (lambda: ScoreSettings(KAFKA, alpha=0), "alpha"),
        (lambda: ScoreSettings(KAFKA, beta=0.6), "beta"),
        (lambda: ScoreSettings(KAFKA, hold_s=float("inf")), "hold-s"),
        (lambda: ScoreSettings(Kafka("a:1", {"sasl.oauthbearer.method": "oidc"})), "sasl.oauthbearer.method"),
        (lambda: ServeSettings(KAFKA, port=-1), "port"),
        (lambda: ServeSettings(KAFKA, host=""), "host"),
        (lambda: ServeSettings(KAFKA, public_url="risk.example"), "public-url"),
        (lambda: ServeSettings(KAFKA, public_url="https://risk.example/?next="), "public-url"),
        (lambda: AlertSettings(KAFKA, alertmanager_urls=("http://a",), public_url="https://a/#b"), "public-url"),
        (lambda: ServeSettings(KAFKA, token_file="/nowhere/token"), "token-file"),  # noqa: S106 - a path
        (lambda: TelemetrySettings("collector:4318"), "otlp-endpoint"),
        (lambda: TelemetrySettings("http://collector:43181818"), "otlp-endpoint"),
        (lambda: TelemetrySettings("http://collector:http"), "otlp-endpoint"),
        (lambda: TelemetrySettings("http://collector:4318/ x"), "otlp-endpoint"),
    ],
)
def test_what_cannot_be_followed_names_its_field(make: Any, field: str) -> None:
    """Every bad value is refused when the settings are made, with the field's name."""
    with pytest.raises(BadPolicy, match=field):
        make()


def test_a_slash_at_the_end_of_the_public_address_does_not_double():
    """Promise: a link in an answer, an alert or a message has one slash before its path; serve answers no other."""
    alert = AlertSettings(KAFKA, alertmanager_urls=("http://a",), public_url="https://risk.example/a/")
    assert alert.public_url == ServeSettings(KAFKA, public_url="https://risk.example/a").public_url


def test_what_is_allowed_is_told_in_full():
    """A bound that somebody can type."""
    with pytest.raises(BadPolicy, match=r"from 1 to 1000000$"):
        IngestSettings(KAFKA, batch_records=0)


@pytest.mark.parametrize(
    "url", [f"http://me:{SECRET}@us", f"me:{SECRET}@us:80", f"http://me:x/{SECRET}@us/", f"ftp://{SECRET}@us"]
)
def test_no_password_of_an_address_is_shown(url: str) -> None:
    """Promise: an address with credentials is refused without them, whatever its form."""
    for make in (TelemetrySettings, lambda given: ServeSettings(KAFKA, public_url=given)):
        with pytest.raises(BadPolicy) as refused:
            make(url)
        assert SECRET not in str(refused.value)


def test_the_defaults_can_be_followed() -> None:
    """A cluster is all that must be given."""
    assert IngestSettings(KAFKA).log_topics == {"serinus.logs": "auto"}
    assert ScoreSettings(KAFKA).worker_id.startswith("score-")
    assert ServeSettings(KAFKA).host == "127.0.0.1"


def test_no_secret_is_shown() -> None:
    """Neither repr, nor rich, nor an error, of the cluster or of settings that hold it, shows a secret."""
    properties = {"sasl.password": SECRET, "ssl.key.pem": SECRET, "sasl.oauthbearer.config": SECRET}
    kafka = Kafka("a:9092", {**properties, "security.protocol": "sasl_ssl"})
    rich_text = io.StringIO()
    rich.console.Console(file=rich_text, width=200).print(kafka, IngestSettings(kafka))
    shown = [repr(kafka), str(kafka), repr(IngestSettings(kafka)), rich_text.getvalue(), str(BadPolicy("x", kafka, ""))]
    assert not [text for text in shown if SECRET in text]
    assert "sasl_ssl" in shown[0]
    with pytest.raises(BadPolicy) as refused:
        TelemetrySettings(f"http://me:{SECRET}@collector:4318")
    assert SECRET not in str(refused.value)


def test_librdkafka_gets_all_and_overrides_win() -> None:
    """The operator's properties, the brokers, then what the role itself needs."""
    kafka = Kafka("a:1, b:2", {"client.id": "x", "linger.ms": "9"})
    assert kafka.librdkafka(**{"linger.ms": 5}) == {"client.id": "x", "bootstrap.servers": "a:1,b:2", "linger.ms": 5}


@pytest.mark.parametrize(
    "name",
    [
        *("group.id", "isolation.level", "enable.auto.commit", "transactional.id", "Security"),
        *("partition.assignment.strategy", "group.protocol"),
    ],
)
def test_properties_that_would_break_exactly_once_are_refused(name: str) -> None:
    """What Serinus sets itself is not silently overridden."""
    with pytest.raises(BadPolicy, match=name):
        Kafka("a:1", {name: SECRET})


def test_a_file_of_properties_is_read(tmp_path: Path) -> None:
    """Blank lines and comments are skipped; a value may hold an equals sign."""
    file = tmp_path / "kafka.properties"
    file.write_text("# ours\n\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\n")
    assert kafka_properties.read(file) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}


@pytest.mark.parametrize("text", [f"sasl.password {SECRET}", f"sasl.password={SECRET}\nsasl.password={SECRET}"])
def test_a_bad_line_is_named_by_its_number_only(tmp_path: Path, text: str) -> None:
    """The error never quotes a line, as it may hold a secret."""
    file = tmp_path / "kafka.properties"
    file.write_text(text)
    with pytest.raises(BadPolicy, match=r"kafka\.properties:[12]") as refused:
        kafka_properties.read(file)
    assert SECRET not in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(BadPolicy, match="absent"):
        kafka_properties.read(tmp_path / "absent")
