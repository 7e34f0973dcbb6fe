"""A revision with nothing beside it, in the life of a workload: judged by the workload's history, or not at all."""

from __future__ import annotations

import msgspec
import pytest

from streams.judging.logs.past import LogCohort, LogPast, LogPrior
from streams.judging.logs.quiet import StreamCohort
from streams.judging.logs.settings import ERRORS, NEW_TEMPLATES, LogSettings
from streams.judging.past import Past
from streams.judging.production.latencies import PER_S
from streams.judging.production.past import ProductionPast
from streams.judging.production.peaks import Peaks
from streams.policy.counted import REQUESTS
from streams.policy.workload_policy import BaselineTime, SignalPolicy, WorkloadPolicy
from streams.records.histogram import from_explicit_bounds
from streams.records.identity import Revision, Source
from streams.records.log import LogRecord
from streams.records.metric import Kind, MetricSample, Series
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadState

from .test_life import BASELINE, CANARY, COMPARISON, PODS, SETTINGS, SHOP, T0, S, close_windows, deltas

ALONE = Comparison("", "prod", "shop", CANARY, CANARY)
AT_5 = WorkloadPolicy(alpha=0.05)


def lines(seconds, *, failing=True, who=(CANARY,), from_s=0):
    """Harmless lines of every pod each second; errors of the canary every fifth."""
    found = []
    for second in range(from_s, from_s + seconds):
        time_ns = T0 + second * S
        for name in who:
            found += [
                LogRecord(Source(Revision(SHOP, name), pod), time_ns, f"INFO served {second}") for pod in PODS[name]
            ]
        if failing and second % 5 == 0:
            source = Source(Revision(SHOP, CANARY), PODS[CANARY][0])
            found.append(LogRecord(source, time_ns + 7, f"ERROR order {second} lost"))
    return found


def with_past(cohorts, events=1.0):
    """A workload that has had so many comparisons, of half an hour and two pods, with so many failed traces each."""
    state = WorkloadState(SHOP)
    for _ in range(cohorts):
        learn(state.past.logs, events)
    return state


def learn(past: LogPast, events):
    """One quiet cohort."""
    streams = {ERRORS: StreamCohort(events, 3600.0, 0.0, 0.0)}
    past.learn(LogCohort(streams, (), (), (), (), 0.0, 0.0, 3600.0), LogSettings(), LogPrior())


def lived(state, records, *, pair=COMPARISON, policy=AT_5, parts=1, restart_each=False):
    """The life, and its last document."""
    life = WorkloadLife(SETTINGS, state)
    life.compare(pair, T0, None, policy)
    return close_windows(life, deltas(records, parts, 1), restart_each=restart_each)


def test_a_first_deployment_is_not_judged_and_shows_what_it_logs():
    """Promise: without any past it stays undecided, whatever it logs, with the reason and its templates and classes."""
    _, document = lived(WorkloadState(SHOP), lines(300), pair=ALONE)
    assert (document.verdict, document.risk, document.reference) == ("none", 50.0, "none")
    assert "first deployment" in document.reasons[0]
    (row,) = document.templates
    assert (row.text, row.log_class, row.verdict, row.canary_count) == ("ERROR order <*> lost", "error", "unknown", 60)
    assert document.started_at == rfc3339(T0)


@pytest.mark.parametrize(("pair", "cohorts"), [(ALONE, 16), (COMPARISON, 20)])
def test_errors_that_earlier_comparisons_did_not_have_fail_it(pair, cohorts):
    """Promise: with rollouts enough; the document says by what, how much, and what is behind it."""
    _, document = lived(with_past(cohorts), lines(600), pair=pair)
    assert (document.verdict, document.risk, document.reference) == ("fail", 100.0, "history")
    assert "order <*> lost" in document.reasons[0]
    assert "of earlier comparisons" in document.reasons[0]
    (row,) = document.templates
    assert (row.verdict, row.impact) == ("unexpected", 100.0)
    assert ("is the hash right" in str(document.reasons)) == (pair == COMPARISON)
    (one,) = document.signals
    assert (one.signal, one.risk, one.baseline_count) == (ERRORS, 100.0, 0)


@pytest.mark.parametrize(("cohorts", "alpha"), [(5, 0.05), (20, 0.01)])
def test_too_few_rollouts_fail_nothing_and_that_is_said(cohorts, alpha):
    """Promise: the risk shows the evidence, below 100, and the reason what the bound cannot rule out."""
    _, document = lived(with_past(cohorts), lines(600), policy=WorkloadPolicy(alpha=alpha))
    assert document.verdict == "none"
    assert 50 <= document.risk < 100
    assert "cannot fail it" in str(document.reasons)


def test_it_never_passes():
    """Promise: however long it is quiet, and whatever the past."""
    _, document = lived(with_past(40, events=30.0), lines(1700, failing=False), pair=ALONE)
    assert (document.verdict, document.confidence, document.risk) == ("none", 0.0, 50.0)
    assert "never passes" in document.reasons[0]


@pytest.mark.parametrize("how", [{"restart_each": True}, {"parts": 4}])
def test_it_depends_on_what_was_counted_alone(how):
    """Promise: to the bit, with restarts and however the records came."""
    assert lived(with_past(20), lines(330), **how)[1] == lived(with_past(20), lines(330))[1]


def test_a_baseline_that_comes_within_five_minutes_is_compared_with_as_ever():
    """Promise: nothing of alpha is spent before; all is shared out once two minutes have told what there is."""
    both = lines(150, failing=False, who=(BASELINE, CANARY), from_s=290)
    _, document = lived(with_past(20), [*lines(290, failing=False), *both])
    assert document.reference == "baseline"
    assert sum(part.share for part in document.parts) == pytest.approx(1.0)


def test_one_that_replaces_its_baseline_at_once_is_judged_a_minute_later():
    """Promise: long before the baseline's silence tells that it was promoted."""
    before = lines(60, failing=False, who=(BASELINE,))
    _, document = lived(with_past(20), [*before, *lines(120, from_s=150)])
    assert document.reference == "history"
    assert document.started_at == rfc3339(T0 + 150 * S)


def test_one_that_comes_later_finds_what_is_left_of_alpha():
    """Promise: both together keep alpha; what history said, and a FAIL, stays."""
    both = lines(150, failing=False, who=(BASELINE, CANARY), from_s=330)
    _, quiet = lived(with_past(20), [*lines(330, failing=False), *both])
    assert quiet.reference == "baseline"
    assert sum(part.share for part in quiet.parts) == pytest.approx(0.2)
    _, failed = lived(with_past(20), [*lines(600), *lines(60, failing=False, who=(BASELINE, CANARY), from_s=600)])
    assert (failed.verdict, failed.reference) == ("fail", "baseline")
    assert "of earlier comparisons or stretches of production" in failed.reasons[0]


def test_where_a_policy_asks_for_an_earlier_time_history_does_not_stand_in():
    """Promise: what an operator asked to be compared with is compared with, or nothing is."""
    policy = WorkloadPolicy(alpha=0.05, historic_baseline=BaselineTime(ago_ns=60 * S))
    _, document = lived(with_past(20), lines(600), policy=policy)
    assert (document.verdict, document.reference) == ("none", "baseline")


def test_it_ends_when_its_time_is_over_and_teaches_whatever_came_of_it():
    """Promise: nobody has to tell; a first deployment is the first cohort, and its templates are known to the next."""
    policy = WorkloadPolicy(alpha=0.05, lifetime_ns=120 * S)
    life, document = lived(WorkloadState(SHOP), lines(180), pair=ALONE, policy=policy)
    assert (document.state, document.outcome, life.running) == ("ended", "expired", 0)
    past = life.past.logs
    assert (past.numbered, past.streams[ERRORS].events, len(past.templates)) == (1, 24.0, 1)
    failed, document = lived(
        with_past(20), lines(700), pair=ALONE, policy=WorkloadPolicy(alpha=0.05, lifetime_ns=600 * S)
    )
    assert (document.state, document.verdict) == ("ended", "fail")
    past = failed.past.logs
    assert (past.streams[ERRORS].incidents, len(past.templates)) == (1.0, 0)


MONTH, THREE_DAYS = 30 * 1440, 3 * 1440


def with_production(minutes, revisions=(), kinds=(ERRORS, NEW_TEMPLATES), source=""):
    """A workload of which nothing is known but that three pods have run quietly for so long."""
    state, peaks = WorkloadState(SHOP), Peaks()
    for _ in range(min(minutes, 200)):
        peaks.add(0.0)
    peaks.minutes = minutes  # as if it had gone on so
    production = ProductionPast(pods=3.0, revisions=list(revisions), source=source, peaks=dict.fromkeys(kinds, peaks))
    state.past.production = msgspec.msgpack.decode(msgspec.msgpack.encode(production), type=ProductionPast)
    return state


def test_production_that_was_quiet_for_days_fails_what_is_not():
    """Promise: at the usual alpha, without a single rollout before; the document says by what and what is behind it."""
    _, document = lived(with_production(THREE_DAYS), lines(300), pair=ALONE, policy=None)
    assert (document.verdict, document.risk, document.reference) == ("fail", 100.0, "history")
    assert "where production had not 4 in 5 minutes for 3.0 days" in document.reasons[0]
    assert "order <*> lost" in document.reasons[0]
    assert document.decided_at == rfc3339(T0 + 140 * S)
    (row,) = document.templates
    assert (row.verdict, row.impact) == ("unexpected", 100.0)


@pytest.mark.parametrize(("minutes", "reference"), [(1000, "none"), (1500, "history")])
def test_production_that_is_known_for_a_short_time_fails_nothing_and_that_is_said(minutes, reference):
    """Promise: nothing in the first day, and nothing that alpha has no room for."""
    _, document = lived(with_production(minutes), lines(300), pair=ALONE, policy=None)
    assert (document.verdict, document.reference) == ("none", reference)
    said = "0.7 days of production" if reference == "none" else "has not been quiet for long enough"
    assert said in str(document.reasons)


def warnings(seconds):
    """A harmless line each second, and a warning that was never seen."""
    source = Source(Revision(SHOP, CANARY), PODS[CANARY][0])
    new = [
        LogRecord(source, T0 + second * S + 9, f"WARN stock of {second} is stale") for second in range(0, seconds, 5)
    ]
    return [*lines(seconds, failing=False), *new]


@pytest.mark.parametrize(("revisions", "low", "high"), [((), 70, 80), ([0] * 10, 90, 99), ([900] * 10, 50, 60)])
def test_what_was_never_seen_raises_the_risk_and_fails_nothing(revisions, low, high):
    """Promise: by how seldom production and earlier revisions did, with its numbers and why it is no more."""
    _, document = lived(with_production(MONTH, revisions), warnings(600), pair=ALONE, policy=None)
    assert document.verdict == "none"
    assert low <= document.risk <= high
    (row,) = document.templates
    assert (row.verdict, row.impact, row.canary_count) == ("unexpected", pytest.approx(document.risk), 120)
    assert "cannot fail it" in str(document.reasons) or high <= 60


def failed_requests(seconds):
    """Ten requests a second, of which one fails."""
    source, found = Source(Revision(SHOP, CANARY), PODS[CANARY][0]), []
    for second in range(0, seconds, 5):
        for code, each in (("200", 9.0), ("500", 1.0)):
            series = Series("http_requests_total", (("code", code),))
            found.append(MetricSample(source, T0 + second * S, series, Kind.CUMULATIVE, each * second))
    return [*lines(seconds, failing=False), *found]


def test_failed_requests_that_production_did_not_have_fail_it():
    """Promise: of the part errors, at its share, with its own row."""
    state = with_production(MONTH, (), (ERRORS, REQUESTS), "http_requests_total")
    _, document = lived(state, failed_requests(400), pair=ALONE, policy=None)
    assert document.verdict == "fail"
    assert "failed requests since it has started" in document.reasons[0]
    row = document.signals[0]
    assert (row.signal, row.part, row.group, row.risk) == (REQUESTS, "errors", "requests", 100.0)
    assert sum(part.share for part in document.parts) == pytest.approx(1.0)


WITHOUT_LOGS = {"logs": 0.0, "errors": 1.0, "values": 1.0, "levels": 1.0}


def test_where_logs_are_not_to_be_judged_what_else_production_tells_is():
    """Promise: `parts: {logs: 0}` ends the judging of logs, not that of failed requests."""
    state = with_production(MONTH, (), (ERRORS, REQUESTS), "http_requests_total")
    policy = WorkloadPolicy(parts=WITHOUT_LOGS)
    _, document = lived(state, failed_requests(400), pair=ALONE, policy=policy)
    assert document.verdict == "fail"
    assert "failed requests since it has started" in document.reasons[0]
    assert "by failed requests alone" in str(document.reasons)
    assert {part.part: part.share for part in document.parts} == {"logs": 0, "errors": 1, "values": 0, "levels": 0}


@pytest.mark.parametrize(("known", "amount"), [(with_past, 40), (with_production, MONTH)])
@pytest.mark.parametrize("records", [lines(400), warnings(400)])
def test_where_logs_are_not_to_be_judged_they_are_not(known, amount, records):
    """Promise: neither what fails nor what is new raises the risk."""
    policy = WorkloadPolicy(alpha=0.05, parts=WITHOUT_LOGS)
    _, document = lived(known(amount), records, pair=ALONE, policy=policy)
    assert (document.verdict, document.risk, document.reference) == ("none", 50.0, "none")


SLOW = "http.server.request.duration"


def with_latencies(usual_s=0.02, a_minute=100.0):
    """A workload of which a month is known, and in each minute of it that a tenth of requests takes so long."""
    state, peaks = with_production(MONTH), Peaks()
    for _ in range(200):
        peaks.add(usual_s * PER_S)
    peaks.minutes = MONTH
    state.past.production.latencies, state.past.production.values = {SLOW: peaks}, {SLOW: a_minute}
    return state


def timed(seconds, took_s, who=(CANARY,), *, every_s=5, each=10):
    """Ten requests of a revision every five seconds, all of which take so long."""
    found, series = [], Series("http_server_request_duration_seconds")
    for name in who:
        source = Source(Revision(SHOP, name), PODS[name][0])
        for number, second in enumerate(range(0, seconds, every_s)):
            values = from_explicit_bounds((took_s,), (each * number, 0), each * number * took_s)
            found.append(MetricSample(source, T0 + second * S, series, Kind.CUMULATIVE, values))
    return [*lines(seconds, failing=False, who=who), *found]


@pytest.mark.parametrize(("took_s", "verdict"), [(0.02, "none"), (0.2, "fail")])
def test_latencies_that_production_did_not_have_fail_it(took_s, verdict):
    """Promise: of the part values, at its share, with its own row and with what it is compared with."""
    _, document = lived(with_latencies(), timed(600, took_s), pair=ALONE, policy=None)
    assert (document.verdict, document.reference) == (verdict, "history")
    assert "ninth decile of latencies" in str(document.unjudged)
    shares = {part.part: part.share for part in document.parts}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert 0.2 < shares["values"] < 0.4
    row = next(row for row in document.signals if row.signal == SLOW)
    assert (row.part, row.group, row.risk == 100.0) == ("values", "latency", verdict == "fail")
    if verdict == "fail":
        assert document.reasons[0].startswith(f"{SLOW}: a tenth takes 0.21 s and more")


def test_a_revision_with_few_requests_is_not_held_against_minutes_of_many():
    """Promise: ten times as slow, but a tenth of the requests says nothing, and that is told."""
    _, document = lived(with_latencies(a_minute=1000.0), timed(600, 0.2), pair=ALONE, policy=None)
    assert document.verdict == "none"
    assert "half of the requests of a usual minute" in str(document.unjudged)


def test_a_policy_that_lets_a_latency_off_is_heeded():
    """Promise: what is only watched, or may take twice as long, does not fail it."""
    for change in ({"criticality": "watch"}, {"tolerance_up": 1.0}):
        policy = WorkloadPolicy(signals=(SignalPolicy(SLOW, **change),))
        _, document = lived(with_latencies(), timed(600, 0.2), pair=ALONE, policy=policy)
        assert document.verdict == "none"


@pytest.mark.parametrize("how", [{"restart_each": True}, {"parts": 5}])
def test_how_long_requests_take_in_production_depends_on_what_was_counted_alone(how):
    """Promise: to the bit, with restarts and however the records came."""

    def past(**how):
        found, _ = close_windows(
            WorkloadLife(SETTINGS, WorkloadState(SHOP)),
            deltas(timed(1200, 0.2, (BASELINE,)), how.get("parts", 1), 1),
            restart_each=how.get("restart_each", False),
        )
        return found.past.production

    learned = past(**how)
    assert learned == past()
    assert learned.latencies[SLOW].recent[1:] == pytest.approx(
        [0.2 * PER_S] * (len(learned.latencies[SLOW].recent) - 1), rel=0.1
    )
    assert learned.values[SLOW] == pytest.approx(120, rel=0.15)


def served(seconds, who, from_s=0, every=5):
    """A line of each pod, and an error of its first."""
    found = []
    for second in range(from_s, from_s + seconds, every):
        for name in who:
            source = Source(Revision(SHOP, name), PODS[name][0])
            found.append(LogRecord(source, T0 + second * S + 3, f"ERROR order {second} lost"))
    return [*found, *lines(seconds, failing=False, who=who, from_s=from_s)]


@pytest.mark.parametrize("how", [{"restart_each": True}, {"parts": 5}])
def test_what_production_did_depends_on_what_was_counted_alone(how):
    """Promise: to the bit, with restarts and however the records came; so does what is said of the next revision."""
    records = [*served(1000, (BASELINE,), every=50), *lines(200, from_s=1000)]

    def life(parts=1, restart_each=False):
        def begin(number, living):
            if number == 202:
                living.compare(ALONE, T0 + 1010 * S)

        lived = WorkloadLife(SETTINGS, with_production(MONTH))
        found, document = close_windows(lived, deltas(records, parts, 1), restart_each=restart_each, begin=begin)
        return msgspec.msgpack.encode(found.past), document

    past, document = life(**how)
    assert (past, document) == life()
    assert document.reference == "history"
    assert document.templates[0].verdict == "expected"
    learned = msgspec.msgpack.decode(past, type=Past).production
    assert learned.peaks[ERRORS].minutes == MONTH + 5
    assert sum(learned.peaks[ERRORS].recent) == 6.0


def test_what_is_on_trial_is_not_in_production():
    """Promise: of two revisions that are compared the baseline counts alone; without one, all that is there."""
    records = served(1100, (BASELINE, CANARY), every=60)
    both, alone = (
        close_windows(life, deltas(records, 1, 1))[0].past.production.peaks[ERRORS].recent
        for life in (trial(COMPARISON), trial(ALONE))
    )
    assert both == [1.0] * len(both)
    assert alone == [2.0] * len(both)


def trial(pair):
    """A life in which a comparison runs."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    life.compare(pair, T0)
    return life


def test_a_snapshot_of_before_is_read():
    """Promise: nothing is known of production then, and all else is as it was."""
    state = msgspec.to_builtins(with_past(3).past)
    assert msgspec.convert(state[:5], Past) == with_past(3).past


def test_revisions_that_stay_teach_how_much_is_new_of_a_healthy_one():
    """Promise: whether they had a baseline or not; what failed is none of them."""
    policy = WorkloadPolicy(alpha=0.01, lifetime_ns=300 * S)
    for records, taught in ((warnings(330), [36]), (lines(330), [])):
        life, document = lived(with_production(MONTH), records, pair=ALONE, policy=policy)
        assert document.state == "ended"
        assert life.past.production.revisions == taught
    beside = with_past(5)
    beside.past.production = with_production(MONTH).past.production
    life, _ = lived(beside, [*warnings(200), *lines(200, failing=False, who=(BASELINE,))], policy=policy)
    life.end(COMPARISON, "promoted", T0 + 200 * S)
    assert life.past.production.revisions == [40]
