"""Whatever the bytes, a reader returns records and refusals or raises BadRecord; nothing good is lost."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

from streams.errors import BadPolicy, BadRecord, Reason
from streams.records.log import LogRecord
from streams.records.metric import MetricSample
from streams.shippers.faults import MAX_BATCH_BYTES, MAX_RECORD_BYTES
from streams.shippers.formats import FORMATS, reader
from streams.shippers.otlp import MAX_RECORDS
from tests.streams.shippers import golden

PLAIN = (golden.ROOT / "logs/fluent-bit/plain.json").read_bytes().rstrip()
COUNTER = (golden.ROOT / "metrics/prometheus-kafka-adapter/counter.json").read_bytes().rstrip()
OTLP = (golden.ROOT / "logs/otlp_json/plain.json").read_bytes().rstrip()
ALL = [(content, name) for content, formats in FORMATS.items() for name in formats]


def _binary() -> list[bytes]:
    """One message of protobuf of each content."""
    logs, metrics = logs_pb2.LogsData(), metrics_pb2.MetricsData()
    for data in (logs.resource_logs.add().resource, metrics.resource_metrics.add().resource):
        for key, value in (
            ("k8s.pod.name", "shop-6f87c5d5d5-x2k9p"),
            ("k8s.namespace.name", "prod"),
            ("k8s.pod.label.rollouts-pod-template-hash", "6f87c5d5d5"),
        ):
            data.attributes.add(key=key).value.string_value = value
    records = logs.resource_logs[0].scope_logs.add().log_records
    for text in ("first", "second", "third"):
        records.add(time_unix_nano=1_787_307_200_000_000_000).body.string_value = text
    scope = metrics.resource_metrics[0].scope_metrics.add()
    for name in ("first", "second"):
        scope.metrics.add(name=name).gauge.data_points.add(time_unix_nano=1_787_307_200_000_000_000, as_int=1)
    return [logs.SerializeToString(), metrics.SerializeToString()]


LOGS_BINARY, METRICS_BINARY = _binary()
SEEDS = [payload for _, _, _, payload in golden.cases()] + [LOGS_BINARY, METRICS_BINARY]


def check(content: str, format_name: str, payload: bytes) -> list[LogRecord | MetricSample | BadRecord]:
    """Read, and check what every result promises."""
    found: list[LogRecord | MetricSample | BadRecord] = []
    refused = None
    try:
        found.extend(reader(content, format_name).read(payload, golden.MESSAGE_TIME_NS))
    except BadRecord as bad:
        refused = bad
    for one in (refused,) if refused is not None else [one for one in found if isinstance(one, BadRecord)]:
        assert isinstance(one.reason, Reason)
        assert 0 < len(one.detail) <= 300
    assert (refused is None) == bool(found)
    kinds = LogRecord if content == "logs" else MetricSample
    for one in found:
        assert isinstance(one, (kinds, BadRecord))
        if not isinstance(one, BadRecord):
            assert 0 <= one.time_ns < 2**63
            assert 0 < len(one.source.revision.pod_template_hash) <= 63
            one.source.revision.workload.key.encode()
    return found


@pytest.mark.parametrize(("content", "format_name"), ALL)
@settings(max_examples=150, deadline=None)
@given(payload=st.binary(max_size=300))
def test_random_bytes(content, format_name, payload):
    """Bytes at random raise nothing but BadRecord."""
    check(content, format_name, payload)


@pytest.mark.parametrize(("content", "format_name"), ALL)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_mutations(content, format_name, seed):
    """Real messages, damaged at random, raise nothing but BadRecord."""
    rng = random.Random(seed)
    for _ in range(10):
        check(content, format_name, _damaged(rng))


HARD = (b"null", b"true", b"-1", b"1e400", b"1e308", b"[]", b"{}", b'""', b'"\xff"', b'"\\ud800"', b"9" * 5000, b"NaN")
HUGE = (b"9" * 400, b"-" + b"9" * 400, b"9" * 5000)
"""Integers that no double holds."""
HARD_TEXT = (b"[" * 2000, b'{"a":' * 400, b'"x' * 300, b"\x00", b'"0"', b'"99999999999999999999"', b'"-1"', b"[[]]")


def _damaged(rng: random.Random) -> bytes:
    payload = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(payload) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            payload[at : at + rng.randrange(20)] = b""
        elif kind == 1:
            payload[at:at] = rng.randbytes(rng.randrange(1, 5))
        elif kind == 2:
            del payload[at:]
        elif kind == 3:
            payload[at : at + 1] = rng.choice((b'"', b"{", b"}", b"[", b",", b":", b"\\"))
        elif kind == 4:
            payload = bytearray(_with_other_value(rng, bytes(payload)))
        else:
            payload += rng.choice(SEEDS)
    return bytes(payload)


def _with_other_value(rng: random.Random, payload: bytes) -> bytes:
    """The message with one JSON value exchanged."""
    starts = [i + 1 for i, byte in enumerate(payload) if byte == ord(":")]
    if not starts:
        return payload
    start = rng.choice(starts)
    ends = [i for i in range(start, len(payload)) if payload[i] in b",}]"]
    return payload[:start] + rng.choice(HARD + HARD_TEXT) + payload[ends[0] if ends else len(payload) :]


@pytest.mark.parametrize("format_name", FORMATS["metrics"])
def test_numbers_that_no_double_holds(format_name):
    """Each number of each metric message in turn, exchanged for one that is too large, raises nothing but BadRecord."""
    for payload in [payload for content, _, _, payload in golden.cases() if content == "metrics"]:
        for number in re.finditer(rb"(?<=[:\[,])-?[0-9][0-9.eE+-]*(?=[,}\]])", payload):
            for huge in HUGE:
                check("metrics", format_name, payload[: number.start()] + huge + payload[number.end() :])


def test_a_message_that_holds_more_than_anybody_writes_is_refused_whole():
    """Promise: what it comes to takes a bounded multiple of its bytes."""
    logs = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b"1," * MAX_RECORDS + b"1]}]}]}"
    metrics = metrics_pb2.MetricsData.FromString(METRICS_BINARY)
    points = metrics.resource_metrics[0].scope_metrics[0].metrics.add(name="third").summary.data_points
    for _ in range(MAX_RECORDS // 4096):
        point = points.add(time_unix_nano=1_787_307_200_000_000_000)
        for _ in range(4096):
            point.quantile_values.add()
    for content, payload in (("logs", logs), ("metrics", metrics.SerializeToString())):
        with pytest.raises(BadRecord) as refusal:
            reader(content).read(payload, golden.MESSAGE_TIME_NS)
        assert refusal.value.reason is Reason.TOO_LARGE
        assert str(MAX_RECORDS) in refusal.value.detail


KUBERNETES = PLAIN[PLAIN.index(b'"kubernetes"') :]
TABLE = {
    "empty": (b"", Reason.EMPTY),
    "blank": (b" ", Reason.NOT_JSON),
    "truncated": (PLAIN[:-30], Reason.NOT_JSON),
    "two in one": (PLAIN + PLAIN, Reason.NOT_JSON),
    "5 MB line": (PLAIN.replace(b"payment failed", b"x" * 5_000_000), Reason.TOO_LARGE),
    "10 MB": (b"{" + b" " * 10_000_000, Reason.TOO_LARGE),
    "not UTF-8 in the message": (PLAIN.replace(b"payment", b"\xff\xfe"), Reason.NOT_UTF8),
    "not UTF-8 in the pod": (PLAIN.replace(b"shop-6f", b"\xff-6f"), Reason.NOT_UTF8),
    "lone surrogate": (PLAIN.replace(b"payment", b"\\ud800aaaaaaaa"), Reason.NOT_JSON),
    "deep among unknown fields": (PLAIN[:-1] + b',"x":' + b"[" * 100_000, Reason.TOO_DEEP),
    "deep in kubernetes": (b'{"log":"a","kubernetes":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, Reason.TOO_DEEP),
    "deep in a merged message": (b'{"message":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"," + KUBERNETES, None),
    "a list": (b"[1]", Reason.UNKNOWN_FORMAT),
    "a string": (b'"payment failed"', Reason.UNKNOWN_FORMAT),
    "NaN for a time": (PLAIN.replace(b"1787307200.123456", b"NaN"), Reason.NOT_JSON),
    "huge integer for a time": (PLAIN.replace(b"1787307200.123456", b"9" * 400), Reason.BAD_TIME),
    "negative time": (PLAIN.replace(b"1787307200.123456", b"-1.5"), Reason.BAD_TIME),
    "kubernetes is a text": (b'{"log":"a","kubernetes":"a"}', Reason.WRONG_TYPE),
    "hash is a list": (PLAIN.replace(b'"6f87c5d5d5"}', b"[1]}"), Reason.BAD_HASH),
    "hash is a boolean": (PLAIN.replace(b'"6f87c5d5d5"}', b"true}"), Reason.BAD_HASH),
    "label of 10 kB": (PLAIN.replace(b'"6f87c5d5d5"}', b'"' + b"b" * 10_000 + b'"}'), Reason.BAD_HASH),
    "pod of 10 kB": (PLAIN.replace(b'"shop-', b'"' + b"s" * 10_000 + b"-"), Reason.BAD_NAME),
    "pod with a slash": (PLAIN.replace(b'"shop-', b'"a/b-'), Reason.BAD_NAME),
    "no pod": (PLAIN.replace(b'"pod_name":', b'"other":'), Reason.NO_POD),
}


@pytest.mark.parametrize("name", TABLE)
def test_hostile_lines(name):
    """A hostile line is refused with the reason that fits, in its format and detected, however often it comes."""
    payload, reason = TABLE[name]
    for one in (reader("logs", "fluent-bit"), reader("logs")):
        for _ in range(2):
            if reason is None:
                assert len(one.read(payload, golden.MESSAGE_TIME_NS)) == 1
                continue
            with pytest.raises(BadRecord) as refused:
                one.read(payload, golden.MESSAGE_TIME_NS)
            assert refused.value.reason is reason


def test_good_among_hostile():
    """Ten thousand hostile messages among good ones: each good one is read, each bad one refused."""
    one = reader("logs")
    good = bad = 0
    payloads = [payload for payload, reason in TABLE.values() if reason is not None and len(payload) < 100_000]
    for i in range(10_000):
        with pytest.raises(BadRecord):
            one.read(payloads[i % len(payloads)], golden.MESSAGE_TIME_NS)
        bad += 1
        good += len(one.read(PLAIN, golden.MESSAGE_TIME_NS))
    assert (good, bad) == (10_000, 10_000)


def test_large_batches_are_read():
    """An OTLP batch may be larger than a single record may, up to its own limit."""
    batch = json.loads(OTLP)
    records = batch["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    records *= 2 * MAX_RECORD_BYTES // len(json.dumps(records[0]))
    payload = json.dumps(batch).encode()
    assert MAX_RECORD_BYTES < len(payload) < MAX_BATCH_BYTES
    for format_name in ("auto", "otlp_json"):
        assert all(isinstance(one, LogRecord) for one in reader("logs", format_name).read(payload, 1))
    with pytest.raises(BadRecord) as refused:
        reader("logs").read(payload + b" " * MAX_BATCH_BYTES, 1)
    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("format_name", ["otlp_proto", "auto"])
def test_protobuf_with_one_bad_text(format_name):
    """In a protobuf batch with one text that is not UTF-8 all other records are read."""
    found = check("logs", format_name, LOGS_BINARY.replace(b"second", b"\xff\xfe\xfd\xff\xff\xff"))
    assert [one.message if isinstance(one, LogRecord) else one.reason for one in found] == [
        *("first", Reason.NOT_UTF8, "third")
    ]
    found = check("metrics", format_name, METRICS_BINARY.replace(b"first", b"\xff\xfe\xfd\xff\xff"))
    assert [one.series.name if isinstance(one, MetricSample) else one.reason for one in found] == [
        *(Reason.NOT_UTF8, "second")
    ]


@pytest.mark.parametrize(("content", "payload"), [("logs", LOGS_BINARY), ("metrics", METRICS_BINARY)])
def test_truncated_protobuf(content, payload):
    """A truncated protobuf message is refused as such."""
    for format_name in ("otlp_proto", "auto"):
        with pytest.raises(BadRecord) as refused:
            reader(content, format_name).read(payload[:-3], 1)
        assert refused.value.reason is Reason.NOT_PROTOBUF


def test_json_after_a_line_feed():
    """A line feed before JSON does not make it protobuf, nor a length of 123 before protobuf make it JSON."""
    assert len(reader("logs").read(b"\n" + PLAIN, 1)) == 1
    assert len(reader("metrics").read(b"\n" + COUNTER, 1)) == 1
    logs = logs_pb2.LogsData.FromString(LOGS_BINARY)
    resource = logs.resource_logs[0]
    del resource.scope_logs[0].log_records[1:]
    pods = [attribute for attribute in resource.resource.attributes if attribute.key == "k8s.pod.name"]
    pods[0].value.string_value = "x"
    del resource.resource.attributes[1:]
    resource.schema_url = "s" * (123 - len(resource.SerializeToString()) - 2)
    payload = logs.SerializeToString()
    assert payload[:2] == b"\n{"
    [refusal] = reader("logs").read(payload, 1)
    assert isinstance(refusal, BadRecord)
    assert refusal.reason is Reason.NO_HASH


def test_metrics_are_not_logs():
    """A protobuf message of metrics on a topic of logs is refused, not taken for logs, nor the other way round."""
    metrics = metrics_pb2.MetricsData.FromString(METRICS_BINARY)
    for metric in metrics.resource_metrics[0].scope_metrics[0].metrics:
        metric.gauge.data_points[0].Clear()
        metric.gauge.data_points[0].as_int = 1  # reads as a text, hence as the body of a log record
    found = reader("logs").read(metrics.SerializeToString(), 1)
    assert [one.reason for one in found if isinstance(one, BadRecord)] == [Reason.UNKNOWN_FORMAT] * 2
    assert not [one for one in reader("metrics").read(LOGS_BINARY, 1) if isinstance(one, MetricSample)]


def test_refusals_gather_no_tracebacks():
    """A container without a hash is refused anew each time, at constant memory."""
    one = reader("logs", "fluent-bit")
    raised = []
    for _ in range(2):
        with pytest.raises(BadRecord) as refused:
            one.read(PLAIN.replace(b"rollouts-pod-template-hash", b"other"), 1)
        raised.append(refused.value)
    assert raised[0] is not raised[1]


@pytest.mark.parametrize(("content", "format_name"), [("logs", "gelf"), ("metrics", "fluent-bit"), ("traces", "auto")])
def test_unknown_formats_stop_at_start(content, format_name):
    """A format or content that is none is the operator's fault, and the message says what is allowed."""
    with pytest.raises(BadPolicy, match=r"one of .*(otlp_json|logs)"):
        reader(content, format_name)


def test_a_line_with_an_otlp_field():
    """An application's own field `resourceLogs` does not make a line OTLP, be its container known or not."""
    one = reader("logs")
    payload = PLAIN[:-1] + b',"resourceLogs":[]}'
    assert [len(one.read(payload, 1)) for _ in range(2)] == [1, 1]
