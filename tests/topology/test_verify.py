"""The verification job, against a server of its own making and, as a process, against the real one."""

from __future__ import annotations

import http.server
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from topology.authorization import authorization
from topology.errors import Unavailable
from topology.settings import VerifySettings
from topology.verify import Answer, Ending, Progress, Refused, Status, ask, follow

SETTINGS = VerifySettings("http://serinus", "5d5", "6f8", lifetime_hours=1 / 60, every_s=5, patience_s=20)
NONE = Answer("none", 37.5, 0.4, 4.0, ["not decided"], "http://serinus/report", "running")
VERDICTS = {
    "pass": (Status.SUCCESS, "passed"),
    "fail": (Status.FAILED, "failed"),
}


def _answer(verdict: Any, reason: str = "x", state: str = "running") -> Answer:
    return Answer(verdict, 50.0, 0.0, 4.0, [reason], "http://serinus/report", state)


class Clock:
    """Moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        """Passes at once."""
        self.now += seconds


def _follow(answers: Callable[[float], Answer]) -> tuple[Ending, float]:
    clock = Clock()
    ending = follow(SETTINGS, lambda: answers(clock.now - 1000), lambda: clock.now, clock.sleep)
    return ending, clock.now - 1000


@pytest.mark.parametrize("verdict", VERDICTS)
def test_ends_early(verdict: str) -> None:
    """At the first pass or fail, with its reason and the report."""
    status, reason = VERDICTS[verdict]
    ending, after_s = _follow(lambda at_s: _answer(verdict, reason) if at_s >= 15 else NONE)
    assert (ending.status, ending.reason, after_s) == (status, reason, 15)
    assert ending.message == f"{status.name.lower()}: {reason}\nreport: http://serinus/report\n"


@pytest.mark.parametrize("verdict", ["none", "marginal"])
def test_without_a_verdict_it_is_inconclusive_when_its_time_is_over(verdict: str) -> None:
    """Not before; the reason says which it was."""
    ending, after_s = _follow(lambda _: _answer(verdict))
    assert (ending.status, after_s) == (Status.INCONCLUSIVE, 60)
    assert ending.reason.startswith(f"{verdict} when the time was over")


def test_a_comparison_that_has_ended_is_not_waited_for() -> None:
    """Nothing will come of it."""
    ending, after_s = _follow(lambda at_s: _answer("none", state="ended" if at_s >= 10 else "running"))
    assert (ending.status, after_s) == (Status.INCONCLUSIVE, 10)


def test_what_had_ended_before_it_began_is_another_attempt() -> None:
    """The failure of the one before is not that of a retry, whose job begins within seconds of it."""

    def answers(at_s: float) -> Answer:
        return _answer("fail", state="ended") if at_s < 10 else _answer("pass" if at_s >= 20 else "none")

    ending, after_s = _follow(answers)
    assert (ending.status, after_s) == (Status.SUCCESS, 20)


def test_survives_an_absence_shorter_than_its_patience() -> None:
    """Also one that the end of its time falls into: only an answer says what to end with."""

    def answers(at_s: float) -> Answer:
        if 50 <= at_s < 65:
            raise Unavailable("away")
        return NONE if at_s < 65 else _answer("pass")

    ending, after_s = _follow(answers)
    assert (ending.status, after_s) == (Status.SUCCESS, 65)


def test_gives_up_when_its_patience_is_over() -> None:
    """With an error, that says how long there was no answer."""

    def answers(at_s: float) -> Answer:
        if at_s >= 10:
            raise Unavailable("away")
        return NONE

    ending, after_s = _follow(answers)
    assert (ending.status, after_s) == (Status.ERROR, 25)
    assert ending.reason == "no answer for 20 s: away"


def test_does_not_ask_again_where_it_is_refused() -> None:
    """A wrong token does not become right."""

    def answers(_: float) -> Answer:
        raise Refused("401")

    assert _follow(answers) == (Ending(Status.ERROR, "401"), 0)


def test_the_message_fits_into_what_kubernetes_keeps() -> None:
    """The report's address stays, however long the reason is."""
    message = Ending(Status.FAILED, "\u00e4" * 10_000, "http://serinus/report").message
    assert len(message.encode()) <= 4096
    assert message.endswith("\nreport: http://serinus/report\n")


def test_progress_says_what_is_new(caplog: pytest.LogCaptureFixture) -> None:
    """Each answer if all are wanted; else what is new, and a sign of life every minute."""
    caplog.set_level(logging.INFO)
    for all_wanted, lines in ((True, 40), (False, 4)):
        caplog.clear()
        progress = Progress(all_wanted)
        for after_s in range(0, 200, 5):
            progress.show(NONE, after_s, 600)
        assert len(caplog.records) == lines


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the test says."""

    asked: list[str]
    body = b""
    status = 200
    elsewhere = ""
    """Where it sends those who ask, but for those who ask just there."""

    def do_GET(self) -> None:
        """Whatever it is."""
        type(self).asked.append(f"{self.path} {self.headers.get('Authorization', '')}")
        if self.elsewhere and self.path != self.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.elsewhere)
        else:
            self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[_Handler]]]:
    """Its address, and what it answers."""
    handler = type("Handler", (_Handler,), {"asked": []})
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}", handler
    made.shutdown()
    made.server_close()


def _verify(url: str, *words: object, **environment: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SERINUS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "topology", "verify", "--every-s", "0.1", *map(str, words)],
        env={**inherited, "SERINUS_URL": url, "BASELINE_HASH": "5d5", "CANARY_HASH": "6f8", **environment},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _body(**changes: Any) -> bytes:
    answer = {"verdict": "none", "risk": 37.5, "confidence": 0.4, "age_s": 4.0, "reasons": ["because"]}
    return json.dumps({**answer, "report_url": "http://serinus/r", "state": "running", **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"verdict": "pass"}, 0, "success: because\nreport: http://serinus/r\n"),
        ({"verdict": "fail"}, 2, "failed: because\nreport: http://serinus/r\n"),
        (
            {"verdict": "marginal"},
            3,
            "inconclusive: marginal when the time was over: because\nreport: http://serinus/r\n",
        ),
    ],
)
def test_exit_status_and_message(
    server: tuple[str, type[_Handler]], tmp_path: Path, changes: dict[str, str], status: int, words: str
) -> None:
    """As the environment of the job that is replaced gives it: hashes alone, a lifetime in hours, quiet."""
    url, handler = server
    handler.body = _body(**changes)
    log = tmp_path / "termination-log"
    environment = {"EXPERIMENT_HASH": "e", "LIFETIME_HOURS": "0.0001", "LOG_ENABLED": "false"}
    with _verify(url, "--termination-log", log, **environment) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert log.read_text() == words
    assert handler.asked[0].startswith("/v1/risk?baseline=5d5&canary=6f8&view=verdict")


def test_later_names_and_token(server: tuple[str, type[_Handler]], tmp_path: Path) -> None:
    """STABLE_POD_HASH and LATEST_POD_HASH do as well; the token is sent, and never shown."""
    url, handler = server
    handler.body = _body(verdict="pass")
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    environment = {"BASELINE_HASH": "", "CANARY_HASH": "", "STABLE_POD_HASH": "aa", "LATEST_POD_HASH": "bb"}
    with _verify(url, "--token-file", token, "--namespace", "prod", "--workload", "shop", **environment) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert handler.asked == ["/v1/risk?namespace=prod&workload=shop&baseline=aa&canary=bb&view=verdict Bearer s3cret"]
    assert "s3cret" not in err


def test_the_token_goes_nowhere_but_to_the_url(server: tuple[str, type[_Handler]], tmp_path: Path) -> None:
    """A proxy that sends to where people sign in does not send the token there."""
    url, handler = server
    handler.elsewhere, handler.body = "/sign-in", b"<html>"
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with pytest.raises(Unavailable):
        ask(structs.replace(SETTINGS, url=url, token_file=str(token)))
    asked, redirected = handler.asked
    assert asked.endswith("Bearer s3cret")
    assert redirected == "/sign-in "


@pytest.mark.parametrize("held", [b"s3cret\ns3cret", b"s3cret \xe2\x82\xac", b"s3cret \xfe"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(held: bytes, tmp_path: Path) -> None:
    """Two tokens in the file, say; nobody is asked."""
    file = tmp_path / "token"
    file.write_bytes(held)
    with pytest.raises(Refused, match=r"^the token file must hold") as refused:
        ask(structs.replace(SETTINGS, token_file=str(file)))
    assert "s3cret" not in str(refused.value)
    assert authorization(str(file)) == {}


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b"null", 200), (b"{", 200), (b"<html>", 502), (b"", 503)])
def test_what_is_no_answer_is_none(server: tuple[str, type[_Handler]], body: bytes, status: int) -> None:
    """Whatever a proxy says while the server restarts is asked again, until the patience is over: 1, an error."""
    url, handler = server
    handler.body, handler.status = body, status
    with _verify(url, "--patience-s", "0.5") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(handler.asked) > 1
    assert "error: no answer for" in err.splitlines()[-1]


def test_refused(server: tuple[str, type[_Handler]]) -> None:
    """401 is asked once."""
    url, handler = server
    handler.status = 401
    with _verify(url) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, len(handler.asked)) == (1, 1)
    assert "answers 401" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_cancelled(server: tuple[str, type[_Handler]], tmp_path: Path, number: signal.Signals) -> None:
    """Told to end it does so at once, with 4, and says so."""
    url, handler = server
    handler.body = _body()
    log = tmp_path / "termination-log"
    with _verify(url, "--every-s", "60", "--termination-log", log) as process:
        deadline = time.monotonic() + 60
        while not handler.asked:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        process.communicate(timeout=10)
    assert process.returncode == 4
    assert log.read_text() == "cancelled: told to end before there was a verdict\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--bogus"],
        ["--url", "file:///etc/passwd"],
        ["--canary", "5d5"],
        ["--baseline", "-x"],
        ["--lifetime-hours", "much"],
        ["--every-s", "0"],
    ],
)
def test_a_configuration_fault_is_1(words: list[str]) -> None:
    """Not 2 as elsewhere: that would say that the canary has failed."""
    with _verify("http://127.0.0.1:1", *words) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err


def test_without_hashes_it_says_which_variables() -> None:
    """As it is with an image that was started without a word."""
    with _verify("http://127.0.0.1:1", BASELINE_HASH="", CANARY_HASH="") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "BASELINE_HASH" in err
