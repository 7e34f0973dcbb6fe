r"""Does a line go on with an event that an earlier one began? Then it is a record, and no event of its own.

Decided by the form of the line alone, never by what stands before it: what is counted cannot depend on where a batch
or a transaction ends, and the answer is worked out once per distinct line. So the event of a stack trace is the line
that names the exception, with its type and cleaned message; frames and causes never make another. They are shown with
it (`excerpts`), and are part of its signature where the shipper, or a field of a JSON line, carries the event whole.

Besides the lines of stack traces (`stack_lines`) these are lines that are indented by four blanks or a tab and show no
severity: the source lines of Python's tracebacks, arguments, wrapped text. (Source: CPython, Lib/traceback.py; shippers
take `^[[:space:]]` for the usual mark of a line that goes on, but fewer blanks also come of levels set flush right.)
But for six blanks: behind them .NET's console writes what a logger says, in a line of its own below the level.
"""

from __future__ import annotations

import re

from streams.records.log import Severity
from streams.windows.masks import visible
from streams.windows.stack_lines import continues

_INDENTS = ("    ", "\t")
_ESCAPE = "\x1b"
_DOTNET_MESSAGE = re.compile(r" {6}\w")
"""As wide as `fail: `. Source: Microsoft.Extensions.Logging.Console, `SimpleConsoleFormatter._messagePadding`."""


def goes_on(text: str, severity: Severity) -> bool:
    r"""Whether a record, of one line or several, goes on with an event.

    >>> goes_on("\tat shop.Db.open(Db.java:42)", Severity.UNSET), goes_on("    return cart.total", Severity.UNSET)
    (True, True)
    >>> goes_on("\x1b[90m    at process.processTicksAndRejections (node:internal/process)\x1b[39m", Severity.UNSET)
    True
    >>> goes_on("java.io.IOException: closed", Severity.ERROR), goes_on("\tdisk full", Severity.ERROR)
    (False, False)

    Args:
        text: as written or folded.
        severity: of the record, whether its own field or the line tells.
    """
    if text.startswith(_ESCAPE):
        text = visible(text)  # util.inspect greys the frames of Node itself
    first, newline, rest = text.partition("\n")
    if not _is_of_another(first, severity):
        return False
    return not newline or all(not line.strip() or _is_of_another(line, severity) for line in rest.split("\n"))


def _is_of_another(line: str, severity: Severity) -> bool:
    indented = not severity and line.startswith(_INDENTS) and _DOTNET_MESSAGE.match(line) is None
    return indented or continues(line)
