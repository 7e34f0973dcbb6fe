"""Production between comparisons teaches a first rollout what earlier ones would have."""

from __future__ import annotations

import itertools
import random

import msgspec
import pytest

from streams.judging.past import Past
from streams.judging.settings import JudgeSettings
from streams.judging.shares import PARTS
from streams.judging.side import Side, Trace
from streams.policy.workload_policy import WorkloadPolicy
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.records.metric import Kind, MetricSample, Series
from streams.risk.comparison import Comparison
from streams.windows.roller import Roller
from streams.windows.summary import Limits
from streams.workload.life import WorkloadLife
from streams.workload.rehearsals import Rehearsals, RehearsalsState
from streams.workload.state import WorkloadSettings, WorkloadState

S = 1_000_000_000
WINDOW_NS = 5 * S
HOUR_NS = 3600 * S
T0 = 1_787_300_000 * S
SHOP = Workload("", "prod", "shop")
BASELINE, CANARY = "6f87c5d5d5", "9b7f4d6c8f"
SETTINGS = WorkloadSettings(judge=JudgeSettings(planned_ns=120 * S))
LATENCY = "http.server.request.duration"
BUCKETS = ("0.1", "0.5", "+Inf")


def records(revision, pods, from_s, to_s, seed=5):
    """Requests with latencies, one line each ten seconds of an error; every five seconds and pod."""
    draw, found = random.Random(seed), []
    for second in range(0, to_s, 5):
        for pod in pods:
            source, time_ns = Source(Revision(SHOP, revision), pod), T0 + second * S + 7
            for place, bound in enumerate(BUCKETS):
                labels = (("http_response_status_code", "200"), ("le", bound))
                series = Series(f"{LATENCY.replace('.', '_')}_seconds_bucket", labels)
                total = float(second * (place + 2) + draw.randrange(3))
                if second >= from_s:
                    found.append(MetricSample(source, time_ns, series, Kind.CUMULATIVE, total))
            if second >= from_s and second % 10 == 0:
                text = f"ERROR requestId=r{pod}{second} cannot reach the ledger"
                found.append(LogRecord(source, time_ns, text))
    return found


def lived(of, to_s, *, begin=None, restart_each=False, state=None):
    """The life after all these windows; `begin` is called at a second of its own."""
    life = WorkloadLife(SETTINGS, state or WorkloadState(SHOP, rehearsals=RehearsalsState(due_ns=T0)))
    for second in range(0, to_s, 5):
        if begin is not None and second == begin[0]:
            begin[1](life)
        roller, start_ns = Roller(WINDOW_NS, Limits()), T0 + second * S
        for record in of:
            if start_ns <= record.time_ns < start_ns + WINDOW_NS:
                roller.add(record)
        rolled = roller.drain()
        for summary in rolled.summaries:
            life.add(summary, rolled.signatures, rolled.series)
        life.close(start_ns + WINDOW_NS)
        if restart_each:
            stored = msgspec.msgpack.encode(life.to_state())
            life = WorkloadLife(SETTINGS, msgspec.msgpack.decode(stored, type=WorkloadState))
    return life


ALONE = records(BASELINE, ["b0", "b1"], 0, 140)


def test_production_that_is_there_alone_becomes_a_cohort_of_the_past():
    """Promise: how often it fails, how its latencies clump, its parts are known without a rollout."""
    past = lived(ALONE, 140).past
    errors = past.logs.stream("logs/errors")
    assert errors.events == pytest.approx(24.0, abs=3.0)
    assert errors.exposure_s == pytest.approx(240.0)
    assert {"logs", "values"} <= set(past.parts) <= set(PARTS)
    (known,) = past.values.signals.values()
    assert known.teaches
    assert known.bins >= 10


def test_it_teaches_nothing_of_what_a_rollout_shows_that_starts():
    """Promise: new templates are judged after as many comparisons as before, for no canary has started so far."""
    past = lived(ALONE, 140).past
    assert (past.logs.numbered, past.logs.counted) == (0, 0)
    assert past.logs.templates
    assert not past.levels.cohorts


def test_a_restart_changes_nothing():
    """Promise: to the bit, wherever the snapshot is taken."""
    whole, restarted = lived(ALONE, 140), lived(ALONE, 140, restart_each=True)
    assert msgspec.msgpack.encode(whole.past) == msgspec.msgpack.encode(restarted.past)
    assert whole.to_state().rehearsals == restarted.to_state().rehearsals


def test_what_a_rollout_interrupts_is_not_taken():
    """Promise: neither where a canary comes, nor where a comparison is asked for before it does."""
    canary = records(CANARY, ["c0"], 100, 140)
    asked = (60, lambda life: life.compare(Comparison("", "prod", "shop", BASELINE, CANARY), T0 + 60 * S))
    for life in (lived([*ALONE, *canary], 140), lived(ALONE, 140, begin=asked)):
        assert life.past == Past()
        assert life.to_state().rehearsals.rehearsal is None


def test_a_comparison_that_is_read_ahead_of_its_time_ends_none_before_it():
    """Promise: what comes out depends on windows and requests, not on which of them were read first."""
    ahead = (0, lambda life: life.compare(Comparison("", "prod", "shop", BASELINE, CANARY), T0 + 130 * S))
    assert lived(ALONE, 140, begin=ahead).past == lived(ALONE, 140).past


def test_a_comparison_that_begins_and_ends_between_two_windows_ends_it():
    """Promise: what it has taught is not learned a second time."""
    alone = Comparison("", "prod", "shop", BASELINE, BASELINE)

    def begin_and_end(life):
        life.compare(alone, T0 + 60 * S)
        life.end(alone, "aborted", T0 + 60 * S)

    life = lived(ALONE, 140, begin=(60, begin_and_end))
    assert life.to_state().rehearsals.rehearsal is None
    assert life.learned == 1


def test_a_comparison_after_it_is_judged_by_what_it_taught():
    """Promise: the document of a first rollout counts the errors of production before it."""
    taught = msgspec.msgpack.decode(msgspec.msgpack.encode(lived(ALONE, 140).to_state()), type=WorkloadState)
    both = [*records(BASELINE, ["b0", "b1"], 140, 240), *records(CANARY, ["c0"], 140, 240)]
    pair = Comparison("", "prod", "shop", BASELINE, CANARY)
    life = lived(both, 240, begin=(140, lambda one: one.compare(pair, T0 + 140 * S)), state=taught)
    said = " ".join(life.documents()[-1].unjudged)
    assert "errors by the baseline alone" not in said
    assert "new templates and shapes are not judged" in said


def schedule(hours, past=None, key="prod/shop", interrupted=()):
    """Hours at which rehearsals of a workload that is there all the time have ended."""
    past = past or Past()
    of, ended = Rehearsals(SETTINGS.judge, WINDOW_NS, key, past, RehearsalsState()), []
    side = Side(10.0, lines=5, traces=[Trace(0, None, (), 9)])
    start_ns = T0
    while start_ns < T0 + hours * HOUR_NS:
        runs = (start_ns - T0) // HOUR_NS in interrupted
        name = of.of(start_ns, {BASELINE}, WorkloadPolicy(lifetime_ns=300 * S), runs=runs)
        if name and of.add(start_ns, side, ({}, {}), {}, {}, {}):
            ended.append((start_ns - T0) / HOUR_NS)
        start_ns += WINDOW_NS if name else 60 * WINDOW_NS
    return ended


def test_any_hour_of_the_day_has_its_turn_and_once_enough_is_known_the_days_pass():
    """Promise: nine in two days, five hours apart, the first within five; then one in five days."""
    ended = schedule(24 * 14)
    apart = [later - earlier for earlier, later in itertools.pairwise(ended)]
    assert ended[0] < 5.2
    assert apart[:8] == pytest.approx([5.1] * 8, abs=0.1)
    assert apart[8:] == pytest.approx([120.1] * len(apart[8:]), abs=0.2)
    assert len({int(hour) % 24 for hour in ended[:9]}) == 9


def test_many_workloads_do_not_begin_at_once():
    """Promise: their first ones are spread over five hours."""
    first = sorted(schedule(6, key=f"prod/shop-{number}")[0] for number in range(12))
    assert first[-1] - first[0] > 2.5


def test_what_is_interrupted_waits_for_its_next_turn():
    """Promise: a comparison that runs all the time is never disturbed."""
    assert schedule(12, interrupted=range(12)) == []
