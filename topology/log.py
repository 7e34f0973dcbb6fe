"""What the processes say to stderr: one line an event, in UTC; never a payload, never a secret."""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable

LEVELS = ("debug", "info", "warning", "error")

_THIRD_PARTY = ("aiohttp", "aiokafka", "asyncio", "faust", "mode", "opentelemetry", "urllib3")
"""Their news are not ours; their warnings are."""
_SECRETIVE = ("aiokafka.conn", "aiokafka.producer.producer", "faust.topics", "faust.transport.drivers.aiokafka")
"""Show at debug what they send, whole: records, and a password (SaslAuthenticateRequest). They are never at debug."""
REPEAT_S = 10.0
"""In which one place in other people's code says a thing once."""
_MOST_PLACES = 500
_OF_LIBRDKAFKA = "%s [%s] %s"
"""How confluent-kafka passes on what librdkafka says: kind, client, text."""


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


class Sparing(logging.Filter):
    """Lets one line of other people's code pass in `REPEAT_S`, and says at the next how many it kept back.

    A client that lost its broker says so from each of its loops, as fast as they turn.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: OrderedDict[tuple[str, object], tuple[float, int]] = OrderedDict()
        """Place in the code -> when it last passed, and how often not since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it passes."""
        place, now_s = _place(record), self._clock()
        if place is None:
            return True
        since_s, kept = self._said.get(place, (-REPEAT_S, 0))
        if now_s - since_s < REPEAT_S:
            self._said[place] = (since_s, kept + 1)
            return False
        self._said[place] = (now_s, 0)
        self._said.move_to_end(place)
        if len(self._said) > _MOST_PLACES:
            self._said.popitem(last=False)
        if kept:
            record.msg, record.args = f"{record.getMessage()} (and {kept} more like it)", ()
        return True


def _place(record: logging.LogRecord) -> tuple[str, object] | None:
    """Where in other people's code it was said; None: in ours."""
    if record.msg == _OF_LIBRDKAFKA and isinstance(record.args, tuple):
        return (record.name, record.args[0])  # the kind of event, such as FAIL
    return (record.pathname, record.lineno) if record.name.partition(".")[0] in _THIRD_PARTY else None


def start(role: str, level: str) -> None:
    """Send everything from `level` up to stderr, and of other people's code nothing below a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(role))
    if level != "debug":
        handler.addFilter(Sparing())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(capture=True)
    if level == "debug":
        for name in _SECRETIVE:
            logging.getLogger(name).setLevel(logging.INFO)
    else:
        for name in _THIRD_PARTY:
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
