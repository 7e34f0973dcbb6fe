"""Roles end in time when told to, whether busy or idle, and a fault of one is the fault of the whole."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.role_process import RoleProcess
from tests.integration.traffic import Traffic
from topology.demo.service import Rates, Service
from topology.embedded import EmbeddedBroker
from topology.pipeline import prepare
from topology.settings import Kafka

READY = {"ingest": "reads serinus", "score": "scores partitions 0", "serve": "serve listens on"}
NUMBERS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture
def busy(embedded: EmbeddedBroker) -> Iterator[str]:
    """The embedded broker with all topics, and traffic as long as the test lasts."""
    prepare(Kafka(embedded.bootstrap_servers), 2)
    service = Service("checkout", "7d9c6b5f48", "5c4bd8f9f7", Rates(), 2_000, seed=1)
    with Traffic(embedded.bootstrap_servers, [service]):
        yield embedded.bootstrap_servers


@NUMBERS
def test_busy_roles_end_when_told(busy, number):
    """In the middle of their work, within five seconds, with status 0."""
    groups = {role: ["--group", f"{role}-{uuid.uuid4()}", "--session-timeout-s", 1] for role in ("ingest", "score")}
    own = {**groups, "serve": ["--port", 0]}
    with ExitStack() as stack:
        roles = [stack.enter_context(RoleProcess(role, "--bootstrap-servers", busy, *own[role])) for role in own]
        for role, process in zip(own, roles, strict=True):
            process.await_output(READY[role])
        assert [process.end(number) for process in roles] == [0, 0, 0]


@NUMBERS
def test_idle_run_ends_when_told(number):
    """`serinus run` on its own broker, with nothing to do, ends itself and all roles within five seconds."""
    with RoleProcess("run", "--port", 0, "--partitions", 1) as process:
        for words in READY.values():
            process.await_output(words)
        assert process.end(number) == 0
        assert "ERROR" not in process.output


@pytest.mark.parametrize("role", READY)
def test_crash_of_a_role_is_told(role):
    """A role that dies takes `serinus run` with it: status 1, and one line names the role and how it ended."""
    with RoleProcess("run", "--port", 0, "--partitions", 1) as process:
        process.await_output(READY[role])
        os.kill(_child(process, role), signal.SIGKILL)
        assert process.process.wait(10) == 1
        name = role if role == "serve" else f"{role}-0"
        (told,) = [line for line in process.output.splitlines() if line.endswith("; stopping the others")]
        assert f"{name} ended with signal SIGKILL" in told


def test_a_bad_policy_is_told_where_nothing_is_compared(embedded, tmp_path):
    """Who changes the file hears of its fault within seconds, not when the next rollout begins."""
    prepare(Kafka(embedded.bootstrap_servers), 2)
    file = tmp_path / "policy.yml"
    file.write_text("version: 1\n")
    own = ("--group", f"score-{uuid.uuid4()}", "--session-timeout-s", 1, "--policy", file)
    with RoleProcess("score", "--bootstrap-servers", embedded.bootstrap_servers, *own) as process:
        process.await_output(READY["score"])
        file.write_text("version: 1\ndefaults: {alpha: 2}\n")
        process.await_output("policy refused, the last good one stays")
        assert "policy.yml:2: defaults.alpha" in process.output


def _child(process: RoleProcess, role: str) -> int:
    """The process id of a role that `serinus run` has started."""
    for tasks in Path(f"/proc/{process.process.pid}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if role.encode() in words and b"topology" in words:
                return child
    pytest.fail(f"no child is {role}")
