"""Severity from fields of every convention, and from lines as people and runtimes write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.records.log import Severity
from streams.records.severity import graver, in_line, of_field, of_otlp
from streams.windows.signature import fold, signature


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        (("trace", "TRACE", 10, "10"), Severity.TRACE),
        (("debug", "Debug", 20, 7, "7"), Severity.DEBUG),
        (("info", "INFO", "Information", "notice", 30, 5, 6, " info "), Severity.INFO),
        (("warn", "Warning", "WARN", 40, 4), Severity.WARN),
        (("error", "ERR", "Severe", 50, 3, "3", 50.0), Severity.ERROR),
        (("fatal", "crit", "Critical", "alert", "emerg", "panic", 60, 0, 1, 2), Severity.FATAL),
        (("", "loud", "x" * 1000, 8, 9, 61, -1, 99999, float("nan"), float("inf"), 3.5, None, "²"), Severity.UNSET),
    ],
)
def test_fields(values, severity):
    """Words in any case, pino's tens and syslog's 0-7 are known; anything else is UNSET."""
    assert [of_field(value) for value in values] == [severity] * len(values)


def test_otlp_numbers():
    """OTLP's numbers fall into their ranges of four; without a number the text counts."""
    assert [of_otlp(number, "").name for number in (1, 4, 5, 9, 12, 13, 16, 17, 20, 21, 24)] == [
        *("TRACE", "TRACE", "DEBUG", "INFO", "INFO", "WARN", "WARN", "ERROR", "ERROR", "FATAL", "FATAL")
    ]
    assert (of_otlp(0, "Error"), of_otlp(25, ""), of_otlp(-3, "")) == (Severity.ERROR, Severity.UNSET, Severity.UNSET)


LINES = {
    Severity.INFO: [
        "2026-08-21 10:13:20.123  INFO 1 --- [main] c.s.Shop : started",
        "I0821 10:13:20.123456       1 main.go:12] started",
        'level=info msg="ok"',
        '{"msg":"ERROR in the name only","level":"info"}',
        "[info] started",
        "2026/08/21 10:13:20 [notice] 1#1: start worker",
        "INFO calling, answered ERROR",
        "2026-11-30T14:52:41Z INF cart priced item=17",
        "3:04PM INF cart priced",
        "<nil> INF cart priced",
    ],
    Severity.WARN: [
        "W0821 10:13:20.123456 1 x.go:1] slow",
        "WARNING: slow",
        "time=1 lvl=warn slow",
        "warning: slow",
        "** (gvfsd:17): WARNING **: 10:13:20.123: no mount",
    ],
    Severity.ERROR: [
        "E0821 10:13:20.123456       1 server.go:45] failed",
        "java.sql.SQLException: no connection",
        'Exception in thread "main" java.lang.IllegalStateException: x',
        "java.lang.NullPointerException",
        "TypeError: x is not a function",
        "Traceback (most recent call last):",
        "2026-08-21T10:13:20Z ERROR payment failed",
        '{"time":"x","level":"error","msg":"y"}',
        '{"level": 50, "msg": "pino"}',
        "2026/08/21 10:13:20 [error] 31#31: *1 connect() failed",
        "[error    ] structlog",
        "error: cannot open",
        "SEVERE: x",
        "Unhandled exception. System.InvalidOperationException: x",
        "thread 'tokio-rt-worker' (7719) panicked at src/main.rs:18:80:",
        "ERRO[0012] order failed                                  error=x",
        "NOTICE: PHP message: PHP Fatal error:  Uncaught Exception: no stock in /app/index.php:42",
        "app/models/order.rb:42:in `place': no stock (OutOfStock)",
        "** (RuntimeError) no stock",
        "** (EXIT from #PID<0.98.0>) shutdown",
        "** (throw) :none",
        "1756.25\terror\tads\tfailed",
    ],
    Severity.FATAL: [
        "panic: runtime error: index out of range",
        "fatal error: all goroutines are asleep",
        "FATAL:  password authentication failed",
        "F0821 10:13:20.123456 1 x.go:1] gone",
        "[crit] disk full",
        "2026-11-30T14:52:41Z FTL no broker error=x",
        "*** stack smashing detected ***: terminated",
        "terminate called after throwing an instance of 'std::runtime_error'",
    ],
    Severity.UNSET: [
        "",
        "payment accepted",
        "0 errors found",
        "error-free since monday",
        "failing over to b, failed=0",
        "17:00 in `cart': no news",
        "ERRORS=0",
        "\tat shop.Db.open(Db.java:42)",
        "    at Object.<anonymous> (/app/x.js:1:2)",
        "\t... 12 more",
        "Caused by: java.sql.SQLException: ERROR: no connection",
        '  File "x.py", line 3, in main',
        "goroutine 1 [running]:",
        "\t/app/main.go:12 +0x1d",
        "    Suppressed: java.io.IOException: x",
        "nvme0: FTL recovery done",
        "loss is INF, clipped",
        "read DBG symbols of shop",
        "order 7 checked (risk: critical)",
        "see (rule:alert) of the shop",
        "alarm clock\talert\t3",
        "terminate called by admin for pod 7",
    ],
}


@pytest.mark.parametrize(
    ("severity", "line"), [(severity, line) for severity, lines in LINES.items() for line in lines]
)
def test_lines(severity, line):
    """A line's own level is found, and a stack trace's further lines never count as events."""
    assert in_line(line) is severity


@pytest.mark.parametrize(
    "part",
    [
        "[",
        " ",
        "a.",
        "level",
        '"level"',
        "at ",
        "<error",
        'File "',
        "\t",
        "A",
        "\n",
        "Error",
        "a:0:in '(A::",
        "PHP ",
        "thread 'a",
    ],
)
@pytest.mark.timeout(30)
def test_lines_take_linear_time(part):
    """Promise: no line, however made, takes more than linear time: a second in all, where the square takes hours."""
    for _ in range(20):
        in_line(part * (1_000_000 // len(part)))


@pytest.mark.parametrize(
    ("field", "line", "severity"),
    [
        (Severity.INFO, "writeBlock blk_1 received exception java.io.IOException: Could not read", Severity.ERROR),
        (Severity.INFO, "gave up: requests.exceptions.ConnectionError: refused", Severity.ERROR),
        (Severity.INFO, "wrapped in com.shop.CartException", Severity.ERROR),
        (Severity.INFO, "IOException: not qualified, so perhaps a word", Severity.INFO),
        (Severity.INFO, "loaded com.shop.ErrorHandler and java.lang.Error.class", Severity.INFO),
        (Severity.WARN, "retry after java.io.IOException: reset", Severity.WARN),
        (Severity.DEBUG, "java.io.IOException: reset", Severity.DEBUG),
        (Severity.UNSET, "ERROR disk full", Severity.ERROR),
        # log/slog's bridge gives net/http's error log the level INFO; gin's Recovery and the log package know none.
        (Severity.INFO, "http: panic serving 10.0.0.7:443: assignment to entry in nil map", Severity.ERROR),
        (Severity.UNSET, "2026/11/30 11:42:45 http: panic serving 10.0.0.7:443: runtime error", Severity.ERROR),
        (Severity.UNSET, "[Recovery] 2026/11/30 - 11:42:45 panic recovered:", Severity.ERROR),
        (Severity.INFO, "panic button pressed, serving 3: ok", Severity.INFO),
        # Node puts a code behind the type.
        (Severity.UNSET, "TypeError [ERR_INVALID_URL]: Invalid URL", Severity.ERROR),
        (Severity.UNSET, "DOMException [TimeoutError]: The operation was aborted", Severity.ERROR),
    ],
)
def test_a_line_at_info_that_names_what_was_thrown_is_an_error(field, line, severity):
    """Its qualified class, then its message or nothing; any other level is a statement and stays."""
    assert graver(field, line) is severity


@pytest.mark.parametrize(
    "line",
    [
        "player reached level=12",
        "water level: 5 of 9",
        '{"severity":6,"msg":"session opened"}',
        '{"lvl":30,"msg":"started"}',
        "level=30 msg=started",
    ],
)
def test_a_number_of_which_folding_has_left_zeros_is_no_level(line):
    """Syslog's 0 is an emergency, and 6 and 30 are not: what cannot be told apart is not told."""
    found = signature(fold(line))
    assert found.severity is Severity.UNSET
    assert "fatal" not in found.text


@pytest.mark.parametrize(
    ("line", "severity"), [('{"level":6,"msg":"x"}', "INFO"), ('{"level": 50,"msg":"x"}', "ERROR")]
)
def test_the_number_that_folding_keeps_is_one(line, severity):
    """Of pino, bunyan and GELF."""
    assert signature(fold(line)).severity.name == severity


def test_what_was_thrown_is_looked_for_in_linear_time():
    """Dots and word characters without end cost no more."""
    for hostile in ("a." * 2000, "a" * 4000, "Exception." * 400):
        for _ in range(200):
            graver(Severity.INFO, hostile)


def test_default_formats_of_widespread_infrastructure():
    """Databases, brokers, proxies, runtimes and loggers as they write by default: each line has the severity it shows.

    And lines that only look like one of them have none.
    """
    lines = (Path(__file__).parents[2] / "golden/lines/severity.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("|")[::2] for line in lines]
    found = [(signature(fold(line)).severity.name, line) for _, line in wanted]
    assert found == wanted
    assert len(found) > 100
