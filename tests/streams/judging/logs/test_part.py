"""The log part: what it counts, what it says, what it remembers."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from streams.errors import BrokenInvariant
from streams.judging.logs.news import LEARNING
from streams.judging.logs.part import LogPart, LogState
from streams.judging.logs.past import LogPast, LogPrior
from streams.judging.logs.quiet import StreamPast
from streams.judging.logs.settings import (
    ERRORS,
    NEW_NUMBERS,
    NEW_SHAPES,
    NEW_TEMPLATES,
    OF_WHOLE_TRACES,
    LogSettings,
)
from streams.judging.logs.stream import StreamState, begin_stream, fewest
from streams.judging.onset import Incidents
from streams.judging.side import Side, SignatureInfo, Trace

WINDOW_NS = 5_000_000_000
SETTINGS = LogSettings()
KNOWN = {n: SignatureInfo(f"text {n}", "error" if n < 100 else "warning") for n in range(1, 200)}
USUAL = Trace(0, None, (), 1000, 3)
WINDOWS = 60


def side(*traces, pods=2):
    """One window of a revision with the usual traffic and these traces."""
    return Side(pod_s=pods * 5.0, lines=9, traces=[USUAL, *traces])


def failed(number, shape=None, count=1, half=0):
    """Traces with one error template."""
    return Trace(half, "error", (number,), number * 7 if shape is None else shape, count)


def fresh(past=None):
    """A part that begins."""
    return LogPart(SETTINGS, past or LogPast(), LogPrior(), WINDOWS * WINDOW_NS, WINDOW_NS)


def judged(part, baseline=None, canary=None, windows=WINDOWS, **options):
    """So many windows; `baseline` and `canary` map a window to its traces."""
    for index in range(windows):
        theirs, mine = (side(*(traces or {}).get(index, ())) for traces in (baseline, canary))
        part.add(index * WINDOW_NS, theirs, mine, KNOWN, **options)
    return part


def history(cohorts, traces=None):
    """A past of so many quiet rollouts, whose baselines showed these traces."""
    past = LogPast()
    for _ in range(cohorts):
        past.learn(judged(fresh(past), traces).cohort(), SETTINGS, LogPrior())
    return past


def test_three_canary_only_traces_are_found_with_history_and_not_without():
    """At equal shares the baseline alone can give three events no more than 1/8."""
    canary = {10: [failed(5)], 25: [failed(5)], 40: [failed(5)]}
    assert judged(fresh(), canary=canary).p > 0.1
    assert judged(fresh(history(20)), canary=canary).p < 0.01


def test_failures_together_are_one_game_while_nobody_knows_how_they_clump():
    """Twenty of one window in a first rollout: at equal shares one game pays 11/6 at most. One by one they tell."""
    assert judged(fresh(), canary={10: [failed(5, count=20)]}).p >= 6 / 11
    assert judged(fresh(), canary={index: [failed(5)] for index in range(10, 30)}).p < 0.01


def test_a_snapshot_of_before_is_judged_as_before():
    """Which did not say whether it is known how failures clump, in time or at single pods."""
    stream = fresh().to_state().streams[ERRORS]
    before = msgspec.msgpack.encode(msgspec.to_builtins(stream)[:-2])
    assert not stream.clumps_known
    read = msgspec.msgpack.decode(before, type=StreamState)
    assert read.clumps_known
    assert read.by_pod == 1.0


@pytest.mark.parametrize("count", [30, 2_000, 10**9])
def test_a_workload_with_many_failures_can_be_judged(count):
    """So many failed traces a window: their likelihood ratio is beyond what a double can hold."""
    usual = {index: [failed(5, count=count)] for index in range(WINDOWS)}
    assert judged(fresh(history(3, usual)), usual, usual).p > 0.05


def test_one_new_error_never_fails_a_canary():
    """Whatever the history, one trace is luck."""
    assert judged(fresh(history(40)), canary={10: [failed(5)]}).p > 0.01


def test_a_shared_incident_fails_nobody():
    """The same errors, new to history, on both sides: at alpha .05 too, however long the past was quiet."""
    errors = {index: [failed(5, count=3)] for index in range(10, 40)}
    assert judged(fresh(history(80)), errors, errors).p > 0.05


def test_a_known_error_at_its_usual_rate_is_no_evidence():
    """What history shows as often is expected."""
    usual = {index: [failed(5)] for index in range(0, 60, 10)}
    assert judged(fresh(history(10, usual)), usual, usual).p > 0.3


def test_new_templates_and_shapes_are_judged_after_the_learning():
    """Until then their share goes to the errors, and it is said."""
    for cohorts in (0, LEARNING):
        part = judged(fresh(history(cohorts)))
        assert part.evidence()[1].share == 0.0
        assert any("too few earlier comparisons" in sentence for sentence in part.unjudged())
    assert [one.share for one in judged(fresh(history(LEARNING + 1))).evidence()] == pytest.approx([0.4, 0.3, 0.3])


def test_known_warnings_never_count_and_new_ones_do():
    """Warnings are evidence only where neither history nor the baseline has shown them."""
    known = {5: [Trace(0, "warning", (150,), 1050)]}
    past = history(LEARNING + 3, known)
    many = {index: [Trace(0, "warning", (150,), 1050)] for index in range(WINDOWS)}
    new = {index: [Trace(0, "warning", (151,), 1051)] for index in range(0, WINDOWS, 10)}
    assert judged(fresh(past), canary=many).p == 1.0
    assert judged(fresh(past), canary=new).p < 0.05
    assert judged(fresh(past), new, new).p > 0.3


def test_shapes_of_known_templates_count():
    """A set of templates nobody has shown, without any judged line: the canary's alone."""
    part = judged(fresh(history(20)), canary={index: [Trace(0, None, (), 77)] for index in range(0, 60, 6)})
    evidence = {one.stream: one for one in part.evidence()}
    assert evidence[NEW_NUMBERS].canary_count == 10.0
    assert evidence[NEW_TEMPLATES].canary_count == evidence[ERRORS].canary_count == 0.0
    assert part.p < 0.01
    assert part.culprits(NEW_NUMBERS)[0].number == 77


def test_a_canary_that_logs_something_new_in_every_request_is_not_judged_by_shapes():
    """A new log statement changes every shape, and harms nobody; it is said."""
    part = fresh(history(20))
    for index in range(WINDOWS):
        part.add(index * WINDOW_NS, side(), Side(pod_s=10.0, lines=9, traces=[Trace(0, None, (), 77, 3)]), KNOWN)
    assert part.p == 1.0
    assert any("log statements have changed" in sentence for sentence in part.unjudged())


TWICE, ONCE = Trace(0, None, (), 500, 9, 502), Trace(0, None, (), 500, 9)
"""The same lines, one of them twice or not."""


def every(trace):
    """In all windows."""
    return dict.fromkeys(range(WINDOWS), (trace,))


def test_known_lines_in_other_numbers_are_judged_in_most_requests_too():
    """No log statement has changed: a loop that is left early, a second attempt."""
    past = history(20, every(TWICE))
    part = judged(fresh(past), every(TWICE), every(ONCE))
    assert part.p < 0.001
    assert part.culprits(NEW_NUMBERS)[0].number == ONCE.shape
    assert part.unjudged() == []
    assert judged(fresh(past), every(ONCE), every(ONCE)).p > 0.3


def test_new_numbers_of_pods_with_far_more_to_do_are_no_evidence():
    """Loops may be longer for that alone; it is said."""
    past = history(20, every(TWICE))
    found = {}
    for times in (1, 8):
        longer = Trace(0, None, (), 500, 9 * times, 503)
        found[times] = judged(fresh(past), every(TWICE), every(longer))
    assert found[1].p < 0.01
    assert found[8].p > 0.3
    assert any("far more to do" in sentence for sentence in found[8].unjudged())
    assert found[1].unjudged() == []


def test_incidents_of_baselines_beside_their_canaries_are_learned():
    """Those of the canary are not; a past with them expects more, one without fewer than nobody knows."""
    often, quiet, rates = LogPast(), LogPast(), []
    failing = {index: [failed(5)] for index in range(WINDOWS)}
    for past, theirs, mine in ((often, failing, None), (quiet, None, failing)):
        for _ in range(3):
            past.learn(judged(fresh(past), theirs, mine).cohort(), SETTINGS, LogPrior())
        rates.append(fresh(past).to_state().onset.rate)
    assert quiet.incidents.found == 0.0
    assert often.incidents.found >= 1.0
    assert rates[1] < fresh().to_state().onset.rate < rates[0]


def single(part, baseline=None, canary=None, windows=WINDOWS):
    """So many windows of single pods, as `judged`, with what fails at each."""
    for index in range(windows):
        sides = [side(*(traces or {}).get(index, ()), pods=1) for traces in (baseline, canary)]
        for one in sides:
            one.failed = {0: sum(trace.count for trace in one.traces if trace.log_class)}
        part.add(index * WINDOW_NS, *sides, KNOWN)
    return part


def test_an_incident_of_the_baselines_only_pod_is_what_would_have_failed_a_canary():
    """The same failures fail the one and count at the other, once; of both, of the canary, or few do not."""
    past, lasting = history(6), {index: [failed(5)] for index in range(6)}
    assert single(fresh(past), canary=lasting).to_state().least_p <= 0.05
    late = {index + 30: traces for index, traces in lasting.items()}
    few = {10: [failed(5)]}
    cohorts = [
        single(fresh(past), *both).cohort()
        for both in (
            (lasting, None),
            (late, None),
            (lasting | late, None),
            (lasting, lasting),
            (None, late),
            (few, None),
        )
    ]
    assert [round(one.incidents, 1) for one in cohorts] == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    seconds = [one.beside_s for one in cohorts]
    assert (seconds[0] < 30.0, 150.0 < seconds[1] < 180.0) == (True, True)
    assert seconds[2:] == [seconds[0], *[300.0] * 3]


def test_new_things_of_the_baselines_only_pod_are_an_incident():
    """Whose traces did not fail: warnings that nobody has shown before."""
    lasting = {index: [Trace(0, "warning", (150,), 1050)] for index in range(12)}
    assert single(fresh(history(6)), lasting).cohort().incidents >= 1.0
    assert single(fresh(history(6)), lasting, lasting).cohort().incidents == 0.0


def test_what_a_workload_has_shown_of_incidents_outweighs_what_others_have():
    """After ten comparisons without one it expects a fifth of what one does that knows of the others alone."""
    planned_s = WINDOWS * WINDOW_NS / 1e9
    often, quiet = LogPrior(incidents=Incidents(found=10.0, seconds=10.0 * planned_s)), LogPast()
    quiet.incidents = Incidents(seconds=10.0 * planned_s)
    rates = [
        LogPart(SETTINGS, past, often, WINDOWS * WINDOW_NS, WINDOW_NS).to_state().onset.rate
        for past in (LogPast(), quiet)
    ]
    assert rates[0] > 0.8 / planned_s
    assert 0.0 < rates[1] < 0.2 * rates[0]


@pytest.mark.parametrize("level", [0.05, 0.01])
def test_the_fewest_events_that_tell_are_those_of_the_streams_own_share(level):
    """Three tenths of the error take as many as three tenths of the level do; more than all of it."""
    past = StreamPast(cohorts=12.0, exposure_s=12 * 600.0, events=6.0)

    def needed(share, of):
        return fewest(ERRORS, begin_stream(ERRORS, SETTINGS, past, LogPrior(), share, of), SETTINGS, of)

    assert needed(0.3, level) == needed(1.0, 0.3 * level) > needed(1.0, level)


def test_numbers_that_a_promoted_canary_showed_are_known():
    """And a cohort without ids tells of none, so that it does not count as one that could."""
    past = history(1)
    shown = judged(fresh(past), canary=every(TWICE)).cohort()
    counted = past.counted
    past.learn(structs.replace(shown, numbers=()), SETTINGS, LogPrior(), promoted=True)
    assert TWICE.numbers in past.numbers
    assert past.counted == counted


def test_where_numbers_are_new_all_the_time_shapes_are_judged_by_sets():
    """Each trace of as many lines as there were things to do: of new numbers more would be needed than of new sets."""
    past = LogPast()
    for cohort in range(12):
        loops = {
            index: [Trace(index % 2, None, (), 500, 1, 10_000 + 100 * cohort + index)] for index in range(0, WINDOWS, 3)
        }
        past.learn(judged(fresh(past), loops).cohort(), SETTINGS, LogPrior())
    part = judged(fresh(past), canary={index: [Trace(0, None, (), 77)] for index in range(0, 60, 6)})
    evidence = {one.stream: one for one in part.evidence()}
    assert evidence[NEW_SHAPES].canary_count == 10.0
    assert NEW_NUMBERS not in evidence
    assert part.p < 0.01


def test_where_more_new_numbers_than_new_sets_are_needed_both_are_judged():
    """One new number a rollout: each has as much of the share as it needs fewer, and what says more is told."""
    past = LogPast()
    for cohort in range(12):
        odd = {10: [Trace(0, None, (), 500, 2, 10_000 + cohort)]}
        past.learn(judged(fresh(past), every(TWICE) | odd).cohort(), SETTINGS, LogPrior())
    shares = {name: fresh(past).to_state().streams[name].share for name in OF_WHOLE_TRACES}
    assert 0.0 < shares[NEW_NUMBERS] < shares[NEW_SHAPES]
    assert sum(shares.values()) == pytest.approx(0.3)
    once = judged(fresh(past), every(TWICE), every(ONCE))
    other = judged(fresh(past), every(TWICE), {index: [Trace(0, None, (), 77)] for index in range(0, 60, 6)})
    assert [part.evidence()[2].stream for part in (once, other)] == [NEW_NUMBERS, NEW_SHAPES]
    assert max(once.p, other.p) < 0.01
    assert once.new_shapes.baseline.keys() >= {TWICE.counted_shape}
    assert other.new_shapes.baseline.keys() >= {TWICE.shape}
    assert once.unjudged() == []


def test_numbers_of_lines_are_learned_after_a_snapshot_of_before():
    """Until then shapes are judged by sets, as before; in a comparison that goes on as well."""
    past = history(LEARNING + 1, every(TWICE))
    before = msgspec.msgpack.decode(msgspec.msgpack.encode(msgspec.to_builtins(past)[:-2]), type=LogPast)
    del before.streams[NEW_NUMBERS], before.history[NEW_NUMBERS]
    state = fresh(before).to_state()
    del state.streams[NEW_NUMBERS], state.news[NEW_NUMBERS]
    goes_on = LogPart(SETTINGS, before, LogPrior(), WINDOWS * WINDOW_NS, WINDOW_NS, state)
    assert judged(goes_on, every(TWICE), every(ONCE)).p > 0.3
    for _ in range(LEARNING + 1):
        assert judged(fresh(before), every(TWICE), every(ONCE)).p > 0.3
        before.learn(judged(fresh(before), every(TWICE)).cohort(), SETTINGS, LogPrior())
    for _ in range(20):
        before.learn(judged(fresh(before), every(TWICE)).cohort(), SETTINGS, LogPrior())
    assert judged(fresh(before), every(TWICE), every(ONCE)).p < 0.01


def test_the_usual_numbers_of_an_older_snapshot_are_kept():
    """Where they are judged in place of shapes, they stood among those."""
    past = history(LEARNING + 1, every(TWICE))
    state = judged(fresh(past), every(TWICE), every(ONCE)).to_state()
    state.usual_shapes, state.usual_numbers = state.usual_numbers, {}
    goes_on = LogPart(SETTINGS, past, LogPrior(), WINDOWS * WINDOW_NS, WINDOW_NS, state)
    assert goes_on.new_shapes.counted
    assert TWICE.counted_shape in goes_on.new_shapes.baseline
    assert goes_on.to_state().usual_shapes == {}


def test_a_canary_whose_lines_alone_carry_ids_is_not_compared_by_them():
    """Traces on one side and incidents on the other are not alike; it is said."""
    part = fresh()
    for index in range(WINDOWS):
        canary = Side(pod_s=10.0, lines=9, traces=[failed(5, count=4)])
        part.add(index * WINDOW_NS, Side(pod_s=10.0, lines=9), canary, KNOWN)
    assert part.p == 1.0
    assert any("carry no ids" in sentence for sentence in part.unjudged())


@pytest.mark.parametrize("options", [{"heard": False}])
def test_a_log_that_is_cut_off_brings_nothing(options):
    """Neither evidence nor a lesson."""
    part = judged(fresh(history(20)), canary={index: [failed(5)] for index in range(60)}, **options)
    assert part.p == 1.0
    assert part.cohort().pod_s == 0.0


def test_a_missing_side_is_no_evidence_and_the_baseline_alone_still_teaches():
    """Windows without a canary count for the cohort only, those without a baseline for nothing."""
    part = fresh(history(20))
    for index in range(WINDOWS):
        part.add(2 * index * WINDOW_NS, side(failed(5)), None, KNOWN)
        part.add((2 * index + 1) * WINDOW_NS, None, side(failed(6)), KNOWN)
    assert part.p == 1.0
    assert part.cohort().streams[ERRORS].events == WINDOWS


@pytest.mark.parametrize("of_canary", [False, True])
def test_traces_left_out_end_the_judging_of_shapes(of_canary):
    """Which shapes there are is not known any more, nor how often their lines come; whichever side they are of."""
    part = fresh(history(20))
    cut = Side(pod_s=10.0, traces=[USUAL], traces_cut=True)
    part.add(0, *((side(), cut) if of_canary else (cut, side())), KNOWN)
    judged_on = {index: [Trace(0, None, (), 77)] for index in range(60)}
    for index in range(1, WINDOWS):
        part.add(index * WINDOW_NS, side(), side(*judged_on[index]), KNOWN)
    assert part.p == 1.0
    assert not {*OF_WHOLE_TRACES} & part.cohort().streams.keys()


@pytest.mark.parametrize("of_canary", [False, True])
def test_numbers_left_out_end_the_judging_of_numbers_alone(of_canary):
    """Shapes are known still, and taught; the next comparison learns no numbers of this one."""
    part = fresh(history(20))
    cut = Side(pod_s=10.0, traces=[USUAL], numbers_cut=True)
    part.add(0, *((side(), cut) if of_canary else (cut, side())), KNOWN)
    for index in range(1, WINDOWS):
        new = [Trace(0, None, (), 77)] if index < 60 else []
        part.add(index * WINDOW_NS, side(), side(*new), KNOWN)
    taught = part.cohort().streams.keys()
    assert (NEW_SHAPES in taught, NEW_NUMBERS in taught) == (True, False)


def test_templates_are_followed_through_redirects():
    """Two signatures of one template are one new thing, and one culprit."""
    canary = {index: [failed(5 + index % 2)] for index in range(0, 60, 10)}
    part = judged(fresh(history(20)), {30: [failed(6)]}, canary, templates={5: 99, 6: 99})
    assert [one.number for one in part.culprits(ERRORS)] == [99]
    assert part.culprits(NEW_TEMPLATES) == []


def test_more_canary_errors_never_raise_p():
    """A worse canary is never less suspicious."""
    past, last = history(10), 1.0
    for errors in range(1, 12):
        p = judged(fresh(past), canary={index: [failed(5)] for index in range(0, 5 * errors, 5)}).p
        assert p <= last
        last = p


def test_windows_come_in_order_and_time_is_planned():
    """Anything else is our own mistake."""
    part = fresh()
    part.add(10 * WINDOW_NS, side(), side(), KNOWN)
    with pytest.raises(BrokenInvariant):
        part.add(9 * WINDOW_NS, side(), side(), KNOWN)
    with pytest.raises(BrokenInvariant):
        LogPart(SETTINGS, LogPast(), LogPrior(), 0, WINDOW_NS)


traces = st.lists(
    st.builds(
        lambda half, ids, shape, count: Trace(
            half, None if not ids else "error" if min(ids) < 100 else "warning", tuple(sorted(ids)), shape, count
        ),
        st.integers(0, 1),
        st.sets(st.sampled_from([5, 6, 150, 151]), max_size=2),
        st.integers(0, 4),
        st.integers(1, 3),
    ),
    max_size=4,
)
PAST = history(5, {3: [failed(6)]})


@given(st.lists(st.tuples(traces, traces), max_size=15), st.integers(0, 15), st.randoms())
def test_a_snapshot_goes_on_to_the_bit(windows, cut, draw):
    """Restarted at any window, with traces in any order and whatever the past has learned since."""
    straight, first = fresh(PAST), fresh(PAST)
    for index, (theirs, mine) in enumerate(windows):
        straight.add(index * WINDOW_NS, side(*theirs), side(*mine), KNOWN)
    part = first
    for index, (theirs, mine) in enumerate(windows):
        if index == cut:
            wire = msgspec.msgpack.encode(part.to_state())
            state = msgspec.msgpack.decode(wire, type=LogState)
            part = LogPart(SETTINGS, LogPast(), LogPrior(), 1, WINDOW_NS, state)
        part.add(index * WINDOW_NS, side(*draw.sample(theirs, len(theirs))), side(*draw.sample(mine, len(mine))), KNOWN)
    assert part.to_state() == straight.to_state()
    assert part.p == straight.p
    assert part.cohort() == straight.cohort()
    assert [one.stream for one in part.evidence()] == [ERRORS, NEW_TEMPLATES, NEW_NUMBERS]
