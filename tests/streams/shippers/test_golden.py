"""What shippers send becomes the records written beside it, in a fixed format and detected."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

from streams.errors import BadRecord
from streams.shippers.formats import FORMATS, reader
from tests.streams.shippers import golden

CASES = [pytest.param(*case, id="-".join(case[:3])) for case in golden.cases()]
BEYOND_PROTOBUF = {"one-bad-among-good"}
"""What JSON can say and protobuf cannot."""


@pytest.mark.parametrize(("content", "format_name", "case", "payload"), CASES)
def test_fixed_format(content, format_name, case, payload):
    """In its format, a message becomes the expected records and refusals."""
    assert golden.read(reader(content, format_name), payload) == golden.expected(content, format_name, case)


@pytest.mark.parametrize(("content", "format_name", "case", "payload"), CASES)
def test_detected(content, format_name, case, payload):
    """Detected, it becomes the same."""
    assert golden.read(reader(content), payload) == golden.expected(content, format_name, case)


@pytest.mark.parametrize(("content", "format_name", "case", "payload"), CASES)
def test_formats_are_disjoint(content, format_name, case, payload):
    """A message that one format takes is taken by no other."""
    del case
    for other in FORMATS[content]:
        if other not in {format_name, "auto"}:
            assert {"message_refused"} == {
                key for record in golden.read(reader(content, other), payload) for key in record
            }


def test_detection_has_no_memory():
    """What a message becomes does not depend on the messages before it."""
    for content in FORMATS:
        messages = [case for case in golden.cases() if case[0] == content]
        one = reader(content)
        for _, format_name, case, payload in messages + messages[::-1]:
            assert golden.read(one, payload) == golden.expected(content, format_name, case), case


@pytest.mark.parametrize(
    ("content", "case", "payload"),
    [
        pytest.param(content, case, payload, id=f"{content}-{case}")
        for content, format_name, case, payload in golden.cases()
        if format_name == "otlp_json" and case not in BEYOND_PROTOBUF
    ],
)
@pytest.mark.parametrize("format_name", ["otlp_proto", "auto"])
def test_protobuf_is_as_json(content, case, payload, format_name):
    """An OTLP message in protobuf becomes the same records as in JSON."""
    message = logs_pb2.LogsData() if content == "logs" else metrics_pb2.MetricsData()
    json_format.ParseDict(_with_base64_ids(json.loads(payload)), message)
    binary = message.SerializeToString() or b"\x0a\x00"  # an empty batch has no bytes at all
    assert golden.read(reader(content, format_name), binary) == golden.expected(content, "otlp_json", case)


def _with_base64_ids(value: Any) -> Any:
    """Ids as protobuf's own JSON mapping has them, where OTLP has hex."""
    if isinstance(value, list):
        return [_with_base64_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(one)).decode() if key in {"traceId", "spanId"} else _with_base64_ids(one)
        for key, one in value.items()
    }


def test_every_golden_message_has_its_records():
    """No expectation stands without a message, and no message without an expectation."""
    found = {path.with_suffix("").name for path in golden.ROOT.glob("*/*/*.json")}
    messages = {case for _, _, case, _ in golden.cases()}
    assert {name.removesuffix(".expected") for name in found} == messages
    assert all((golden.ROOT / c / f / f"{name}.expected.json").exists() for c, f, name, _ in golden.cases())


def test_refusals_say_what_and_where():
    """A refusal's detail names the field, the value or the place."""
    payload = (golden.ROOT / "metrics/otlp_json/one-bad-among-good.json").read_bytes()
    details = [one.detail for one in reader("metrics").read(payload, 1) if isinstance(one, BadRecord)]
    assert details[0] == "resourceMetrics[0].scopeMetrics[0].metrics[0].dataPoints[1]: 'one' is no integer"
