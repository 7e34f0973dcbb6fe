"""One workload's life depends on what was counted, never on when or in which portions it came."""

from __future__ import annotations

import random
from functools import partial

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from streams.policy import written
from streams.policy.workload_policy import BaselineTime, LogPolicy, SignalPolicy, WorkloadPolicy
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord, Severity
from streams.records.metric import Kind, MetricSample, Series
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.signals import catalogue
from streams.watch.watch import WatchSettings
from streams.windows.roller import Roller
from streams.windows.summary import Limits
from streams.workload import life as life_module
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadSettings, WorkloadState

S = 1_000_000_000
WINDOW_NS = 5 * S
T0 = 1_787_300_000 * S
SHOP = Workload("", "prod", "shop")
BASELINE, CANARY = "6f87c5d5d5", "9b7f4d6c8f"
COMPARISON = Comparison("", "prod", "shop", BASELINE, CANARY)
SETTINGS = WorkloadSettings()
PODS = {BASELINE: ["b0", "b1", "b2"], CANARY: ["c0"]}


def recording(seconds, errors_per_window, seed=3):
    """Log lines and request counters of both revisions; the canary logs errors of its own."""
    draw = random.Random(seed)
    records, totals = [], {}
    for second in range(seconds):
        for name, pods in PODS.items():
            for pod in pods:
                source = Source(Revision(SHOP, name), pod)
                time_ns = T0 + second * S + draw.randrange(S)
                records.append(
                    LogRecord(
                        source, time_ns, f"INFO handled requestId=r{draw.randrange(50)} in {draw.randrange(9)} ms"
                    )
                )
                totals[source] = totals.get(source, 0) + draw.randrange(5, 15)
                if second % 5 == 2:
                    series = Series("http_requests_total", (("code", "200"),))
                    records.append(MetricSample(source, time_ns, series, Kind.CUMULATIVE, float(totals[source])))
        if second % 5 == 0:
            for number in range(errors_per_window):
                source = Source(Revision(SHOP, CANARY), PODS[CANARY][0])
                text = f"ERROR {'abcdefgh'[number % 8]} connection to db refused"
                records.append(LogRecord(source, T0 + second * S + 7, text))
    return records


def deltas(records, parts, seed):
    """The records as the deltas of so many transactions, in any order."""
    draw = random.Random(seed)
    shuffled = list(records)
    draw.shuffle(shuffled)
    found = []
    for number in range(parts):
        roller = Roller(WINDOW_NS, Limits())
        for record in shuffled[number::parts]:
            roller.add(record)
        rolled = roller.drain()
        found += [(summary, rolled.signatures, rolled.series) for summary in rolled.summaries]
    draw.shuffle(found)
    return found


def close_windows(life, pending, *, restart_each=False, begin=None):
    """The life after all windows of these deltas have closed one after another, and its last document.

    `begin`, where given, is called before each, with its number and the life.
    """
    last = None
    for number, end_ns in enumerate(sorted({summary.start_ns + WINDOW_NS for summary, _, _ in pending})):
        if begin is not None:
            begin(number, life)
        for delta in [each for each in pending if each[0].start_ns + WINDOW_NS == end_ns]:
            life.add(*delta)
        life.close(end_ns)
        for document in life.documents():
            last = document
        if restart_each:
            stored = msgspec.msgpack.encode(life.to_state())
            life = WorkloadLife(SETTINGS, msgspec.msgpack.decode(stored, type=WorkloadState))
    return life, last


def lived(records, *, parts=1, seed=0, compare_after=0, restart_each=False, policy=None):
    """The last document; the comparison is asked for after so many windows."""

    def begin(number, life):
        if number == compare_after:
            life.compare(COMPARISON, T0, policy=policy)

    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    return close_windows(life, deltas(records, parts, seed), restart_each=restart_each, begin=begin)[1]


BROKEN = recording(120, errors_per_window=4)


def test_a_broken_canary_fails_and_the_reason_names_what_it_logged():
    """Promise: errors only the canary logs fail it, and the document says which, with counts."""
    document = lived(BROKEN)
    assert document.verdict == "fail"
    assert document.risk == 100
    assert "connection to db refused" in document.reasons[0]
    assert document.exposure.unit == "requests"


def test_a_canary_like_its_baseline_does_not():
    """Promise: without a difference there is no failure, and the risk sinks below where it began."""
    document = lived(recording(120, errors_per_window=0))
    assert document.verdict in {"none", "pass"}
    assert document.risk < 50


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 7), st.integers(0, 1000))
def test_portions_and_their_order_change_nothing(parts, seed):
    """Promise: the same records give the same document to the bit, however they were spread over transactions."""
    assert judged(lived(BROKEN, parts=parts, seed=seed)) == judged(lived(BROKEN))


def judged(document):
    """Without the examples of its templates: which lines are shown, depends on what was read together."""
    templates = tuple(
        structs.replace(one, examples=(), contexts=(), canary_examples=0, baseline_examples=0)
        for one in document.templates
    )
    return structs.replace(document, templates=templates)


@pytest.mark.parametrize("asked", [0, 2, 6])
def test_an_error_is_shown_with_as_many_lines_around_it_as_the_policy_asks_for(asked):
    """Promise: an excerpt of ingest becomes an example of its template, with the frames below it."""
    pods = {name: Source(Revision(SHOP, name), f"{name}-0") for name in (BASELINE, CANARY)}
    lines = [*(f"INFO before {word}" for word in "abcdef"), "ERROR no stock", "\tat a.B.c(B.java:1)"]
    lines += [f"INFO after {word}" for word in "abcdef"]
    roller, life = Roller(WINDOW_NS, Limits(), 20), WorkloadLife(SETTINGS, WorkloadState(SHOP))
    life.compare(COMPARISON, T0, policy=WorkloadPolicy(logs=LogPolicy(context_lines=asked)))
    for start_ns in range(T0, T0 + 6 * WINDOW_NS, WINDOW_NS):
        roller.add_all([LogRecord(pods[BASELINE], start_ns, "INFO ready")])
        roller.add_all([LogRecord(pods[CANARY], start_ns + place, line) for place, line in enumerate(lines)])
    rolled = roller.drain()
    for summary in rolled.summaries:
        life.add(summary, rolled.signatures, rolled.series)
    life.close(T0 + 6 * WINDOW_NS)
    example = next(document for document in life.documents()).templates[0].examples[0]
    assert (example.line, example.pod) == ("ERROR no stock\n\tat a.B.c(B.java:1)", f"{CANARY}-0")
    assert (len(example.before), len(example.after)) == (asked, asked)
    assert example.before[-1:] == (("INFO before f",) if asked else ())


def test_a_comparison_asked_for_late_starts_at_the_canarys_first_pod():
    """Promise: as long as the windows are kept, asking late gives the document that asking early would have given."""
    assert lived(BROKEN, compare_after=20) == lived(BROKEN)


def test_snapshots_hold_all_there_is():
    """Promise: a life restored from its snapshot after every window goes on to the bit."""
    assert lived(BROKEN, restart_each=True, parts=3) == lived(BROKEN)


def test_what_a_shipper_sends_again_is_no_evidence():
    """Promise: lines and totals of one side that come twice within their window change nothing that is judged."""
    again = [record for record in BROKEN if record.source.revision.pod_template_hash == CANARY]
    once, twice = lived(BROKEN), lived([*BROKEN, *again])
    assert (twice.verdict, twice.risk, twice.exposure) == (once.verdict, once.risk, once.exposure)
    assert twice.signals == once.signals


def test_late_records_count_in_the_next_window():
    """Promise: a delta for a closed window is not lost, and is told."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    life.compare(COMPARISON, T0)
    healthy = deltas(recording(60, errors_per_window=0), 1, 0)
    canary_deltas = [delta for delta in deltas(BROKEN, 1, 0) if delta[0].revision.pod_template_hash == CANARY]
    late = min(canary_deltas, key=lambda delta: delta[0].start_ns)
    for delta in sorted(healthy, key=lambda each: each[0].start_ns):
        life.add(*delta)
        life.close(delta[0].start_ns)
    life.close(T0 + 55 * S)
    life.add(*late)
    life.close(T0 + 60 * S + 10 * WINDOW_NS)
    canary = {signal.signal: signal.canary_count for signal in life.documents()[-1].signals}
    assert life.late_records == late[0].records
    assert canary["log/error"] == 1


def test_an_ended_comparison_says_what_became_of_it_and_is_not_revived():
    """Promise: the last document carries the outcome; asking again changes nothing."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    life.compare(COMPARISON, T0)
    life.documents()
    life.end(COMPARISON, "aborted", T0 + S)
    (document,) = life.documents()
    assert (document.state, document.outcome) == ("ended", "aborted")
    life.compare(COMPARISON, T0 + 2 * S)
    assert life.documents() == []
    assert life.running == 0


def test_a_canary_that_is_gone_expires_and_the_workload_is_forgotten():
    """Promise: nothing stays for ever: silence ends the comparison, then the workload itself."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    life.compare(COMPARISON, T0)
    for delta in deltas(BROKEN, 1, 0):
        life.add(*delta)
    life.close(T0 + 200 * S)
    assert not life.idle
    life.close(T0 + 200 * S + SETTINGS.expire_ns + SETTINGS.ring_ns)
    assert life.documents()[-1].outcome == "expired"
    assert life.idle


def sighted(
    played, *, snapshots=False, step=1, request_at=None, asked=None, logged=None, settings=SETTINGS, policy=None
):
    """All documents of a life told nothing: (revisions heard, minutes) one after the other, a line a window and pod.

    `asked` is a pair that somebody asks for after eleven minutes; `logged` are other lines than the usual one.
    """
    life, found, number = WorkloadLife(settings, WorkloadState(SHOP)), [], 0
    lines = {} if logged is None else logged
    minutes = [names for names, length in played for _ in range(round(length * 12))]
    for number, names in enumerate(minutes):
        start_ns = T0 + number * WINDOW_NS
        records = [
            LogRecord(Source(Revision(SHOP, name), f"{name}-0"), start_ns + 7, lines.get(name, "INFO handled"))
            for name in names
        ]
        for delta in deltas(records, 1, number):
            life.add(*delta)
        if number == request_at:
            life.compare(COMPARISON, T0 + (number + 60) * WINDOW_NS)  # read ahead of its time
        if asked is not None and number == 132:
            life.compare(asked, start_ns, policy=policy)
        if number % step == 0 or number == len(minutes) - 1:
            life.close(start_ns + WINDOW_NS, partial(life.compare, policy=policy, found=True))
            found += life.documents()
        if snapshots:
            life = WorkloadLife(
                settings, msgspec.msgpack.decode(msgspec.msgpack.encode(life.to_state()), type=WorkloadState)
            )
    return life, found


ONE, BOTH, OTHER = (BASELINE,), (BASELINE, CANARY), (CANARY,)


@pytest.mark.parametrize(("last", "outcome"), [(ONE, "aborted"), (OTHER, "promoted"), (BOTH, None)])
def test_the_streams_alone_begin_and_end_a_comparison(last, outcome):
    """Promise: with no question a new revision is compared from its first pod on, until one of the two vanishes."""
    _, found = sighted([(ONE, 10), (BOTH, 3), (last, 7)])
    assert {document.comparison for document in found} == {COMPARISON}
    assert found[-1].outcome == outcome
    assert found[0].started_at == rfc3339(T0 + 120 * WINDOW_NS)


@pytest.mark.parametrize("how", [{}, {"snapshots": True}, {"step": 7}])
def test_a_named_pair_is_not_promoted_by_the_silence_of_its_baseline(how):
    """Promise: nobody can tell that from a shipper that is away, so it goes on, and expires."""
    played = [(ONE, 10), (BOTH, 3), (OTHER, 7)]
    life, found = sighted(played, asked=COMPARISON, **how)
    assert (life.running, found[-1].outcome, found[-1].verdict) == (1, None, "none")
    assert "has come for" in found[-1].reasons[-1]
    _, found = sighted([*played, (OTHER, 30)], asked=COMPARISON, **how)
    assert [found[-1].state, found[-1].outcome] == ["ended", "expired"]
    assert {document.comparison for document in found} == {COMPARISON}


def test_a_named_pair_of_an_older_snapshot_expires_too():
    """Promise: also where the snapshot does not say when both sides were last there."""
    life, _ = sighted([(ONE, 10), (BOTH, 3), (OTHER, 4)], asked=COMPARISON)
    state = life.to_state()
    (running,) = state.running.values()
    seen_ns, running.both_seen_ns = running.both_seen_ns, 0
    restored = WorkloadLife(SETTINGS, msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=WorkloadState))
    assert [one.both_seen_ns for one in restored.to_state().running.values()] == [seen_ns]
    restored.close(seen_ns + SETTINGS.expire_ns + WINDOW_NS)
    assert [one.outcome for one in restored.documents()][-1] == "expired"


def test_a_named_pair_whose_baseline_is_back_goes_on():
    """Promise: after its shipper was away the pair is what it was, and nothing is compared the other way round."""
    life, found = sighted([(ONE, 10), (BOTH, 3), (OTHER, 25), (BOTH, 10)], asked=COMPARISON)
    assert (life.running, found[-1].outcome) == (1, None)
    assert {document.comparison for document in found} == {COMPARISON}
    assert "has come for" not in " ".join(found[-1].reasons)


NEXT = structs.replace(COMPARISON, baseline=CANARY, canary="7c9d8b6f5c")


@pytest.mark.parametrize("how", [{}, {"snapshots": True}, {"step": 7}])
def test_the_next_rollout_tells_that_the_one_before_was_promoted(how):
    """Promise: one that nobody asks for is found though the pair before was named and nobody told what became of it."""
    played = [(ONE, 10), (BOTH, 3), (OTHER, 7), ((CANARY, NEXT.canary), 3)]
    life, found = sighted(played, asked=COMPARISON, **how)
    assert [one.outcome for one in found if one.comparison == COMPARISON][-1] == "promoted"
    assert (life.running, found[-1].comparison, found[-1].named) == (1, NEXT, False)


def test_whoever_asks_for_the_next_rollout_tells_that_the_one_before_was_promoted():
    """Promise: from the moment on of which it was asked."""
    life, _ = sighted([(ONE, 10), (BOTH, 3), (OTHER, 7)], asked=COMPARISON)
    life.compare(NEXT, life.to_state().closed_to_ns)
    at_ns = life.to_state().closed_to_ns
    for delta in deltas([LogRecord(Source(Revision(SHOP, CANARY), "c"), at_ns, "INFO handled")], 1, 0):
        life.add(*delta)
    life.close(at_ns + WINDOW_NS)
    assert {one.comparison: one.outcome for one in life.documents()} == {COMPARISON: "promoted", NEXT: None}


@pytest.mark.parametrize(
    "also",
    [
        [((CANARY, "third"), 0.9), (OTHER, 2)],
        [((CANARY, "third", "fourth"), 3)],
    ],
)
def test_what_is_heard_beside_a_named_canary_for_less_than_a_rollout_tells_nothing(also):
    """Promise: a rollout that replaces another takes its canary away; an Experiment has two revisions of its own."""
    life, found = sighted([(ONE, 10), (BOTH, 3), (OTHER, 7), *also], asked=COMPARISON)
    assert (life.running, found[-1].comparison, found[-1].outcome) == (1, COMPARISON, None)


def test_what_expires_beside_no_baseline_is_what_stays():
    """Promise: what a canary logged that alone was there to the end is known of production, as after a promotion."""
    played, line = [(ONE, 10), (BOTH, 3), (OTHER, 37)], "WARN started without its cache"
    life, _ = sighted(played, asked=COMPARISON, logged={CANARY: line})
    gone, _ = sighted([(ONE, 10), (BOTH, 3), (("third",), 37)], asked=COMPARISON, logged={CANARY: line})
    assert len(life.past.logs.templates) > len(gone.past.logs.templates)


def test_production_is_watched_though_nobody_tells_of_the_promotion():
    """Promise: once a named baseline has gone for long, what is there is what production is watched by."""
    watched = structs.replace(SETTINGS, watch=WatchSettings())
    life, _ = sighted([(ONE, 10), (BOTH, 3), (OTHER, 7)], asked=COMPARISON, settings=watched)
    assert life.running == 1
    assert [one.revision for one in life.deployments] == [BASELINE, CANARY]


@pytest.mark.parametrize("asked", [None, COMPARISON])
def test_a_baseline_of_an_earlier_time_is_not_waited_for(asked):
    """Promise: where it has gone the canary serves, and the next rollout is found beside it."""
    policy = WorkloadPolicy(historic_baseline=BaselineTime(ago_ns=240 * S))
    played = [(ONE, 10), (BOTH, 3), (OTHER, 7), ((CANARY, NEXT.canary), 3)]
    _, found = sighted(played, asked=asked, policy=policy)
    assert found[-1].comparison == NEXT


def test_a_pair_that_is_asked_for_the_wrong_way_round_teaches_nothing():
    """Promise: what a canary logs is never taken for what a baseline does, nor production for what is on trial."""
    turned = structs.replace(COMPARISON, baseline=CANARY, canary=BASELINE)
    plain, misled = (sighted([(ONE, 6), (BOTH, 17)], asked=pair)[0] for pair in (None, turned))
    assert (plain.running, misled.running) == (1, 2)
    assert misled.past.production.minutes > 0
    assert misled.past == plain.past
    plain, misled = (sighted([(ONE, 6), (BOTH, 6), (ONE, 6)], asked=pair)[0] for pair in (None, turned))
    assert (plain.running, misled.running) == (0, 1)  # nobody can tell what became of the one that was named
    assert misled.past.logs == plain.past.logs


@pytest.mark.parametrize("how", [{"snapshots": True}, {"step": 7}, {"request_at": 110}])
def test_what_is_sighted_depends_on_the_deltas_alone(how):
    """Promise: snapshots, how many windows close at once and a question read early change no last document."""
    played = [(ONE, 10), (BOTH, 5), (ONE, 7)]
    last, plain = sighted(played, **how)[1][-1], sighted(played)[1][-1]
    assert last == structs.replace(plain, named="request_at" in how)


def test_a_canary_that_is_not_found_yet_is_no_production():
    """Promise: also where windows leave the ring before the records alone can show what is on trial."""
    short = structs.replace(SETTINGS, ring_ns=20 * S)
    broken = {CANARY: "ERROR no stock"}
    beside, alone = (
        sighted([(ONE, 10), (also, 0.9)], logged=broken, settings=short)[0].past.production for also in (BOTH, ONE)
    )
    assert alone.minutes > 0
    assert beside == alone


def test_a_retry_is_compared_anew_and_a_stale_question_is_not():
    """Promise: told that a rollout is under way after the end, or seen coming back; never asked only."""
    life, _ = sighted([(ONE, 10), (BOTH, 3)])
    ended_ns = T0 + 13 * 12 * WINDOW_NS
    life.end(COMPARISON, "aborted", ended_ns)
    life.documents()
    life.compare(COMPARISON, ended_ns + 60 * S)
    life.compare(COMPARISON, ended_ns + 60 * S, told_ns=ended_ns - S)  # told late
    assert life.running == 0
    life.compare(COMPARISON, ended_ns + 60 * S, told_ns=ended_ns + 30 * S)
    assert life.running == 1
    assert life.documents()[-1].started_at is None  # nothing of the attempt before is judged twice


def test_a_canary_that_was_away_and_is_back_is_compared_anew():
    """Promise: a retry of the same two hashes needs nobody to tell it."""
    life, found = sighted([(ONE, 10), (BOTH, 3), (ONE, 7), (BOTH, 3)])
    assert [found[-1].state, life.running] == ["running", 1]
    assert "aborted" in {document.outcome for document in found}


def test_revisions_beside_the_two_are_named():
    """Promise: of four hashes at once (an Experiment's and its Rollout's) a document says which do not count in it."""
    _, found = sighted([(ONE, 6), (BOTH, 3), ((*BOTH, "third"), 1)])
    assert "beside" not in str(found[0].unjudged)
    assert "revisions beside these two, which count for neither: third" in found[-1].unjudged


def retried(life, *, from_s, until_s, pods):
    """A line of each baseline pod, and lines of these canary pods, a window each; what was published meanwhile."""
    found = []
    for at_s in range(from_s, until_s, 5):
        start_ns = T0 + at_s * S
        records = [LogRecord(Source(Revision(SHOP, BASELINE), "b-0"), start_ns + 7, "INFO handled")]
        records += [LogRecord(Source(Revision(SHOP, CANARY), pod), start_ns + 8, "INFO handled") for pod in pods]
        for delta in deltas(records, 1, at_s):
            life.add(*delta)
        life.close(start_ns + WINDOW_NS, partial(life.compare, found=True))
        found += life.documents()
    return found


def failed():
    """A life whose canary has failed, and until when (s)."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    life.compare(COMPARISON, T0)
    for delta in deltas(BROKEN, 1, 0):
        life.add(*delta)
    life.close(T0 + 120 * S)
    assert life.documents()[-1].verdict == "fail"
    return life


def test_a_failed_canary_that_is_taken_away_has_ended_before_it_is_tried_again():
    """Promise: a minute of its silence is an abort; with pods of other names the same two hashes are compared anew."""
    life = failed()
    found = retried(life, from_s=120, until_s=200, pods=[])
    assert (found[-1].verdict, found[-1].outcome) == ("fail", "aborted")
    life.compare(COMPARISON, T0 + 200 * S)  # a question: nothing has come back yet
    assert (life.running, life.documents()) == (0, [])
    found = retried(life, from_s=200, until_s=230, pods=["second-0"])
    assert life.running == 1
    assert {document.verdict for document in found} == {"none"}
    assert found[-1].started_at == rfc3339(T0 + 200 * S)


def test_pods_of_other_names_after_a_failure_are_another_attempt_at_once():
    """Promise: a retry that comes before the silence was long enough is not told of the failure before it."""
    life = failed()
    old = retried(life, from_s=120, until_s=150, pods=["second-0"])  # the old ones may still be there
    assert {document.verdict for document in old} == {"fail"}
    found = retried(life, from_s=150, until_s=400, pods=["second-0"])
    assert (life.running, found[-1].verdict) == (1, "none")
    assert found[-1].started_at > old[-1].as_of


def test_pods_that_come_beside_the_failed_ones_change_nothing():
    """Promise: while a pod that was there at the failure is heard, it is the same attempt."""
    life = failed()
    names = sorted({record.source.pod for record in BROKEN if record.source.revision.pod_template_hash == CANARY})
    found = retried(life, from_s=120, until_s=400, pods=[names[0], "second-0"])
    assert {document.verdict for document in found} == {"fail"}
    assert {document.state for document in found} == {"running"}


@pytest.mark.parametrize(("outcome", "running"), [("aborted", 1), ("promoted", 0)])
def test_a_question_begins_an_aborted_comparison_anew_once_its_canary_has_new_pods(outcome, running):
    """Promise: also where the streams are not to say anything; what was promoted only serves on with new pods."""
    life = WorkloadLife(WorkloadSettings(sight_ns=0), WorkloadState(SHOP))
    life.compare(COMPARISON, T0)
    for delta in deltas(BROKEN, 1, 0):
        life.add(*delta)
    life.close(T0 + 120 * S)
    life.end(COMPARISON, outcome, T0 + 120 * S)
    retried(life, from_s=120, until_s=140, pods=["second-0"])
    life.compare(COMPARISON, T0 + 140 * S, again=True)
    assert life.running == 0  # the first pods may still end
    retried(life, from_s=140, until_s=200, pods=["second-0"])
    life.compare(COMPARISON, T0 + 200 * S, again=True)
    assert life.running == running


def test_asked_again_nothing_begins_without_both_revisions():
    """Promise: whoever looks at a comparison that was over long ago does not have it replaced by an empty one."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    retried(life, from_s=0, until_s=60, pods=[])
    life.compare(COMPARISON, T0 + 60 * S, again=True)
    assert (life.running, life.documents()) == (0, [])


def test_sight_can_be_turned_off():
    """Promise: with 0 the streams neither begin nor end anything."""
    life = WorkloadLife(WorkloadSettings(sight_ns=0), WorkloadState(SHOP))
    for delta in deltas(BROKEN, 1, 0):
        life.add(*delta)
    life.close(T0 + 3600 * S, life.compare)
    assert life.running == 0
    assert life.to_state().succession.known == {}


@pytest.mark.parametrize("gone", [BASELINE, CANARY])
def test_one_side_alone_is_never_judged(gone):
    """Promise: a missing side gives `none`, whatever the other does."""
    document = lived([record for record in BROKEN if record.source.revision.pod_template_hash != gone])
    assert document.verdict == "none"
    assert 0 < document.risk < 100


FOLLOWED = {
    "look_back": (WorkloadPolicy(look_back_ns=60 * S), "look_back: 1m"),
    "historic_baseline": (
        WorkloadPolicy(historic_baseline=BaselineTime(ago_ns=30 * S)),
        "historic_baseline: 30s ago",
    ),
    "exposure": (WorkloadPolicy(exposure="pod_seconds"), "exposure: pod_seconds"),
    "critical": (
        WorkloadPolicy(signals=(SignalPolicy("log/error", criticality="critical"),)),
        "signals['log/error'].criticality: critical",
    ),
}


@pytest.mark.parametrize(("policy", "said"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_document_says_by_which_policy_it_was_made_and_snapshots_keep_to_it(policy, said):
    """Promise: what an operator set is in the document, and holds to the bit however often the scorer restarts."""
    document = lived(BROKEN, policy=policy)
    assert document.policy == (said,)
    assert lived(BROKEN, policy=policy, restart_each=True, parts=3) == document
    assert lived(BROKEN).policy == ()


def moved(records, seconds, name):
    """The records of one revision, so much later."""
    return [
        msgspec.structs.replace(one, time_ns=one.time_ns + seconds * S)
        for one in records
        if one.source.revision.pod_template_hash == name
    ]


def test_an_earlier_time_of_the_baseline_is_what_the_canary_is_compared_with():
    """Promise: errors that the baseline logs now, and did not a minute ago, do not excuse the canary's."""
    canary = moved(BROKEN, 120, CANARY)
    beside = [
        msgspec.structs.replace(one, source=Source(Revision(SHOP, BASELINE), f"b{number}"))
        for one in canary
        if isinstance(one, LogRecord)
        for number in range(3)
    ]
    records = [*moved(recording(240, 0), 0, BASELINE), *beside, *canary]
    assert lived(records).verdict != "fail"
    document = lived(records, policy=WorkloadPolicy(historic_baseline=BaselineTime(ago_ns=120 * S)))
    assert document.verdict == "fail"
    counts = next(one for one in document.signals if one.signal == "log/error")
    assert (counts.baseline_count, counts.canary_count > 10) == (0.0, True)


def test_the_earlier_time_ends_with_its_length():
    """Promise: no window of the baseline serves twice; what the canary does after the length is no evidence."""
    records = [*recording(240, 0), *moved(BROKEN, 120, CANARY)]
    asked = BaselineTime(ago_ns=60 * S, length_ns=20 * S)
    late = [one for one in records if one.time_ns >= T0 + 120 * S or one.source.revision.pod_template_hash == BASELINE]
    document = lived(late, policy=WorkloadPolicy(historic_baseline=asked))
    assert document.exposure.baseline < 60 * 3 * 20
    whole = lived(late, policy=WorkloadPolicy(historic_baseline=BaselineTime(ago_ns=60 * S)))
    assert document.exposure.baseline < whole.exposure.baseline


@pytest.mark.parametrize("start_ns", [T0 - 3600 * S, T0 + 3600 * S])
def test_an_earlier_time_that_is_not_known_any_more_is_said(start_ns):
    """Promise: nothing else is taken in its place; the document names the time and what is known."""
    document = lived(BROKEN, policy=WorkloadPolicy(historic_baseline=BaselineTime(start_ns=start_ns)))
    assert document.verdict == "none"
    assert "cannot be compared with: what was is known for 15 minutes" in " ".join(document.unjudged)


def test_windows_that_find_no_room_are_kept_for_less_long(monkeypatch):
    """Promise: many pods and levels make no snapshot that cannot be written; restarts change nothing of it."""
    monkeypatch.setattr(life_module, "MOST_RING_BYTES", 2_000)
    policy = WorkloadPolicy(historic_baseline=BaselineTime(ago_ns=60 * S))

    def begin(number, life):
        if number == 12:
            life.compare(COMPARISON, T0, policy=policy)

    told = []
    for restart_each in (False, True):
        life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
        life, document = close_windows(life, deltas(BROKEN, 1, 0), restart_each=restart_each, begin=begin)
        ring = life.to_state().ring
        assert 1 < len(ring) < 12
        assert sum(len(msgspec.msgpack.encode(sides)) for _, sides in ring) <= 2_000
        kept_s = (life.to_state().closed_to_ns - ring[0][0]) / S
        assert f"what was is known for {kept_s / 60:.3g} minutes" in " ".join(document.unjudged)
        told.append(document)
    assert told[0] == told[1]


def test_what_policy_says_is_known_so_long_is_what_a_workload_keeps():
    """Promise: a policy that is taken can be followed."""
    assert SETTINGS.ring_ns == written.KEPT_NS


def test_what_finds_no_place_is_in_the_document(monkeypatch):
    """Promise: series beyond the limits are told with their number."""
    monkeypatch.setattr(catalogue, "SERIES_PER_WORKLOAD", 1)
    records = recording(60, 0)
    source = Source(Revision(SHOP, CANARY), "c0")
    for number in range(4):
        series = Series("http_requests_total", (("code", str(500 + number)),))
        records += [MetricSample(source, T0 + second * S, series, Kind.CUMULATIVE, 1.0) for second in (2, 12, 22)]
    assert "cannot judge: 4 series found no place" in " ".join(lived(records).unjudged)


def test_traces_hold_lines_that_found_no_place():
    """Promise: what ingest left out within its limits, and a restart forgot of score's own, stops no window."""
    limits = Limits(signatures=4, traces=6)
    of = structs.replace(SETTINGS, limits=limits)
    life, source = WorkloadLife(of, WorkloadState(SHOP)), Source(Revision(SHOP, BASELINE), "b0")
    roller = Roller(WINDOW_NS, limits)
    for part in range(3):
        for number in range(8):
            text = f"INFO {'abcdefgh'[number]}{'abcdefgh'[part]} happened trace_id={part:032x}"
            roller.add(LogRecord(source, T0, text))
        rolled = roller.drain()
        (delta,) = rolled.summaries
        assert len(delta.pods["b0"].lines) == 4
        life.add(delta, {n: rolled.signatures[n] for n in delta.pods["b0"].signatures()}, rolled.series)
        life = WorkloadLife(of, msgspec.msgpack.decode(msgspec.msgpack.encode(life.to_state()), type=WorkloadState))
    assert life.close(T0 + 2 * WINDOW_NS)


@pytest.mark.parametrize("restarted", [False, True])
def test_signatures_of_an_open_window_are_bounded(restarted):
    """Promise: of distinct lines only what finds a place is known; what does depends on no restart."""
    limits = Limits(signatures=10, traces=20)
    of = structs.replace(SETTINGS, limits=limits)
    life, source = WorkloadLife(of, WorkloadState(SHOP)), Source(Revision(SHOP, BASELINE), "b0")
    letters, draw, grave = "abcdefghijklmnopqrstuvwxyz", random.Random(5), set()
    for part in range(60):
        roller = Roller(WINDOW_NS, limits)
        for number in range(8):
            words = "".join(draw.choices(letters, k=12))
            level = ("INFO", "ERROR")[number % 2]
            roller.add(LogRecord(source, T0, f"{level} {words} happened trace_id={8 * part + number:032x}"))
        rolled = roller.drain()
        grave |= {number for number, what in rolled.signatures.items() if what.severity == Severity.ERROR}
        for delta in rolled.summaries:
            life.add(delta, rolled.signatures, rolled.series)
        if restarted:
            life = WorkloadLife(of, msgspec.msgpack.decode(msgspec.msgpack.encode(life.to_state()), type=WorkloadState))
        state = life.to_state()
        assert len(state.heard) <= 1.5 * (10 + 20) + 8
    (summary,) = state.open[T0 // WINDOW_NS * WINDOW_NS].values()
    (pod,) = summary.pods.values()
    assert sorted(pod.lines) == sorted(grave)[:10]
    assert {number for ids in pod.traces.values() for number in ids} <= grave
    assert life.close(T0 + 2 * WINDOW_NS)
    assert not life.to_state().heard


@pytest.mark.parametrize("how", [{}, {"parts": 3, "seed": 5}, {"restart_each": True}])
def test_pods_that_are_others_with_each_record_are_bounded(monkeypatch, how):
    """Promise: those there keep their places, what the others wrote is counted, and the verdict stays the same."""
    monkeypatch.setattr(life_module, "MOST_PODS", 20)
    records = recording(180, errors_per_window=8)
    flood = [
        LogRecord(Source(Revision(SHOP, name), f"z{second}-{number}"), T0 + second * S, "INFO handled")
        for second in range(7, 180)
        for number in range(10)
        for name in (BASELINE, CANARY)
    ]

    def begin(number, life):
        if number == 3:
            life.compare(COMPARISON, T0 + 3 * WINDOW_NS)
        assert sum(len(known.pods) for known in life.to_state().presence.values()) <= 20

    life, last = close_windows(
        WorkloadLife(SETTINGS, WorkloadState(SHOP)),
        deltas([*records, *flood], how.get("parts", 1), how.get("seed", 0)),
        restart_each=how.get("restart_each", False),
        begin=begin,
    )
    assert last.verdict == "fail"
    assert len(flood) > life.unfollowed_records > 0.9 * len(flood)


@pytest.mark.parametrize("how", [{}, {"parts": 3, "seed": 5}, {"restart_each": True}])
def test_a_label_that_is_another_with_each_record_takes_no_place_of_what_is_compared(monkeypatch, how):
    """Promise: memory is bounded, what found no place is counted, in any grouping, and the verdict stays the same."""
    monkeypatch.setattr(life_module, "MOST_REVISIONS", 6)
    monkeypatch.setattr(life_module, "MOST_OPEN_REVISIONS", 30)
    records = recording(180, errors_per_window=8)
    flood = [
        LogRecord(Source(Revision(SHOP, f"z{second}-{number}"), "pod"), T0 + second * S, "INFO handled")
        for second in range(180)
        for number in range(10)
    ]

    def begin(number, life):
        if number == 3:
            life.compare(COMPARISON, T0 + 3 * WINDOW_NS)
        state = life.to_state()
        assert len(state.presence) <= 6
        assert state.traces.keys() <= state.presence.keys()
        assert all(len(summaries) <= 30 for summaries in state.open.values())

    parts, seed = how.get("parts", 1), how.get("seed", 0)
    life, last = close_windows(
        WorkloadLife(SETTINGS, WorkloadState(SHOP)),
        deltas([*records, *flood], parts, seed),
        restart_each=how.get("restart_each", False),
        begin=begin,
    )
    assert last.verdict == lived(records, compare_after=3).verdict == "fail"
    assert life.unfollowed_records == 1780  # beside the two four find a place, until half a minute after their record
