"""The command: words and environment in, one line and an exit status out."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from streams.errors import BadPolicy
from topology import cli, connect, log, options, pipeline
from topology.embedded import EmbeddedBroker
from topology.pipeline import Plan
from topology.receivers import Receivers
from topology.settings import AlertSettings, IngestSettings, Kafka, ScoreSettings, ServeSettings

NOBODY = "127.0.0.1:1"
RECORDED = ("--namespace", "a", "--workload", "b", "--baseline", "x", "--canary", "y", "--out", "/nowhere/made")


INTERRUPTED_WHILE_LOADING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "topology.settings":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from topology.__main__ import main
main()
"""


TOLD_AS_PROCESS_1 = """
import os, signal, sys, time, types

def main():
    os.kill(1, signal.SIGTERM)
    time.sleep(5)

sys.modules["topology.cli"] = types.SimpleNamespace(main=main)
import topology
topology.cli = sys.modules["topology.cli"]
from topology.__main__ import main
main()
"""


def _serinus(*words: str, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SERINUS_", "OTEL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "topology", *words],
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "name", ["run", "ingest", "score", "serve", "topics", "record", "demo", "verify", "rollouts", "policy-from-kayenta"]
)
def test_every_command_explains_itself(name: str) -> None:
    """And names the environment variables that all of them share."""
    shown = CliRunner().invoke(cli.command, [name, "--help"])
    assert shown.exit_code == 0
    assert "SERINUS_LOG_LEVEL" in shown.output
    if name not in {"demo", "verify", "rollouts", "policy-from-kayenta"}:
        assert "SERINUS_BOOTSTRAP_SERVERS" in shown.output


def _commands(group: click.Group) -> Iterator[click.Command]:
    for each in group.commands.values():
        yield from _commands(each) if isinstance(each, click.Group) else (each,)


def test_every_option_says_what_it_does() -> None:
    """Of every command; so does the command itself."""
    assert isinstance(cli.command, click.Group)
    for each in _commands(cli.command):
        assert each.help, each.name
        for option in each.params:
            assert not isinstance(option, click.Option) or option.help, (each.name, option.opts)


@pytest.mark.parametrize("text", ["a: [", "[]", "hello", "", "\xfe", "kind: Config"])
def test_a_kubeconfig_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """In one line, whatever the client of Kubernetes makes of it."""
    file = tmp_path / "config"
    file.write_bytes(text.encode("latin-1"))
    said = CliRunner().invoke(cli.command, ["rollouts", "--kubeconfig", str(file)])
    assert isinstance(said.exception, BadPolicy)
    assert str(said.exception).startswith("kubeconfig: ")
    assert "\n" not in str(said.exception)


@pytest.mark.parametrize("words", [[], ["policy"]])
def test_lists_of_commands_show_whole_lines(words: list[str]) -> None:
    """In a terminal of 80 columns, of which click leaves two free, none is cut."""
    shown = CliRunner().invoke(cli.command, [*words, "--help"], terminal_width=78)
    assert "..." not in shown.output.partition("Commands:")[2]


@pytest.mark.parametrize("option", ["--log-topic", "--metric-topic"])
def test_a_format_that_is_none_is_refused_at_the_start(option: str) -> None:
    """Whether or not a broker answers yet; the option, what was given and what is allowed are said."""
    said = CliRunner().invoke(cli.command, ["ingest", "--bootstrap-servers", NOBODY, option, "x=fluentbit"])
    assert isinstance(said.exception, BadPolicy)
    assert f"{option[2:]}: 'x=fluentbit' is not allowed; its format may be one of " in str(said.exception)


@pytest.mark.parametrize(("role", "port"), [("ingest", "METRICS_PORT"), ("score", "METRICS_PORT"), ("serve", "PORT")])
def test_the_environment_configures_every_role(monkeypatch: pytest.MonkeyPatch, role: str, port: str) -> None:
    """Shared names are SERINUS_<NAME>, those of one command SERINUS_<COMMAND>_<NAME>."""
    from topology import roles  # noqa: PLC0415 - to be replaced

    called: list[Any] = []
    monkeypatch.setattr(roles, role, lambda *arguments: called.extend(arguments))
    shared = {"SERINUS_BOOTSTRAP_SERVERS": "a:1", f"SERINUS_{port}": "1234", "SERINUS_HOST": "0.0.0.0"}  # noqa: S104
    own = {"SERINUS_INGEST_WINDOW_S": "7", "SERINUS_SCORE_ALPHA": "0.02", "SERINUS_SERVE_STALE_S": "9"}
    run = CliRunner().invoke(cli.command, [role], env={**shared, **own}, auto_envvar_prefix="SERINUS")
    assert run.exception is None
    settings = called[0]
    assert settings.kafka == Kafka("a:1")
    assert getattr(settings, port.lower()) == 1234
    assert "0.0.0.0" in {getattr(settings, "host", None), *called[2:]}  # noqa: S104
    own_field = {"ingest": "window_s", "score": "alpha", "serve": "stale_s"}[role]
    assert getattr(settings, own_field) == {"ingest": 7, "score": 0.02, "serve": 9}[role]


@pytest.mark.parametrize("role", ["ingest", "score", "serve", "alert", "rollouts", "run", "record"])
def test_every_option_of_a_role_has_a_variable_of_its_name(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    """As docs/operations.md says: SERINUS_RUN_INGEST is --ingest, whatever the code calls it."""
    command = cli.command.commands[role]
    context = click.Context(command, auto_envvar_prefix=f"SERINUS_{role.upper()}")
    own = [each for each in command.params if isinstance(each, click.Option) and each.envvar is None]
    assert own
    for option in own:
        name = option.opts[0].removeprefix("--").replace("-", "_").upper()
        monkeypatch.setenv(f"SERINUS_{role.upper()}_{name}", "x")
        assert option.resolve_envvar_value(context) == "x"


@pytest.mark.parametrize(
    ("text", "fields"), [("", ()), ("took_ms:ms", ("took_ms:ms",)), (" a, status=5*,", ("a", "status=5*"))]
)
def test_fields_of_log_lines_are_a_list(monkeypatch: pytest.MonkeyPatch, text: str, fields: tuple[str, ...]) -> None:
    """Apart by commas, from the environment as well."""
    from topology import roles  # noqa: PLC0415 - to be replaced

    called: list[Any] = []
    monkeypatch.setattr(roles, "ingest", lambda *arguments: called.extend(arguments))
    env = {"SERINUS_BOOTSTRAP_SERVERS": "a:1", "SERINUS_INGEST_LOG_FIELDS": text}
    run = CliRunner().invoke(cli.command, ["ingest"], env=env, auto_envvar_prefix="SERINUS")
    assert run.exception is None
    assert called[0].log_fields == fields


@pytest.mark.parametrize(
    "words",
    [
        ["topics"],
        ["topics", "--bootstrap-servers", "nonsense"],
        ["ingest", "--bootstrap-servers", NOBODY, "--window-s", "0"],
        ["record", "--bootstrap-servers", NOBODY, *RECORDED, "--fault-type", "caf\udce9"],
        ["run", "--bootstrap-servers", NOBODY, "--partitions", "0"],
        ["run", "--bootstrap-servers", NOBODY, "--metrics-port", "65535"],
        ["run", "--bootstrap-servers", NOBODY, "--webhook-url", "https://us.example/"],
        ["run", "--bootstrap-servers", NOBODY, "--label", "severity=critical"],
    ],
)
def test_a_configuration_fault_is_one_line_and_status_2(words: list[str]) -> None:
    """No stack trace, and nothing is started."""
    with _serinus(*words) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith("serinus: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["serve", "--bootstrap-servers", NOBODY, "--token-file"], 2),
        (["score", "--bootstrap-servers", NOBODY, "--policy"], 2),
        (["templates", "pyproject.toml", "--csv"], 1),
    ],
)
def test_a_file_that_cannot_be_looked_at_is_one_line(words: list[str], status: int) -> None:
    """As one that is not there: its name is too long here, or in life a directory above it is closed to us."""
    name = "x" * 300
    with _serinus(*words, name) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (status, 1)
    assert err.startswith("serinus: ")
    assert name in err


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["templates", "{}"], 1, "serinus: {}/caf\\udce9: No such file or directory\n"),
        (["policy", "check", "--json", "{}"], 2, '"file":"{}/caf\ufffd"'),
        (["backtest", "--jobs", "1", "{}"], 0, "caf\ufffd: holds no case"),
    ],
)
def test_a_name_that_is_not_utf8_is_told(words: list[str], status: int, told: str, tmp_path: Path) -> None:
    """File systems take any bytes: what is shown or written of such a name is always text, and never a traceback."""
    name = tmp_path / os.fsdecode(b"caf\xe9")
    if words[0] == "policy":
        name.write_text("version: 2")
    elif words[0] == "backtest":
        name.mkdir()
        (name / "cases.json").write_text("[]")
    done = subprocess.run(
        [sys.executable, "-m", "topology", *(word.format(name) for word in words)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == status
    assert told.format(tmp_path) in (done.stdout + done.stderr).decode()


def test_a_property_unknown_to_librdkafka_is_named_and_no_secret_shown(tmp_path: Path) -> None:
    """A typing error stops the start."""
    file = tmp_path / "kafka.properties"
    file.write_text("sasl.pasword=hunter2\n")
    with _serinus("topics", "--bootstrap-servers", NOBODY, "--kafka-config", str(file)) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "sasl.pasword" in err
    assert "hunter2" not in err


def test_a_canary_config_becomes_a_policy(tmp_path: Path) -> None:
    """On stdout; what has no equal is one line on stderr, and status 2."""
    file = tmp_path / "config.json"
    file.write_text('{"name": "x", "classifier": {"scoreThresholds": {"pass": 95, "marginal": 75}}}')
    with _serinus("policy-from-kayenta", str(file)) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["defaults"] == {"pass_score": 95, "marginal_score": 75}
    file.write_text('{"name": "x", "judge": {"name": "dredd-v1.0"}}')
    with _serinus("policy-from-kayenta", str(file)) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert "judge.name: there is no judge 'dredd-v1.0'" in err


def test_topics_says_what_it_did(broker: EmbeddedBroker) -> None:
    """One line a topic."""
    with _serinus("topics", SERINUS_BOOTSTRAP_SERVERS=broker.bootstrap_servers) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert sorted(line.split(":")[0] for line in out.splitlines()) == sorted(
        f"serinus.{name}"
        for name in ("alarms", "alerts", "dead-letters", "logs", "metrics", "risk", "rollouts", "summaries", "watch")
    )


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGINT, ()), (signal.SIGTERM, ("--ingest", "0", "--score", "0"))], ids=str
)
def test_run_waits_for_kafka_and_ends_when_told(number: signal.Signals, words: tuple[str, ...]) -> None:
    """While Kafka is away it says so and tries again, with serve alone too; a signal ends it with status 0."""
    with _serinus("run", "--bootstrap-servers", NOBODY, *words) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert f"Kafka at {NOBODY} does not answer" in line
        process.send_signal(number)
        rest = process.communicate(timeout=10)[1]
    assert process.returncode == 0
    assert "Traceback" not in rest


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Children heed SIGINT although we were started to ignore it, as shells start what is to run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_is_one_line_and_status_130() -> None:
    """While a command works, and in the second before, in which its libraries are loaded."""
    with _serinus("topics", "--bootstrap-servers", NOBODY) as process:
        assert process.stderr is not None
        process.stderr.readline()  # Kafka does not answer: it is at work
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=10)[1]
    assert (process.returncode, rest.split("\n")[-2:]) == (130, ["serinus: interrupted", ""])
    assert "Traceback" not in rest
    loading = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING], capture_output=True, text=True, check=False, timeout=60
    )
    assert (loading.returncode, loading.stderr.strip()) == (130, "serinus: interrupted")


def test_the_first_process_of_a_container_heeds_sigterm_from_the_start() -> None:
    """A pod that is deleted while its libraries are loaded does not have to be killed."""
    apart = ["unshare", "--fork", "--pid"]
    if sys.platform != "linux" or subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a process number of one's own takes rights that are not there")
    command = [*apart, sys.executable, "-c", TOLD_AS_PROCESS_1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (128 + signal.SIGTERM, "serinus: interrupted")


@pytest.mark.parametrize("words", [["schema", "risk"], ["templates", "pyproject.toml"]])
def test_output_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    """On a full disk, without blame of what was read; readers who leave, and those who never were, are no fault."""
    command = [sys.executable, "-m", "topology", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "serinus: nothing more can be written: No space left on device\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) in {(0, ""), (1, "")}
    closed = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert (closed.returncode, closed.stderr) == (0, "")


def test_waiting_for_kafka_pauses_longer_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """So that a cluster that comes up is not flooded."""
    pauses: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0)
            if len(pauses) == 7:
                self.set()
            return self.is_set()

    assert connect.wait_for_kafka(Kafka(NOBODY), Stop()) is False
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15]
    assert len([record for record in caplog.records if record.name == connect.__name__]) == 7


@pytest.mark.parametrize(
    ("servers", "properties", "why"),
    [
        (NOBODY, {}, "Connection refused"),
        ("kafka.invalid:9092", {}, "Failed to resolve 'kafka.invalid:9092'"),
        (None, {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"}, "SASL PLAIN mechanism handshake"),
    ],
)
def test_waiting_for_kafka_says_why_it_does_not_answer(
    broker: EmbeddedBroker,
    servers: str | None,
    properties: dict[str, str],
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A port, a name, or who is let in: each is mended elsewhere. What lets in is never shown."""

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return timeout is not None

    secret = {"sasl.username": "serinus", "sasl.password": "hunter2"} if properties else {}
    kafka = Kafka(servers or broker.bootstrap_servers, properties | secret)
    assert connect.wait_for_kafka(kafka, Stop()) is False
    (line,) = [record.getMessage() for record in caplog.records if record.name == connect.__name__]
    assert why in line
    assert "brokers are down" not in line
    assert "hunter2" not in caplog.text


def test_waiting_for_kafka_ends_when_it_answers(broker: EmbeddedBroker) -> None:
    """At once, if it does already."""
    assert connect.wait_for_kafka(Kafka(broker.bootstrap_servers), threading.Event())


def test_brokers_come_from_the_flag_or_the_file(tmp_path: Path) -> None:
    """The flag wins; a file without brokers needs it; nothing at all means the embedded broker."""
    file = tmp_path / "kafka.properties"
    file.write_text("bootstrap.servers=a:1\nclient.id=x\n")
    assert options.kafka(None, file) == Kafka("a:1", {"client.id": "x"})
    assert options.kafka("b:2", file) == Kafka("b:2", {"client.id": "x"})
    assert options.kafka(None, None) is None
    file.write_text("client.id=x\n")
    with pytest.raises(BadPolicy, match="bootstrap-servers"):
        options.kafka(None, file)


def test_the_plan_gives_every_worker_its_own_metrics_port() -> None:
    """Consecutive from the one given, any free one otherwise; secrets never stand in arguments, only files."""
    plan = Plan(ingest=2, score=1, metrics_port=9000, kafka_config=Path("k.properties"), cluster="eu")
    commands = dict(plan.commands("a:1", 3.0))
    ports = [words[words.index("--metrics-port") + 1] for name, words in commands.items() if name != "serve"]
    assert ports == ["9000", "9001", "9002"]
    assert commands["ingest-1"][-4:] == ["--cluster", "eu", "--session-timeout-s", "3.0"]
    assert all("--kafka-config" in words for words in commands.values())
    free = dict(Plan().commands("a:1"))
    assert free["score-0"][-2:] == ["--metrics-port", "0"]


def test_the_plans_arguments_are_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child would accept the words it is started with."""
    from topology import roles  # noqa: PLC0415 - to be replaced

    for role in ("ingest", "score", "serve", "alert"):
        monkeypatch.setattr(roles, role, lambda *_: None)
    told = Receivers(
        alertmanager_urls=("http://am:9093", "http://am:9094"), labels={"severity": "critical", "team": "a"}
    )
    plan = Plan(otlp_endpoint="http://c:4318", public_url="http://p", cluster="eu", receivers=told)
    assert [name for name, _ in plan.commands("a:1")][-1] == "alert"
    for _, words in plan.commands("a:1", 3.0):
        run = CliRunner().invoke(cli.command, words)
        assert run.exit_code == 0, run.output


@pytest.mark.parametrize(
    ("command", "settings"),
    [(cli.ingest, IngestSettings), (cli.score, ScoreSettings), (cli.serve, ServeSettings), (cli.alert, AlertSettings)],
    ids=lambda each: each.name if isinstance(each, click.Command) else "",
)
def test_the_defaults_that_help_shows_are_those_that_hold(
    command: click.Command, settings: type[msgspec.Struct]
) -> None:
    """Numbers stand in the help by hand, as the settings are not loaded for it."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(settings)}
    shown = {
        option.name: float(said[1])
        for option in command.params
        if isinstance(option, click.Option) and (said := re.search(r"\[default: ([0-9.]+)\]", option.help or ""))
    }
    assert shown
    assert shown == {name: float(defaults[name]) for name in shown}


def test_run_tells_whom_it_is_told_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Alertmanager named on the command line or in the environment comes to `alert`; without one it is not there."""
    plans: list[Plan] = []
    monkeypatch.setattr(pipeline, "run", lambda _, plan: plans.append(plan))
    words = ["run", "--alertmanager-url", "http://am:9093", "--label", "severity=critical"]
    assert CliRunner().invoke(cli.command, words).exception is None
    environment = {"SERINUS_RUN_WEBHOOK_URL": "https://us.example/"}
    run = CliRunner().invoke(cli.command, ["run"], env=environment, auto_envvar_prefix="SERINUS")
    assert run.exception is None
    assert CliRunner().invoke(cli.command, ["run"]).exception is None
    started = [dict(plan.commands("a:1")) for plan in plans]
    assert started[0]["alert"][-4:] == ["--alertmanager-url", "http://am:9093", "--label", "severity=critical"]
    assert started[1]["alert"][-2:] == ["--webhook-url", "https://us.example/"]
    assert "alert" not in started[2]


def test_a_log_event_is_one_line() -> None:
    """Also with a stack trace, and with a message that holds line ends."""
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "c\r\nd", None, (ValueError, ValueError("a\nb"), None))
    line = log.OneLine("ingest").format(record)
    assert line.endswith(" ERROR ingest x: c\\r\\nd\\nValueError: a\\nb")
    assert "\n" not in line


def test_definitions_are_checked_before_the_broker_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration fault costs nobody a broker."""
    monkeypatch.setattr(EmbeddedBroker, "__enter__", lambda _: pytest.fail("started"))
    with pytest.raises(BadPolicy):
        pipeline.run(None, Plan(partitions=0))
