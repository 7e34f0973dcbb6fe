"""How a process learns that it is to end."""

from __future__ import annotations

import signal
import threading

INTERRUPTED = 130
"""Exit status, as a shell has it of what SIGINT has ended."""


def stop_on_signal() -> threading.Event:
    """An event that SIGINT or SIGTERM sets from now on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
