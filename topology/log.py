"""What the processes say to stderr: one line an event, in UTC; never a payload, never a secret."""

from __future__ import annotations

import logging
import sys
import time

LEVELS = ("debug", "info", "warning", "error")

_THIRD_PARTY = ("aiohttp", "aiokafka", "asyncio", "faust", "mode", "opentelemetry", "urllib3")
"""Their news are not ours; their warnings are."""


SILENT = logging.getLogger(f"{__name__}.silent")
"""For Kafka clients whose own log lines nobody needs: what is wrong comes back as an error as well."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


class OneLine(logging.Formatter):
    """Time, level, role, module and text; line ends within them are escaped, also those of a traceback."""

    def __init__(self, role: str) -> None:
        super().__init__(f"%(asctime)s.%(msecs)03dZ %(levelname)s {role} %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def start(role: str, level: str) -> None:
    """Send everything from `level` up to stderr, and of other people's code nothing below a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(role))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    if level != "debug":
        for name in _THIRD_PARTY:
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
