"""What is written as a line is what is read back; what is no record says why."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadRecord, Reason
from streams.records.histogram import LARGEST_COUNT, Histogram, from_explicit_bounds
from streams.records.identity import Revision, Source, Workload
from streams.records.log import Fielded, LogRecord, Piece, Severity
from streams.records.metric import Kind, MetricSample, Series
from topology.recording.lines import line_of, log_record, metric_sample

names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
times = st.integers(0, 4 * 10**18)
finite = st.floats(allow_nan=False, allow_infinity=False)
sources = st.builds(
    Source,
    st.builds(Revision, st.builds(Workload, st.one_of(st.just(""), names), names, names), names),
    names,
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
log_records = st.builds(
    LogRecord, sources, times, texts, st.sampled_from(Severity), st.one_of(st.none(), st.just("4bf92f3577b34da6"))
)
fielded = st.builds(
    Fielded,
    sources,
    times,
    texts,
    fields=st.dictionaries(names, st.one_of(st.integers(-(2**53), 2**53), finite, texts, st.booleans()), min_size=1),
)
series = st.builds(
    Series,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    st.dictionaries(names, texts, max_size=3).map(lambda given: tuple(sorted(given.items()))),
    st.sampled_from(["", "s", "By"]),
)
buckets = st.dictionaries(st.integers(-1000, 1000), st.integers(0, 2**40), max_size=5)
histograms = st.builds(
    Histogram, st.integers(-10, 20), st.integers(0, LARGEST_COUNT), finite, st.integers(0, 2**40), buckets, buckets
)
samples = st.one_of(
    st.builds(MetricSample, sources, times, series, st.just(Kind.GAUGE), finite),
    st.builds(
        MetricSample,
        sources,
        times,
        series,
        st.sampled_from([Kind.CUMULATIVE, Kind.DELTA]),
        st.one_of(st.floats(0, 1e300), histograms),
        times,
    ),
)


@given(st.one_of(log_records, fielded, st.builds(Piece, sources, times, texts)))
def test_a_log_record_is_read_back_as_it_was(record):
    """Promise: to the bit, whatever the text."""
    line = line_of(record, "a-case")
    assert b"\n" not in line
    assert json.loads(line)["case"] == "a-case"
    assert log_record(line) == record


@given(samples)
def test_a_sample_is_read_back_as_it_was(sample):
    """Promise: to the bit, whatever its kind; an exponential histogram too."""
    assert metric_sample(line_of(sample, "a-case")) == sample


def line(**more):
    """The least line of a metric, and more."""
    least = {"ts": "2026-08-21T10:00:00Z", "namespace": "n", "workload": "w", "pod": "p", "pod_template_hash": "h"}
    return json.dumps({**least, "name": "m", **more}).encode()


def test_a_line_with_just_a_value_is_a_gauge():
    """Promise: the shortest form means the level of a gauge, without attributes and unit."""
    sample = metric_sample(line(value=1))
    assert (sample.kind, sample.value, sample.series) == (Kind.GAUGE, 1.0, Series("m"))


def test_explicit_bounds_become_a_histogram():
    """Promise: counts per bucket, one more than there are bounds."""
    sample = metric_sample(line(kind="delta", histogram={"bounds": [0.1, 1], "counts": [3, 2, 1], "sum": 2.5}))
    assert sample.value == from_explicit_bounds([0.1, 1], [3, 2, 1], 2.5)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", Reason.NOT_JSON),
        (b'{"x": ' + b"[" * 100_000, Reason.TOO_DEEP),
        (b'{"ts": "\xff"}', Reason.NOT_JSON),
        (line(value="x"), Reason.WRONG_TYPE),
        (line(), Reason.NO_VALUE),
        (line(value=None), Reason.NO_VALUE),
        (line(value=1, ts="yesterday"), Reason.BAD_TIME),
        (line(value=1, kind="meter"), Reason.WRONG_TYPE),
        (line(value=1, pod=""), Reason.BAD_NAME),
        (line(value=1, workload="a/b"), Reason.BAD_NAME),
        (line(value=1, name=""), Reason.BAD_NAME),
        (line(value=-1, kind="cumulative"), Reason.BAD_VALUE),
        (line(value=1, histogram={"bounds": [], "counts": [1]}), Reason.BAD_VALUE),
        (line(histogram={"bounds": [], "counts": [1]}), Reason.BAD_VALUE),
        (line(kind="delta", histogram={"bounds": [2, 1], "counts": [1, 1, 1]}), Reason.BAD_VALUE),
        (line(kind="delta", histogram={"bounds": [1], "counts": [1]}), Reason.BAD_VALUE),
        (line(kind="delta", histogram={"bounds": [1], "counts": [-1, 1]}), Reason.BAD_VALUE),
        (line(kind="delta", histogram={"scale": 99, "count": 1}), Reason.BAD_VALUE),
        (line(kind="delta", histogram={"scale": 1, "count": -1}), Reason.BAD_VALUE),
        (line(kind="delta", histogram=3), Reason.WRONG_TYPE),
    ],
)
def test_what_is_no_sample_says_why(bad, reason):
    """Promise: a typed fault, never another exception."""
    with pytest.raises(BadRecord) as raised:
        metric_sample(bad)
    assert raised.value.reason in {reason, Reason.NOT_UTF8 if reason is Reason.NOT_JSON else reason}


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(payload):
    """Promise: whatever stands in a file, a line is a record or a BadRecord."""
    for parse in (log_record, metric_sample):
        with pytest.raises(BadRecord):
            parse(payload)
