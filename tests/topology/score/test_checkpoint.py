"""Not every workload is written with every checkpoint, and nothing comes out otherwise for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import msgspec
import pytest

from streams.records.identity import Revision, Workload
from streams.records.severity import Severity
from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded, RolloutEvent
from streams.watch.watch import WatchSettings
from streams.windows.signature import Signature
from streams.windows.summary import Bundle, PodSummary, Summary
from streams.workload.state import WorkloadSettings
from topology.codecs import encode_json
from topology.score import board as board_module
from topology.score.board import Board

WINDOW_NS = 5_000_000_000
START = 357_460_000
"""Windows since 1970."""
WINDOWS = 200
SETTINGS = WorkloadSettings(watch=WatchSettings(), sight_ns=0)
NAMES = ("shop", "till", "cart", "mail", "bank")
SIGNATURES = {1: Signature("checkout failed", Severity.ERROR), 2: Signature("served", Severity.INFO)}
PAIRS = {name: Comparison("", "prod", name, "old", "new") for name in NAMES}
EVENTS: list[tuple[int, RolloutEvent]] = [
    (100, CompareRequest(PAIRS["shop"])),
    (112, CompareRequest(PAIRS["till"])),
    (131, ComparisonEnded(PAIRS["shop"], "promoted")),
    (133, CompareRequest(PAIRS["cart"])),  # with what the one before has taught
    (160, ComparisonEnded(PAIRS["till"], "aborted")),
]
Said = dict[str, bytes]


@pytest.mark.parametrize("quiet_checkpoints", [4, 9])
@pytest.mark.parametrize("seed", range(2))
def test_killed_at_random_moments(undisturbed, seed, quiet_checkpoints):
    """Documents, alarms, and what is known of every workload in the end: the same to the bit."""
    draw = random.Random(seed)
    assert _play(quiet_checkpoints, lambda: draw.random() < 0.04) == undisturbed


@pytest.fixture(scope="module")
def undisturbed() -> tuple[Said, Said]:
    """Of a board to which nothing happens."""
    return _play(1, lambda: False)


def test_what_is_quiet_is_written_in_turns():
    """Where a comparison runs, or an alarm rings, each time; the others with every eighth checkpoint."""
    board, written = Board(SETTINGS, 60_000_000_000, 0, None, 8), dict.fromkeys(NAMES, 0)
    for offset, bundle in enumerate(_bundles()):
        if offset == 5:
            board.apply_event(0, CompareRequest(PAIRS["shop"]), START * WINDOW_NS)
        board.apply_bundle(offset, bundle)
        for key, value in board.checkpoint():
            if offset >= 20 and not key.startswith(b"@"):
                assert value is not None
                written[key.decode().rpartition("/")[2]] += 1
    assert written.pop("shop") == WINDOWS - 20
    assert written.pop("mail") > 30
    assert all(number in {22, 23} for number in written.values())


@pytest.mark.parametrize("compared", [True, False])
def test_what_others_may_borrow_is_written_by_all(compared):
    """A comparison that began and ended since the last checkpoint has taught: all are written, or none would be."""
    board, last = Board(SETTINGS, 60_000_000_000, 0, None, 1_000_000), 140
    for offset, bundle in enumerate(_bundles()):
        if offset == 100:
            list(board.checkpoint())
        if compared and offset in {101, last - 1}:
            event = CompareRequest(PAIRS["shop"]) if offset == 101 else ComparisonEnded(PAIRS["shop"], "promoted")
            board.apply_event(offset, event, (START + offset - 1) * WINDOW_NS)
        board.apply_bundle(offset, bundle)
        if offset == last:
            break
    written = {key.decode().rpartition("/")[2] for key, _ in board.checkpoint() if not key.startswith(b"@")}
    assert written == ({*NAMES} if compared else {"mail"})  # of which an alarm rings


def test_what_cannot_be_written_makes_others_be_written_once(monkeypatch):
    """A workload that taught and whose snapshot is too long: not all of its partition with every checkpoint since."""
    board, turns = Board(SETTINGS, 60_000_000_000, 0, None, 1_000_000), list[set[str]]()
    events = {50: CompareRequest(PAIRS["shop"]), 110: ComparisonEnded(PAIRS["shop"], "promoted")}
    for offset, bundle in enumerate(_bundles()):
        if offset in events:
            board.apply_event(offset, events[offset], (START + offset - 1) * WINDOW_NS)
        board.apply_bundle(offset, bundle)
        if offset == 100:
            list(board.checkpoint())
        if 115 <= offset < 120:
            *_, second, longest = sorted(len(msgspec.msgpack.encode(life.to_state())) for life in board.lives)
            monkeypatch.setattr(board_module, "LARGEST_VALUE_BYTES", (second + longest) // 2)
            keys = [key.decode() for key, _ in board.checkpoint()]
            turns.append({key.rpartition("/")[2] for key in keys if not key.startswith("@")})
    assert turns == [{*NAMES} - {"shop"}, *[set()] * 4]


def test_what_an_outdated_worker_overwrote_is_missed_until_it_is_made_good():
    """Also by a worker that is killed while it reads again what the record lacks."""
    bundles = list(_bundles())
    board, records = _board({}, 1), {}
    for offset, bundle in enumerate(bundles[:60]):
        board.apply_bundle(offset, bundle)
        if offset == 30:
            outdated = dict(board.checkpoint())
    records |= dict(board.checkpoint())
    key = PAIRS["shop"].of.key.encode()
    records[key] = outdated[key]
    again = _board(records, 1)
    for offset in range(again.resume.summaries + 1, 40):
        again.apply_bundle(offset, bundles[offset])
    records |= dict(again.checkpoint())
    assert _board(records, 1).resume.summaries == 39


def _play(quiet_checkpoints: int, killed: Callable[[], bool]) -> tuple[Said, Said]:
    said: Said = {}
    records: dict[bytes, bytes] = {}
    bundles = list(_bundles())
    board, offset = _board(records, quiet_checkpoints), 0
    while offset < len(bundles):
        for number, (at, event) in enumerate(EVENTS):
            if at <= offset and number > board.resume.rollouts:
                documents = board.apply_event(number, event, (START + at) * WINDOW_NS)
                said |= {document.comparison.key: encode_json(document) for document in documents}
        documents = board.apply_bundle(offset, bundles[offset])
        said |= {document.comparison.key: encode_json(document) for document in documents}
        said |= {alarm.id: encode_json(alarm) for alarm in board.alarms()}
        offset += 1
        if offset % 3 == 0:
            records |= {key: value for key, value in board.checkpoint() if value is not None}
        if killed():
            board = _board(records, quiet_checkpoints)
            offset = board.resume.summaries + 1
    whole = {life.workload.name: msgspec.msgpack.encode(life.to_state()) for life in board.lives}
    return said, whole


def _board(records: dict[bytes, bytes], quiet_checkpoints: int) -> Board:
    board = Board(SETTINGS, 60_000_000_000, 0, None, quiet_checkpoints)
    board.restore(records.items())
    return board


def _bundles() -> Iterator[Bundle]:
    """Five workloads; each logs an error now and then, one of them often for a while; some of it comes late."""
    draw = random.Random(5)
    for window in range(WINDOWS):
        start_ns = (START + window) * WINDOW_NS
        summaries = []
        for name in NAMES:
            failing = 0.9 if name == "mail" and 130 <= window < 150 else 0.03
            for revision in ["old"] if window < 95 else ["old", "new"]:
                lines = [{1: 1, 2: 10} if draw.random() < failing else {2: 10} for _ in range(3)]
                pods = {f"{revision}-{pod}": PodSummary(each) for pod, each in enumerate(lines)}
                late_ns = 2 * WINDOW_NS if window > 1 and draw.random() < 0.1 else 0
                of = Revision(Workload("", "prod", name), revision)
                summaries.append(Summary(of, start_ns - late_ns, 40, 0, pods))
        yield Bundle("w", {"logs/0": start_ns + WINDOW_NS}, {"logs": 1}, SIGNATURES, {}, summaries)
