"""Apache Kafka as deploy/kafka/run starts it, ended and started again as a test wants."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from topology.children import leashed
from topology.log import SILENT

RUN = Path(__file__).parents[2] / "deploy/kafka/run"
START_S = 60.0
STOP_S = 20.0


class ApacheKafka:
    """One node on loopback; what it holds stays in its directory."""

    def __init__(self, port: int, directory: Path) -> None:
        self.bootstrap_servers = f"127.0.0.1:{port}"
        self._command = [str(RUN), "--port", str(port), "--data", str(directory / "data")]
        self._log = directory / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, keep: bool = False) -> None:
        """Start it and wait until it answers; `keep` keeps what it held before."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                leashed([*self._command, "--keep"] if keep else self._command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap_servers, "reconnect.backoff.max.ms": 200, "logger": SILENT}
        )
        deadline = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                admin.list_topics(timeout=1)
            except KafkaException:
                continue  # the call has waited already
            if self._process.poll() is None:
                return
        ended = self._process.poll()
        state = "does not answer" if ended is None else f"ended with {ended}"
        said = self._log.read_text(errors="replace")[-4000:]
        pytest.fail(f"Apache Kafka on {self.bootstrap_servers} {state}:\n{said}", pytrace=False)

    def freeze(self) -> None:
        """Leave its connections open and answer nothing, as a machine that hangs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL: what it has written is there when it is started again.

        Told to end in the middle of a commit, a cluster of one node notes the transaction as complete without the
        markers in its partitions, which nothing repairs: readers of committed messages stand still for ever.
        """
        self._signal(signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End it; a second call does nothing."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def fetch() -> None:
    """Have Maven fetch it; the test fails if it cannot."""
    done = subprocess.run([RUN, "--fetch-only"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"deploy/kafka/run --fetch-only ended with {done.returncode}:\n{done.stderr}", pytrace=False)
