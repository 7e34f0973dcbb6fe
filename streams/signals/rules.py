"""Which metrics are known, and what is worse about each?

The usual metrics of Kubernetes, cAdvisor, OpenTelemetry, Micrometer, the JVM, Go, Istio, Envoy, nginx, HikariCP, Tomcat
and Kafka clients. A metric in no rule here is guessed at (`words`), never dropped, unless it is known to describe the
set-up rather than behaviour (`_SETUP`).

Weights, within a group: 1 for what the revision itself does to its users or on its pods; 1/2 for what depends on
others too (its dependencies, its runtime's internals); 1/4 for what follows traffic or age. Rates of requests are
`watch`: they follow the traffic weight. One quantity told by two instrumentations is two signals of one group, never
one sum.

Sources: formats.md, section 22, with the documents named there; prometheus/client_golang collectors; grpc-ecosystem;
dramatiq (`middleware/prometheus.py`), danihodovic/celery-exporter and yabeda-sidekiq, their READMEs; HAProxy,
addons/promex/README; prometheus/client_ruby (`middleware/collector.rb`); hipages/php-fpm_exporter
(`phpfpm/exporter.go`), nginx-prometheus-exporter and Caddy (`modules/caddyhttp/metrics.go`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from streams.records.metric import Series
from streams.signals.metric import Metric, Read, Shape, merge_uses, read_metric
from streams.signals.names import stems, words
from streams.signals.outcome import Attributes, failed
from streams.signals.reading import Reading, SeriesUse
from streams.signals.requests import CADDY_HANDLERS
from streams.signals.rule import Group, Kind, SignalRule
from streams.signals.units import factor

WHOLE_POD = "/pod"
"""Ends the signal of what containers tell, told of their pod: judged where no container tells it."""
_KINDS: dict[Shape, Kind] = {
    "timer": "values",
    "counter": "events",
    "attempt": "events",
    "failed_attempt": "events",
    "onset": "events",
}
_UNITS: dict[Shape, str] = {"timer": "s", "pause": "1"}
_UNUSED: Read = (SeriesUse(), ())


def builtin(series: Series) -> Read | None:
    """How a metric of the table is read, and the rules of its signals; None for one that is in no rule.

    A known metric that is nothing to judge by is read for nothing: SeriesUse() and no rules.

    >>> use, (rule,) = builtin(Series("kube_pod_container_status_restarts_total", (("container", "app"),)))
    >>> rule.signal, rule.kind, rule.worse, use.counter[0].how
    ('k8s.container.restarts', 'events', 'higher', 'event')
    """
    for stem in stems(series.name):
        if stem.part in {"created", "info"}:
            return _UNUSED
        if stem.stem in _BORN:
            return SeriesUse(gauge=(Reading("", "born", factor(stem.unit, "s") or 1.0),)), ()
        metrics = _BY_STEM.get(stem.stem)
        if metrics:
            read = [read_metric(metric, stem, series) for metric in metrics]
            fitting = [one for one in read if one is not None]
            return merge_uses(iter(fitting)) if fitting else None
    literal = "_".join(words(series.name))
    return _UNUSED if literal.startswith(_SETUP) or literal in _SETUP_NAMES else None


def _metric(shape: Shape, group: Group, signal: str, *names: str, **more: Any) -> Metric:
    """One line of the table; `more` are fields of SignalRule and of Metric."""
    of_metric = {key: more.pop(key) for key in ("given", "counted", "combine", "begun", "only") if key in more}
    more = {"unit": _UNITS.get(shape, ""), "worse": "higher"} | more
    if shape == "pause" or (shape == "rate" and more["unit"] == "{cpu}"):
        of_metric["counted"] = "s"
    rule = SignalRule(signal, _KINDS.get(shape, "level"), group, **more)
    return Metric(rule, shape, names, **of_metric)


def _event(counter: str, attempts: str) -> tuple[tuple[Shape, str], tuple[Shape, str]]:
    return ("counter", counter), ("attempt", attempts)


def _ratio(over: str, under: str) -> tuple[tuple[Shape, str], tuple[Shape, str]]:
    return ("over", over), ("under", under)


def _named(family: str, *rest: str) -> tuple[str, ...]:
    return tuple(f"{family}_{one}" for one in rest)


def _is(key: str, *values: str) -> Callable[[Attributes], bool]:
    return lambda attributes: attributes.get(key, "") in values


def in_container(attributes: Attributes) -> bool:
    """Neither the pod's own cgroup nor its pause container: both would count twice."""
    return attributes.get("container", "") not in {"", "POD"}


def _of_pod(attributes: Attributes) -> bool:
    """Of a whole pod: its own cgroup, or a series that has lost the container's name."""
    return not attributes.get("container")


def _not_delayed(attributes: Attributes) -> bool:
    """Dramatiq counts a retry when it goes into the delayed queue, and once more when it leaves it."""
    return not attributes.get("queue_name", "").endswith(".DQ")


def _failed_call(attributes: Attributes) -> bool:
    """Micrometer's status of a call without an answer is IO_ERROR or CLIENT_ERROR."""
    return bool(failed(attributes)) or attributes.get("status") == "CLIENT_ERROR"


_LATENCY = (
    _metric("timer", "latency", "http.server.request.duration", "http_server_request_duration"),
    _metric("timer", "latency", "http.server.duration", "http_server_duration", given="ms"),
    _metric("timer", "latency", "http.server.requests", "http_server_requests"),
    _metric("timer", "latency", "http.request.duration", "http_request_duration", "http_requests_duration"),
    _metric("timer", "latency", "rpc.server.call.duration", "rpc_server_call_duration"),
    _metric("timer", "latency", "rpc.server.duration", "rpc_server_duration", given="ms"),
    _metric("timer", "latency", "grpc.server.handling", "grpc_server_handling"),
    _metric(
        *("timer", "latency", "istio.request.duration", "istio_request_duration"),
        given="ms",
        only=_is("reporter", "destination"),
    ),
    _metric("timer", "latency", "grpc.server.call.duration", "grpc_server_call_duration"),
    _metric("timer", "latency", "grpc.server.processing.duration", "grpc_server_processing_duration"),
    _metric("timer", "latency", "messaging.process.duration", "messaging_process_duration"),
    _metric("timer", "latency", "spring.kafka.listener", "spring_kafka_listener"),
    _metric("timer", "latency", "spring.rabbitmq.listener", "spring_rabbitmq_listener"),
    _metric("timer", "latency", "dramatiq.message.duration", "dramatiq_message_duration", given="ms"),
    _metric("timer", "latency", "celery.task.runtime", "celery_task_runtime", given="s"),
    _metric("timer", "latency", "sidekiq.job.runtime", "sidekiq_job_runtime"),
    _metric("timer", "latency", "tasks.scheduled.execution", "tasks_scheduled_execution", weight=0.5),
    _metric("timer", "latency", "nginx.ingress.request.duration", "nginx_ingress_controller_request_duration"),
    _metric(
        *("timer", "latency", "caddy.http.request.duration", "caddy_http_request_duration"),
        weight=0.5,
        only=_is("handler", *CADDY_HANDLERS),
    ),
    _metric("timer", "latency", "http.client.request.duration", "http_client_request_duration", weight=0.5),
    _metric("timer", "latency", "http.client.requests", "http_client_requests", weight=0.5),
    _metric("timer", "latency", "http.client.duration", "http_client_duration", given="ms", weight=0.5),
    _metric("timer", "latency", "rpc.client.call.duration", "rpc_client_call_duration", weight=0.5),
    _metric("timer", "latency", "rpc.client.duration", "rpc_client_duration", given="ms", weight=0.5),
    _metric("timer", "latency", "grpc.client.call.duration", "grpc_client_call_duration", weight=0.5),
    _metric("timer", "latency", "grpc.client.handling", "grpc_client_handling", weight=0.5),
    _metric(
        *("timer", "latency", "messaging.client.operation.duration", "messaging_client_operation_duration"), weight=0.5
    ),
    _metric("timer", "latency", "spring.kafka.template", "spring_kafka_template", weight=0.5),
    _metric("timer", "latency", "spring.rabbitmq.template", "spring_rabbitmq_template", weight=0.5),
    _metric("timer", "latency", "db.client.operation.duration", "db_client_operation_duration", weight=0.5),
    _metric("timer", "latency", "db.client.connection.wait_time", "db_client_connection_wait_time", weight=0.5),
    _metric(
        *("timer", "latency", "db.client.connections.wait_time", "db_client_connections_wait_time"),
        given="ms",
        weight=0.5,
    ),
    _metric("timer", "latency", "hikaricp.connections.acquire", "hikaricp_connections_acquire", weight=0.5),
    _metric(
        *("timer", "latency", "hikaricp.connection.acquired", "hikaricp_connection_acquired"), given="ns", weight=0.5
    ),
    _metric("timer", "latency", "envoy.upstream.rq_time", "envoy_cluster_upstream_rq_time", given="ms", weight=0.5),
    _metric(
        *("timer", "latency", "envoy.upstream.cx_connect", "envoy_cluster_upstream_cx_connect"), given="ms", weight=0.5
    ),
    _metric("timer", "latency", "envoy.downstream.rq_time", "envoy_http_downstream_rq_time", given="ms"),
    _metric(
        *("timer", "latency", "nginx.ingress.response.duration", "nginx_ingress_controller_response_duration"),
        weight=0.5,
    ),
    _metric(
        *("timer", "latency", "nginx.ingress.connect.duration", "nginx_ingress_controller_connect_duration"),
        weight=0.5,
    ),
    _metric(
        *("timer", "latency", "nginx.ingress.header.duration", "nginx_ingress_controller_header_duration"),
        weight=0.5,
    ),
    _metric("timer", "latency", "nodejs.eventloop.lag", "nodejs_eventloop_lag", "nodejs_eventloop_delay", weight=0.5),
)
_CALLS = (
    *("http_client_request_duration", "http_client_requests", "http_client_duration"),
    *("rpc_client_call_duration", "rpc_client_duration", "db_client_operation_duration"),
    *("grpc_client_handled", "grpc_client_call_duration", "messaging_client_operation_duration"),
    *("spring_kafka_template", "spring_rabbitmq_template"),
)
_WORK = ("messaging_process_duration", "spring_kafka_listener", "spring_rabbitmq_listener", "tasks_scheduled_execution")
"""Messages and tasks that the revision itself works on."""
_CALL_SHAPES: tuple[tuple[Shape, Callable[[Attributes], bool]], ...] = (
    ("attempt", lambda attributes: not _failed_call(attributes)),
    ("failed_attempt", _failed_call),
)
_WORKERS: tuple[tuple[str, str, str, tuple[Shape, Shape]], ...] = (
    ("dramatiq.message", "dramatiq_messages", "dramatiq_message_errors", ("attempt", "counter")),
    ("sidekiq.job", "sidekiq_jobs_executed", "sidekiq_jobs_failed", ("attempt", "counter")),
    ("celery.task", "celery_task_succeeded", "celery_task_failed", ("attempt", "failed_attempt")),
)
"""Of queues, which count all that was done or what succeeded, and what failed, each by a name of its own."""
_ERRORS = (
    *(
        _metric(shape, "errors", f"{name}/failed", name, weight=weight, only=only)
        for names, weight in ((_CALLS, 0.5), (_WORK, 1.0))
        for name in names
        for shape, only in _CALL_SHAPES
    ),
    _metric(
        *("failed_attempt", "errors", "envoy.upstream.rq_5xx", "envoy_cluster_upstream_rq_xx"),
        weight=0.5,
        only=_is("envoy_response_code_class", "5"),
    ),
    _metric(
        *("attempt", "errors", "envoy.upstream.rq_5xx", "envoy_cluster_upstream_rq_xx"),
        weight=0.5,
        only=_is("envoy_response_code_class", "1", "2", "3", "4"),
    ),
    *(
        _metric(shape, "errors", f"envoy.upstream.{what}", f"envoy_cluster_upstream_{name}", weight=0.5)
        for what in ("rq_timeout", "rq_retry", "rq_pending_overflow", "rq_rx_reset", "cx_connect_fail")
        for shape, name in _event(what, "rq")
    ),
    *(
        _metric(shape, "errors", "caddy.upstream.errors", name, weight=0.5, only=_is("handler", "reverse_proxy"))
        for shape, name in _event("caddy_http_request_errors", "caddy_http_requests")
    ),
    _metric("counter", "errors", "phpfpm.slow_requests", "phpfpm_slow_requests", weight=0.5),
    _metric("counter", "saturation", "phpfpm.max_children_reached", "phpfpm_max_children_reached"),
    _metric(
        *("counter", "errors", "envoy.outlier.ejections", "envoy_cluster_outlier_detection_ejections_enforced"),
        weight=0.5,
    ),
    *(
        _metric("counter", "errors", f"{library}.events.{level}", f"{library}_events", weight=weight, only=only)
        for library in ("logback", "log4j2")
        for level, weight, only in (
            ("error", 1.0, _is("level", "error", "fatal")),
            ("warn", 0.25, _is("level", "warn")),
        )
    ),
    *(
        _metric(shape, "errors", f"{signal}/failed", name)
        for signal, attempts, failed_ones, shapes in _WORKERS
        for shape, name in zip(shapes, (attempts, failed_ones), strict=True)
    ),
    _metric("counter", "errors", "dramatiq.message.retries", "dramatiq_message_retries", weight=0.5, only=_not_delayed),
    _metric("counter", "errors", "dramatiq.message.rejects", "dramatiq_message_rejects"),
    _metric("counter", "errors", "celery.task.retried", "celery_task_retried", weight=0.5),
    _metric("counter", "errors", "celery.task.rejected", "celery_task_rejected"),
    _metric("counter", "errors", "hikaricp.connections.timeout", "hikaricp_connections_timeout", weight=0.5),
    _metric("counter", "errors", "hikaricp.connection.timeout", "hikaricp_connection_timeout", weight=0.5),
    _metric(
        *("counter", "errors", "db.client.connection.timeouts", "db_client_connection_timeouts"),
        "db_client_connections_timeouts",
        weight=0.5,
    ),
    _metric("counter", "errors", "tomcat.global.error", "tomcat_global_error"),
    # Rack: a request whose exception is rescued further out is counted nowhere else.
    _metric("counter", "errors", "http.server.exceptions", "http_server_exceptions", "http_exceptions"),
    _metric(
        *("gauge", "errors", "resilience4j.circuitbreaker.open", "resilience4j_circuitbreaker_state"),
        scale="count",
        weight=0.5,
        only=_is("state", "open", "forced_open", "half_open"),
    ),
    _metric("onset", "errors", "jvm.threads.deadlocked", "jvm_threads_deadlocked_threads", "jvm_threads_deadlocked"),
    _metric("counter", "memory", "container.memory.failcnt", "container_memory_failcnt", only=in_container),
)
_RESTARTS = (
    _metric("counter", "restarts", "k8s.container.restarts", "kube_pod_container_status_restarts"),
    _metric("onset", "restarts", "k8s.container.restarts/seen", "k8s_container_restarts", "k8s_container_restart"),
    _metric("counter", "restarts", "container.oom_events", "container_oom_events"),
    *(
        _metric(
            *("onset", "restarts", f"k8s.container.{state}", f"kube_pod_container_status_{state}_reason"),
            only=_is("reason", *reasons),
        )
        for state, reasons in (
            (
                "waiting",
                (
                    *("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName"),
                    *("CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
                ),
            ),
            ("terminated", ("OOMKilled", "Error", "ContainerCannotRun", "DeadlineExceeded", "Evicted")),
            ("last_terminated", ("OOMKilled", "Error", "ContainerCannotRun", "DeadlineExceeded", "Evicted")),
        )
    ),
    _metric("onset", "restarts", "k8s.pod.failed", "kube_pod_status_phase", only=_is("phase", "Failed")),
    _metric(
        *("onset", "restarts", "k8s.pod.lost", "kube_pod_status_reason"),
        only=_is("reason", "Evicted", "NodeLost", "NodeAffinity", "UnexpectedAdmissionError"),
    ),
)
_AVAILABILITY = (
    _metric(
        *("gauge", "availability", "k8s.pod.ready", "kube_pod_status_ready"),
        unit="%",
        given="1",
        worse="lower",
        scale="share_free",
        begun=True,
        only=_is("condition", "true", ""),
    ),
    _metric(
        *("gauge", "availability", "k8s.container.ready", "k8s_container_ready", "kube_pod_container_status_ready"),
        unit="%",
        given="1",
        worse="lower",
        scale="share_free",
        combine="min",
        begun=True,
    ),
    _metric(
        *("gauge", "availability", "caddy.upstreams.healthy", "caddy_reverse_proxy_upstreams_healthy"),
        unit="%",
        given="1",
        worse="lower",
        scale="share_free",
        combine="min",
        weight=0.5,
    ),
)
_CPU = (
    _metric(
        *("rate", "cpu", "container.cpu", "container_cpu_usage_seconds"),
        unit="{cpu}",
        only=in_container,
    ),
    _metric("gauge", "cpu", "container.cpu.usage", "container_cpu_usage", "container_cpu_utilization", unit="{cpu}"),
    _metric("rate", "cpu", "container.cpu.time", "container_cpu_time", unit="{cpu}"),
    _metric("rate", "cpu", "k8s.pod.cpu.time", "k8s_pod_cpu_time", unit="{cpu}"),
    _metric(
        *("rate", "cpu", "process.cpu.time", "process_cpu_time", "process_cpu_seconds", "jvm_cpu_time"),
        "dotnet_process_cpu_time",
        unit="{cpu}",
    ),
    _metric("gauge", "cpu", "k8s.pod.cpu.usage", "k8s_pod_cpu_usage", "k8s_pod_cpu_utilization", unit="{cpu}"),
    _metric(
        *("gauge", "cpu", "process.cpu.usage", "process_cpu_usage", "process_cpu_utilization"), combine="max", unit="1"
    ),
    _metric(
        *("gauge", "cpu", "jvm.cpu.recent_utilization", "jvm_cpu_recent_utilization"),
        "process_runtime_jvm_cpu_utilization",
        combine="max",
        unit="1",
    ),
    _metric(
        *("gauge", "cpu", "cpython.cpu.utilization", "process_runtime_cpython_cpu_utilization"),
        combine="max",
        unit="1",
        weight=0.5,  # the process's own (`process.cpu.utilization`) once more
    ),
    _metric("over", "cpu", "container.cpu.throttled", "container_cpu_cfs_throttled_periods", only=in_container),
    _metric("under", "cpu", "container.cpu.throttled", "container_cpu_cfs_periods", only=in_container),
    _metric(
        "rate",
        "cpu",
        "container.cpu.throttled_time",
        "container_cpu_cfs_throttled",
        unit="{cpu}",
        weight=0.5,
        only=in_container,
    ),
)
_MEMORY = (
    *(
        _metric("gauge", "memory", f"container.memory.{what}", f"container_memory_{what}", unit="By", only=only)
        for what, only in (("working_set", in_container), ("rss", in_container), ("usage", in_container))
    ),
    *(
        _metric("gauge", "memory", f"k8s.pod.memory.{what}", f"k8s_pod_memory_{what}", unit="By")
        for what in ("working_set", "rss", "usage")
    ),
    _metric(
        *("gauge", "memory", "process.resident_memory", "process_resident_memory", "process_memory_usage"),
        *("process_working_set", "dotnet_process_memory_working_set"),
        unit="By",
    ),
    _metric("gauge", "memory", "process.private_memory", "process_private_memory", unit="By", weight=0.5),
    _metric(
        *("gauge", "memory", "cpython.memory", "process_runtime_cpython_memory"), unit="By", only=_is("type", "rss")
    ),
    _metric(
        *("gauge", "memory", "jvm.memory.used", "jvm_memory_used", "jvm_memory_bytes_used"),
        "process_runtime_jvm_memory_usage",
        unit="By",
        weight=0.5,
    ),
    _metric(
        *("gauge", "memory", "jvm.memory.used_after_gc", "jvm_memory_used_after_last_gc", "jvm_gc_live_data_size"),
        "process_runtime_jvm_memory_usage_after_last_gc",
        unit="By",
    ),
    _metric("gauge", "memory", "jvm.memory.usage_after_gc", "jvm_memory_usage_after_gc", unit="1", combine="max"),
    _metric(
        *("gauge", "memory", "go.memory.heap", "go_memstats_heap_inuse", "process_runtime_go_mem_heap_inuse"),
        unit="By",
        weight=0.5,
    ),
    _metric(
        *("gauge", "memory", "dotnet.gc.heap", "process_runtime_dotnet_gc_heap_size", "dotnet_total_memory"),
        "dotnet_gc_last_collection_heap_size",
        unit="By",
        weight=0.5,
    ),
    _metric("gauge", "memory", "go.memory.used", "go_memory_used", unit="By", weight=0.5),
    _metric("gauge", "memory", "nodejs.heap.used", "nodejs_heap_size_used", "v8js_memory_heap_used", unit="By"),
    _metric(
        *("gauge", "memory", "container.memory.max_usage", "container_memory_max_usage"),
        unit="By",
        weight=0.25,
        criticality="watch",  # a high-water mark grows with the pod's age: it favours whichever is younger
        only=in_container,
    ),
)
_GC = (
    _metric("pause", "gc", "jvm.gc.duration", "jvm_gc_duration", "jvm_gc_collection"),
    _metric("pause", "gc", "jvm.gc.pause", "jvm_gc_pause"),
    _metric("pause", "gc", "jvm.runtime.gc.duration", "process_runtime_jvm_gc_duration", given="ms"),
    _metric(
        "rate", "gc", "go.gc.pause_total", "process_runtime_go_gc_pause_total", given="ns", counted="s", weight=0.5
    ),
    _metric("rate", "gc", "dotnet.gc.pause_time", "dotnet_gc_pause_time", counted="s", weight=0.5),
    _metric("pause", "gc", "go.gc.duration", "go_gc_duration", weight=0.5),
    _metric("pause", "gc", "nodejs.gc.duration", "nodejs_gc_duration", "v8js_gc_duration", weight=0.5),
    _metric("gauge", "gc", "jvm.gc.overhead", "jvm_gc_overhead", unit="1", combine="max"),
)
_SATURATION = (
    *(
        _metric("gauge", "saturation", signal, *names, scale="count", weight=weight)
        for weight, signal, names in (
            (1.0, "hikaricp.connections.pending", ("hikaricp_connections_pending", "hikaricp_pending_threads")),
            (
                1.0,
                "db.client.connection.pending_requests",
                ("db_client_connection_pending_requests", "db_client_connections_pending_requests"),
            ),
            (1.0, "executor.queued", ("executor_queued_tasks",)),
            (0.5, "executor.active", ("executor_active_threads",)),
            (1.0, "phpfpm.listen_queue", ("phpfpm_listen_queue",)),
            (0.5, "phpfpm.processes.active", ("phpfpm_active_processes",)),
            (0.5, "nginx.connections.writing", ("nginx_connections_writing",)),  # requests under way
            (0.5, "http.server.active_requests", ("http_server_active_requests", "http_server_requests_active")),
            (0.5, "container.file_descriptors", ("container_file_descriptors",)),
            (0.5, "container.threads", ("container_threads",)),
            (0.5, "container.sockets", ("container_sockets",)),
            (0.5, "process.open_fds", ("process_open_fds", "process_files_open_files", "process_open_file_descriptor")),
            (
                0.5,
                "jvm.thread.count",
                (
                    *("jvm_thread_count", "jvm_threads_live_threads", "jvm_threads_current"),
                    "process_runtime_jvm_threads_count",
                ),
            ),
            (0.5, "go.goroutines", ("go_goroutines", "go_goroutine_count", "process_runtime_go_goroutines")),
            (
                0.5,
                "dotnet.thread_pool.queue",
                (
                    *("dotnet_thread_pool_queue_length", "process_runtime_dotnet_thread_pool_queue_length"),
                    "dotnet_threadpool_queue_length",
                ),
            ),
        )
    ),
    *(
        _metric("gauge", "saturation", "kafka.consumer.lag", name, combine=combine)
        for name, combine in (
            ("kafka_consumer_fetch_manager_records_lag", "sum"),
            ("kafka_consumer_records_lag", "sum"),
        )
    ),
    *(
        _metric(shape, "saturation", signal, name, only=only)
        for signal, used, limit, only in (
            ("hikaricp.connections.used", "hikaricp_connections_active", "hikaricp_connections_max", lambda _: True),
            ("tomcat.threads.busy", "tomcat_threads_busy", "tomcat_threads_config_max", lambda _: True),
            ("tomcat.threads.busy", "tomcat_threads_busy_threads", "tomcat_threads_config_max_threads", lambda _: True),
            ("jetty.threads.busy", "jetty_threads_busy", "jetty_threads_config_max", lambda _: True),
        )
        for shape, name in _ratio(used, limit)
    ),
    _metric(
        *("gauge", "saturation", "db.client.connection.used", "db_client_connection_count", "db_client_connections"),
        "db_client_connections_usage",
        scale="count",
        only=lambda attributes: "used" in (attributes.get("state"), attributes.get("db.client.connection.state")),
    ),
    _metric(
        *("over", "availability", "envoy.membership.healthy", "envoy_cluster_membership_healthy"),
        unit="%",
        given="1",
        worse="lower",
        scale="share_free",
        weight=0.5,
    ),
    _metric(
        *("under", "availability", "envoy.membership.healthy", "envoy_cluster_membership"),
        unit="%",
        given="1",
        worse="lower",
        scale="share_free",
        weight=0.5,
    ),
)
_NETWORK = (
    *(
        _metric("counter", "network", f"container.network.{way}_{what}", f"container_network_{way}_{what}", weight=0.5)
        for way in ("receive", "transmit")
        for what in ("errors", "packets_dropped")
    ),
    *(
        _metric(
            *("rate", "network", f"container.network.{way}", f"container_network_{way}"),
            unit="By",
            weight=0.25,
            worse="either",
        )
        for way in ("receive", "transmit")
    ),
    _metric("rate", "network", "k8s.pod.network.io", "k8s_pod_network_io", unit="By", weight=0.25, worse="either"),
    _metric("counter", "network", "k8s.pod.network.errors", "k8s_pod_network_errors", weight=0.5),
    *(
        _metric(
            *("rate", "io", f"container.fs.{way}", f"container_fs_{way}"),
            unit="By",
            weight=0.25,
            worse="either",
            only=in_container,
        )
        for way in ("reads", "writes")
    ),
)
_LOAD = tuple(
    _metric("rate", "load", f"{name}/rate", name, weight=0.25, worse="either", criticality="watch")
    for name in (
        *("messaging_client_consumed_messages", "messaging_client_sent_messages", "http_requests", "istio_requests"),
        *(
            "grpc_server_handled",
            "grpc_server_started",
            "http_server_request_count",
            "nginx_ingress_controller_requests",
        ),
        *("envoy_cluster_upstream_rq", "envoy_http_downstream_rq", "nginx_http_requests"),
        *("nginx_connections_accepted", "nginx_connections_handled", "phpfpm_accepted_connections"),
    )
)

_BORN = frozenset(("process_start_time", "container_start_time", "kube_pod_start_time"))
"""When a process, a container, a pod started."""
_SETUP = (
    *("kube_", "scrape_", "promhttp_", "application_ready_time", "application_started_time"),
    *("disk_free", "disk_total", "executor_pool_core", "executor_pool_size", "hikaricp_connections"),
    # What others might call `container_cpu_used` or `k8s_pod_memory_percent` is judged: of names so general, only those
    # that cAdvisor, the kubelet and the cluster's receiver are known to write.
    *_named("container", *("spec_", "start_time", "last_seen", "tasks", "blkio_", "ulimits", "processes")),
    *_named("container", *("scrape_error", "fs_inodes", "fs_io_", "fs_limit", "fs_usage", "fs_sector_")),
    *_named("container_fs", *("read_seconds", "reads", "write_seconds", "writes")),
    *_named("container_cpu", *("load_", "schedstat_", "system_seconds", "user_seconds")),
    *_named("container_memory", *("cache", "swap", "mapped_file", "kernel_usage", "failures", "numa_", "migrate")),
    *_named("container_memory", *("total_active_file", "total_inactive_file", "bandwidth_", "available")),
    *_named("container_memory", *("page_faults", "major_page_faults")),
    *_named("container_network", *("tcp_usage", "tcp6_usage", "udp_usage", "udp6_usage", "advance_tcp_")),
    *_named("container_network", *("receive_packets", "transmit_packets")),
    *_named("machine", *("cpu_cores", "cpu_physical_cores", "cpu_sockets", "memory_bytes", "swap_bytes", "dimm_")),
    *_named("machine", *("nvm_", "node_", "thread_", "scrape_error")),
    *_named("k8s_pod", *("phase", "status_", "volume_", "filesystem_", "network_", "uptime", "cpu_node_")),
    *_named("k8s_pod", *("cpu_limit_", "cpu_request_", "memory_limit_", "memory_request_", "memory_node_")),
    *_named("k8s_pod", *("memory_available", "memory_page_faults", "memory_major_page_faults")),
    *_named("k8s_container", *("cpu_limit", "cpu_request", "memory_limit", "memory_request", "storage_")),
    *_named("k8s_container", *("ephemeralstorage_", "status_", "cpu_node_", "memory_node_")),
    *_named("jvm_memory", *("committed", "init", "max", "limit", "bytes_", "pool_", "objects_")),
    *_named("jvm_gc", *("max_data_size", "memory_", "concurrent_phase_")),
    *_named("jvm_threads", *("daemon", "peak", "started", "states", "state", "live")),
    *("process_memory_virtual", "process_cpu_user_seconds", "process_cpu_system_seconds"),
    *("go_memstats_", "go_gc_", "go_sched_", "go_threads", "python_gc_", "jvm_classes_", "jvm_class_", "jvm_buffer_"),
    *("process_runtime_jvm_classes_", "process_runtime_jvm_buffer_", "process_runtime_jvm_memory_"),
    *("process_runtime_jvm_system_", "process_runtime_cpython_memory", "cpython_gc_", "go_memory_alloc", "go_config_"),
    *("process_runtime_go_mem_", "process_runtime_go_gc_", "jvm_system_", "dotnet_gc_", "dotnet_collection_"),
    *("jvm_compilation_", "nodejs_gc_", "nodejs_heap_space_", "nodejs_eventloop_lag_min"),
    "nodejs_eventloop_lag_stddev",
    # The highest since the start: whatever the pod's first request took, for as long as it lives.
    *("tomcat_global_request_max", "tomcat_servlet_request_max", "tomcat_sessions_active_max"),
    *("tomcat_sessions_alive_max", "process_runtime_cpython_gc", "process_runtime_cpython_cpu_time"),
    *("process_runtime_cpython_context", "process_context_switches"),
    *("process_start_time", "process_uptime", "process_virtual_memory", "process_max_fds", "process_files_max"),
    # HAProxy's own process, bounds, peaks since the start, ages, and states told by a series each.
    *("haproxy_process_", "haproxy_exporter_", "haproxy_sticktable_"),
    *(
        f"haproxy_{of}_{what}"
        for of in ("frontend", "backend", "server", "listener")
        for what in (
            *("last_session", "max_queue_", "max_sessions", "max_session_rate", "limit_", "queue_limit", "status"),
            *("check_status", "check_code", "check_last_change", "check_duration", "weight", "uweight", "agg_"),
            *("http_comp_", "http_cache_", "current_throttle", "http_requests_rate_max", "connections_rate_max"),
            *("idle_connections", "unsafe_idle", "safe_idle", "loadbalanced", "active_servers", "backup_servers"),
        )
    ),
    # PHP-FPM: peaks since the start, bounds, what is idle, and of each child its latest request, however long ago.
    *("phpfpm_max_listen_queue", "phpfpm_max_active_processes", "phpfpm_listen_queue_length", "phpfpm_start_since"),
    *("phpfpm_idle_processes", "phpfpm_total_processes", "phpfpm_process_", "phpfpm_scrape_failures"),
    # Connections that clients keep open without asking for anything.
    *("nginx_connections_active", "nginx_connections_reading", "nginx_connections_waiting"),
    "caddy_http_response_duration",  # to the first byte: the request's duration once more
    *("prometheus_", "otelcol_", "logback_events", "log4j2_events"),
)
"""What begins so and is in no rule describes the set-up, or tells again what another metric tells."""
_SETUP_NAMES = frozenset(("up", "target_info"))

_OF_PARTS = (*_LATENCY, *_ERRORS, *_RESTARTS, *_AVAILABILITY, *_CPU, *_MEMORY, *_GC, *_SATURATION, *_NETWORK, *_LOAD)
RULES = (
    *_OF_PARTS,
    *(
        structs.replace(one, rule=structs.replace(one.rule, signal=one.rule.signal + WHOLE_POD), only=_of_pod)
        for one in _OF_PARTS
        if one.only is in_container
    ),
)
"""The whole table."""
_BY_STEM: dict[str, tuple[Metric, ...]] = {}
for _one in RULES:
    for _stem in _one.stems:
        _BY_STEM[_stem] = (*_BY_STEM.get(_stem, ()), _one)
