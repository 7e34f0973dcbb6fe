"""Each workload's deltas reach its partition, in messages the broker takes, and nothing is lost on the way."""

from __future__ import annotations

import msgspec

from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.records.metric import Kind, MetricSample, Series
from streams.windows.roller import Roller
from streams.windows.summary import Limits, Summary, merge
from topology.codecs import decode_bundle
from topology.ingest import bundles as module
from topology.ingest.bundles import bundles
from topology.topics import partition_of

WINDOW_NS = 5_000_000_000


def rolled(workloads, pods, lines):
    """A transaction's worth of distinct lines."""
    roller = Roller(WINDOW_NS, Limits())
    letters = "abcdefghijklmnop"
    for workload in range(workloads):
        revision = Revision(Workload("", "prod", f"shop-{workload}"), "6f87c5d5d5")
        for pod in range(pods):
            for line in range(lines):
                text = f"{letters[line % 16]}{letters[line // 16 % 16]} happened"
                roller.add(LogRecord(Source(revision, f"p{pod}"), 0, text))
    return roller.drain()


def _unheard():
    raise AssertionError("nothing here is too long for a message")


def decoded(result, partitions=4):
    """(partition, bundle) of all messages."""
    return [
        (number, decode_bundle(payload))
        for number, payload in bundles(result, partitions, "w", {"logs/0": 7}, {"logs": 1}, WINDOW_NS, _unheard)
    ]


def test_every_partition_hears_the_reports_once():
    """Promise: each partition gets exactly one report a transaction, also where it has no workload: a heartbeat."""
    messages = decoded(rolled(0, 0, 0))
    assert [number for number, bundle in messages if bundle.reports] == [0, 1, 2, 3]


def test_bundles_say_how_long_their_windows_are():
    """Promise: a scorer of other windows can tell that they are not his; one that does not say is taken, as before."""
    for _, bundle in decoded(rolled(1, 1, 1)):
        assert bundle.fits(WINDOW_NS)
        assert not bundle.fits(2 * WINDOW_NS)
        assert decode_bundle(msgspec.msgpack.encode(msgspec.to_builtins(bundle)[:-1])).fits(2 * WINDOW_NS)


def test_a_workload_lives_in_one_partition():
    """Promise: all deltas of a workload go where its key says."""
    for number, bundle in decoded(rolled(20, 1, 2)):
        for summary in bundle.summaries:
            assert partition_of(summary.revision.workload, 4) == number


def test_what_is_too_long_goes_in_parts_that_merge_to_the_whole(monkeypatch):
    """Promise: a transaction of any size fits the broker's messages; the parts merge to what was counted."""
    monkeypatch.setattr(module, "MAX_MESSAGE_BYTES", 3_000)
    result = rolled(3, 8, 40)
    messages = decoded(result)
    assert len(messages) > 4
    for expected in result.summaries:
        whole = Summary(expected.revision, expected.start_ns)
        for _, bundle in messages:
            for summary in bundle.summaries:
                if summary.revision == expected.revision:
                    assert {n for pod in summary.pods.values() for n in pod.lines} <= bundle.signatures.keys()
                    merge(whole, summary)
        assert whole == expected
    for number in range(4):
        reports = [bundle.reports for partition, bundle in messages if partition == number]
        assert [bool(report) for report in reports] == [False] * (len(reports) - 1) + [True]


def test_one_pod_that_says_too_much_goes_in_parts_too(monkeypatch):
    """Promise: whatever one pod sends, no message is longer than Kafka takes, or it would be read again for ever."""
    monkeypatch.setattr(module, "MAX_MESSAGE_BYTES", 1_000)
    roller, source = Roller(WINDOW_NS, Limits()), Source(Revision(Workload("", "prod", "shop"), "6f8"), "p")
    for number in range(60):
        roller.add(
            LogRecord(source, 0, f"ERROR {chr(97 + number // 26)}{chr(97 + number % 26)} trace_id={number:032x}")
        )
        roller.add(MetricSample(source, number, Series(f"gauge_{number}"), Kind.GAUGE, 1.0))
        roller.add(MetricSample(source, 2**60 + number, Series("scraped_often"), Kind.CUMULATIVE, 1.0))
    result = roller.drain()
    whole = {summary.start_ns: Summary(summary.revision, summary.start_ns) for summary in result.summaries}
    for _, payload in bundles(result, 1, "w", {"logs/0": 7}, {"logs": 1}, WINDOW_NS, _unheard):
        assert len(payload) <= 1_500  # of one excerpt, or the ids of the least traces
        bundle = decode_bundle(payload)
        for summary in bundle.summaries:
            merge(whole[summary.start_ns], summary)
            assert {n for pod in summary.pods.values() for n in pod.signatures()} <= bundle.signatures.keys()
            assert {n for pod in summary.pods.values() for n in pod.series()} <= bundle.series.keys()
    assert list(whole.values()) == result.summaries


def test_a_sample_that_no_message_holds_is_left_out_and_told(monkeypatch, caplog):
    """Promise: it is not refused and read again for ever, and nothing beside it is lost."""
    monkeypatch.setattr(module, "MAX_MESSAGE_BYTES", 1_000)
    monkeypatch.setattr(module, "LARGEST_VALUE_BYTES", 2_000)
    roller, source = Roller(WINDOW_NS, Limits()), Source(Revision(Workload("", "prod", "shop"), "6f8"), "p")
    for name in ("a", "h" * 3_000, "z"):
        roller.add(MetricSample(source, 7, Series(name), Kind.GAUGE, 1.0))
    told = []
    messages = list(bundles(roller.drain(), 1, "w", {"logs/0": 7}, {"logs": 1}, WINDOW_NS, lambda: told.append(1)))
    arrived = [decode_bundle(payload) for _, payload in messages]
    assert max(len(payload) for _, payload in messages) <= 1_000
    assert {one.name for bundle in arrived for one in bundle.series.values()} == {"a", "z"}
    assert sum(summary.records for bundle in arrived for summary in bundle.summaries) == 3
    assert [bool(bundle.reports) for bundle in arrived] == [False] * (len(arrived) - 1) + [True]
    assert told == [1]
    assert "h" * 80 in caplog.text
    assert "h" * 81 not in caplog.text
