"""The job of an AnalysisTemplate: ask until there is a verdict, and end with it.

| status | meaning |
|---|---|
| 0 | `pass` |
| 1 | no answer could be had, or the configuration cannot be followed |
| 2 | `fail` |
| 3 | neither, when the lifetime was over or the comparison had ended |
| 4 | told to end before |

Argo takes 0 for Successful and anything else for Failed. What it was goes to the termination message, with the address
of the report, where `kubectl describe pod` shows it.
"""

from __future__ import annotations

import http.client
import logging
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from streams.judging.evidence import Verdict
from streams.shippers.faults import DECODE_FAULTS
from topology.errors import Unavailable
from topology.settings import VerifySettings

log = logging.getLogger(__name__)

ASK_S = 5.0
"""For one answer."""
_QUIET_S = 60.0
"""Between two lines of progress that say nothing new, unless all are wanted."""
_MOST_BYTES = 1_000_000
_MOST_MESSAGE_BYTES = 4096
"""Of a termination message; Kubernetes keeps no more."""


class Status(IntEnum):
    """What the process ends with."""

    SUCCESS = 0
    ERROR = 1
    FAILED = 2
    INCONCLUSIVE = 3
    CANCELLED = 4


class Answer(Struct, frozen=True):
    """Of a VerdictAnswer, what is looked at."""

    verdict: Verdict
    risk: float
    confidence: float
    age_s: float
    reasons: list[str]
    report_url: str
    state: str


class Ending(Struct, frozen=True):
    """How it ended, and why."""

    status: Status
    reason: str
    report_url: str = ""

    @property
    def message(self) -> str:
        """The termination message."""
        report = f"\nreport: {self.report_url}" if self.report_url else ""
        reason = self.reason.encode()[: _MOST_MESSAGE_BYTES - len(report.encode()) - 20].decode(errors="ignore")
        return f"{self.status.name.lower()}: {reason}{report}\n"


class Refused(Exception):
    """The server does not want our questions: asking again will not help."""


class _Cancelled(BaseException):
    """SIGTERM or SIGINT came, in the middle of whatever it was."""


def run(settings: VerifySettings) -> Status:
    """Ask until there is an ending, from the main thread; write it down."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _cancel)
    try:
        ending = follow(settings, lambda: ask(settings), time.monotonic, time.sleep)
    except _Cancelled:
        ending = Ending(Status.CANCELLED, "told to end before there was a verdict")
    log.log(logging.INFO if ending.status is Status.SUCCESS else logging.ERROR, "%s", ending.message.rstrip())
    _write(settings.termination_log, ending.message)
    return ending.status


def follow(
    settings: VerifySettings, ask: Callable[[], Answer], clock: Callable[[], float], sleep: Callable[[float], None]
) -> Ending:
    """Ask at intervals until there is an ending.

    Args:
        settings: how often, how long, and how long without an answer.
        ask: gives the answer of now; raises Unavailable if asking again may help, Refused if not.
        clock: seconds, never set back.
        sleep: waits so many seconds.
    """
    lifetime_s = 3600 * settings.lifetime_hours
    began = heard = clock()
    progress, began_before = Progress(settings.log_enabled), True
    while True:
        try:
            answer = ask()
        except Refused as refusal:
            return Ending(Status.ERROR, str(refusal))
        except Unavailable as fault:
            silence_s = clock() - heard
            if silence_s >= settings.patience_s:
                return Ending(Status.ERROR, f"no answer for {silence_s:.0f} s: {fault}")
            log.warning("%s; asking again until %.0f s without an answer", fault, settings.patience_s)
        else:
            heard = clock()
            progress.show(answer, heard - began, lifetime_s)
            began_before &= answer.state == "ended"  # of an attempt before ours: a new one follows
            over = heard - began >= lifetime_s
            ending = None if began_before and not over else _ending(answer, over)
            if ending is not None:
                return ending
        sleep(settings.every_s)


def ask(settings: VerifySettings) -> Answer:
    """The answer of now.

    Raises:
        Unavailable: there is none, or it is none of ours.
        Refused: the token is missing or wrong, or nothing of ours is at the address.
    """
    request = urllib.request.Request(f"{settings.url.rstrip('/')}/v1/risk?{_query(settings)}")  # noqa: S310 - checked
    if settings.token_file is not None:
        # A redirect, to a page where people sign in say, must not carry it to where nobody said.
        request.add_unredirected_header("Authorization", f"Bearer {_token(settings.token_file)}")
    try:
        with urllib.request.urlopen(request, timeout=ASK_S) as response:  # noqa: S310 - settings admit http alone
            return _decode(response.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            if error.code in {401, 403, 404}:
                raise Refused(f"{settings.url} answers {error.code} {error.reason}") from error
            raise Unavailable(f"{settings.url} answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, *DECODE_FAULTS) as error:
        raise Unavailable(f"{settings.url} gives no answer ({getattr(error, 'reason', error)})") from error


class Progress:
    """What is said meanwhile: each answer if all are wanted, else what is new, and a sign of life once a minute."""

    def __init__(self, all_wanted: bool) -> None:
        self._all_wanted = all_wanted
        self._last: tuple[object, ...] = ()
        self._said_s = 0.0

    def show(self, answer: Answer, after_s: float, lifetime_s: float) -> None:
        """One line, if one is due."""
        new = (answer.verdict, round(answer.risk), answer.state)
        if not self._all_wanted and new == self._last and after_s - self._said_s < _QUIET_S:
            return
        self._last, self._said_s = new, after_s
        age = f"judged {answer.age_s:.0f} s ago" if answer.age_s < 1e9 else "nothing judged yet"
        log.info(
            "%.0f of %.0f s: %s, risk %.1f, confidence %.2f, %s: %s",
            after_s,
            lifetime_s,
            answer.verdict,
            answer.risk,
            answer.confidence,
            age,
            answer.reasons[0],
        )


def _ending(answer: Answer, over: bool) -> Ending | None:
    reason = "; ".join(answer.reasons[:3])
    if answer.verdict == "pass":
        return Ending(Status.SUCCESS, reason, answer.report_url)
    if answer.verdict == "fail":
        return Ending(Status.FAILED, reason, answer.report_url)
    if answer.state == "ended":
        return Ending(Status.INCONCLUSIVE, f"the comparison has ended without a verdict: {reason}", answer.report_url)
    if over:
        return Ending(Status.INCONCLUSIVE, f"{answer.verdict} when the time was over: {reason}", answer.report_url)
    return None


def _query(settings: VerifySettings) -> str:
    names = ("cluster", "namespace", "workload", "baseline", "canary")
    given = {name: getattr(settings, name) for name in names if getattr(settings, name)}
    return urlencode({**given, "view": "verdict"})


def _token(file: str) -> str:
    try:
        token = Path(file).read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise Refused(f"the token file cannot be read ({error.strerror})") from error
    if not (token.isascii() and token.isprintable()):  # the error of a header that cannot be sent would show it
        raise Refused("the token file must hold one line of printable ASCII")
    return token


def _decode(body: bytes) -> Answer:
    answer: Answer = _decoder.decode(body)
    if not answer.reasons:
        raise msgspec.ValidationError("no reasons")
    return answer


def _write(file: str, message: str) -> None:
    """Leave the termination message; outside of a pod there is no place for one."""
    path = Path(file)
    if not path.parent.is_dir() or (path.parent == Path("/dev") and not path.exists()):
        return
    try:
        path.write_text(message, encoding="utf-8")
    except OSError as error:
        log.warning("%s cannot be written: %s", file, error.strerror)


def _cancel(*_: Any) -> NoReturn:
    raise _Cancelled


_decoder = msgspec.json.Decoder(Answer)
