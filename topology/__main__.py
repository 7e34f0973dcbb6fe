"""`serinus`, however it is started: Ctrl-C ends it with one line also in its first second, which loads libraries.

So does SIGTERM where it is the first process of a container: the kernel passes on to that none it does not listen for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from topology.signals import INTERRUPTED


def main() -> None:
    """Run the command of the command line."""
    handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where a shell has us ignore it
    if handled:
        signal.signal(signal.SIGINT, _end)
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started us has closed it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end
    from topology import cli  # noqa: PLC0415 - this is what takes a second

    if handled:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()


def _end(number: int, _: Any) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"\nserinus: interrupted\n")
    os._exit(INTERRUPTED if number == signal.SIGINT else 128 + number)


if __name__ == "__main__":
    main()
