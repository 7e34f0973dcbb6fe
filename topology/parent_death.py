"""Starts a program that the kernel kills when our parent dies: `python parent_death.py PARENT PROGRAM ARGUMENTS...`.

A file to be run, not imported, before the program itself: doing this between fork and exec of a process with threads
can deadlock. The standard library alone, as it runs without site-packages. Linux only; elsewhere it just starts the
program. The kernel watches the *thread* that started the child, so start children from the main thread.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for it, then become the program."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
