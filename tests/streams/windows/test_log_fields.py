"""Fields of JSON lines: what is read, what is refused and counted, and that no split of the lines shows."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.errors import BadPolicy
from streams.records.histogram import Histogram
from streams.records.identity import Source
from streams.records.log import LogRecord, Piece
from streams.records.metric import Kind, MetricSample, Series
from streams.shippers.formats import reader
from streams.windows.log_fields import MAX_FIELDS, LogField, LogFields
from streams.windows.roller import Roller
from streams.windows.summary import Limits, PodSummary, Summary, merge, series_id
from tests.streams.shippers import golden
from tests.streams.windows.test_summary import REVISION, WINDOW_NS, canonical

NAMES = ("took_ms:ms", "status=5*", "http.response.status=503", "cached=true")
SOURCE = Source(REVISION, "p")


def read(*lines, fields=NAMES, beside=None):
    """Values of the first field, field -> (lines that hold its value, lines that hold another), what was not read."""
    made, pod, values = LogFields([LogField.parse(text) for text in fields]), PodSummary(), {}
    for line in lines:
        made.read(line, pod, values, beside)
    counts = {}
    for text in fields:
        field = LogField.parse(text)
        if field.value is not None:
            held, other = (pod.increases.get(series_id(one), 0) for one in field.series)
            if held or other:
                counts[text] = (held, other)
    return values.get(series_id(LogField.parse(fields[0]).series[0]), []), counts, made.unread


@pytest.mark.parametrize(
    ("line", "values", "counts", "unread"),
    [
        ('{"took_ms":12.5,"status":503}', [12.5], {"status=5*": (1, 0)}, {}),
        ('{"took_ms":"12.5","status":"503"}', [12.5], {"status=5*": (1, 0)}, {}),
        ('{"took_ms":-3e2,"status":"ok"}', [-300.0], {"status=5*": (0, 1)}, {}),
        ('{"took_ms":0}', [0], {}, {}),
        ('{"took_ms":null,"status":null}', [], {}, {}),
        ('{"took_ms":1,"took_ms":2}', [2], {}, {}),
        ('{"msg":"{\\"took_ms\\":1}"}', [], {}, {}),
        ('{"inner":{"took_ms":1}}', [], {}, {}),
        ('{"http":{"response":{"status":503}}}', [], {"http.response.status=503": (1, 0)}, {}),
        ('{"http.response.status":"503","http":{}}', [], {"http.response.status=503": (1, 0)}, {}),
        ('{"http":{"response":503}}', [], {}, {}),
        ('{"http":{"response":{"status":404}}}', [], {"http.response.status=503": (0, 1)}, {}),
        ('{"cached":true}', [], {"cached=true": (1, 0)}, {}),
        ('{"cached":[true]}', [], {}, {"no_text": 1}),
        ('{"took_ms":true,"status":500}', [], {"status=5*": (1, 0)}, {"no_number": 1}),
        ('{"took_ms":{}}', [], {}, {"no_number": 1}),
        ('{"took_ms":"12ms"}', [], {}, {"no_number": 1}),
        ('{"took_ms":"1_0"}', [], {}, {"no_number": 1}),
        ('{"took_ms":"٣"}', [], {}, {"no_number": 1}),
        (f'{{"took_ms":"{"9" * 10_000}"}}', [], {}, {"no_number": 1}),
        ('{"took_ms":"1e999"}', [], {}, {"out_of_range": 1}),
        ('{"took_ms":1e16}', [], {}, {"out_of_range": 1}),
        ('{"took_ms":1e400}', [], {}, {"out_of_range": 1}),
        ('{"took_ms":NaN}', [], {}, {"no_json": 1}),
        ('{"took_ms":12', [], {}, {"no_json": 1}),
        ('{"status":"\\ud800"}', [], {}, {"no_json": 1}),
        ('{"status":"\ud800"}', [], {}, {"no_json": 1}),
        (f'{{"a":{"[" * 60_000}', [], {}, {"no_json": 1}),
        (f'{{"took_ms":1,"a":"{"x" * 70_000}"}}', [], {}, {"too_long": 1}),
        ('took_ms=12 {"took_ms":12}', [], {}, {}),
        ("", [], {}, {}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_golden_lines(line, values, counts, unread):
    """Promise: numbers and texts as they are meant, nothing of another type, and what is left out is counted."""
    assert read(line) == (values, counts, unread)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=9))
def test_no_line_stops_it(text, value):
    """Promise: whatever stands in a line or a field is read or counted."""
    lines = ["{" + text, json.dumps({"took_ms": value, "status": value})]
    values, counts, unread = read(*lines)
    assert len(values) <= 1
    assert len(values) + sum(map(sum, counts.values())) + sum(unread.values()) <= 4


values = st.one_of(
    *(st.sampled_from(each) for each in ([0.1, 0.7, 1e14, -3e-5], ["7", "x", None, True])),
    st.floats(),
    st.integers(-(10**18), 10**18),
)
entries = st.fixed_dictionaries({}, optional={"took_ms": values, "status": st.sampled_from([200, 503, "500", None])})
records = st.builds(
    LogRecord,
    st.sampled_from([SOURCE, Source(REVISION, "q")]),
    st.integers(0, 9).map(lambda n: n * WINDOW_NS // 5),
    st.one_of(entries.map(json.dumps), st.just("INFO ready")),
)


def rolled(run, one_by_one=False):
    """One transaction: its summaries, series and what was not read."""
    made = Roller(WINDOW_NS, Limits(), log_fields=[LogField.parse(text) for text in NAMES])
    if one_by_one:
        for record in run:
            made.add(record)
    else:
        made.add_all(run)
    return made.drain()


def whole(parts):
    """All summaries of these transactions by window."""
    found = {}
    for part in parts:
        for summary in part.summaries:
            key = summary.revision, summary.start_ns
            merge(found.setdefault(key, Summary(*key)), summary)
    for summary in found.values():
        for pod in summary.pods.values():
            pod.excerpts.clear()
    return {key: canonical(summary) for key, summary in found.items()}


@settings(max_examples=150, deadline=None)
@given(st.lists(records, max_size=40), st.integers(0, 2**32), st.integers(1, 5))
@example([LogRecord(SOURCE, 0, f'{{"took_ms":{value}}}') for value in (1e14, *[0.1] * 9)], 1, 3)
def test_any_split_gives_the_same_to_the_bit(run, seed, parts):
    """Promise: how lines are spread over transactions, and in which order they come, changes no summary."""
    draw, shuffled = random.Random(seed), list(run)
    draw.shuffle(shuffled)
    split = [rolled(shuffled[part::parts], one_by_one=part % 2 == 1) for part in range(parts)]
    draw.shuffle(split)
    expected = rolled(run)
    assert whole(split) == whole([expected])
    unread = {}
    for part in split:
        for reason, number in part.unread_fields.items():
            unread[reason] = unread.get(reason, 0) + number
    assert unread == expected.unread_fields


def test_a_metric_of_the_name_of_a_field_counts_as_well():
    """Promise: neither takes the other's place, whichever transaction they come in."""
    line = LogRecord(SOURCE, 0, '{"took_ms":12}')
    sample = MetricSample(SOURCE, 0, LogField.parse("took_ms:ms").series[0], Kind.DELTA, Histogram(5, 3, 0.0, 3))
    together = rolled([line, sample])
    assert whole([together]) == whole([rolled([line]), rolled([sample])])
    ((_, pod),) = together.summaries[0].pods.items()
    assert [each.count for each in pod.histogram_increases.values()] == [4]


def test_only_what_is_named_is_read():
    """Promise: without names a summary holds lines alone; with them the series are told with it, each time."""
    line = LogRecord(SOURCE, 0, '{"took_ms":3,"status":200}')
    plain = Roller(WINDOW_NS, Limits())
    plain.add_all([line])
    assert plain.drain().series == {}
    made = Roller(WINDOW_NS, Limits(), log_fields=[LogField.parse("took_ms:ms")])
    for _ in range(2):
        made.add_all([line])
        assert list(made.drain().series.values()) == [Series("log.field.took_ms", (), "ms")]


def test_the_rest_of_a_line_that_was_cut_is_not_read():
    """Promise: a line that the runtime has cut is none that can be read, and its rest is no line."""
    made = Roller(WINDOW_NS, Limits(), log_fields=[LogField.parse("took_ms")])
    made.add_all([Piece(SOURCE, 0, '{"took_ms":3,"text":"'), LogRecord(SOURCE, 1, '{"took_ms":4}"}')], "logs-0")
    found = made.drain()
    assert (found.series, found.unread_fields) == ({}, {"no_json": 1})


def test_a_window_holds_a_bounded_number_of_buckets():
    """Promise: of lines that are never the same, 5,200 buckets of one field at most."""
    draw = random.Random(1)
    lines = [
        LogRecord(SOURCE, 0, json.dumps({"took_ms": draw.choice((-1, 1)) * 10 ** draw.uniform(-320, 20)}))
        for _ in range(40_000)
    ]
    (summary,) = rolled(lines).summaries
    (histogram,) = summary.pods["p"].histogram_increases.values()
    assert len(histogram.positive) + len(histogram.negative) <= 5_200
    assert histogram.count + rolled(lines).unread_fields["out_of_range"] == len(lines)


@pytest.mark.parametrize(
    "names", [["a b"], ["a:"], ["a=b=c"], ["a=*"], ["x" * 65], ["a", "a"], [f"f{n}" for n in range(MAX_FIELDS + 1)]]
)
def test_what_cannot_be_named_is_refused(names):
    """Promise: at once, with what is allowed."""
    with pytest.raises(BadPolicy, match="log-fields"):
        LogFields([LogField.parse(name) for name in names])


TAKEN_OUT = [
    pytest.param(format_name, payload, id=f"{format_name}-{case}")
    for content, format_name, case, payload in golden.cases()
    if content == "logs" and case.endswith("-fields")
]


@pytest.mark.parametrize("detected", [False, True])
@pytest.mark.parametrize(("format_name", "payload"), TAKEN_OUT)
def test_what_a_shipper_has_taken_out_of_the_line_is_read(format_name, payload, detected):
    """Promise: wherever it has put the fields, and only where somebody asked for them."""
    made = Roller(WINDOW_NS, Limits(), log_fields=[LogField.parse(text) for text in NAMES])
    name = "auto" if detected else format_name
    kept = reader("logs", name, keep_fields=True).read_all([payload] * 3, lambda _: golden.MESSAGE_TIME_NS)
    made.add_all(kept)
    found = made.drain()
    ((pod,),) = (summary.pods.values() for summary in found.summaries)
    ((histogram,),) = (list(pod.histogram_increases.values()),)
    assert (histogram.count, list(pod.increases.values()), found.unread_fields) == (3, [3.0], {})
    (plain,) = reader("logs", name).read(payload, golden.MESSAGE_TIME_NS)
    assert type(plain) is LogRecord


@pytest.mark.parametrize(
    ("line", "beside", "values", "counts", "unread"),
    [
        ("done", b'{"took_ms":3,"status":200}', [3], {"status=5*": (0, 1)}, {}),
        ('{"took_ms":1}', b'{"took_ms":3,"status":500}', [1], {"status=5*": (1, 0)}, {}),
        ("done", b'{"took_ms":3,"json":{"took_ms":4}}', [3], {}, {}),
        ("done", b'{"json":{"took_ms":4},"log":{"took_ms":5}}', [4], {}, {}),
        ("done", b'{"json":[4],"log":"took_ms"}', [], {}, {}),
        ("done", {"took_ms": 3, "http.response.status": 503}, [3], {"http.response.status=503": (1, 0)}, {}),
        ("done", {"took_ms": b"3", "status": b"5"}, [], {}, {"no_number": 1, "no_text": 1}),
        ("done", b'{"took_ms":1e999}', [], {}, {"out_of_range": 1}),
        ("done", b'{"took_ms"', [], {}, {"no_json": 1}),
        ("done", b'{"a":"' + b"x" * 70_000 + b'"}', [], {}, {"too_long": 1}),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_golden_fields_beside_a_line(line, beside, values, counts, unread):
    """Promise: the line itself first, then what stands beside it; what is left out is counted."""
    assert read(line, beside=beside) == (values, counts, unread)
