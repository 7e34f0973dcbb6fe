"""What is a metric that no rule knows likely to be, by the words of its name?

A guess, and called one (`SignalRule.guessed`): group and direction from the words, half the weight of a known metric.
The order of the questions matters: `request_latency_seconds` is a latency, not a load; `memory_available_bytes` is
memory of which *less* is worse; `availability_average` is a share of successes. Where no word tells, the metric is
still compared, both ways, at a quarter of the weight. What is asked is in English, as metric names are.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise, product

from msgspec import structs

from streams.records.metric import Series
from streams.signals.metric import Read, quantile_rule, read_timer
from streams.signals.names import PARTS, Stem, is_done, stems, words
from streams.signals.reading import Combine, Reading, SeriesUse
from streams.signals.rule import Group, Kind, SignalRule, Worse
from streams.signals.units import base_unit, factor, known_unit, unit_of_word

GUESSED_WEIGHT, UNKNOWN_WEIGHT = 0.5, 0.25
"""Of a guess, and where there is nothing to guess from; a known metric of the revision itself has 1 (`rules`)."""
MACHINE_FACTOR = 0.5
"""Of the weight where the machine is meant: other pods move it too."""

_SETUP = frozenset(
    (
        *("timestamp", "created", "info", "version", "build", "uptime", "age", "birth", "epoch", "limit", "limits"),
        *("quota", "capacity", "config", "configured", "interval", "desired", "replicas", "start"),
    )
)
_TAIL = frozenset(("max", "maximum", "tail", "worst"))
_LATENCY = frozenset(
    (
        *(
            "latency",
            "latencies",
            "duration",
            "durations",
            "elapsed",
            "delay",
            "rt",
            "rtt",
            "rrt",
            "mrt",
            "ttfb",
            "took",
        ),
        *("timer", "timers", "oldest"),
    )
)
_LASTS = frozenset(("runtime",))
"""How long, as the last word of a name; `jvm_runtime_threads` is something else."""
_TIME = frozenset(("time", "times", "milliseconds", "millis", "seconds"))
_WAITS = frozenset(("wait", "waiting", "lag"))
"""How long where a time is told, else how many."""
_CPU = frozenset(("cpu", "cpus", "cpuutilization", "processor", "throttled", "throttling", "millicores"))
_MEMORY = frozenset(("memory", "mem", "heap", "rss", "swap", "nonheap", "pss"))
_GC = frozenset(("gc", "garbage", "pause", "pauses"))
_RESTARTS = frozenset(("restart", "restarts", "oom", "oomkill", "oomkilled", "kills", "killed"))
_EVICTED, _PODS = frozenset(("evicted", "evictions")), frozenset(("pod", "pods", "container", "containers"))
"""A cache that is full evicts as well, and a new one is not."""
ERRORS = frozenset(
    (
        *("error", "errors", "err", "errs", "fail", "fails", "failed", "failure", "failures", "exception"),
        *("exceptions", "panic", "panics", "crash", "crashes", "rejected", "rejections", "dropped", "drops"),
        *("timeout", "timeouts", "timedout", "retry", "retries", "aborted", "aborts", "fault", "faults", "5xx"),
        *("unavailable", "discarded", "lost", "deadlocks", "deadlocked", "invalid", "refused", "drop", "retried"),
        *("redelivered", "redeliveries", "unroutable", "overflow", "overflows", "rollback", "rollbacks", "dead"),
        *("unhealthy", "unreachable", "frustrated"),
    )
)
_SUCCESS = frozenset(
    ("availability", "apdex", "success", "successes", "successful", "succeeded", "ok", "healthy", "ready")
)
_OF_ITSELF = frozenset(("availability", "apdex"))
"""Shares, whatever else is said: Apdex is that of requests which were fast enough, a slower one counting half."""
_STATES = frozenset(("healthy", "ready"))
"""Of hosts, not of requests."""
_QUEUES = frozenset(("queue", "queues", "backlog"))
_SATURATION = frozenset(
    (
        *("queue", "queued", "queues", "pending", "backlog", "lag", "inflight", "active", "busy", "blocked"),
        *("saturation", "flight", "thread", "threads", "goroutine", "goroutines", "connection", "connections", "conns"),
        *("pool", "fds", "fd", "files", "descriptors", "handles", "socket", "sockets", "waiters", "workqueue"),
        *("progress", "inprogress", "wait", "waiting"),
        *("usage", "utilization", "used"),
    )
)
_HELD = frozenset(
    (
        *("thread", "threads", "connection", "connections", "conns", "pool", "fds", "fd", "files", "descriptors"),
        *("handles", "socket", "sockets"),
    )
)
"""Of `_SATURATION`, what is held, not what waits: a counter of these tells how many came by (`connections_total`)."""
_IO = frozenset(
    (
        *("disk", "io", "diskio", "blkio", "iops", "read", "reads", "write", "writes", "fs", "filesystem"),
        *("syscall", "syscalls"),
    )
)
_NETWORK = frozenset(
    ("network", "net", "receive", "received", "transmit", "transmitted", "tcp", "udp", "packets", "rx", "tx", "sent")
)
_LOAD = frozenset(
    (
        *("request", "requests", "req", "reqs", "ops", "operations", "qps", "rps", "tps", "calls", "hits"),
        *("invocations", "transactions", "throughput", "messages", "events", "queries", "sessions", "users", "orders"),
    )
)
_DONE = frozenset(
    (
        *("completed", "processed", "executed", "published", "acked", "delivered", "finished", "started", "sent"),
        *("received", "consumed", "produced", "submitted", "acquired", "enqueued", "dequeued", "created"),
    )
)
"""What is counted when it has been done: throughput, whatever it was done to."""
_TRAFFIC = _LOAD | {"load", "workload", "response", "responses", "rq", "rpc", "rpcs", "2xx", "3xx"}
_AVERAGED_LOAD = frozenset(("average", "avg", "1m", "5m", "15m"))
"""Of the machine's run queue."""
_LEFT = frozenset(("free", "available", "remaining", "idle", "left"))
_LIMITS, _LIMITED = frozenset(("max", "min")), frozenset(("connections", "threads", "pool", "allowed", "permissions"))
"""Bounds of what a pool may hold: the set-up, not behaviour."""
_MET = frozenset(("reached", "exceeded", "hit"))
"""Of a bound: behaviour, as is what failed at it."""
_STATE_KEYS = ("state", "cpu_state", "system_memory_state", "db_client_connection_state")
_SHARES = frozenset(("ratio", "percent", "percentage", "pct", "share", "fraction"))
_MEANS = frozenset(("rate", "average", "avg", "mean"))
_COUNTED = frozenset(("count", "total"))
_NUMBERS = _COUNTED | {"sum"}
_NEUTRAL = _SHARES | _MEANS | _NUMBERS | _SUCCESS | _LOAD | {"number", "per"}
"""Words that tell how something is counted, not what."""
OTHERS = frozenset(
    (
        *("client", "upstream", "outbound", "downstream", "dependency", "backend", "remote", "db", "database", "sql"),
        *("postgres", "postgresql", "mysql", "mongo", "mongodb", "redis", "memcached", "cassandra", "elasticsearch"),
        *("kafka", "dynamodb", "s3"),
    )
)
FAILED = "/failed"
"""Ends the signal of failed attempts."""
CLIENT_ERROR = "/client_error"
"""Ends the signal of requests that were refused as their client's mistake."""
_STATUS = frozenset(("status", "code", "response", "responses", "http", "httpcode"))
_UP = "up"
"""As the last word: 1 where something can be reached, else 0."""
_NEGATED = frozenset(
    (("un", "healthy"), ("not", "healthy"), ("not", "ready"), ("not", "permitted"), ("packet", "loss"))
)
_PAGED = frozenset(product(("page", "paging"), ("fault", "faults")))
"""Of memory: nothing has failed."""
_LONG_TASKS = ["seconds", "duration", "sum"]
"""Micrometer's LongTaskTimer: how long all that is under way has lasted so far, connections kept open too."""
_LONG = frozenset(("minute", "min", "hour"))
_QUANTILE = "quantile"
_QUANTILES = frozenset((_QUANTILE, "p50", "p75", "median", "percentile"))
"""What is told by its quantiles is a time, unless its name says otherwise."""
_KINDS: dict[Group, Kind] = {"latency": "values", "errors": "events", "restarts": "events"}
_EITHER = frozenset(("load", "io", "network", "other"))
_MACHINE = frozenset(("node", "host", "machine", "system"))
_GROUPS: tuple[tuple[Group, frozenset[str]], ...] = (
    ("restarts", _RESTARTS),
    ("errors", ERRORS),
    ("gc", _GC),
    ("cpu", _CPU),
    ("memory", _MEMORY),
    ("network", _NETWORK),
    ("io", _IO),
    ("saturation", _SATURATION),
    ("load", _TRAFFIC),
)
"""Asked in this order, after latency and availability."""


def guess(series: Series) -> Read:
    """How a metric that no rule knows is read, and the rules of its signals.

    >>> [(rule.signal, rule.group) for rule in guess(Series("request_latency_seconds_sum"))[1]]
    [('request_latency_seconds/mean', 'latency'), ('request_latency_seconds_sum', 'latency')]
    >>> rule = guess(Series("traced_server_latency_max_ms"))[1][0]
    >>> rule.group, rule.worse, rule.unit, rule.known, rule.guessed
    ('tail_latency', 'higher', 's', False, True)
    """
    stem = list(stems(series.name))[-1]
    said, per_time = _rated(with_status(words(series.name)))
    if is_done(series.name):
        said.append("total")
    attributes = dict(series.attributes)
    if not said or stem.part in {"created", "info"} or _is_setup(said) or _is_left(attributes):
        return SeriesUse(), ()
    if attributes.get("quantile"):
        said = [*said, _QUANTILE]
    given = unit_of_word(said[-1]) if per_time else known_unit(series.unit) or stem.unit
    rule = rule_of(series.name, said, given)
    scale = factor(given, rule.unit) or 1.0
    if rule.kind == "values":
        return _timed(rule, series, stem, scale)
    if rule.kind == "events":
        level = structs.replace(rule, kind="level")
        event = (Reading(rule.signal, "event"),)
        return SeriesUse(gauge=(Reading(level.signal, "level"),), counter=event, histogram=event), (rule, level)
    if rule.group == "availability":
        if said[-1] == _UP:
            return SeriesUse(gauge=(Reading(rule.signal, "level", 100.0, "mean"),)), (rule,)
        key = _key(said)
        share = Reading(rule.signal, "share", scale if given else 0.0, "mean", key=key)
        return SeriesUse(gauge=(share,)), (rule, *([_failed(key)] if of_others(key) else []))
    return _leveled(rule, series, stem, said, scale)


def _is_setup(said: list[str]) -> bool:
    """It describes how things are set up: `go_sql_max_open_connections`, `system_cpu_count`; not the oldest's age."""
    if said[-3:] == _LONG_TASKS:
        return True
    if "created" in said and said[-1] == "total":
        return not _SETUP.isdisjoint(set(said) - {"created"})  # so many have been, not when
    if not _SETUP.isdisjoint(said):
        return _LATENCY.isdisjoint(said)
    met = not (_MET | ERRORS).isdisjoint(said)
    bounded = not _LIMITS.isdisjoint(said) and not _LIMITED.isdisjoint(said) and not met
    return (bounded and _QUEUES.isdisjoint(said) and not _timed_words(said)) or said[-2:] == ["cpu", "count"]


def _is_left(attributes: Mapping[str, str]) -> bool:
    """Of a series for each state, the one of what is *not* used: with the others it would sum up to all there is."""
    told = {"_".join(words(key)): value for key, value in attributes.items()}
    return any(told.get(key, "").lower() in _LEFT for key in _STATE_KEYS)


def of_others(key: str) -> bool:
    """Whether a `Reading.key` speaks of requests to others, not of those served.

    >>> of_others("client"), of_others("http_server")
    (True, False)
    """
    return not OTHERS.isdisjoint(key.split("_"))


def failed_signal(key: str) -> str:
    """The signal of failed requests to others, of which a share and a tally of that key tell."""
    return key + FAILED


def _failed(key: str) -> SignalRule:
    return SignalRule(failed_signal(key), "events", "errors", "higher", GUESSED_WEIGHT, known=False, guessed=True)


def rule_of(name: str, said: list[str], given: str) -> SignalRule:
    """What the words of a name say of it.

    Args:
        name: of the signal.
        said: its words.
        given: UCUM of its numbers; empty where unknown.
    """
    group = _group(said, given)
    kind = _KINDS.get(group, "level")
    if group == "latency" and (not _TAIL.isdisjoint(said) or any(map(_is_tail, said))):
        group, kind = "tail_latency", "level"
    worse: Worse = "either" if group in _EITHER else "higher"
    if group == "availability" or (worse == "higher" and not _LEFT.isdisjoint(said)):
        worse = "lower"
    weight = UNKNOWN_WEIGHT if worse == "either" else GUESSED_WEIGHT
    return SignalRule(
        name,
        kind,
        group,
        worse,
        weight * (MACHINE_FACTOR if said[0] in _MACHINE else 1.0),
        scale="share_free" if group == "availability" else "log",
        unit="%" if group == "availability" else base_unit(given),
        criticality="watch" if group == "load" else "normal",
        known=False,
        guessed=group != "other",
    )


def with_status(said: list[str]) -> list[str]:
    """A status of a server's fault, `5*`, `5_xx` or `503`, is the word `5xx`, one of none `2xx` or `3xx`.

    >>> with_status(["http", "status", "503"])
    ['http', 'status', '503', '5xx']
    """
    if _STATUS.isdisjoint(said):
        return said
    codes = [word for word, after in pairwise(said) if after == "xx" and word in {"2", "3", "5"}]
    codes += [word[0] for word in said if word.isdigit() and (word == "5" or (len(word) == 3 and word[0] in "235"))]
    return [*said, *(f"{digit}xx" for digit in codes)]


def _rated(said: list[str]) -> tuple[list[str], bool]:
    """The words without "per second", and whether there were such: a rate is no time."""
    for place in range(len(said) - 1):
        if said[place] == "per" and (unit_of_word(said[place + 1]) == "s" or said[place + 1] in _LONG):
            return said[:place] + said[place + 2 :], True
    return said, False


def _group(said: list[str], given: str) -> Group:
    timed = base_unit(given) == "s" or not _TIME.isdisjoint(said)
    return _of_state(said, given) or _of_time(said, timed=timed) or _of_words(said, timed=timed)


def _of_state(said: list[str], given: str) -> Group | None:
    """Whether something is there, is ready, has succeeded."""
    if said[-1] == _UP:
        return "availability"
    if said[-1] in _STATES and not _QUEUES.isdisjoint(said):
        return "saturation"
    if _is_negated(said):
        return "errors"
    if _SUCCESS.isdisjoint(said) or not ERRORS.isdisjoint(said):
        return None
    if _is_share(said, given):
        return "availability"
    return "load" if _SUCCESS.isdisjoint(said[-1:]) or len(said) > 1 else "other"


def _of_time(said: list[str], *, timed: bool) -> Group | None:
    lasts = next((word for word in reversed(said) if word not in PARTS), "") in _LASTS
    if lasts or not _LATENCY.isdisjoint(said) or (timed and not _WAITS.isdisjoint(said)):
        return "latency"
    return "cpu" if "load" in said and not _AVERAGED_LOAD.isdisjoint(said) else None


def _of_words(said: list[str], *, timed: bool) -> Group:
    if not _PAGED.isdisjoint(pairwise(said)):
        return "other"
    if not _EVICTED.isdisjoint(said):
        return "other" if _PODS.isdisjoint(said) else "restarts"
    if said[-1] == "total" and _is_done(said):
        return "load"
    timed = timed or not _QUANTILES.isdisjoint(said) or any(map(_is_tail, said))
    for group, named in _GROUPS:
        if not named.isdisjoint(said):
            return "latency" if timed and group in _EITHER else group
    return "latency" if timed else "other"


def _is_negated(said: list[str]) -> bool:
    """`UnHealthyHostCount`, `not_permitted_calls`."""
    return not _NEGATED.isdisjoint(pairwise(said))


def _is_done(said: list[str]) -> bool:
    carried = _NETWORK - _DONE
    return not _DONE.isdisjoint(said) and ERRORS.isdisjoint(said) and carried.isdisjoint(said) and "bytes" not in said


def _timed_words(said: list[str]) -> bool:
    return not (_LATENCY | _TIME).isdisjoint(said)


def _is_share(said: list[str], given: str) -> bool:
    """A share of successes, not a number of them: `success_rate`, but `successful_requests_rate` is one per second."""
    if not _COUNTED.isdisjoint(said) and _SHARES.isdisjoint(said):
        return False
    if not _OF_ITSELF.isdisjoint(said) or given in {"1", "%"} or not _SHARES.isdisjoint(said):
        return True
    return not _MEANS.isdisjoint(said) and _LOAD.isdisjoint(said)


def _key(said: list[str]) -> str:
    return "_".join(word for word in said if word not in _NEUTRAL)


def _is_tail(word: str) -> bool:
    """`p90`, `p95`, `p99`, `p999`, ..."""
    return len(word) >= 3 and word[0] in "pq" and word[1] == "9" and word[1:].isdigit()


def _timed(rule: SignalRule, series: Series, stem: Stem, scale: float) -> Read:
    """A distribution in its parts; what comes as a gauge is a level, whatever its name ends in.

    A total of seconds tells how much of the time it took: a share of it, as of processor time.
    """
    if stem.part == "total":
        busy = structs.replace(rule, kind="level", group="saturation", unit="1")
        return SeriesUse(counter=(Reading(busy.signal, "rate", scale),), gauge_is_total=True), (busy,)
    whole = series.name[: -len(stem.part) - 1] if stem.part else series.name
    attributes = dict(series.attributes)
    use, rules = read_timer(structs.replace(rule, signal=whole), stem.part, attributes, scale)
    if stem.part in {"", "max"}:
        return use, rules
    level = structs.replace(rule, kind="level")
    return structs.replace(use, gauge=(Reading(level.signal, "level", scale, "max"),)), (*rules, level)


def _leveled(rule: SignalRule, series: Series, stem: Stem, said: list[str], scale: float) -> Read:
    """A level; of a counter its rate, of a distribution its mean."""
    if said[-1] == "bucket":
        return SeriesUse(), ()
    if rule.group == "saturation" and rule.unit == "s" and stem.part in {"sum", "count"}:
        return read_timer(structs.replace(rule, signal=series.name[: -len(stem.part) - 1]), stem.part, {}, scale)
    shown = quantile_rule(rule, series.name, dict(series.attributes))
    of_time = structs.replace(rule, unit="{cpu}" if rule.group == "cpu" else "1")  # seconds a second
    rate = structs.replace(of_time if rule.unit == "s" else rule, signal=f"{series.name}/rate")
    if rule.group == "saturation" and _HELD.issuperset(_SATURATION.intersection(said)):
        rate = structs.replace(rate, group="load", worse="either", weight=UNKNOWN_WEIGHT, criticality="watch")
    averaged = not (_SHARES | _MEANS).isdisjoint(said)
    combine: Combine = "max" if rule.group == "tail_latency" or "max" in said else "mean" if averaged else "sum"
    gauge = [Reading(shown.signal, "level", scale, combine)]
    if rule.group == "load" and said[-1] in _NUMBERS and _STATES.isdisjoint(said):
        gauge.append(Reading(rule.signal, "tally", key=_key(said)))
    mean = (Reading(shown.signal, "over", scale), Reading(shown.signal, "under"))
    return SeriesUse(gauge=tuple(gauge), counter=(Reading(rate.signal, "rate", scale),), histogram=mean), (shown, rate)
