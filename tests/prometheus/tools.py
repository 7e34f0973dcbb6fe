"""Debian's Prometheus and Alertmanager, as processes of a test."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from topology.children import leashed

ROOT = Path(__file__).parents[2]
READY_S = 60.0


def tool(name: str) -> str:
    """Where it is."""
    found = shutil.which(name)
    assert found is not None, f"no {name}: run tests/prometheus/install"
    return found


def check(name: str, *arguments: object) -> None:
    """Run a tool that says whether a file is as it must be."""
    done = subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], Any], timeout_s: float = READY_S) -> Any:
    """What a question answers, once that is true."""
    deadline = time.monotonic() + timeout_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return answer


class Server:
    """One of the two, on a port it keeps over restarts; start it from the main thread."""

    def __init__(self, name: str, arguments: list[object], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._name = name
        self._arguments = [*arguments, f"--web.listen-address=127.0.0.1:{self.port}"]
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, and wait until it is ready."""
        with self._log.open("ab") as output:
            command = leashed([tool(self._name), *map(str, self._arguments)])
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        eventually(self._is_ready)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, with what it does at its end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)

    def get(self, path: str) -> Any:
        """The JSON it answers."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as response:  # noqa: S310 - ours
            return msgspec.json.decode(response.read())

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:  # noqa: S310 - ours
                return bool(response.status == 200)
        except OSError:
            return False
