"""A sliding look-back: what is past does not count, what it costs, and that alpha is kept whole."""

from __future__ import annotations

import math

import msgspec
import pytest

from streams.judging.judge_state import JudgeState
from streams.judging.look_back import LookBack, LookBackState, stretch_share
from streams.judging.settings import JudgeSettings
from streams.judging.side import RequestCount, Side, SignatureInfo

W = 5_000_000_000
MINUTE = 12
LENGTH_NS = 10 * MINUTE * W
HTTP = "http.server.request.duration"
SIGNATURES = {1: SignatureInfo("ERROR db pool exhausted <*>", "error")}


def side(failed=0.0):
    """One window of six pods."""
    every = tuple(range(6))
    return Side(30.0, 20, {}, {HTTP: RequestCount(100.0, failed, every, every)})


HEALTHY, WORSE, LITTLE_WORSE = side(0.2), side(5.0), side(0.5)


def judged(windows, judge=None, first=0, **changed):
    """A judge with a look-back of ten minutes after these windows of the canary."""
    judge = judge or LookBack.begin(JudgeSettings(**changed), W, LENGTH_NS)
    for index, canary in enumerate(windows, first):
        judge.add(index * W, HEALTHY, canary, SIGNATURES)
    return judge


@pytest.mark.parametrize("planned", [1, 2, 7, 100])
def test_the_shares_of_all_stretches_sum_to_at_most_one(planned):
    """However long it lasts: so the union bound holds for FAIL and for PASS."""
    total = math.fsum(stretch_share(number, planned) for number in range(20_000))
    assert 0.999 < total <= 1.0


def test_what_is_past_is_not_held_against_the_canary():
    """Failures in the first minutes that do not suffice to fail it; then a quarter of an hour in which all is well."""
    late = judged([LITTLE_WORSE] * 2 * MINUTE + [HEALTHY] * 25 * MINUTE)
    found = late.assess(SIGNATURES)
    counts = next(one for one in found.signals if one.signal == "requests/error")
    assert counts.canary_count == pytest.approx(counts.baseline_count)
    assert "the first 20 minutes do not count, only the last 10 minutes at most" in " ".join(found.unjudged)
    assert found.started_ns == 0


def test_a_failure_stays():
    """Though all is well long after."""
    judge = judged([WORSE] * 5 * MINUTE + [HEALTHY] * 40 * MINUTE)
    found = judge.assess(SIGNATURES)
    assert (found.verdict, found.risk, found.confidence) == ("fail", 100.0, 0.0)
    assert found.decided_ns is not None
    assert found.decided_ns <= 5 * MINUTE * W
    assert "requests failed" in found.reasons[0]


def test_a_late_failure_is_found_and_a_good_canary_passes():
    """Within three minutes of its beginning, after forty that were good; a PASS before that is taken back."""
    judge = judged([HEALTHY] * 40 * MINUTE)
    assert judge.verdict == "pass"
    assert judged([WORSE] * 3 * MINUTE, judge, 40 * MINUTE).verdict == "fail"


def test_a_pass_is_taken_back_where_the_traffic_does_not_follow_the_split():
    """Half of the requests was intended, and from some time on a fifth comes."""
    every = tuple(range(6))
    fifth = Side(30.0, 20, {}, {HTTP: RequestCount(25.0, 0.05, every, every)})
    judge = judged([HEALTHY] * 40 * MINUTE, intended_share=0.5)
    assert judge.verdict == "pass"
    judged([fifth] * 10 * MINUTE, judge, 40 * MINUTE)
    found = judge.assess(SIGNATURES)
    assert (found.verdict, found.decided_ns) == ("none", None)
    assert "the comparison is void" in found.reasons[0]
    assert 0.0 < found.risk < 100.0


def test_a_reading_at_the_sensitivity_that_was_set_shows_the_risk_of_the_whole():
    """Also where a stretch is surer than the comparison: of whose lifetime but a third is over."""
    judge = judged([HEALTHY] * 19 * MINUTE, lifetime_ns=60 * MINUTE * W)
    found = judge.assess(SIGNATURES)
    (own,) = [one for one in found.readings if one.sensitivity == "medium"]
    assert judge._older.confidence > found.confidence
    assert own.risk == found.risk


def test_two_stretches_run_each_at_its_own_alpha():
    """In the twelfth minute those that began with the sixth and with the eleventh."""
    judge = judged([HEALTHY] * 12 * MINUTE, lifetime_ns=30 * MINUTE * W)
    assert [one.started_ns for one in judge._running] == [5 * MINUTE * W, 10 * MINUTE * W]
    assert [one._settings.alpha for one in judge._running] == [pytest.approx(0.01 * 0.95 / 6)] * 2
    assert [one._settings.lifetime_ns for one in judge._running] == [None, None]


def test_after_a_long_gap_only_the_new_stretch_is_left():
    """Windows may be missing; what is older than the look-back is gone."""
    judge = judged([HEALTHY] * 3)
    judged([HEALTHY] * 3, judge, 60 * MINUTE)
    assert [one.started_ns for one in judge._running] == [60 * MINUTE * W]
    assert judge.to_look_back_state().older == 12


def test_its_time_over_it_is_marginal_or_fails_by_its_score():
    """By the evidence of the last ten minutes."""
    changed = {"lifetime_ns": 8 * MINUTE * W, "minimum_requests": 1e9}
    uneasy = side(0.6)
    for canary, marginal, expected in ((HEALTHY, 0.0, "none"), (uneasy, 0.0, "marginal"), (uneasy, 100.0, "fail")):
        judge = judged([canary] * 8 * MINUTE, pass_score=100.0, marginal_score=marginal, **changed)
        assert judge.verdict == expected


def test_nothing_is_judged_while_it_warms_up():
    """Only the first stretch has a warm-up; the others begin after it."""
    judge = judged([WORSE] * MINUTE + [HEALTHY] * 10 * MINUTE, warm_up_ns=MINUTE * W)
    assert judge.verdict in {"none", "pass"}
    assert judge._running[-1].started_ns == 6 * MINUTE * W


@pytest.mark.parametrize("cut", [0, 1, 61, 130])
def test_goes_on_from_its_state_to_the_bit(cut):
    """In the first stretch, with two, and after the first has ended."""
    windows = [(HEALTHY, LITTLE_WORSE)[index % 3 == 0] for index in range(150)]
    whole, begun = judged(windows), judged(windows[:cut])
    stored = msgspec.msgpack.encode((begun.to_state(), begun.to_look_back_state()))
    state = msgspec.msgpack.decode(stored, type=tuple[JudgeState, LookBackState])
    resumed = judged(windows[cut:], LookBack.from_state(JudgeSettings(), W, *state), cut)
    assert resumed.assess(SIGNATURES) == whole.assess(SIGNATURES)
    kept = [msgspec.msgpack.encode((one.to_state(), one.to_look_back_state())) for one in (resumed, whole)]
    assert kept[0] == kept[1]


def test_the_baseline_of_the_last_minutes_becomes_the_cohort():
    """None before it began."""
    assert judged([]).cohort("b") is None
    cohort = judged([HEALTHY] * 12 * MINUTE).cohort("b")
    assert cohort is not None
    assert "errors" in cohort.parts
