"""Telemetry: names on /metrics, trace context through Kafka headers, and an end in bounded time."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, generate_latest

from streams.errors import BadPolicy
from topology.settings import TelemetrySettings
from topology.telemetry import Telemetry


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SERVICE_NAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Of an ingest worker, sending nothing."""
    started = Telemetry.start("ingest", TelemetrySettings())
    yield started
    started.shutdown()


def _get(address: tuple[str, int], path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address[0]}:{address[1]}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_names_are_prometheus_names(telemetry: Telemetry) -> None:
    """Counters end in _total, durations in _seconds, and no label comes from OpenTelemetry itself."""
    telemetry.meter.create_counter("serinus.ingest.records").add(3, {"format": "vector"})
    telemetry.meter.create_histogram("serinus.ingest.cycle", unit="s").record(0.2)
    text = generate_latest(telemetry.registry).decode()
    assert 'serinus_ingest_records_total{format="vector"} 3.0' in text
    assert 'serinus_ingest_cycle_seconds_bucket{le="0.25"} 1.0' in text
    assert "otel_scope" not in text
    assert "target_info" not in text


def test_nothing_is_global() -> None:
    """Two roles in one process do not see each other, nor does Prometheus' own registry."""
    first, second = (Telemetry.start(role, TelemetrySettings()) for role in ("ingest", "score"))
    first.meter.create_counter("serinus.ingest.only").add(1)
    assert b"serinus_ingest_only" not in generate_latest(second.registry) + generate_latest(REGISTRY)
    first.shutdown()
    second.shutdown()


def test_metrics_and_health_are_served(telemetry: Telemetry) -> None:
    """/metrics and /healthz answer, all else does not; asking again keeps the address."""
    telemetry.meter.create_counter("serinus.ingest.records").add(1)
    address = telemetry.serve_metrics(0)
    assert telemetry.serve_metrics(0) == address
    assert "serinus_ingest_records_total 1.0" in _get(address, "/metrics")[1]
    assert _get(address, "/healthz") == (200, "ok\n")
    assert _get(address, "/")[0] == 404


def test_a_taken_port_stops_the_start(telemetry: Telemetry) -> None:
    """As a configuration fault that names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadPolicy, match=str(port)):
            telemetry.serve_metrics(port)


def test_a_span_is_linked_through_kafka_headers() -> None:
    """What one role puts into headers, another links to, in the forms both Kafka clients give."""
    spans = InMemorySpanExporter()
    ingest = Telemetry.start("ingest", TelemetrySettings())
    score = Telemetry.start("score", TelemetrySettings(), spans_to=spans)
    with ingest.tracer.start_as_current_span("ingest.cycle") as sent:
        headers = ingest.headers()
    for form in (headers, dict(headers)):
        score.tracer.start_span("score.apply", links=score.links(form)).end()
    linked = {link.context.span_id for span in spans.get_finished_spans() for link in span.links}
    assert linked == {sent.get_span_context().span_id}
    ingest.shutdown()
    score.shutdown()


@pytest.mark.parametrize(
    "headers",
    [None, [], {}, [("traceparent", b"junk")], [("traceparent", None)], [("x", b"\xff")], [("traceparent", b"\xff")]],
)
def test_other_headers_link_to_nothing(telemetry: Telemetry, headers: list[tuple[str, bytes]] | None) -> None:
    """Headers are foreign bytes."""
    assert telemetry.links(headers) == []


def test_outside_of_a_span_there_are_no_headers(telemetry: Telemetry) -> None:
    """Nothing to link to."""
    assert telemetry.headers() == []


def test_a_receiver_that_hangs_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """A role has five seconds to end; telemetry takes at most about two of them."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = Telemetry.start("ingest", TelemetrySettings(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with started.tracer.start_as_current_span("ingest.cycle"):
            pass
        started.shutdown()
        assert "telemetry-shutdown" in {thread.name for thread in threading.enumerate()}, "it waited for the receiver"
    caplog.clear()
