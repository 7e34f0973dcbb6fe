"""Has a file changed since it was last read?"""

from __future__ import annotations

import os
from pathlib import Path

Mark = tuple[int, int, int, int]
"""What changes when a file does: time of change, size, and which file it is."""


def mark(file: Path | int) -> Mark:
    """Of the file that a path leads to now, or that is open under a descriptor.

    Kubernetes replaces a mounted ConfigMap or Secret by swapping a symbolic link above the file: links are followed.

    Raises:
        OSError: there is none, or it cannot be looked at.
    """
    status = os.stat(file)  # noqa: PTH116 - a Path has no descriptor
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev
