"""Which metric is which signal: the table, its guards, and the guesses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records.metric import Series
from streams.signals.catalogue import SIGNALS_PER_WORKLOAD, Catalogue, read_series
from streams.signals.reading import Reading
from streams.signals.rules import RULES, builtin

APP = {"container": "app"}
PROXIED = {"server": "srv0", "handler": "reverse_proxy"}
QUEUED = {"queue_name": "default", "actor_name": "mail"}
KNOWN = [
    # name, attributes, unit, shape, how, signal, group, worse, factor
    ("http.server.request.duration", {}, "s", "histogram", "values", "http.server.request.duration", "latency", 1.0),
    ("http.server.request.duration", {}, "ms", "histogram", "values", "http.server.request.duration", "latency", 1e-3),
    (
        *("http_server_request_duration_seconds_bucket", {"le": "0.5"}, ""),
        *("counter", "bucket", "http.server.request.duration", "latency", 1.0),
    ),
    (
        *("http_server_duration_milliseconds_bucket", {"le": "500"}, ""),
        *("counter", "bucket", "http.server.duration", "latency", 1e-3),
    ),
    ("rpc.server.duration", {}, "", "histogram", "values", "rpc.server.duration", "latency", 1e-3),
    ("rpc.server.duration", {}, "s", "histogram", "values", "rpc.server.duration", "latency", 1.0),
    (
        *("http_server_requests_seconds_sum", {"uri": "/"}, "s"),
        *("counter", "over", "http.server.requests/mean", "latency", 1.0),
    ),
    (
        *("http_server_requests_seconds_max", {"uri": "/"}, "s"),
        *("gauge", "level", "http.server.requests/max", "tail_latency", 1.0),
    ),
    (
        *("istio_request_duration_milliseconds_bucket", {"reporter": "destination", "le": "25"}, ""),
        *("counter", "bucket", "istio.request.duration", "latency", 1e-3),
    ),
    (
        *("hikaricp_connection_acquired_nanos_sum", {"pool": "a"}, "ns"),
        *("counter", "over", "hikaricp.connection.acquired/mean", "latency", 1e-9),
    ),
    (
        *("container_cpu_usage_seconds_total", APP, "s"),
        *("counter", "rate", "container.cpu", "cpu", 1.0),
    ),
    ("k8s.pod.cpu.time", {}, "s", "counter", "rate", "k8s.pod.cpu.time", "cpu", 1.0),
    ("container.cpu.usage", {}, "{cpu}", "gauge", "level", "container.cpu.usage", "cpu", 1.0),
    (
        *("container_cpu_cfs_throttled_periods_total", APP, ""),
        *("counter", "over", "container.cpu.throttled", "cpu", 1.0),
    ),
    ("container_cpu_cfs_periods_total", APP, "", "counter", "under", "container.cpu.throttled", "cpu", 1.0),
    (
        *("container_memory_working_set_bytes", APP, "By"),
        *("gauge", "level", "container.memory.working_set", "memory", 1.0),
    ),
    ("k8s.pod.memory.working_set", {}, "By", "gauge", "level", "k8s.pod.memory.working_set", "memory", 1.0),
    (
        *("kube_pod_container_status_restarts_total", APP, ""),
        *("counter", "event", "k8s.container.restarts", "restarts", 1.0),
    ),
    ("k8s.container.restarts", {}, "", "gauge", "onset", "k8s.container.restarts/seen", "restarts", 1.0),
    ("k8s.container.restart.count", {}, "", "gauge", "onset", "k8s.container.restarts/seen", "restarts", 1.0),
    (
        *("kube_pod_status_phase", {"phase": "Failed"}, ""),
        *("gauge", "onset", "k8s.pod.failed", "restarts", 1.0),
    ),
    (
        *("kube_pod_status_reason", {"reason": "Evicted"}, ""),
        *("gauge", "onset", "k8s.pod.lost", "restarts", 1.0),
    ),
    (
        *("resilience4j_circuitbreaker_state", {"state": "open"}, ""),
        *("gauge", "level", "resilience4j.circuitbreaker.open", "errors", 1.0),
    ),
    (
        *("kube_pod_container_status_waiting_reason", {"reason": "CrashLoopBackOff"}, ""),
        *("gauge", "onset", "k8s.container.waiting", "restarts", 1.0),
    ),
    ("container_oom_events_total", APP, "", "counter", "event", "container.oom_events", "restarts", 1.0),
    ("container_memory_failcnt", APP, "", "counter", "event", "container.memory.failcnt", "memory", 1.0),
    ("kube_pod_status_ready", {"condition": "true"}, "", "gauge", "level", "k8s.pod.ready", "availability", 100.0),
    ("jvm_gc_pause_seconds_sum", {"action": "x"}, "s", "counter", "rate", "jvm.gc.pause", "gc", 1.0),
    ("jvm.gc.duration", {}, "s", "histogram", "rate", "jvm.gc.duration", "gc", 1.0),
    ("jvm_memory_used_bytes", {"area": "heap"}, "By", "gauge", "level", "jvm.memory.used", "memory", 1.0),
    ("jvm.memory.used", {}, "By", "gauge", "level", "jvm.memory.used", "memory", 1.0),
    ("jvm_threads_live_threads", {}, "", "gauge", "level", "jvm.thread.count", "saturation", 1.0),
    ("jvm.thread.count", {}, "", "gauge", "level", "jvm.thread.count", "saturation", 1.0),
    ("logback_events_total", {"level": "error"}, "", "counter", "event", "logback.events.error", "errors", 1.0),
    ("logback_events_total", {"level": "warn"}, "", "counter", "event", "logback.events.warn", "errors", 1.0),
    ("hikaricp_connections_active", {}, "", "gauge", "over", "hikaricp.connections.used", "saturation", 1.0),
    ("hikaricp_connections_max", {}, "", "gauge", "under", "hikaricp.connections.used", "saturation", 1.0),
    ("hikaricp_pending_threads", {}, "", "gauge", "level", "hikaricp.connections.pending", "saturation", 1.0),
    (
        *("tomcat_threads_busy_threads", {}, ""),
        *("gauge", "over", "tomcat.threads.busy", "saturation", 1.0),
    ),
    (
        *("tomcat_threads_config_max_threads", {}, ""),
        *("gauge", "under", "tomcat.threads.busy", "saturation", 1.0),
    ),
    (
        *("envoy_cluster_upstream_rq_xx", {"envoy_response_code_class": "5"}, ""),
        *("counter", "event", "envoy.upstream.rq_5xx", "errors", 1.0),
    ),
    (
        *("envoy_cluster_upstream_rq_timeout", {}, ""),
        *("counter", "event", "envoy.upstream.rq_timeout", "errors", 1.0),
    ),
    ("envoy_cluster_upstream_rq_total", {}, "", "counter", "attempt", "envoy.upstream.rq_timeout", "errors", 1.0),
    (
        *("envoy_cluster_membership_healthy", {}, ""),
        *("gauge", "over", "envoy.membership.healthy", "availability", 100.0),
    ),
    ("db.client.connection.timeouts", {}, "", "counter", "event", "db.client.connection.timeouts", "errors", 1.0),
    (
        *("db.client.connection.count", {"state": "used"}, ""),
        *("gauge", "level", "db.client.connection.used", "saturation", 1.0),
    ),
    (
        *("http.client.request.duration", {"error.type": "timeout"}, "s"),
        *("histogram", "event", "http_client_request_duration/failed", "errors", 1.0),
    ),
    ("container.memory.working_set", APP, "By", "gauge", "level", "container.memory.working_set", "memory", 1.0),
    ("process.runtime.jvm.memory.usage", {"type": "heap"}, "By", "gauge", "level", "jvm.memory.used", "memory", 1.0),
    ("process.runtime.jvm.threads.count", {}, "", "gauge", "level", "jvm.thread.count", "saturation", 1.0),
    ("process.runtime.jvm.gc.duration", {}, "ms", "histogram", "rate", "jvm.runtime.gc.duration", "gc", 1e-3),
    ("process.runtime.go.goroutines", {}, "", "gauge", "level", "go.goroutines", "saturation", 1.0),
    ("process.runtime.go.gc.pause_total_ns", {}, "ns", "counter", "rate", "go.gc.pause_total", "gc", 1e-9),
    (
        *("process.runtime.cpython.cpu.utilization", {}, "1"),
        *("gauge", "level", "cpython.cpu.utilization", "cpu", 1.0),
    ),
    ("process.runtime.cpython.memory", {"type": "rss"}, "By", "gauge", "level", "cpython.memory", "memory", 1.0),
    ("dotnet.process.memory.working_set", {}, "By", "gauge", "level", "process.resident_memory", "memory", 1.0),
    ("jvm.cpu.time", {}, "s", "counter", "rate", "process.cpu.time", "cpu", 1.0),
    (
        *("db.client.connections.usage", {"state": "used"}, ""),
        *("gauge", "level", "db.client.connection.used", "saturation", 1.0),
    ),
    ("db.client.connections.timeouts", {}, "", "counter", "event", "db.client.connection.timeouts", "errors", 1.0),
    (
        *("grpc_client_handling_seconds_bucket", {"le": "0.1"}, ""),
        *("counter", "bucket", "grpc.client.handling", "latency", 1.0),
    ),
    (
        *("grpc.server.call.duration", {"grpc.status": "OK"}, "s"),
        *("histogram", "values", "grpc.server.call.duration", "latency", 1.0),
    ),
    (
        *("spring_kafka_listener_seconds_sum", {"result": "success"}, ""),
        *("counter", "over", "spring.kafka.listener/mean", "latency", 1.0),
    ),
    (
        *("http_client_requests_seconds_count", {"status": "200"}, ""),
        *("counter", "attempt", "http_client_requests/failed", "errors", 1.0),
    ),
    ("dramatiq_messages_total", QUEUED, "", "counter", "attempt", "dramatiq.message/failed", "errors", 1.0),
    ("dramatiq_message_retries_total", QUEUED, "", "counter", "event", "dramatiq.message.retries", "errors", 1.0),
    ("dramatiq_message_errors_total", QUEUED, "", "counter", "event", "dramatiq.message/failed", "errors", 1.0),
    (
        *("dramatiq_message_duration_milliseconds_bucket", {"le": "25.0"}, ""),
        *("counter", "bucket", "dramatiq.message.duration", "latency", 1e-3),
    ),
    ("celery_task_succeeded_total", {"name": "mail"}, "", "counter", "attempt", "celery.task/failed", "errors", 1.0),
    ("celery_task_failed_total", {"exception": "E"}, "", "counter", "event", "celery.task/failed", "errors", 1.0),
    ("celery_task_failed_total", {"exception": "E"}, "", "counter", "attempt", "celery.task/failed", "errors", 1.0),
    ("celery_task_runtime_sum", {"name": "mail"}, "", "counter", "over", "celery.task.runtime/mean", "latency", 1.0),
    ("sidekiq_jobs_executed_total", {}, "", "counter", "attempt", "sidekiq.job/failed", "errors", 1.0),
    ("sidekiq_jobs_failed_total", {}, "", "counter", "event", "sidekiq.job/failed", "errors", 1.0),
    ("nginx_connections_accepted", {}, "", "counter", "rate", "nginx_connections_accepted/rate", "load", 1.0),
    ("nginx_connections_writing", {}, "", "gauge", "level", "nginx.connections.writing", "saturation", 1.0),
    ("phpfpm_listen_queue", {"pool": "www"}, "", "gauge", "level", "phpfpm.listen_queue", "saturation", 1.0),
    ("phpfpm_slow_requests", {"pool": "www"}, "", "counter", "event", "phpfpm.slow_requests", "errors", 1.0),
    ("caddy_http_request_errors_total", PROXIED, "", "counter", "event", "caddy.upstream.errors", "errors", 1.0),
    (
        "http_exceptions_total",
        {"exception": "IOError"},
        "",
        "counter",
        "event",
        "http.server.exceptions",
        "errors",
        1.0,
    ),
    ("caddy_http_requests_total", PROXIED, "", "counter", "attempt", "caddy.upstream.errors", "errors", 1.0),
    (
        *("caddy_http_request_duration_seconds_bucket", PROXIED | {"le": "0.5"}, "", "counter", "bucket"),
        *("caddy.http.request.duration", "latency", 1.0),
    ),
    (
        *("caddy_reverse_proxy_upstreams_healthy", {"upstream": "127.0.0.1:8000"}, "", "gauge", "level"),
        *("caddy.upstreams.healthy", "availability", 100.0),
    ),
]

UNUSED = [
    ("resilience4j_circuitbreaker_state", {"state": "closed"}),
    ("kube_pod_status_phase", {"phase": "Running"}),
    ("mongodb_connections", {"state": "available"}),
    ("system_memory_usage_bytes", {"state": "free"}),
    ("go_sql_max_open_connections", {}),
    ("jdbc_connections_max", {"name": "shop"}),
    ("system_cpu_count", {}),
    ("container_memory_working_set_bytes", {"container": "POD"}),
    ("istio_request_duration_milliseconds_bucket", {"reporter": "source", "le": "25"}),
    ("kube_pod_container_status_waiting_reason", {"reason": "ContainerCreating"}),
    ("kube_pod_status_ready", {"condition": "false"}),
    ("kube_pod_container_resource_limits", {"resource": "cpu"}),
    ("jvm_gc_pause_seconds_max", {}),
    ("http_requests_created", {"code": "200"}),
    ("build_info", {}),
    ("application_started_time_seconds", {}),
    ("process.runtime.cpython.memory", {"type": "vms"}),
    ("db.client.connections.usage", {"state": "idle"}),
    ("db.client.connection.count", {"state": "idle"}),
    ("scrape_duration_seconds", {}),
    ("up", {}),
    ("http_server_requests_active_seconds_max", {"uri": "UNKNOWN"}),
    ("tomcat_global_request_max_seconds", {"name": "http-nio-8080"}),
    ("process.runtime.cpython.gc_count", {"count": "0"}),
    ("executor_pool_core_threads", {"name": "applicationTaskExecutor"}),
    ("nodejs_heap_space_size_available_bytes", {"space": "old"}),
    ("nodejs_eventloop_lag_min_seconds", {}),
    ("process_cpu_user_seconds_total", {}),
    ("container_memory_mapped_file", APP),
    ("container_network_receive_packets_total", {}),
    ("k8s.container.cpu_limit", {}),
    ("k8s.pod.memory_limit_utilization", {}),
    ("k8s.pod.filesystem.usage", {}),
    ("jvm_memory_committed_bytes", {"area": "heap"}),
    ("machine_memory_bytes", {}),
    ("http_server_requests_seconds_count", {"uri": "/actuator/health/readiness", "status": "503"}),
    ("http_server_requests_seconds_max", {"uri": "/actuator/prometheus", "status": "200"}),
    ("http_requests_total", {"handler": "/metrics", "status": "2xx"}),
    ("http_request_duration_seconds_bucket", {"path": "/healthz", "status_code": "200", "le": "0.1"}),
    ("http.server.request.duration", {"http.route": "/q/health/live", "http.response.status_code": "503"}),
    ("shop_requests_total", {"url_path": "/readyz?verbose", "code": "503"}),
    (
        "django_http_responses_total_by_status_view_method_total",
        {"status": "200", "view": "prometheus-django-metrics", "method": "GET"},
    ),
    ("http_server_connections_seconds_duration_sum", {"server_port": "8080"}),
    ("dramatiq_message_retries_total", {"queue_name": "default.DQ", "actor_name": "mail"}),
    ("haproxy_process_idle_time_percent", {}),
    ("haproxy_process_max_connections", {}),
    ("phpfpm_max_active_processes", {"pool": "www"}),
    ("phpfpm_process_last_request_memory", {"pool": "www", "child": "0"}),
    ("nginx_connections_waiting", {}),
    ("caddy_http_response_duration_seconds_count", {"handler": "reverse_proxy", "code": "500"}),
    ("haproxy_server_check_last_change_seconds", {"proxy": "app", "server": "app1"}),
    ("haproxy_backend_last_session_seconds", {"proxy": "app"}),
    ("haproxy_backend_active_servers", {"proxy": "app"}),
    ("haproxy_server_status", {"proxy": "app", "server": "app1", "state": "UP"}),
]


def series(name, attributes, unit=""):
    """A series with its attributes in order."""
    return Series(name, tuple(sorted(attributes.items())), unit)


@pytest.mark.parametrize(("name", "attributes", "unit", "shape", "how", "signal", "group", "factor"), KNOWN)
def test_known_metrics_are_their_signals_in_one_unit(name, attributes, unit, shape, how, signal, group, factor):
    """Each spelling leads to the signal, read in its way, and converted to the signal's unit."""
    use, rules = read_series(series(name, attributes, unit))
    (reading,) = [one for one in getattr(use, shape) if (one.signal, one.how) == (signal, how)]
    kind = {"values": "values", "bucket": "values", "event": "events", "attempt": "events", "onset": "events"}.get(how)
    (rule,) = {rule for rule in rules if (rule.signal, rule.kind) == (signal, kind or "level")}
    assert rule.known
    assert rule.group == group
    if how not in {"under", "event", "attempt", "onset"}:
        assert reading.factor == pytest.approx(factor)


@pytest.mark.parametrize(("name", "attributes"), UNUSED)
def test_double_counts_and_descriptions_of_the_set_up_are_left_alone(name, attributes):
    """Known, and read for nothing; a metric that is merely unknown never is."""
    use, rules = read_series(series(name, attributes))
    assert use.empty
    assert rules == ()


def test_a_known_name_with_a_unit_of_something_else_is_not_the_known_metric():
    """The unit guard: bytes under a name of seconds are compared as what they are."""
    assert builtin(series("http.server.request.duration", {}, "By")) is None
    assert not any(rule.known for rule in read_series(series("http.server.request.duration", {}, "By"))[1])


def test_buckets_know_their_bound_in_the_unit_of_the_signal():
    """`le` is converted with the values; +Inf stays infinite."""
    use, _ = read_series(series("http_server_duration_milliseconds_bucket", {"le": "250"}))
    assert use.counter[0].bound == pytest.approx(0.25)
    use, _ = read_series(series("http_server_duration_milliseconds_bucket", {"le": "+Inf"}))
    assert use.counter[0].bound == float("inf")


def test_known_counters_that_arrive_as_gauges_still_count_up():
    """Shippers that know no types go by the name; `container_memory_failcnt` has no `_total`."""
    assert read_series(series("container_memory_failcnt", APP))[0].gauge_is_total
    assert not read_series(series("http_client_request_duration_seconds", {"quantile": "0.5"}))[0].gauge_is_total


def test_no_signal_of_the_table_has_two_rules():
    """Metrics that are put together agree on what they are."""
    rules = {}
    for metric in RULES:
        assert metric.stems
        assert rules.setdefault(metric.rule.signal, metric.rule) == metric.rule


GUESSED = [
    ("pod_cpu_usage_millicores", "cpu", "higher", "{cpu}"),
    ("pod_cpu_usage_percent", "cpu", "higher", "1"),
    ("pod_memory_usage_mib", "memory", "higher", "By"),
    ("memory_available_bytes", "memory", "lower", "By"),
    ("pod_server_latency_p90_s", "tail_latency", "higher", "s"),
    ("latency_average", "latency", "higher", ""),
    ("latency_p50", "latency", "higher", ""),
    ("latency_p99", "tail_latency", "higher", ""),
    ("request_latency_seconds", "latency", "higher", "s"),
    ("request_time_ms", "latency", "higher", "s"),
    ("http_response_time_milliseconds", "latency", "higher", "s"),
    ("traced_server_latency_max_ms", "tail_latency", "higher", "s"),
    ("availability_average", "availability", "lower", "%"),
    ("order_success_ratio", "availability", "lower", "%"),
    ("successful_requests_rate", "load", "either", ""),
    ("requests_sum", "load", "either", ""),
    ("pod_workload_ops", "load", "either", ""),
    ("traced_requests_per_10s", "load", "either", ""),
    ("node_network_receive_bytes", "network", "either", "By"),
    ("pod_syscall_read", "io", "either", ""),
    ("payment_failures", "errors", "higher", ""),
    ("worker_queue_depth", "saturation", "higher", ""),
    ("queue_wait_seconds", "latency", "higher", "s"),
    ("worker_restarts", "restarts", "higher", ""),
    ("requestErrorCount", "errors", "higher", ""),
    ("HTTPCode_Target_5XX_Count", "errors", "higher", ""),
    ("shop.response.503", "errors", "higher", ""),
    ("shop.response.200", "load", "either", ""),
    ("requests_per_second", "load", "either", ""),
    ("errors_per_minute", "errors", "higher", ""),
    ("bytes_per_second", "other", "either", "By"),
    ("workload", "load", "either", ""),
    ("system_load_average_1m", "cpu", "higher", ""),
    ("request_p99", "tail_latency", "higher", ""),
    ("request_p50", "latency", "higher", ""),
    ("sql_wait_count_total", "saturation", "higher", ""),
    ("http_requests_in_progress", "saturation", "higher", ""),
    ("http_requests_inprogress", "saturation", "higher", ""),
    ("worker_pool_usage_seconds_count", "saturation", "higher", "s"),
    ("thread_count", "saturation", "higher", ""),
    ("worker_task_runtime_bucket", "latency", "higher", ""),
    ("celery_task_sent_total", "load", "either", ""),
    ("celery_worker_up", "availability", "lower", "%"),
    ("worker_jobs_executed_total", "load", "either", ""),
    ("sidekiq_jobs_dead_count", "errors", "higher", ""),
    ("rabbitmq_queue_messages_ready", "saturation", "higher", ""),
    ("rabbitmq_queue_messages_published_total", "load", "either", ""),
    ("rabbitmq_channel_messages_redelivered_total", "errors", "higher", ""),
    ("executor_completed_tasks_total", "load", "either", ""),
    ("shop_orders_created_total", "load", "either", ""),
    ("shop.orders.created", "load", "either", ""),
    ("max_connections_reached_total", "saturation", "higher", ""),
    ("pool_max_connections_rejected_total", "errors", "higher", ""),
    ("tomcat_sessions_created_sessions_total", "load", "either", ""),
    ("cache_evictions_total", "other", "either", ""),
    ("redis_evicted_keys_total", "other", "either", ""),
    ("kubelet_evicted_pods", "restarts", "higher", ""),
    ("redis_commands_duration_seconds_total", "saturation", "higher", "1"),
    ("go_sql_wait_duration_seconds_total", "saturation", "higher", "1"),
    ("pg_stat_database_xact_rollback", "errors", "higher", ""),
    ("nodejs_eventloop_lag_p99_seconds", "tail_latency", "higher", "s"),
    ("resilience4j_circuitbreaker_not_permitted_calls_total", "errors", "higher", ""),
    ("haproxy_server_max_queue", "saturation", "higher", ""),
    ("hubble_drop_total", "errors", "higher", ""),
    ("shop_network_sent_packets_total", "network", "either", ""),
    ("aws_applicationelb_httpcode_target_5_xx_count_sum", "errors", "higher", ""),
    ("aws_applicationelb_healthy_host_count_average", "load", "either", ""),
    ("aws_sqs_approximate_age_of_oldest_message_average", "latency", "higher", ""),
    ("HealthyHostCount", "load", "either", ""),
    ("UnHealthyHostCount", "errors", "higher", ""),
    ("container_cpu_used", "cpu", "higher", ""),
    ("container_memory_utilization", "memory", "higher", ""),
    ("k8s_pod_cpu_percent", "cpu", "higher", "1"),
    ("jvm_memory_heap_used_percent", "memory", "higher", "1"),
    ("machine_cpu_usage", "cpu", "higher", ""),
    ("CPUUsage", "cpu", "higher", ""),
    ("RSSBytes", "memory", "higher", "By"),
    ("GCTime", "gc", "higher", ""),
    ("heapUsedMBytes", "memory", "higher", ""),
    ("apdex_score", "availability", "lower", "%"),
    ("apdex_satisfied_total", "load", "either", ""),
    ("apdex_frustrated_total", "errors", "higher", ""),
    ("rrt_max", "tail_latency", "higher", ""),
    ("packet_loss_percent", "errors", "higher", "1"),
    ("process.paging.faults", "other", "either", ""),
]


@pytest.mark.parametrize(("name", "group", "worse", "unit"), GUESSED)
def test_unknown_metrics_are_guessed_at_by_their_words(name, group, worse, unit):
    """Group, direction and unit from the words; a guess says that it is one and weighs at most half."""
    rule = read_series(series(name, {}))[1][0]
    assert (rule.group, rule.worse, rule.unit) == (group, worse, unit)
    assert not rule.known
    assert rule.guessed == (group != "other")
    assert rule.weight <= 0.5
    assert (rule.criticality == "watch") == (group == "load")


@pytest.mark.parametrize(
    "name", ["haproxy_frontend_connections_total", "netty_threads_started", "nginx_accepted_connections"]
)
def test_a_counter_of_what_can_be_held_follows_the_traffic(name):
    """How many connections came by is load; how many there are now, or how many waited, is saturation."""
    use, rules = read_series(series(name, {}))
    (rate,) = (rule for rule in rules if rule.signal == use.counter[0].signal)
    assert (rate.group, rate.worse, rate.criticality) == ("load", "either", "watch")
    use, rules = read_series(series("pool_connections_waited_wait_total", {}))
    (rate,) = (rule for rule in rules if rule.signal == use.counter[0].signal)
    assert (rate.group, rate.worse) == ("saturation", "higher")


def test_time_in_use_is_told_by_its_mean():
    """Micrometer's `worker_pool_usage_seconds`: how often follows the traffic, how long does not."""
    for part, how in (("sum", "over"), ("count", "under")):
        use, rules = read_series(series(f"worker_pool_usage_seconds_{part}", {"pool_name": "a"}))
        assert [(reading.signal, reading.how) for reading in use.counter] == [("worker_pool_usage_seconds/mean", how)]
        assert [(rule.group, rule.worse, rule.unit) for rule in rules] == [("saturation", "higher", "s")]


def test_seconds_of_a_processor_in_a_total_are_cores():
    """The signal's unit is that of the rate, not of what is added up."""
    (_, rate) = read_series(series("worker_cpu_seconds_total", {}, "s"))[1]
    assert (rate.signal, rate.unit) == ("worker_cpu_seconds_total/rate", "{cpu}")


@pytest.mark.parametrize("path", ["/orders", "/health/records", "/metrics/daily", "health", "/", ""])
def test_what_is_served_is_no_probe(path):
    """Only whole paths of probes and scrapers are left alone."""
    use, _ = read_series(series("http_requests_total", {"path": path, "code": "503"}))
    assert use.role is not None
    assert use.role.is_error


def test_seconds_in_a_total_are_a_share_of_the_time():
    """Of a counter of seconds the rate is the level, whether it comes as a counter or as a gauge."""
    use, (rule,) = read_series(series("redis_commands_duration_seconds_total", {"cmd": "get"}))
    assert ([one.how for one in use.counter], use.gauge_is_total, rule.kind) == (["rate"], True, "level")


def test_hosts_that_are_healthy_are_no_requests_that_succeeded():
    """A tally, with a share of successes beside it, is an exposure."""
    assert [one.how for one in read_series(series("HealthyHostCount", {}))[0].gauge] == ["level"]


def test_what_no_word_tells_is_compared_both_ways_at_low_weight():
    """Never dropped."""
    use, rules = read_series(series("flux_capacitance", {}))
    assert use.gauge
    assert (rules[0].group, rules[0].worse, rules[0].weight, rules[0].known) == ("other", "either", 0.25, False)
    assert not rules[0].guessed


def test_the_machine_weighs_less_than_the_pod():
    """Other pods move it too."""
    node, pod = (read_series(series(f"{what}_cpu_usage_percent", {}))[1][0] for what in ("node", "pod"))
    assert node.weight == pod.weight / 2


def test_quantiles_of_summaries_are_signals_of_their_own():
    """They cannot be put together; the high ones are the tail."""
    low = read_series(series("task_latency_seconds", {"quantile": "0.5"}))[1][-1]
    high = read_series(series("task_latency_seconds", {"quantile": "0.99"}))[1][-1]
    assert (low.signal, low.group) == ("task_latency_seconds{quantile=0.5}", "latency")
    assert (high.signal, high.group) == ("task_latency_seconds{quantile=0.99}", "tail_latency")


@given(st.text(max_size=60), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3), st.text(max_size=4))
def test_any_name_is_read_without_failing_and_always_the_same(name, attributes, unit):
    """Hostile names cost no more than others; each signal has one rule of each kind."""
    one = series(name, attributes, unit)
    assert read_series(one) == read_series(one)


def test_signals_find_a_place_in_the_order_in_which_windows_show_them():
    """Bounded: what comes when it is full is told of, and what is there stays."""
    catalogue = Catalogue()
    for number in range(SIGNALS_PER_WORKLOAD + 5):
        catalogue.learn(number, Series(f"thing_{number}"))
    admitted = [catalogue.admit(Reading(f"thing_{number}", "level")) for number in range(SIGNALS_PER_WORKLOAD + 5)]
    assert admitted == [True] * SIGNALS_PER_WORKLOAD + [False] * 5
    assert len(catalogue.state.left_out) == 5
    assert catalogue.admit(Reading("thing_0", "level"))
    assert not catalogue.admit(Reading("thing_0", "values"))


def test_a_pod_speaks_where_none_of_its_containers_does():
    """Its own cgroup holds theirs, and would count twice; recordings often have nothing but the pod."""
    name = "container_cpu_usage_seconds_total"
    (whole,) = read_series(series(name, {}))[0].counter
    (part,) = read_series(series(name, APP))[0].counter
    pods, both = Catalogue(), Catalogue()
    for catalogue in (pods, both):
        catalogue.learn(1, series(name, {}))
    both.learn(2, series(name, APP))
    assert pods.admit(whole)
    assert both.admit(part)
    assert not both.admit(whole)


@given(st.permutations([("latency", "ms"), ("latency", "s"), ("latency", "")]))
def test_two_rules_of_one_signal_are_one_in_any_order(order):
    """What is learned does not depend on which series came first."""
    catalogue = Catalogue()
    for number, (name, unit) in enumerate(order):
        catalogue.learn(number, Series(name, (), unit))
    reference = Catalogue()
    for number, (name, unit) in enumerate(sorted(order)):
        reference.learn(number, Series(name, (), unit))
    assert catalogue.state.candidates == reference.state.candidates


@pytest.mark.parametrize(
    ("name", "attributes", "unit", "kind", "group", "worse", "how", "factor"),
    [
        ("duration_ms", (), "", "values", "latency", "higher", ["values"], 1e-3),
        ("elapsed", (), "us", "values", "latency", "higher", ["values"], 1e-6),
        ("max_count", (), "", "values", "other", "either", ["values"], 1.0),
        ("bytes", (), "By", "values", "other", "either", ["values"], 1.0),
        ("success_ratio", (), "", "values", "availability", "lower", ["values"], 1.0),
        ("version", (), "", "values", "other", "either", ["values"], 1.0),
        ("status=5*", (("held", "true"),), "", "events", "errors", "higher", ["event", "attempt"], 1.0),
        ("status=5*", (("held", "false"),), "", "events", "errors", "higher", ["attempt"], 1.0),
        ("outcome=failed", (("held", "true"),), "", "events", "errors", "higher", ["event", "attempt"], 1.0),
        ("cache=hit", (("held", "true"),), "", "events", "other", "either", ["event", "attempt"], 1.0),
    ],
)
def test_fields_of_log_lines(name, attributes, unit, kind, group, worse, how, factor):
    """Promise: numbers are distributions whatever they are called, values are events out of all lines that have any."""
    use, (rule,) = read_series(Series(f"log.field.{name}", attributes, unit))
    readings = use.histogram or use.counter
    assert (rule.signal, rule.kind, rule.group, rule.worse) == (f"log.field.{name}", kind, group, worse)
    assert ([one.how for one in readings], readings[0].factor) == (how, factor)
    assert use.role is None
    assert not rule.known
    assert rule.criticality == "normal"
