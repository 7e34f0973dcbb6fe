"""Summaries merge in any order and grouping, to the bit, also where they are trimmed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.records.histogram import Histogram
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord, Severity
from streams.records.metric import Kind, MetricSample, Series
from streams.windows.correlation import trace_number
from streams.windows.roller import Roller
from streams.windows.summary import MOST_ALIKE, Bundle, Limits, Summary, merge, merge_states, trim
from topology.codecs import decode_bundle, encode_bundle

WINDOW_NS = 5_000_000_000
REVISION = Revision(Workload("", "prod", "shop"), "6f87c5d5d5")
LIMITS = Limits(signatures=5, series=5, traces=6)

sources = st.builds(Source, st.just(REVISION), st.sampled_from([f"shop-6f87c5d5d5-{n}" for n in range(5)]))
times = st.integers(0, WINDOW_NS - 1)
lines = st.builds(
    LogRecord,
    sources,
    times,
    st.sampled_from([f"word{letter} happened {n} times" for letter in "abcdefgh" for n in (1, 22)]),
    st.sampled_from([Severity.UNSET, Severity.INFO, Severity.ERROR]),
    st.sampled_from([None, *(f"{spelt}{number}" for number in range(24) for spelt in ("trace", "Trace"))]),
)
series = st.builds(Series, st.sampled_from(["a", "b", "c", "d", "e"]))
numbers = st.integers(0, 10**12).map(lambda thousandths: thousandths / 1000)  # sums of which are rounded
histograms = st.builds(
    Histogram,
    st.integers(0, 3),
    st.integers(0, 50),
    numbers,
    st.integers(0, 3),
    st.dictionaries(st.integers(-8, 8), st.integers(1, 9), max_size=3),
)
samples = st.one_of(
    st.builds(MetricSample, sources, times, series, st.sampled_from(list(Kind)), numbers, st.integers(0, 2)),
    st.builds(
        MetricSample,
        sources,
        times,
        series,
        st.sampled_from([Kind.CUMULATIVE, Kind.DELTA]),
        histograms,
        st.integers(0, 2),
    ),
)
sums = st.builds(
    MetricSample,
    st.just(Source(REVISION, "shop-6f87c5d5d5-0")),
    times,
    st.just(Series("a")),
    st.just(Kind.DELTA),
    st.one_of(numbers, histograms),
)
"""All of one series."""


def rolled(records):
    """One transaction's only summary of these records, untrimmed; None if there are none."""
    roller = Roller(WINDOW_NS, Limits(signatures=10**6, series=10**6, traces=10**6))
    for record in records:
        roller.add(record)
    result = roller.drain()
    for summary in result.summaries:
        for pod in summary.pods.values():
            pod.excerpts.clear()  # shown, never counted: see test_excerpts
    return (result.summaries[0] if result.summaries else None), result.signatures


def merged(parts, severity, limits=LIMITS):
    """All parts in one, trimmed after each, as the scorer does."""
    whole = Summary(REVISION, 0)
    for part in parts:
        merge(whole, part)
        trim(whole, limits, severity)
    return whole


def canonical(summary):
    """The summary without the order of its dictionaries."""

    def ordered(value):
        if isinstance(value, dict):
            return sorted((key, ordered(each)) for key, each in value.items())
        if isinstance(value, Histogram):
            return tuple(ordered(getattr(value, field)) for field in value.__struct_fields__)
        if hasattr(value, "__struct_fields__"):
            return [ordered(getattr(value, field)) for field in value.__struct_fields__]
        return value

    return ordered(summary)


def split(records, seed, parts):
    """Deltas of so many transactions merged in some order, and the same of one."""
    draw = random.Random(seed)
    whole, signatures = rolled(records)

    def severity(number):
        return int(signatures[number].severity) if signatures[number].severity >= Severity.WARN else 0

    shuffled = list(records)
    draw.shuffle(shuffled)
    piles = [shuffled[n::parts] for n in range(parts)]
    deltas = [summary for summary, _ in map(rolled, piles) if summary is not None]
    for delta in deltas:
        trim(delta, LIMITS, severity)
    draw.shuffle(deltas)
    return canonical(merged(deltas, severity)), canonical(merged([whole], severity))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(lines, samples), min_size=1, max_size=60), st.integers(0, 2**32), st.integers(1, 6))
def test_any_split_of_records_over_transactions_merges_to_the_same(records, seed, parts):
    """Promise: how records were spread over workers and transactions, and the order of deltas, changes no bit."""
    several, one = split(records, seed, parts)
    assert several == one


@pytest.mark.parametrize("other", [{"zero_count": 1}, {"negative": {3: 1}}])
def test_of_two_states_of_a_histogram_at_one_time_the_same_stays_whichever_came_first(other):
    """However little they differ in."""
    states = [(0, Histogram(0, 1, 0.0)), (0, Histogram(0, 1, 0.0, **other))]
    first, second = {7: states[0]}, {7: states[1]}
    merge_states(first, {7: states[1]})
    merge_states(second, {7: states[0]})
    assert first == second


@settings(max_examples=50, deadline=None)
@given(st.lists(sums, min_size=8, max_size=20), st.integers(0, 2**32), st.integers(1, 6))
def test_sums_are_the_same_in_any_order(records, seed, parts):
    """Promise: to the bit, of numbers of which binary sums are rounded."""
    several, one = split(records, seed, parts)
    assert several == one


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(lines, samples), min_size=1, max_size=40))
def test_nothing_is_lost_by_trimming(records):
    """Promise: what finds no place is counted as other; the number of records never changes."""
    whole, _ = rolled(records)
    trimmed = merged([whole], lambda _: 0)
    kept = sum(count for pod in trimmed.pods.values() for count in pod.lines.values())
    assert trimmed.records == len(records)
    assert kept + trimmed.other_lines == sum(isinstance(record, LogRecord) for record in records)
    assert sum(len(pod.lines) for pod in trimmed.pods.values()) <= LIMITS.signatures
    assert sum(len(set(pod.series())) for pod in trimmed.pods.values()) <= LIMITS.series
    assert sum(len(set(ids)) for pod in trimmed.pods.values() for ids in pod.traces.values()) <= LIMITS.traces


def test_traces_hold_the_signatures_of_their_lines():
    """Promise: by the id of the record, else of the text; a line without an id belongs to none."""
    source = Source(REVISION, "shop-6f87c5d5d5-0")
    records = [
        LogRecord(source, 0, "INFO begin", trace_id="req-1"),
        LogRecord(source, 1, "ERROR failed requestId=req-1"),
        LogRecord(source, 2, "ERROR failed requestId=req-2"),
        LogRecord(source, 3, "INFO tick 1"),
    ]
    whole, signatures = rolled(records)
    texts = {
        trace: sorted(signatures[number].text for number in ids) for trace, ids in whole.pods[source.pod].traces.items()
    }
    assert texts == {
        trace_number("req-1"): ["ERROR failed requestId=<*>", "INFO begin"],
        trace_number("req-2"): ["ERROR failed requestId=<*>"],
    }


def test_traces_say_how_often_a_line_was_logged():
    """Promise: up to a number, however its lines were spread over transactions."""
    source = Source(REVISION, "shop-6f87c5d5d5-0")
    records = [LogRecord(source, n, f"INFO part {n} of 7", trace_id="req-1") for n in range(7)]
    (ids,) = rolled(records)[0].pods[source.pod].traces.values()
    assert len(ids) == MOST_ALIKE
    assert len(set(ids)) == 1
    for seed in range(5):
        several, one = split([*records[:MOST_ALIKE], LogRecord(source, 9, "INFO end", trace_id="req-1")], seed, 3)
        assert several == one


def test_of_too_many_traces_the_errors_stay():
    """Promise: an error's trace is kept before any other, and it is said below which number traces are whole."""
    source = Source(REVISION, "shop-6f87c5d5d5-0")
    flood = [LogRecord(source, 0, f"fine requestId=r{n}") for n in range(50)]
    whole, signatures = rolled([*flood, LogRecord(source, 0, "ERROR failed requestId=bad1")])
    assert whole.traces_from is None
    trim(whole, LIMITS, lambda number: int(signatures[number].severity))
    kept = whole.pods[source.pod].traces
    assert trace_number("bad1") in kept
    assert len(kept) == LIMITS.traces
    assert all(number < whole.traces_from for number in kept if number != trace_number("bad1"))


def test_traces_trimmed_in_parts_are_those_trimmed_as_a_whole():
    """Promise: which traces stay, and below which number they are whole, does not depend on how lines were spread."""
    source = Source(REVISION, "shop-6f87c5d5d5-0")
    for seed in range(20):
        draw = random.Random(seed)
        records = [
            LogRecord(source, n, draw.choice(["ERROR failed", "fine"]), trace_id=f"t{draw.randrange(60)}")
            for n in range(80)
        ]
        whole, signatures = rolled(records)

        def severity(number, signatures=signatures):
            return int(signatures[number].severity) if signatures[number].severity >= Severity.WARN else 0

        limits = Limits(traces=draw.randrange(10, 60))
        deltas = [rolled(records[n::4])[0] for n in range(4)]
        for delta in deltas:
            trim(delta, limits, severity)
        assert canonical(merged(deltas, severity, limits)) == canonical(merged([whole], severity, limits))


def test_errors_are_kept_before_anything_else():
    """Promise: a flood of distinct harmless lines does not push an error out."""
    source = Source(REVISION, "shop-6f87c5d5d5-0")
    letters = "abcdefghij"
    flood = [LogRecord(source, 0, f"{x}{y}{z} is fine") for x in letters for y in letters for z in letters]
    whole, signatures = rolled([*flood, LogRecord(source, 0, "ERROR the one that matters")])
    trim(whole, Limits(signatures=10), lambda number: int(signatures[number].severity))
    kept = [signatures[number].text for number in whole.pods[source.pod].lines]
    assert "ERROR the one that matters" in kept
    assert whole.other_lines == 991


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(lines, samples), min_size=1, max_size=30))
def test_a_bundle_survives_the_wire(records):
    """Promise: what score reads is what ingest wrote."""
    roller = Roller(WINDOW_NS, Limits())
    for record in records:
        roller.add(record)
    result = roller.drain()
    bundle = Bundle("w", {"t/0": 5}, {"t": 1}, result.signatures, result.series, result.summaries)
    assert decode_bundle(encode_bundle(bundle)) == bundle
