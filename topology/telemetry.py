"""The pipeline's view of itself, for one role: spans, instruments, and where they are read.

Nothing here is global: every role, and every test, has providers and a registry of its own. Instruments are named
`serinus.<role>.<what>` and come out as `serinus_<role>_<what>_total` and so on; spans go on to other roles as W3C
trace context in Kafka headers. Without a configured receiver, spans are made but go nowhere.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Self

from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry

from topology.metrics_server import MetricsServer
from topology.settings import TelemetrySettings

log = logging.getLogger(__name__)

_SHUTDOWN_S = 2.0
_EXPORT_S = 1.5
"""A role has five seconds to end; a receiver that is gone must not use them up."""

_SECONDS = View(
    instrument_type=Histogram,
    instrument_unit="s",
    aggregation=ExplicitBucketHistogramAggregation(
        (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)
    ),
)
"""OpenTelemetry's default buckets are made for milliseconds."""

_TRACE_CONTEXT = TraceContextTextMapPropagator()

Headers = Iterable[tuple[str, bytes | str | None]] | Mapping[str, bytes | str | None]
"""Kafka headers, as confluent-kafka (a list of pairs) or faust (a mapping) gives them."""


class Telemetry:
    """Tracer, meter and registry of one role; made by `start`, ended by `shutdown`."""

    def __init__(self, role: str, tracers: TracerProvider, meters: MeterProvider, registry: CollectorRegistry) -> None:
        self.tracer = tracers.get_tracer(f"serinus.{role}")
        self.meter: Meter = meters.get_meter(f"serinus.{role}")
        self.registry = registry
        """What /metrics shows; own collectors may be registered too."""
        self._tracers = tracers
        self._meters = meters
        self._server: MetricsServer | None = None

    @classmethod
    def start(cls, role: str, settings: TelemetrySettings, spans_to: SpanExporter | None = None) -> Self:
        """Begin to observe a role.

        Args:
            role: ingest, score or serve; `service.name` becomes serinus-<role>.
            settings: where to send what is observed.
            spans_to: gets every span as it ends; for tests.
        """
        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME") or f"serinus-{role}",
                "service.version": metadata.version("serinus"),
                "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            }
        )
        tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
        if spans_to is not None:
            tracers.add_span_processor(SimpleSpanProcessor(spans_to))
        if (exporter := _span_exporter(settings)) is not None:
            tracers.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=_EXPORT_S * 1000))
        registry = CollectorRegistry(auto_describe=False)
        readers: list[MetricReader] = [
            PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=registry)
        ]
        if (reader := _metric_reader(settings)) is not None:
            readers.append(reader)
        meters = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False, views=[_SECONDS])
        return cls(role, tracers, meters, registry)

    def serve_metrics(self, port: int, host: str = "127.0.0.1") -> tuple[str, int]:
        """Answer /metrics and /healthz in a thread; the host and port listened on.

        Asking again changes nothing and gives the same address.

        Raises:
            BadPolicy: the address cannot be had.
        """
        if self._server is None:
            self._server = MetricsServer(self.registry, host, port)
            log.info("metrics at http://%s:%d/metrics", *self._server.address)
        return self._server.address

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers that name the current span; none outside of a span."""
        carrier: dict[str, str] = {}
        _TRACE_CONTEXT.inject(carrier)
        return [(name, value.encode()) for name, value in carrier.items()]

    def links(self, headers: Headers | None) -> list[trace.Link]:
        """Links to the spans that a message's headers name; headers that name none, or badly, give none."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
        carrier = {name: _text(value) for name, value in pairs if name in _TRACE_CONTEXT.fields}
        context = trace.get_current_span(_TRACE_CONTEXT.extract(carrier)).get_span_context() if carrier else None
        return [trace.Link(context)] if context is not None and context.is_valid and context.is_remote else []

    def shutdown(self) -> None:
        """Send what is left and stop; gives up on a receiver that is gone after two seconds."""
        if self._server is not None:
            self._server.close()
            self._server = None
        last = threading.Thread(target=self._flush, name="telemetry-shutdown", daemon=True)
        last.start()
        last.join(_SHUTDOWN_S)

    def _flush(self) -> None:
        self._tracers.shutdown()
        self._meters.shutdown(timeout_millis=_SHUTDOWN_S * 1000)


def _text(value: bytes | str | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


def _configured(signal: str, settings: TelemetrySettings) -> bool:
    """Whether spans (TRACES) or metrics (METRICS) are to be sent, by our flag or OpenTelemetry's own variables."""
    if os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp").strip() == "none":
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return settings.otlp_endpoint is not None or any(os.environ.get(name) for name in names)


def _endpoint(signal: str, settings: TelemetrySettings) -> str | None:
    """The full address of a signal; None lets the exporter read OpenTelemetry's variables."""
    return f"{settings.otlp_endpoint.rstrip('/')}/v1/{signal}" if settings.otlp_endpoint else None


def _span_exporter(settings: TelemetrySettings) -> SpanExporter | None:
    if not _configured("TRACES", settings):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - only if used

    return OTLPSpanExporter(endpoint=_endpoint("traces", settings))


def _metric_reader(settings: TelemetrySettings) -> MetricReader | None:
    if not _configured("METRICS", settings):
        return None
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - only if used

    return PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=_endpoint("metrics", settings)))
