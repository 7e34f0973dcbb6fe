"""What the series of pods come to in one window: levels, events and values per signal."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.counters import CounterState
from streams.judging.pod_window import SERIES_PER_POD, PodState
from streams.judging.presence import Presence, PresenceState
from streams.records.histogram import Histogram, from_explicit_bounds
from streams.records.identity import Revision, Workload
from streams.records.metric import Series
from streams.signals.catalogue import Catalogue, CatalogueState
from streams.signals.requests import SHARE_SOURCE
from streams.windows.summary import PodSummary, Summary, merge

S = 1_000_000_000
WINDOW_NS = 5 * S
T0 = 1_000 * WINDOW_NS
WORKING_SET = "container.memory.working_set"
REVISION = Revision(Workload("", "prod", "shop"), "6f8")


class Stream:
    """Windows of one revision, written as (pod, metric, attributes) -> samples."""

    def __init__(self):
        self.catalogue = Catalogue()
        self.presence = Presence(WINDOW_NS)
        self.start_ns = T0
        self._ids = {}

    def number(self, name, **attributes):
        """The id of a series, learned."""
        series = Series(name, tuple(sorted(attributes.items())))
        number = self._ids.setdefault(series, len(self._ids))
        self.catalogue.learn(number, series)
        return number

    def close(self, **pods):
        """One window; each pod is a PodSummary."""
        side = self.presence.close(self.start_ns, Summary(REVISION, self.start_ns, pods=pods), self.catalogue, {})
        self.start_ns += WINDOW_NS
        return side

    def gauge(self, name, *levels, **attributes):
        """A pod with one gauge."""
        return PodSummary(
            gauges={self.number(name, **attributes): {self.start_ns + i: v for i, v in enumerate(levels)}}
        )

    def total(self, name, *totals, start_ns=0, **attributes):
        """A pod with one cumulative counter."""
        number = self.number(name, **attributes)
        return PodSummary(totals={number: {self.start_ns + i: (start_ns, float(v)) for i, v in enumerate(totals)}})


def both(*pods):
    """Several pod summaries as one pod's."""
    whole = Summary(REVISION, T0)
    for pod in pods:
        merge(whole, Summary(REVISION, T0, pods={"p": pod}))
    return whole.pods["p"]


def test_the_oldest_pod_that_tells_when_it_started_dates_its_revision():
    """Seconds since 1970, or the start of a cumulative total; each pod by the earliest it tells of."""
    stream = Stream()
    assert stream.close(a=stream.gauge("go_goroutines", 9.0)).born_ns == 0
    born = stream.gauge("process_start_time_seconds", 4_900.0)
    assert stream.close(a=born, b=stream.gauge("container_start_time_seconds", 4_950.0)).born_ns == 4_900 * S
    earlier = stream.total("http_requests_total", 5, start_ns=4_800 * S, code="200")
    assert stream.close(a=stream.gauge("process_start_time_seconds", 4_990.0), b=earlier).born_ns == 4_800 * S


@pytest.mark.parametrize(("age_s", "read"), [(10, False), (110, False), (124, False), (130, True)])
def test_latencies_of_a_pod_that_says_it_is_starting_are_left_out(age_s, read):
    """Two minutes from its start on, by what it says; a scrape that reaches back into them as well. Its counts are."""
    stream = Stream()
    started_s = (stream.start_ns - age_s * S) / 1e9 + 10.0
    for total in (1.0, 5.0, 9.0):
        side = stream.close(
            a=both(
                stream.gauge("process_start_time_seconds", started_s),
                stream.total("http_server_request_duration_seconds_bucket", total, le="0.1", code="500"),
                stream.total("http_server_request_duration_seconds_bucket", total, le="+Inf", code="500"),
                stream.total("http_server_request_duration_seconds_count", total, code="500"),
            )
        )
    assert bool(side.values) == read
    assert side.starting == (age_s < 120)
    assert side.requests["http.server.request.duration"].errors == 4.0


def test_a_pod_that_started_in_this_window_is_starting():
    """What it says is later than the window's start: that counts as now."""
    stream = Stream()
    started_s = stream.start_ns / 1e9 + 2.0
    assert stream.close(a=stream.gauge("process_start_time_seconds", started_s)).starting == 1


def test_a_rate_under_the_name_of_a_total_counts_no_requests():
    """A shipper without types tells a total as a gauge; a recording rule, a rate under the name of its counter."""
    stream = Stream()
    seen = []
    for total, rate in ((100.0, 2.25), (130.0, 1.75), (160.0, 2.5)):
        pods = {"a": stream.gauge("http_requests_total", total, code="200")}
        pods["b"] = stream.gauge("http_requests_total", rate, code="500")
        count = stream.close(**pods).requests.get("http_requests_total")
        seen.append((count.requests, count.errors) if count else None)
    assert seen[1:] == [(30.0, 0.0), (30.0, 0.0)]


@pytest.mark.parametrize("told", [-1.0, 0.0, math.inf, -math.inf, math.nan, 1e300])
def test_a_start_that_cannot_be_is_none(told):
    """It comes from outside."""
    stream = Stream()
    assert stream.close(a=stream.gauge("process_start_time_seconds", told)).born_ns == 0


def test_a_start_that_is_to_come_is_now():
    """Clocks differ; what has not begun cannot have told of it."""
    stream = Stream()
    assert stream.close(a=stream.gauge("process_start_time_seconds", 1e9)).born_ns == T0


def _memory(stream, *containers):
    return [stream.gauge("container_memory_working_set_bytes", 100.0, container=name) for name in containers]


def _limited(stream, **limits):
    name = "container_spec_memory_limit_bytes"
    return [stream.gauge(name, limit, container=container) for container, limit in limits.items()]


def test_limits_of_the_containers_are_those_of_their_sum():
    """As their memory is summed; a pod that tells of none has none, and limits are told only where there is a level."""
    stream = Stream()
    pods = {"a": both(*_memory(stream, "app", "proxy"), *_limited(stream, app=512.0, proxy=256.0))}
    pods["b"] = both(*_memory(stream, "app", "proxy"))
    side = stream.close(**pods)
    assert side.levels[WORKING_SET] == {0: 200.0, 1: 200.0}
    assert side.limits == {WORKING_SET: {0: 768.0}}


def test_a_limit_is_remembered_until_it_is_told_anew():
    """It comes with other scrapes, of kube-state-metrics for instance, than what it bounds."""
    stream = Stream()
    used = _memory(stream, "app")
    told = _limited(stream, app=512.0), used, _limited(stream, proxy=256.0), used, _limited(stream, app=1024.0), used
    found = [stream.close(a=both(*pod)).limits for pod in told]
    assert found[::2] == [{}, {}, {}]
    assert found[1::2] == [{WORKING_SET: {0: limit}} for limit in (512.0, 768.0, 1280.0)]
    restored = msgspec.msgpack.decode(msgspec.msgpack.encode(stream.presence.state), type=PresenceState)
    stream.presence = Presence(WINDOW_NS, restored)
    assert stream.close(a=both(*_memory(stream, "app"))).limits == found[-1]


@pytest.mark.parametrize("told", [0.0, 2.0**63, math.inf, 1e308])
def test_one_container_without_a_limit_leaves_its_pod_without(told):
    """As cAdvisor writes 0, cgroups the largest number there is; whatever another metric says of the others."""
    stream = Stream()
    name, of = "kube_pod_container_resource_limits", {"container": "app", "resource": "memory"}
    pod = [*_memory(stream, "app", "proxy"), *_limited(stream, app=512.0, proxy=told), stream.gauge(name, 512.0, **of)]
    assert stream.close(a=both(*pod)).limits == {}


def test_limits_are_bounded_as_counters_are():
    """Names come from outside."""
    stream = Stream()
    stream.close(a=both(*_limited(stream, **{f"c{number}": 512.0 for number in range(SERIES_PER_POD + 5)})))
    assert len(stream.presence.state.pods["a"].limits) <= SERIES_PER_POD
    assert stream.presence.state.most_unfollowed == 5


def test_of_containers_of_which_one_limit_finds_no_place_none_is_told():
    """A sum of the others would be reached too early; and it takes no place from what is judged."""
    stream = Stream()
    used, counted = _memory(stream, "app", "proxy"), stream.number("jobs_total")
    stream.close(a=both(*used, *_limited(stream, app=512.0, proxy=256.0)))
    (pod,) = stream.presence.state.pods.values()
    pod.counters = {-number: CounterState(T0, 0, 0.0) for number in range(1, SERIES_PER_POD - 2)}
    told = [*used, *_limited(stream, app=512.0, proxy=256.0, late=128.0)]
    assert stream.close(a=both(stream.total("jobs_total", 1.0), *told)).limits == {}
    assert stream.close(a=both(*used)).limits == {}
    assert counted in pod.counters


@pytest.mark.parametrize("told", [-1.0, math.nan, -math.inf])
def test_a_limit_that_says_nothing_is_left_out(told):
    """The JVM's pools without a bound of their own lie within the heap; what is no number comes from outside."""
    stream = Stream()
    used = stream.gauge("jvm_memory_used_after_last_gc_bytes", 100.0, area="heap", id="G1 Old Gen")
    limits = [
        stream.gauge("jvm_memory_max_bytes", size, area="heap", id=pool)
        for pool, size in (("old", 400.0), ("eden", told))
    ]
    assert stream.close(a=both(used, *limits)).limits == {"jvm.memory.used_after_gc": {0: 400.0}}


def test_a_gauge_is_its_mean_per_pod_in_the_unit_of_the_signal():
    """Levels are kept apart by pod."""
    stream = Stream()
    side = stream.close(
        a=stream.gauge("pod_cpu_usage_millicores", 100.0, 300.0), b=stream.gauge("pod_cpu_usage_millicores", 500.0)
    )
    assert side.levels == {"pod_cpu_usage_millicores": {0: 0.2, 1: 0.5}}


def test_containers_are_summed_and_the_pods_own_cgroup_is_not_counted_again():
    """The cAdvisor double count."""
    stream = Stream()
    name = "container_memory_rss"
    pod = both(
        stream.gauge(name, 10.0, container="app"),
        stream.gauge(name, 5.0, container="proxy"),
        stream.gauge(name, 1.0, container="POD"),
        stream.gauge(name, 16.0),
    )
    assert stream.close(p=pod).levels == {"container.memory.rss": {0: 15.0}}


def test_a_counter_of_cpu_is_cores_from_its_second_sample_on():
    """Increase per second between samples, over the gap between windows; the first sight says nothing."""
    stream = Stream()
    name = "container_cpu_usage_seconds_total"
    assert stream.close(p=stream.total(name, 100.0, container="app")).levels == {}
    assert stream.close(p=stream.total(name, 110.0, container="app")).levels == {"container.cpu": {0: 2.0}}


def test_a_reset_of_a_counter_is_no_negative_rate():
    """What was counted since the restart, over the time since the last sample."""
    stream = Stream()
    stream.close(p=stream.total("container_cpu_usage_seconds_total", 100.0, container="app"))
    side = stream.close(p=stream.total("container_cpu_usage_seconds_total", 1.0, container="app"))
    assert side.levels == {"container.cpu": {0: 0.2}}


def test_delta_counters_are_rates_over_the_time_since_they_were_last_heard():
    """A counter pushed every ten seconds is not twice as fast in the window it falls into."""
    stream = Stream()
    number = stream.number("k8s.pod.cpu.time")
    assert stream.close(p=PodSummary(increases={number: 5.0})).levels == {}
    stream.close(p=PodSummary())
    assert stream.close(p=PodSummary(increases={number: 5.0})).levels == {"k8s.pod.cpu.time": {0: 0.5}}


def test_a_mean_is_the_sum_over_the_count_of_what_has_come():
    """Micrometer without buckets."""
    stream = Stream()
    for seconds, count in ((10.0, 100), (13.0, 110)):
        side = stream.close(
            p=both(
                stream.total("http_server_requests_seconds_sum", seconds, status="200"),
                stream.total("http_server_requests_seconds_count", count, status="200"),
            )
        )
    assert side.levels == {"http.server.requests/mean": {0: pytest.approx(0.3)}}
    assert side.requests["http.server.requests"].requests == 10.0


def test_restarts_are_events_and_every_pod_is_exposure():
    """Also the pod that reports none, in windows without any."""
    stream = Stream()
    name = "kube_pod_container_status_restarts_total"
    stream.close(a=stream.total(name, 3.0, container="app"), b=stream.gauge("queue_depth", 1.0))
    side = stream.close(a=stream.total(name, 5.0, container="app"))
    count = side.events["k8s.container.restarts"]
    assert (count.events, count.incidents, count.reports, count.pod_s) == (2.0, 1, 1, 10.0)
    quiet = stream.close().events["k8s.container.restarts"]
    assert (quiet.events, quiet.pod_s) == (0.0, 10.0)


def test_the_collectors_restart_gauge_counts_only_when_it_leaves_zero():
    """Documented as approximate: zero or not zero. A pod first seen above zero has no event of ours."""
    stream = Stream()
    levels = ([0.0], [1.0], [2.0], [0.0], [1.0])
    found = [
        stream.close(a=stream.gauge("k8s.container.restarts", *level), b=stream.gauge("k8s.container.restarts", 7.0))
        for level in levels
    ]
    assert [side.events["k8s.container.restarts/seen"].events for side in found] == [0.0, 1.0, 0.0, 0.0, 1.0]


def test_a_waiting_reason_that_appears_at_a_pod_already_met_is_an_event():
    """kube-state-metrics writes the series only while it waits."""
    stream = Stream()
    stream.close(p=stream.gauge("queue_depth", 1.0))
    waiting = stream.gauge("kube_pod_container_status_waiting_reason", 1.0, reason="CrashLoopBackOff")
    assert stream.close(p=waiting).events["k8s.container.waiting"].events == 1.0


def test_readiness_says_nothing_before_a_pod_was_first_ready():
    """Starting up is no failure; ceasing to be ready is."""
    stream = Stream()
    levels = [
        stream.close(p=stream.gauge("kube_pod_status_ready", ready, condition="true")).levels
        for ready in (0.0, 1.0, 0.0)
    ]
    assert levels == [{}, {"k8s.pod.ready": {0: 100.0}}, {"k8s.pod.ready": {0: 0.0}}]


def test_a_share_of_successes_with_a_number_of_requests_is_failed_requests():
    """Percent or not, as the first value above 1 tells; the calls to others are an event of their own."""
    stream = Stream()
    side = stream.close(
        p=both(
            stream.gauge("availability_average", 99.0),
            stream.gauge("requests_sum", 800.0),
            stream.gauge("client_availability_average", 50.0),
            stream.gauge("client_requests_sum", 10.0),
        )
    )
    count = side.requests[SHARE_SOURCE]
    assert (count.requests, count.errors) == (800.0, pytest.approx(8.0))
    assert count.reported == count.awaited == (0,)
    assert (side.events["client/failed"].events, side.events["client/failed"].attempts) == (5.0, 10.0)
    assert side.levels["availability_average"] == {0: 99.0}
    assert stream.close(p=stream.gauge("availability_average", 1.0)).levels["availability_average"] == {0: 1.0}


def test_a_share_that_never_exceeds_one_is_no_percentage():
    """0.99 is 99%."""
    stream = Stream()
    side = stream.close(p=both(stream.gauge("success_rate", 0.99), stream.gauge("request_count", 100.0)))
    assert side.levels["success_rate"] == {0: 99.0}
    assert side.requests[SHARE_SOURCE].errors == pytest.approx(1.0)


def test_cumulative_histograms_are_values_and_requests():
    """Only what came since the last sample; in seconds."""
    stream = Stream()
    number = stream.number("http.server.duration", **{"http.status_code": "200"})
    sides = [
        stream.close(
            p=PodSummary(
                histogram_totals={number: {stream.start_ns: (0, from_explicit_bounds([100.0, 200.0], counts, 0.0))}}
            )
        )
        for counts in ([5, 5, 0], [8, 5, 1])
    ]
    assert sides[0].values == {}
    values = sides[1].values["http.server.duration"]
    assert (values.count, sum(values.positive.values())) == (4, 4)
    bounds = [2.0 ** ((index + 1) / 2.0**values.scale) for index in sorted(values.positive)]
    assert bounds == [pytest.approx(0.1, rel=0.003), pytest.approx(0.4, rel=0.003)]
    assert sides[1].requests["http.server.duration"].requests == 4.0


def test_prometheus_buckets_are_values():
    """Counters of the values up to each bound, of one pod, in all label sets."""
    stream = Stream()

    def buckets(*counts):
        bounds = ("0.1", "0.5", "+Inf")
        names = "http_server_requests_seconds_bucket"
        return both(
            *(
                stream.total(names, count, le=le, uri=uri)
                for uri in "ab"
                for le, count in zip(bounds, counts, strict=True)
            )
        )

    stream.close(p=buckets(10, 12, 12))
    values = stream.close(p=buckets(11, 15, 16)).values["http.server.requests"]
    assert values.count == 8
    assert sorted(values.positive.values()) == [2, 2, 4]


def test_a_new_error_counter_of_a_known_source_starts_from_zero():
    """The level of a logger that was silent so far."""
    stream = Stream()
    stream.close(p=stream.total("client_errors_total", 3.0, kind="a"))
    side = stream.close(p=stream.total("client_errors_total", 2.0, kind="b"))
    assert side.events["client_errors_total"].events == 2.0


def test_a_counter_that_says_it_started_after_the_pod_was_met_starts_from_zero():
    """OTLP's start time."""
    stream = Stream()
    stream.close(p=stream.gauge("queue_depth", 1.0))
    side = stream.close(p=stream.total("db.client.connection.timeouts", 4.0, start_ns=stream.start_ns - S))
    assert side.events["db.client.connection.timeouts"].events == 4.0


def test_buckets_up_to_the_largest_double_are_values():
    """Whatever bounds a service writes, the window closes; what lies beyond the last one has no larger bound."""
    stream = Stream()
    for total in (0, 8):
        side = stream.close(
            p=both(
                stream.total("http_request_duration_seconds_bucket", total / 2, le="1.7e308"),
                stream.total("http_request_duration_seconds_bucket", total, le="+Inf"),
            )
        )
    assert side.values["http.request.duration"].count == 8


def test_a_histogram_without_buckets_is_its_mean():
    """OTLP allows a count and a sum alone."""
    stream = Stream()
    number = stream.number("http.server.request.duration")
    side = stream.close(p=PodSummary(histogram_increases={number: Histogram(8, 4, 2.0)}))
    assert side.values == {}
    assert side.levels == {"http.server.request.duration/mean": {0: 0.5}}


def test_the_time_spent_in_pauses_is_seconds_a_second():
    """Whatever their number."""
    stream = Stream()
    stream.close(p=stream.total("jvm_gc_pause_seconds_sum", 1.0))
    assert stream.close(p=stream.total("jvm_gc_pause_seconds_sum", 1.5)).levels == {"jvm.gc.pause": {0: 0.1}}


def test_what_one_pod_can_fill_is_bounded_and_told():
    """Label values without end."""
    stream = Stream()
    pod = both(*(stream.total("retries_total", 1.0, to=str(number)) for number in range(SERIES_PER_POD + 7)))
    stream.close(p=pod)
    assert stream.presence.state.pods["p"].followed == SERIES_PER_POD
    assert stream.presence.state.unfollowed == 7


def test_the_state_goes_on_to_the_bit():
    """A snapshot after any window, in MessagePack."""
    stream = Stream()
    name = "http_server_requests_seconds_count"
    stream.close(p=both(stream.total(name, 5.0, status="500"), stream.gauge("k8s.container.restarts", 0.0)))
    encoded = msgspec.msgpack.encode((stream.presence.state, stream.catalogue.state))
    presence, catalogue = msgspec.msgpack.decode(encoded, type=tuple[PresenceState, CatalogueState])
    assert isinstance(presence.pods["p"], PodState)
    window = both(stream.total(name, 9.0, status="500"), stream.gauge("k8s.container.restarts", 1.0))
    start_ns = stream.start_ns
    went_on = Presence(WINDOW_NS, presence).close(
        start_ns, Summary(REVISION, start_ns, pods={"p": window}), Catalogue(catalogue), {}
    )
    assert went_on == stream.close(p=window)


LEVELS = st.floats(allow_nan=False, allow_infinity=False)
SERIES = [
    ("queue_depth", {}),
    ("availability_average", {}),
    ("requests_sum", {}),
    ("k8s.container.restarts", {}),
    ("jvm_memory_used_bytes", {"area": "heap"}),
    ("jvm_memory_used_bytes", {"area": "nonheap"}),
    ("container_memory_failcnt", {"container": "app"}),
    ("retries_total", {}),
    ("http_requests_total", {"code": "500"}),
    ("http_server_requests_seconds_bucket", {"le": "0.5"}),
    ("http_server_requests_seconds_bucket", {"le": "+Inf"}),
]
SAMPLES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from("pq"), st.integers(0, len(SERIES) - 1), st.integers(0, 4), LEVELS),
    max_size=40,
)


@given(SAMPLES, st.randoms(use_true_random=False))
def test_deltas_in_any_order_give_the_same_sides_to_the_bit(samples, random):
    """And nothing in a side is ever not a number or infinite."""

    def sides(ordered):
        stream = Stream()
        for name, attributes in SERIES:
            stream.number(name, **attributes)
        found = []
        for window in range(4):
            whole = Summary(REVISION, stream.start_ns)
            for at, pod, number, offset, value in ordered:
                if at != window:
                    continue
                point = stream.start_ns + offset
                delta = (
                    PodSummary(gauges={number: {point: value}})
                    if number < 7
                    else PodSummary(totals={number: {point: (0, abs(value))}})
                )
                merge(whole, Summary(REVISION, stream.start_ns, pods={pod: delta}))
            found.append(stream.close(**whole.pods))
        return found, stream.catalogue.state.signals

    shuffled = list(samples)
    random.shuffle(shuffled)
    straight = sides(samples)
    assert straight == sides(shuffled)
    for side in straight[0]:
        for levels in side.levels.values():
            assert all(map(math.isfinite, levels.values()))
        for count in side.events.values():
            assert math.isfinite(count.events)
