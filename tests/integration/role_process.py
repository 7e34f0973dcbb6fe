"""A role as a process of its own, ended in any way a test wants."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from topology.children import leashed

END_S = 5.0
"""Any role ends within this time of being told to."""


class RoleProcess:
    """`serinus ROLE ...`; start it from the main thread."""

    def __init__(self, *arguments: object) -> None:
        self._output = tempfile.NamedTemporaryFile(prefix="serinus-test-")  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            leashed([sys.executable, "-m", "topology", *map(str, arguments)]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._output,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        self._name = str(arguments[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or os.environ.get("SERINUS_TEST_SHOW"):
            sys.stderr.write(f"--- {self._name} {self.process.pid} ---\n{self.output[-4000:]}\n")
        self.kill()
        self._output.close()

    @property
    def output(self) -> str:
        """All it has said so far."""
        return Path(self._output.name).read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def await_output(self, words: str, timeout_s: float = 60.0) -> None:
        """Wait until it has said these words."""
        deadline = time.monotonic() + timeout_s
        while words not in self.output:
            assert self.alive, f"{self._name} ended with {self.process.returncode}:\n{self.output[-4000:]}"
            assert time.monotonic() < deadline, f"{self._name} did not say {words!r}:\n{self.output[-4000:]}"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def kill(self) -> None:
        """SIGKILL: it cannot do anything about it."""
        if self.alive:
            self.process.kill()
        self.process.wait()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end; its status."""
        assert self.alive, f"{self._name} ended by itself with {self.process.returncode}:\n{self.output[-4000:]}"
        self.process.send_signal(number)
        try:
            return self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._name} did not end in {END_S:g} s:\n{self.output[-4000:]}") from None
