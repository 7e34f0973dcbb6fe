"""What a snapshot holds is all there is: restored at any moment, a board goes on as if nothing had happened."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import msgspec
import pytest

from streams.errors import BadPolicy, BrokenInvariant
from streams.policy.workload_policy import WorkloadPolicy
from streams.records.histogram import LARGEST_COUNT, Histogram
from streams.records.identity import Revision, Source, Workload
from streams.records.metric import Kind, MetricSample, Series
from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded
from streams.shippers.formats import reader
from streams.windows.roller import Roller
from streams.windows.summary import Bundle, Limits
from streams.workload.state import WorkloadSettings
from topology.codecs import decode_bundle, decode_risk_document, encode_bundle, encode_json
from topology.demo.service import Rates, Service
from topology.demo.shipped import NAMESPACE, fluent_bit_line, otlp_counters
from topology.score import board as board_module
from topology.score.board import Board

START_S = 1_787_300_000
SECONDS = 60
HOLD_NS = 60_000_000_000
SERVICES = (("payments", "6f87c5d5d5", "9b7f4d6c8f", 0.03), ("checkout", "7d9c6b5f48", "5c4bd8f9f7", 0.0))
COMPARISONS = [Comparison("", NAMESPACE, name, baseline, canary) for name, baseline, canary, _ in SERVICES]
Documents = dict[str, bytes]


@pytest.fixture(scope="module")
def bundles() -> list[bytes]:
    """A minute of two services, one broken, as ingest cuts it into bundles: a few a second."""
    return list(_bundles())


@pytest.mark.parametrize("seed", range(4))
def test_restored_at_any_moment(bundles, seed):
    """Snapshots at random moments, each followed by a restore with some bundles read twice, change no document."""
    draw = random.Random(seed)
    assert _play(bundles, lambda: draw.random() < 0.2, draw) == _play(bundles, lambda: False, draw)


@pytest.mark.parametrize("at", [0, 40, 150])
def test_events_count_when_they_were_sent(bundles, at):
    """However early among the bundles an event is read, its comparison ends with the window in which it ended."""
    draw = random.Random(0)
    assert _play(bundles, lambda: False, draw, read_at=at) == _play(bundles, lambda: False, draw)


def test_overwritten_snapshot_is_noticed(bundles):
    """A workload's record that an outdated worker wrote last is noticed, and what it lacks is read again."""
    records: dict[bytes, bytes] = {}
    board = _board(records)
    for offset, payload in enumerate(bundles[:100]):
        board.apply_bundle(offset, decode_bundle(payload))
        if offset == 50:
            outdated = dict(board.checkpoint())
    _keep(records, board)
    key = COMPARISONS[0].of.key.encode()
    assert records[key] != outdated[key]
    records[key] = outdated[key]  # type: ignore[assignment] # not deleted
    again = _board(records)
    assert again.resume.summaries == 50


def test_a_snapshot_of_a_later_version_is_refused(bundles):
    """Promise: it is named, whatever shape it has; none is taken for one of ours."""
    board = _board({})
    board.apply_bundle(0, decode_bundle(bundles[0]))
    records: dict[bytes, bytes] = {}
    _keep(records, board)
    assert _board(records).workloads == board.workloads > 0
    for key, value in records.items():
        version, *rest = msgspec.msgpack.decode(value)
        later = msgspec.msgpack.encode([version + 1, "of another shape", *rest])
        with pytest.raises(BrokenInvariant, match=f"{key.decode()}: version {version + 1} "):
            _board({**records, key: later})


@pytest.mark.parametrize("kind", [Kind.DELTA, Kind.CUMULATIVE])
def test_the_largest_numbers_can_be_written(kind):
    """Promise: whatever a sample may hold, no sum of it is too large for a bundle, a snapshot or a document."""
    board, roller, records = _board({}), Roller(5_000_000_000, Limits()), dict[bytes, bytes]()
    series = [
        Series(name, unit="s") for name in ("http.server.request.duration", "http_requests_total", "jvm_gc_pause")
    ]
    board.apply_event(0, CompareRequest(COMPARISONS[0]), START_S * 10**9)
    for second in range(90):
        at_ns, back = (START_S + second) * 10**9, kind is Kind.CUMULATIVE and second % 2 == 0
        for name in (COMPARISONS[0].baseline, COMPARISONS[0].canary):
            for pod in "ab":
                source = Source(Revision(COMPARISONS[0].of, name), f"payments-{name}-{pod}")
                number = 0.0 if back else sys.float_info.max
                count = 0 if back else LARGEST_COUNT
                full = Histogram(8, count, number, 0, {second % 5: count})
                values = [full, number, number]
                found = [MetricSample(source, at_ns, *each) for each in zip(series, [kind] * 3, values, strict=True)]
                assert roller.add_all(found).rejected == []
        if second % 5 == 4:
            rolled, reports = roller.drain(), {"m/0": at_ns + 1}
            bundle = Bundle("one", reports, {"m": 1}, rolled.signatures, rolled.series, rolled.summaries)
            for document in board.apply_bundle(second, decode_bundle(encode_bundle(bundle))):
                assert decode_risk_document(encode_json(document)) == document
            _keep(records, board)
            assert _board(records).low_ns == board.low_ns


def test_a_snapshot_that_no_message_holds_ends_nobody(bundles, monkeypatch, caplog):
    """Promise: the record before stays, and after a restart all since then is read again: no document is another."""
    began = START_S * 10**9
    expected: Documents = {}
    board, kept = _board({}), dict[bytes, bytes]()
    _note(expected, board.apply_event(0, CompareRequest(COMPARISONS[0]), began))
    for offset, payload in enumerate(bundles):
        _note(expected, board.apply_bundle(offset, decode_bundle(payload)))
        if offset == 100:
            _keep(kept, board)
    monkeypatch.setattr(board_module, "LARGEST_VALUE_BYTES", max(map(len, kept.values())))
    latest: Documents = {}
    records: dict[bytes, bytes] = {}
    board = _board(records)
    _note(latest, board.apply_event(0, CompareRequest(COMPARISONS[0]), began))
    for offset, payload in enumerate(bundles[:200]):
        _note(latest, board.apply_bundle(offset, decode_bundle(payload)))
        if offset % 20 == 0:
            _keep(records, board)
    assert max(map(len, records.values())) <= board_module.LARGEST_VALUE_BYTES
    assert "/demo/payments: a snapshot of" in caplog.text
    board = _board(records)
    assert 60 < board.resume.summaries < 180
    for offset in range(board.resume.summaries + 1, len(bundles)):
        _note(latest, board.apply_bundle(offset, decode_bundle(bundles[offset])))
    assert latest == expected


def test_a_comparison_keeps_the_policy_that_held_when_it_began(bundles):
    """A later one, and a restart, change nothing of it."""
    held: list[WorkloadPolicy | None] = [WorkloadPolicy(warm_up_ns=3_600_000_000_000)]
    asked: set[Workload] = set()
    records: dict[bytes, bytes] = {}

    def policy(workload):
        asked.add(workload)
        return held[-1]

    board = _board(records, policy)
    begun = board.apply_event(0, CompareRequest(COMPARISONS[0]), START_S * 1_000_000_000)
    latest: Documents = {}
    _note(latest, begun)
    held.append(None)
    for offset, payload in enumerate(bundles):
        if offset == 100:
            _keep(records, board)
            board = _board(records, policy)
        _note(latest, board.apply_bundle(offset, decode_bundle(payload)))
    assert COMPARISONS[0].of in asked
    document = decode_risk_document(latest[COMPARISONS[0].key])
    assert document.started_at is not None
    assert all(signal.log10_e == 0.0 for signal in document.signals)  # without the warm-up there is evidence by then
    _note(latest, _without_policy(bundles))
    assert decode_risk_document(latest[COMPARISONS[0].key]).signals[0].log10_e > 0.0


def _without_policy(bundles: list[bytes]) -> list[object]:
    board = _board({})
    board.apply_event(0, CompareRequest(COMPARISONS[0]), START_S * 1_000_000_000)
    return [
        document for offset, each in enumerate(bundles) for document in board.apply_bundle(offset, decode_bundle(each))
    ]


@pytest.mark.parametrize(("anew", "ends"), [("summaries", (5, 100)), ("rollouts", (1000, 1)), ("both", (0, 0))])
def test_a_topic_made_anew_is_read_from_its_beginning(bundles, anew, ends):
    """A topic that ends before what was read is another: all of it is read, and counts; the other is not read again."""
    records: dict[bytes, bytes] = {}
    board = _board(records)
    board.apply_event(1, CompareRequest(COMPARISONS[0]), START_S * 1_000_000_000)
    for offset, payload in enumerate(bundles[:50]):
        board.apply_bundle(offset, decode_bundle(payload))
    _keep(records, board)
    again = _board(records)
    assert again.truncate(*ends)
    expected = (-1 if anew != "rollouts" else 49, -1 if anew != "summaries" else 1)
    assert (again.resume.summaries, again.resume.rollouts) == expected
    assert (again.offsets.summaries, again.offsets.rollouts) == expected
    low_ns = again.low_ns
    first = expected[0] + 1
    for offset, payload in enumerate(bundles[50:90]):  # what is written to the new topic
        again.apply_bundle(first + offset, decode_bundle(payload))
    assert again.low_ns > low_ns
    began = again.comparisons
    again.apply_event(expected[1] + 1, CompareRequest(COMPARISONS[1]), again.low_ns)
    assert again.comparisons == began + 1


def test_a_topic_that_has_grown_is_not_another(bundles):
    """One that ends where it was read to, or later, is the same: nothing is read again."""
    board = _board({})
    board.apply_event(0, CompareRequest(COMPARISONS[0]), START_S * 1_000_000_000)
    board.apply_bundle(0, decode_bundle(bundles[0]))
    assert not board.truncate(1, 1)
    assert (board.offsets.summaries, board.offsets.rollouts) == (0, 0)


def _play(bundles: list[bytes], restarts: object, draw: random.Random, read_at: int | None = None) -> Documents:
    latest: Documents = {}
    records: dict[bytes, bytes] = {}
    board = _board(records)
    events = [
        (START_S + 7, 0, CompareRequest(COMPARISONS[0])),
        (START_S + 22, 1, CompareRequest(COMPARISONS[1])),
        (START_S + 41, 2, ComparisonEnded(COMPARISONS[0], "promoted")),
    ]
    offset = 0
    read_to = 0
    while offset < len(bundles):
        due_s = START_S + offset * 0.25 if read_at is None or offset < read_at else START_S + SECONDS
        for sent_s, number, event in events:
            if sent_s <= due_s:
                _note(latest, board.apply_event(number, event, sent_s * 1_000_000_000))
        _note(latest, board.apply_bundle(offset, decode_bundle(bundles[offset])))
        offset += 1
        if offset > read_to and restarts():  # type: ignore[operator]
            read_to = offset + 1
            if draw.random() < 0.7:
                _keep(records, board)
                kept = offset
            else:
                kept = board_kept(records)
            board = _board(records)
            offset = kept - draw.randrange(min(kept, 5) + 1)
    return latest


def board_kept(records: dict[bytes, bytes]) -> int:
    """The first offset that these records do not include."""
    return _board(records).offsets.summaries + 1


def _board(records: dict[bytes, bytes], policy: object = None) -> Board:
    board = Board(WorkloadSettings(), HOLD_NS, 0, policy)  # type: ignore[arg-type]
    board.restore(records.items())
    return board


def _keep(records: dict[bytes, bytes], board: Board) -> None:
    for key, value in board.checkpoint():
        assert value is not None
        records[key] = value


def _note(latest: Documents, documents: list[object]) -> None:
    latest.update({document.comparison.key: encode_json(document) for document in documents})  # type: ignore[attr-defined]


def _bundles() -> Iterator[bytes]:
    services = [
        Service(name, baseline, canary, Rates(canary_only_error=broken), 60.0, seed=number)
        for number, (name, baseline, canary, broken) in enumerate(SERVICES)
    ]
    logs, metrics = reader("logs"), reader("metrics")
    roller = Roller(5_000_000_000, Limits())
    for cycle in range(SECONDS * 4):
        from_s, to_s = START_S + cycle / 4, START_S + (cycle + 1) / 4
        for service in services:
            for line in service.lines(from_s, to_s, 0.3):
                for record in logs.read(fluent_bit_line(line)[0], round(to_s * 1e9)):
                    roller.add(record)  # type: ignore[arg-type]
            if cycle % 4 == 3:
                for payload, _ in otlp_counters(service.counters(to_s)):
                    for record in metrics.read(payload, round(to_s * 1e9)):
                        roller.add(record)  # type: ignore[arg-type]
        rolled = roller.drain()
        read_to_ns = round(to_s * 1e9) - 1_000_000_000
        yield encode_bundle(
            Bundle("w", {"logs/0": read_to_ns}, {"logs": 1}, rolled.signatures, rolled.series, rolled.summaries)
        )


def test_state_of_windows_of_another_length_is_refused(bundles):
    """Promise: what was learned of windows of 5 s is not taken for that of others; state that does not say is read."""
    records: dict[bytes, bytes] = {}
    board = _board(records)
    for offset, payload in enumerate(bundles[:40]):
        board.apply_bundle(offset, decode_bundle(payload))
    _keep(records, board)
    other = Board(WorkloadSettings(window_ns=10_000_000_000), HOLD_NS, 0)
    with pytest.raises(BadPolicy, match="window-s: 10 is not allowed; what this group knows is of windows of 5 s"):
        other.restore(records.items())
    own = b"@partition/0"
    *_, length = known = msgspec.msgpack.decode(records[own])
    assert length == 5_000_000_000
    silent = Board(WorkloadSettings(window_ns=10_000_000_000), HOLD_NS, 0)
    silent.restore((records | {own: msgspec.msgpack.encode(known[:-1])}).items())
    assert silent.offsets.summaries == board.offsets.summaries


@pytest.mark.parametrize("read_at", [0, 60, 130])
def test_a_question_about_another_attempt_waits_for_its_time(bundles, read_at):
    """However early among the bundles it is read: whether both revisions are there is that of the time it was asked."""
    asked, at_ns = CompareRequest(COMPARISONS[1], again=True), (START_S + 40) * 1_000_000_000
    board, latest = _board({}), dict[str, bytes]()
    for offset, payload in enumerate(bundles):
        if offset == read_at:
            _note(latest, board.apply_event(0, asked, at_ns))
            assert latest == {} or board.low_ns >= at_ns
        _note(latest, board.apply_bundle(offset, decode_bundle(payload)))
    (document,) = map(decode_risk_document, latest.values())
    assert document.started_at is not None
    assert document.exposure.canary > 0


def test_a_question_about_another_attempt_begins_nothing_where_nobody_is(bundles):
    """A look at what was over long ago leaves its document as it is."""
    board, absent = _board({}), Comparison("", NAMESPACE, "checkout", "7d9c6b5f48", "0123456789")
    latest: Documents = {}
    _note(latest, board.apply_event(0, CompareRequest(absent, again=True), (START_S + 20) * 1_000_000_000))
    for offset, payload in enumerate(bundles):
        _note(latest, board.apply_bundle(offset, decode_bundle(payload)))
    assert latest == {}
