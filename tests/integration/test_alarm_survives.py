"""Score is killed while an alarm rings: it goes on ringing, as one alarm, and clears when it would have."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import jsonschema
import msgspec
import pytest
from confluent_kafka import Producer

from streams.records.identity import Revision, Workload
from streams.records.severity import Severity
from streams.watch.watch import WatchSettings
from streams.windows.signature import Signature
from streams.windows.summary import Bundle, PodSummary, Summary
from streams.workload.state import WorkloadSettings
from tests.integration.role_process import RoleProcess
from tests.integration.topic_reader import TopicReader
from topology import schemas
from topology.codecs import decode_alarm, encode_bundle, encode_json
from topology.embedded import EmbeddedBroker
from topology.pipeline import prepare
from topology.score.board import Board
from topology.settings import Kafka
from topology.topics import ALARMS, SUMMARIES, partition_of

PARTITIONS = 2
GROUP = "serinus-score"
WAIT_S = 120.0
WINDOW_NS = 5_000_000_000
START = 357_460_000
"""Windows since 1970."""
WINDOWS, BROKEN = 240, range(150, 175)
SHOP = Workload("", "prod", "shop")
SIGNATURES = {1: Signature("checkout failed", Severity.ERROR), 2: Signature("served", Severity.INFO)}


Documents = dict[tuple[str, str], bytes]
"""(id, as_of) -> the document."""


@pytest.mark.parametrize("kept", [True, pytest.param(False, marks=pytest.mark.nightly)])
def test_score_is_killed_while_an_alarm_rings(kept):
    """One alarm, with the documents of a scorer that nothing happened to; what is written twice is the same.

    Killed after it has written a snapshot that holds the alarm, or as soon as the alarm is raised. Of what it sends,
    nothing is in its log, at debug either.
    """
    expected, raised_at = _undisturbed()
    assert len({name for name, _ in expected[WINDOWS]}) == 1
    assert decode_alarm(list(expected[WINDOWS].values())[-1]).state == "cleared"
    found: Documents = {}
    with EmbeddedBroker() as broker:
        prepare(Kafka(broker.bootstrap_servers), PARTITIONS)
        servers, reader = broker.bootstrap_servers, TopicReader(broker.bootstrap_servers, ALARMS)
        with _score(servers) as worker:
            _tell(servers, 0, raised_at)
            _await(expected[raised_at], found, reader, worker)
            told_to = _tell_until_kept(servers, raised_at, worker) if kept else raised_at
            worker.kill()
        with _score(servers) as worker:
            _tell(servers, told_to, WINDOWS)
            _await(expected[WINDOWS], found, reader, worker)
            assert " DEBUG " in worker.output
            assert worker.output.count(SIGNATURES[1].text) == 0
        reader.close()
    assert found == expected[WINDOWS]


def _undisturbed() -> tuple[dict[int, Documents], int]:
    """Windows told -> what a board has said by then that nothing happens to; after how many it raises the alarm."""
    board, said, raised_at = Board(WorkloadSettings(watch=WatchSettings()), 60_000_000_000, 0), {0: {}}, 0
    for number, bundle in enumerate(_bundles()):
        board.apply_bundle(number, bundle)
        fresh = {(alarm.id, alarm.as_of): encode_json(alarm) for alarm in board.alarms()}
        raised_at = raised_at or (number + 1 if fresh else 0)
        said[number + 1] = said[number] | fresh
    return said, raised_at


def _score(servers: str) -> RoleProcess:
    options = ["--group", GROUP, "--session-timeout-s", 2, "--snapshot-s", 0.5, "--log-level", "debug"]
    return RoleProcess("score", "--bootstrap-servers", servers, *options)


def _tell(servers: str, told_from: int, told_to: int) -> None:
    """What ingest would."""
    producer = Producer({"bootstrap.servers": servers})
    for bundle in list(_bundles())[told_from:told_to]:
        producer.produce(SUMMARIES, encode_bundle(bundle), partition=partition_of(SHOP, PARTITIONS))
    assert producer.flush(WAIT_S) == 0


def _tell_until_kept(servers: str, told_to: int, worker: RoleProcess) -> int:
    """Go on, window by window and well before the alarm clears, until the changelog has grown; how far that was."""
    changelog = TopicReader(servers, f"{GROUP}-workloads-changelog")
    before, deadline = changelog.ends(), time.monotonic() + WAIT_S
    while changelog.ends() == before:
        assert worker.alive, worker.output[-4000:]
        assert time.monotonic() < deadline, worker.output[-4000:]
        if told_to < BROKEN.stop:
            _tell(servers, told_to, told_to + 1)
            told_to += 1
        time.sleep(0.2)
    changelog.close()
    return told_to


def _await(expected: Documents, found: Documents, reader: TopicReader, worker: RoleProcess) -> None:
    deadline = time.monotonic() + WAIT_S
    while not expected.keys() <= found.keys():
        assert worker.alive, worker.output[-4000:]
        assert time.monotonic() < deadline, worker.output[-4000:]
        for message in reader.read():
            payload = message.value()
            assert payload is not None
            alarm = decode_alarm(payload)
            jsonschema.validate(msgspec.json.decode(payload), schemas.schema("alarm"))
            assert found.setdefault((alarm.id, alarm.as_of), payload) == payload


def _bundles() -> Iterator[Bundle]:
    """A line of error now and then, for a while from almost every pod."""
    draw = random.Random(5)
    for window in range(WINDOWS):
        start_ns, failing = (START + window) * WINDOW_NS, 0.9 if window in BROKEN else 0.02
        lines = [{1: 1, 2: 10} if draw.random() < failing else {2: 10} for _ in range(4)]
        pods = {f"pod-{pod}": PodSummary(each) for pod, each in enumerate(lines)}
        summary = Summary(Revision(SHOP, "old"), start_ns, 40, 0, pods)
        yield Bundle("w", {"logs/0": start_ns + WINDOW_NS}, {"logs": 1}, SIGNATURES, {}, [summary])
