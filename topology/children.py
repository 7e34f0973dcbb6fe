"""How a child process is started so that it does not outlive us."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("parent_death.py")


def leashed(command: Sequence[str]) -> list[str]:
    """The command line that runs `command`, whose first part is a path, and ends it when this process dies.

    The process id is that of the command itself; call it, and start it, from the main thread.
    """
    return [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command]
