"""Roles as child processes of `serinus run`: started, watched, and ended together.

A child that ends by itself is a fault: it is reported and takes the others with it, so that whoever started us sees
one exit status for the whole. Starting again is the business of systemd, Kubernetes or a person.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Self

from msgspec import Struct

from topology.children import leashed

log = logging.getLogger(__name__)

GRACE_S = 5.0
"""From SIGTERM to SIGKILL."""


class Ended(Struct, frozen=True):
    """How a child ended."""

    name: str
    status: int
    """Exit status; minus the signal if one ended it."""
    last_line: str
    """Of its stderr."""

    def __str__(self) -> str:
        """One line for people."""
        how = f"status {self.status}" if self.status >= 0 else f"signal {signal.Signals(-self.status).name}"
        return f"{self.name} ended with {how}" + (f": {self.last_line}" if self.last_line else "")


class Children:
    """Runs `serinus` subcommands; leaving the context ends them all. Use it from the main thread."""

    def __init__(self, grace_s: float = GRACE_S, environment: Mapping[str, str] | None = None) -> None:
        """None started.

        Args:
            grace_s: from SIGTERM to SIGKILL.
            environment: of all of them; None: ours.
        """
        self._grace_s = grace_s
        self._environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def processes(self) -> Mapping[str, subprocess.Popen[bytes]]:
        """Those not yet reported as ended, by name."""
        return self._running

    def start(self, name: str, arguments: Sequence[str], module: str = "topology") -> None:
        """Start `serinus ARGUMENTS...` under this name."""
        process = subprocess.Popen(  # noqa: S603 - our own modules
            leashed([sys.executable, "-P", "-m", module, *arguments]),  # -P: nothing of the directory we stand in
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # Ctrl-C reaches us alone, and we pass it on once
        )
        self._running[name] = process
        threading.Thread(target=self._watch, args=(name, process), name=f"watch-{name}", daemon=True).start()

    def next_ended(self, timeout_s: float) -> Ended | None:
        """The next child that has ended, by itself or by `stop`; None if none does in this time."""
        try:
            ended = self._ended.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None
        del self._running[ended.name]
        return ended

    def stop(self) -> list[Ended]:
        """End all that still run, SIGTERM first, SIGKILL after the grace; what became of each."""
        for process in self._running.values():
            _send(process, signal.SIGTERM)
        ended = []
        deadline = time.monotonic() + self._grace_s
        killed = False
        while self._running:
            one = self.next_ended(deadline - time.monotonic())
            if one is not None:
                ended.append(one)
            elif not killed:
                log.error("%s did not end in %g s: killed", ", ".join(self._running), self._grace_s)
                for process in self._running.values():
                    _send(process, signal.SIGKILL)
                killed = True
                deadline = time.monotonic() + self._grace_s
            else:
                break  # not even SIGKILL helps a process that hangs in the kernel
        return ended

    def _watch(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Pass its stderr through and remember the last line."""
        last = b""
        assert process.stderr is not None  # noqa: S101 - for mypy
        with process.stderr as lines:
            for line in lines:
                last = line.strip() or last
                _write(line)
        text = last.decode(errors="replace").split("\\n", 1)[0]  # without the traceback that `log` put on the same line
        self._ended.put(Ended(name, process.wait(), text[:500]))


def supervise(
    children: Children, stop: threading.Event, needed: Mapping[str, subprocess.Popen[bytes]] | None = None
) -> int:
    """Wait until `stop` is set or something ends by itself, end the children; the exit status for the whole.

    Args:
        children: already started.
        stop: set when all is to end.
        needed: processes that are not ours to end, but without which there is nothing to do.
    """
    crashed = None
    while crashed is None and not stop.is_set():
        crashed = children.next_ended(0.2) or _gone(needed or {})
    if crashed is not None and stop.is_set() and crashed.status == 0:
        crashed = None  # it was told to end as well
    if crashed is not None:
        log.error("%s; stopping the others", crashed)
    # SIGTERM itself ends a child that has not come to listening for it.
    faults = [ended for ended in children.stop() if ended.status not in {0, -signal.SIGTERM}]
    for ended in faults:
        log.error("%s", ended)
    if crashed is not None:
        return crashed.status if crashed.status > 0 else 1
    return 1 if faults else 0


def _gone(needed: Mapping[str, subprocess.Popen[bytes]]) -> Ended | None:
    for name, process in needed.items():
        if (status := process.poll()) is not None:
            return Ended(name, status, "")
    return None


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _write(line: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
        os.write(sys.stderr.fileno(), line)
