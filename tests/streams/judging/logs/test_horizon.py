"""Planned exposure, load and shares."""

from __future__ import annotations

import math

import pytest

from streams.judging.logs.horizon import FIRST_LOOK, Horizon
from streams.judging.logs.work import Work, Works
from streams.judging.side import RequestCount, Side, Trace
from streams.signals.requests import REQUEST_SOURCES

NEVER = Work()


def side(pods=2, traces=0, requests=None):
    """One window of five seconds."""
    found = [Trace(0, None, (), 7, traces)] if traces else []
    counts = {} if requests is None else {REQUEST_SOURCES[0]: RequestCount(requests=requests)}
    return Side(pod_s=5.0 * pods, traces=found, requests=counts)


def test_the_plan_is_for_all_pods_seen_at_once():
    """It grows with the canary's pods and never shrinks."""
    horizon = Horizon(600.0, NEVER)
    for pods in (1.0, 3.0, 2.0):
        horizon.see(pods, NEVER)
    assert horizon.exposure_s(NEVER, NEVER) == 1800.0


def test_a_comparison_that_outlasts_its_plan_goes_on_at_twice_the_horizon():
    """Each look has a share of the error of its own; together they are no more than all of it."""
    horizon, looks = Horizon(100.0, NEVER), []
    for pod_s in (25.0, 50.0, 150.0, 390.0, 410.0):
        horizon.see(1.0, Work(pod_s=pod_s))
        looks.append((horizon.look_s(NEVER, NEVER), horizon.share))
    assert looks == [(25.0, 0.1), (100.0, 0.8), (200.0, 0.05), (400.0, 0.025), (800.0, 0.0125)]
    assert math.fsum(Horizon(1.0, NEVER, doublings=each).share for each in (FIRST_LOOK, *range(60))) <= 1.0


def test_the_first_look_does_not_shorten_the_plan():
    """What is planned is planned, whichever part of it is looked at."""
    horizon = Horizon(100.0, NEVER)
    horizon.see(2.0, NEVER)
    assert (horizon.look_s(NEVER, NEVER), horizon.exposure_s(NEVER, NEVER)) == (50.0, 200.0)


def test_a_lifetime_that_is_set_is_the_only_horizon():
    """All of the error is for it and its first quarter, and nothing is left for what comes later."""
    horizon, shares = Horizon(100.0, NEVER, ends=True), []
    for pod_s in (20.0, 100.0, 150.0, 410.0):
        horizon.see(1.0, Work(pod_s=pod_s))
        shares.append(horizon.share)
    assert shares == [0.1, 0.9, 0.0, 0.0]


@pytest.mark.parametrize(
    ("canary", "baseline", "busiest", "load"),
    [
        (Work(100.0, traces=90.0), Work(100.0, traces=90.0), Work(traces=0.9), 1.0),
        (Work(100.0, traces=390.0), Work(100.0, traces=90.0), Work(traces=0.9), 4.0),
        (Work(100.0, traces=390.0), Work(100.0, traces=390.0), Work(traces=0.9), 4.0),
        (Work(100.0, traces=9.0), Work(100.0, traces=900.0), Work(traces=100.0), 1.0),
        (Work(100.0, 390.0, 5.0), Work(100.0, 90.0, 5.0), Work(0.0, 0.9, 9.0), 4.0),
        (Work(100.0), Work(100.0), Work(), 1.0),
    ],
    ids=["alike", "more than beside", "more than ever", "less", "requests first", "nothing counted"],
)
def test_more_to_do_stretches_the_exposure(canary, baseline, busiest, load):
    """By as much as a canary pod has more to do than the baseline's, or that than any cohort; less never helps."""
    assert Horizon(1.0, busiest).load(canary, baseline) == pytest.approx(load)


def test_shares_follow_requests_where_they_are_counted():
    """Recent ones, so that scrapes that do not meet in a window level out."""
    works = Works()
    for index in range(40):
        works.add(side(2, requests=90.0 if index % 3 == 0 else 0.0), side(1, requests=10.0 if index % 3 == 1 else 0.0))
        shares = works.shares(side(2), side(1), 0.0, by_traces=True)
    assert shares.by_pods == pytest.approx(1 / 3)
    assert 0.05 < shares.by_requests < 0.2


def test_traces_stand_for_requests_where_there_is_no_history():
    """Else the share is that of pods."""
    works = Works()
    for _ in range(40):
        works.add(side(2, traces=20), side(2, traces=80))
    assert works.shares(side(2), side(2), 0.0, by_traces=True).by_requests == pytest.approx(0.8, abs=0.02)
    assert works.shares(side(2), side(2), 0.0, by_traces=False).by_requests == 0.5


def test_while_the_canary_is_away_its_share_of_the_traffic_does_not_fade():
    """Else what it fails when it is back is held against next to no requests of its own."""
    works = Works()
    for _ in range(40):
        works.add(side(2, requests=50.0, traces=50), side(2, requests=50.0, traces=50))
    for _ in range(24):
        works.add(side(2, requests=100.0, traces=100), None)
    assert works.shares(side(2), side(2), 0.0, by_traces=True).by_requests == 0.5
    assert works.baseline.pod_s == 640.0
