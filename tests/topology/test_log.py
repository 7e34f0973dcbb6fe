"""What other people's code says over and over is said once in a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from aiokafka import conn
from aiokafka.producer import producer
from faust import topics
from faust.transport.drivers import aiokafka as driver

from topology import log
from topology.log import REPEAT_S, Sparing
from topology.score.transport import CommittedTransport


class Clock:
    """Stands until it is moved."""

    now_s = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now_s


def _record(name: str, line: int, message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, f"{name}.py", line, message, arguments, None)


def test_a_client_that_repeats_itself_is_heard_once_and_counted() -> None:
    """Of each place one line passes in `REPEAT_S`; the next says how many did not."""
    clock = Clock()
    sparing = Sparing(clock)
    passed = [sparing.filter(_record("aiokafka", 7, "no broker %d", number)) for number in range(800)]
    assert passed == [True] + [False] * 799
    assert sparing.filter(_record("aiokafka", 8, "something else"))
    clock.now_s += REPEAT_S
    last = _record("aiokafka", 7, "no broker %d", 9)
    assert sparing.filter(last)
    assert last.getMessage() == "no broker 9 (and 799 more like it)"


def test_librdkafka_is_counted_by_what_kind_of_thing_it_says() -> None:
    """Its lines come by way of our own loggers."""
    sparing = Sparing(Clock())

    def said(kind: str) -> bool:
        return sparing.filter(_record("topology.ingest.worker", 3, "%s [%s] %s", kind, "rdkafka#consumer-1", "text"))

    assert [said("FAIL"), said("FAIL"), said("REQTMOUT")] == [True, False, True]


def test_what_we_say_ourselves_is_never_kept_back() -> None:
    """However often."""
    sparing = Sparing(Clock())
    assert all(sparing.filter(_record("topology.score.worker", 5, "the same")) for _ in range(10))


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """What `start` sets is taken back."""
    root = logging.getLogger()
    loggers = [root, logging.getLogger("aiokafka"), conn.log, producer.log, topics.logger, driver.logger]
    before = root.handlers[:], [each.level for each in loggers]
    for each in loggers[1:]:
        each.setLevel(logging.NOTSET)  # an earlier start in this process was at another level
    yield
    root.handlers[:] = before[0]
    for each, level in zip(loggers, before[1], strict=True):
        each.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("logging_as_before")
def test_nothing_that_is_sent_is_logged_at_debug_either(capsys: pytest.CaptureFixture[str]) -> None:
    """As aiokafka and Faust would: whole requests, the password among them, and the records that they send."""
    log.start("score", "debug")
    conn.log.debug("Request: SaslAuthenticateRequest_v1(sasl_auth_bytes=%r)", b"app\0app\0hunter2")
    producer.log.debug("Sending (key=%r value=%r) to %s", b"key", b"a line that says hunter2", "partition")
    for each in (topics, driver):
        each.logger.debug("send: topic=%r k=%r v=%r", "topic", b"key", b"a line that says hunter2")
    conn.log.warning("the broker is away")
    logging.getLogger("aiokafka.consumer.fetcher").debug("all else")
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert "the broker is away" in said
    assert "all else" in said


@pytest.mark.usefixtures("logging_as_before")
def test_news_of_other_peoples_code_are_for_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """Whichever of their loggers it is, also in a class of ours; what they warn of is said."""
    log.start("score", "info")
    conn.log.info("Authenticated as app via SCRAM-SHA-512")
    for ours in (CommittedTransport.Consumer, CommittedTransport.Producer):
        ours.logger.info("Authenticated anew")
    conn.log.warning("the broker is away")
    logging.getLogger("topology.score.worker").info("scores partitions 0, 1")
    said = capsys.readouterr().err
    assert "Authenticated" not in said
    assert "the broker is away" in said
    assert "scores partitions" in said
