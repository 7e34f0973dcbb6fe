"""How grave a log line is: from the record's own field, or from the line.

`of_field` is for every record and cheap. `in_line` reads the text; it is meant for each *kind* of line once, not for
each record. Levels are those of OpenTelemetry (logs data model, section "SeverityNumber"); critical, alert and
emergency count as FATAL whether written as text or as syslog's 0-2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from streams.records.log import Severity

_WORDS = {
    **dict.fromkeys(("trace", "finest", "finer", "verbose", "vrb", "trc"), Severity.TRACE),
    **dict.fromkeys(("debug", "fine", "dbg", "debg", "debu"), Severity.DEBUG),
    **dict.fromkeys(("info", "information", "informational", "notice", "inf", "noti"), Severity.INFO),
    **dict.fromkeys(("warn", "warning", "wrn"), Severity.WARN),
    **dict.fromkeys(("error", "err", "severe", "erro"), Severity.ERROR),
    **dict.fromkeys(
        ("fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "dpanic", "ftl", "fata", "alrt", "emgc"),
        Severity.FATAL,
    ),
}
_UNSET = Severity.UNSET
"""To ask an enumeration for its member costs as much as to look for a word in a line."""
_LONGEST_WORD = 16
_LONGEST_LEADING = 20
"""Of a level that leads, and the blanks behind it."""
_SYSLOG = (*(Severity.FATAL,) * 3, Severity.ERROR, Severity.WARN, Severity.INFO, Severity.INFO, Severity.DEBUG)
"""RFC 5424, section 6.2.1: emergency, alert, critical, error, warning, notice, informational, debug."""
_CAPNSLOG = {
    "C": Severity.FATAL,
    "E": Severity.ERROR,
    "W": Severity.WARN,
    **dict.fromkeys("NI", Severity.INFO),
    **dict.fromkeys("DT", Severity.DEBUG),
}
_KLOG = {"I": Severity.INFO, "W": Severity.WARN, "E": Severity.ERROR, "F": Severity.FATAL}

_HEAD = 400
"""Characters of a line that are looked at, so that a line of any length costs the same."""
_LEVELS = "|".join(sorted(_WORDS, key=len, reverse=True))
_CONTINUATION = re.compile(
    r"""
    (?=[\s.CSWFgDT])(?:                              # fails at once where nothing below begins
    \s+at\ \S                                        # Java, JavaScript, .NET
  | \s*\.\.\.\ [0-9]+\ (?:more|common\ frames)       # Java
  | \s*(?:Caused\ by|Suppressed|Wrapped\ by):\       # Java
  | \s*File\ "[^"]*",\ line\ [0-9]+                  # Python
  | \s+from\ \S+:[0-9]+:in\                          # Ruby
  | \s+\S+\.go:[0-9]+                                # Go
  | goroutine\ [0-9]+\ \[                            # Go
  | During\ handling\ of\ the\ above\ exception      # Python
  | The\ above\ exception\ was\ the\ direct\ cause   # Python
    )
    """,
    re.VERBOSE,
)
_BEGINS_CONTINUATION = ".CSWFgDT"
"""One of these, or a blank."""
_KLOG_HEAD = re.compile(r"([IWEF])[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_CAPNSLOG_HEAD = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} ([CEWNIDT]) \| ")
"""etcd up to 3.4."""
_REDIS_HEAD = re.compile(r"[0-9]{1,10}:[XCSM] [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:.]{8,12} ([.*#-]) ")
"""Source: redis `server.c`, `serverLogRaw`: debug, verbose, notice, warning are `.-*#`."""
_REDIS = {".": Severity.DEBUG, "-": Severity.DEBUG, "*": Severity.INFO, "#": Severity.WARN}
_DOTNET_HEAD = re.compile(r"(fail|dbug|trce): [\w.`+<>,\[\]]{1,256}\[-?[0-9]{1,10}\]")
"""Microsoft.Extensions.Logging.Console, `SimpleConsoleFormatter`; its other levels are words of any logger."""
_DOTNET = {"fail": Severity.ERROR, "dbug": Severity.DEBUG, "trce": Severity.TRACE}
_CRASH = re.compile(
    r"panic: |fatal error: |Fatal Python error: |thread 'main' (?:\([0-9]{1,10}\) )?panicked at "
    r"|terminate called (?:after throwing|without an active exception|recursively)|Segmentation fault\b"
    r"|# A fatal error has been detected by the Java Runtime Environment"
)
_THREAD_PANICKED = re.compile(r"thread '[^']{1,100}' (?:\([0-9]{1,10}\) )?panicked at ")
"""Rust: one thread of it, which a runtime catches or the next `join` tells of."""
_PHP = re.compile(
    r"""(?:(?P<own>\A|\]\ |:[0-9]{2}(?:[.,][0-9]{1,9})?\ |[+-][0-9]{4}\   # behind a time
      |stderr:\ "|PHP\ message:\ |\bphp[\w.-]{0,16}(?:\[[0-9]{1,10}\])?:\ )|\b)
    PHP\ (?P<level>Fatal\ error|Parse\ error|Recoverable\ fatal\ error|Warning|Notice|Deprecated):\ """,
    re.VERBOSE,
)
"""Its own, or as nginx and php-fpm pass it on; elsewhere somebody quotes it.
Source: php-src `main/main.c`, `php_error_cb`, and `sapi/fpm/fpm/fpm_stdio.c`; nginx `ngx_http_fastcgi_module.c`."""
_PHP_LEVELS = {"Warning": Severity.WARN, "Notice": Severity.INFO, "Deprecated": Severity.INFO}
_NODE_WARNING = re.compile(r"\(node:[0-9]{1,10}\) (?:\[\w{1,40}\] )?\w{0,60}Warning: ")
_RUBY = re.compile(r"[^\s:]{1,200}+:[0-9]{1,7}:in [`'][^'\n]{1,200}': ")
"""Exception#full_message of one that nobody caught."""
_ELIXIR = re.compile(r"\*\* \((?:[A-Z][\w.]{0,100}|exit|throw|stop|EXIT from [^)\n]{1,100})\)")
"""Exception.format; GLib writes `** (program:17): WARNING **: `."""
_TERMINATED = re.compile(r"\*\*\* [^*\n]{1,100} \*\*\*: terminated")
"""glibc's checks."""
_RECOVERED = re.compile(r"\bpanic (?:serving \S{1,64}: |recovered:)")
"""Go's net/http (`Server.logf`) and gin's Recovery: their loggers know no level, or write all at INFO (log/slog)."""
_EXCEPTION = re.compile(
    r'(?: {6}(?! ))?(?:Exception in thread "[^"]*" |Unhandled exception\. |Uncaught )?'
    r"(?:\w{1,64}::){0,8}[\w$.]*(?:Exception|Error|Throwable)"
    r"(?: \[\w{1,64}\])?(?::\s|\s*$|"  # Node: `TypeError [ERR_INVALID_URL]: `
    r" \((?![^()\n]*\)(?!:\s*(?:\n|\Z))))"  # Rails: `NoMethodError (` and the message, then `):`, or `)` lines below
)
_THROWN = re.compile(r"(?<![\w$.])(?:[\w$]{1,64}\.){1,12}[\w$]{0,64}(?:Exception|Error|Throwable)(?::\s|\s*$)")
_KEYED = re.compile(
    rf"""\b(?:level|severity|lvl|log\.level|levelname|@l)["']?\s{{0,4}}[=:]\s{{0,4}}["']?({_LEVELS}|[1-9][0-9]?)\b""",
    re.IGNORECASE,
)
_CRASHED = (_CRASH, {"": Severity.FATAL})
_HEADS: dict[str, tuple[tuple[re.Pattern[str], dict[str, Severity]], ...]] = {
    **dict.fromkeys("0123456789", ((_REDIS_HEAD, _REDIS), (_CAPNSLOG_HEAD, _CAPNSLOG))),
    **dict.fromkeys("IWE", ((_KLOG_HEAD, _KLOG),)),
    "F": ((_KLOG_HEAD, _KLOG), _CRASHED),
    **dict.fromkeys("pS#", (_CRASHED,)),
    "f": (_CRASHED, (_DOTNET_HEAD, _DOTNET)),
    "d": ((_DOTNET_HEAD, _DOTNET),),
    "t": (_CRASHED, (_THREAD_PANICKED, {"": Severity.ERROR}), (_DOTNET_HEAD, _DOTNET)),
    "*": ((_ELIXIR, {"": Severity.ERROR}), (_TERMINATED, {"": Severity.FATAL})),
    "(": ((_NODE_WARNING, {"": Severity.WARN}),),
}
"""First character -> forms that begin so, and the severity of what their group holds."""
_BESIDE_POSTGRES = re.compile(r"\b(?:LOG|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION):  ")
"""What stands beside an error, and what is none, whatever words it quotes. Source: postgres `elog.c`, two blanks."""
_MYSQL_NOTE = re.compile(r"[0-9] \[(?:Note|System)\] ")
_TABBED = re.compile(rf"(?<=[0-9Z])\t({_LEVELS})\t", re.IGNORECASE)
"""zap's console encoder, Istio: behind the time."""
_LEADING = re.compile(rf"\s*({_LEVELS})\s{{0,4}}:", re.IGNORECASE)
_BRACKETED = re.compile(
    rf"(?:[\[<(]\s{{0,8}}|\[(?:[\w-]{{1,40}}:|[0-9]{{2}}:[0-9:.,]{{5,16}}\ ))({_LEVELS})\s{{0,8}}[\]>)]",
    re.IGNORECASE,
)
"""Alone, behind a module (Apache, ErrorLogFormat) or a time (Serilog's default template)."""
_WORD = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|ALERT|EMERG|FATAL|PANIC)\b"
    r"|(?:\A\s*|(?<=[0-9Z>] )|(?<=[AP]M ))(DBG|DEBU|INF|WRN|ERRO|FTL|FATA)\b"
)
"""The second row: consoles of zerolog (whose time may be `<nil>`) and tint, logrus on a terminal; first or behind a
time, for elsewhere they are other words: infinity, a flash translation layer."""
_KEYS = ("level", "severity", "lvl", "@l")
_CAPITALS = (
    *("INF", "WARN", "ERR", "DEBU", "TRACE", "NOTICE", "SEVERE", "CRIT", "ALERT", "EMERG", "FATA", "PANIC"),
    *("DBG", "WRN", "FTL"),
)
_ENDS_OF_THROWN = ("Exception", "Error", "Throwable")
"""What the expressions above cannot match without: to look for these costs a tenth of running them."""
_TRACEBACK = "Traceback (most recent call last)"


def of_field(value: str | float | None) -> Severity:
    """Severity of a level field: a word in any case, pino's and bunyan's 10-60, or syslog's 0-7 (also as digits).

    >>> of_field("Warning").name, of_field(50).name, of_field("3").name, of_field("loud").name
    ('WARN', 'ERROR', 'ERROR', 'UNSET')
    """
    if value is None:
        return Severity.UNSET
    if isinstance(value, str):
        return _of_word(value) if len(value) <= _LONGEST_WORD else Severity.UNSET
    return _of_number(value)


def of_otlp(number: int, text: str) -> Severity:
    """Severity of an OTLP log record: its number (1-24), else its text.

    Source: logs data model, section "SeverityNumber": ranges of four, from TRACE up.
    """
    if 1 <= number <= 24:
        return Severity((number - 1) // 4 * 4 + 1)
    return of_field(text) if text else Severity.UNSET


def in_line(message: str) -> Severity:
    r"""Severity that the line itself shows, in linear time; UNSET where it shows none.

    A line that goes on with a stack trace is UNSET whatever words are in it: it is never an event of its own.

    >>> in_line('time=1 level=warning msg="slow"').name, in_line("java.sql.SQLException: no connection").name
    ('WARN', 'ERROR')
    >>> in_line("\tat shop.Db.open(Db.java:42)").name, in_line("0 errors found").name
    ('UNSET', 'UNSET')
    """
    head = message[:_HEAD]
    if _continues(head):
        return _UNSET
    for pattern, levels in _HEADS.get(head[:1], ()):
        match = pattern.match(head)
        if match is not None:
            return levels[match[match.lastindex] if match.lastindex else ""]
    lower = head.lower()
    has_capitals = head != lower
    php = _PHP.search(head) if has_capitals and "PHP " in head else None
    if php is not None and php["own"] is not None:
        return _PHP_LEVELS.get(php["level"], Severity.ERROR)
    if _is_thrown(head, has_capitals):
        return Severity.ERROR
    shown = _shown_level(head, lower)
    if shown is _UNSET and has_capitals:
        quoted = _UNSET if php is None else _PHP_LEVELS.get(php["level"], Severity.ERROR)
        return Severity.ERROR if _TRACEBACK in head else quoted  # whoever quotes it shows no level of his own
    return shown


def graver(field: Severity, message: str) -> Severity:
    """Severity of a line whose record has one, or none: the line's own where it has none, or where it shows more.

    It shows more where the field says INFO and the line tells of a panic, or names what was thrown, by its qualified
    class and followed by its message, as Java and Python write it: the level of a catch-all says nothing of what it
    caught.

    >>> graver(Severity.INFO, "write of blk_1 received exception java.io.IOException: Could not read").name
    'ERROR'
    >>> graver(Severity.INFO, "IOException handling is on").name, graver(_UNSET, "WARN slow").name
    ('INFO', 'WARN')
    """
    if field is _UNSET:
        return in_line(message)
    head = message[:_HEAD]
    if field is not Severity.INFO or _continues(head):
        return field
    thrown = _has(head, _ENDS_OF_THROWN) and _THROWN.search(head)
    return Severity.ERROR if thrown or _has_recovered(head) else field


def _continues(head: str) -> bool:
    return (head[:1] in _BEGINS_CONTINUATION or head[:1].isspace()) and _CONTINUATION.match(head) is not None


def _is_thrown(head: str, has_capitals: bool) -> bool:
    if (":in " in head and _RUBY.match(head)) or _has_recovered(head):
        return True
    return has_capitals and _has(head, _ENDS_OF_THROWN) and _EXCEPTION.match(head) is not None


def _shown_level(head: str, lower: str) -> Severity:
    """The level written first; in a JSON line the one under a level key, wherever it stands."""
    other = not head.isascii()  # letters may be of two cases that `lower` does not bring together
    colon = head.find(":")
    keyed = _KEYED.search(head) if (colon >= 0 or "=" in head) and (other or _has(lower, _KEYS)) else None
    marked = _LEADING.match(head) if colon >= 0 and (colon <= _LONGEST_LEADING or head[0].isspace()) else None
    if marked is None and ("[" in head or "(" in head or "<" in head):
        marked = _BRACKETED.search(head)
    word = _WORD.search(head) if head != lower and _has(head, _CAPITALS) else None
    tabbed = _TABBED.search(head) if "\t" in head else None
    beside = _BESIDE_POSTGRES.search(head) if ":  " in head else None
    if not (keyed or marked or tabbed or word):
        is_note = beside is not None or ("[" in head and _MYSQL_NOTE.search(head) is not None)
        return Severity.INFO if is_note else _UNSET
    found = [match for match in (keyed, marked, tabbed, word) if match is not None]
    if beside is not None and all(match.start() > beside.start() for match in found):
        return Severity.INFO
    first = min(found, key=lambda match: match.start())
    if head.startswith("{"):
        first = found[0]  # the keyed one where there is one
    return of_field(first[first.lastindex or 0])


def _has_recovered(head: str) -> bool:
    return "panic " in head and _RECOVERED.search(head) is not None


def _has(text: str, parts: Iterable[str]) -> bool:
    for part in parts:  # noqa: SIM110 - `any` takes twice as long
        if part in text:
            return True
    return False


@lru_cache(maxsize=1024)
def _of_word(text: str) -> Severity:
    word = text.strip().lower()
    if word.isascii() and word.isdigit():
        return _of_number(int(word))
    return _WORDS.get(word, _UNSET)


def _of_number(number: float) -> Severity:
    if number in range(8):
        return _SYSLOG[int(number)]
    if 10 <= number <= 60:
        return Severity((int(number) // 10 - 1) * 4 + 1)
    return _UNSET
