"""What is rare and comes again and again: how often does it ring?

Single values: a service of four requests a second, of which one in 10,000 waits 30 s for a timeout: the mean of a
window of 5 s goes to fifty times its usual, 34 times a day. Whoever is woken the first two times should not be for the
rest of the month.

And nights: a batch of ten minutes at three, give or take three minutes.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.watch.points import Point
from streams.watch.ringing import ARL_S
from topology.watch.ward import Ward

STEP_NS = 5_000_000_000
WINDOWS_A_DAY = 17_280
pytestmark = pytest.mark.timeout(900)


def alarms(seed, days, requests, chance, slow):
    """Days at which the mean latency rings, at one false alarm in 30 days; and how many slow requests there were."""
    rng, ward, raised, events = np.random.default_rng(seed), Ward(ARL_S), [], 0
    for place in range(1, days * WINDOWS_A_DAY):
        number = rng.poisson(requests)
        if number == 0:
            continue
        latencies = rng.lognormal(math.log(0.02), 0.5, number)
        late = rng.random(number) < chance
        latencies[late] = slow(rng, int(late.sum()))
        events += int(late.sum())
        ward.add(place * STEP_NS, [Point("http/mean", float(latencies.mean()), None, "latency", "s")])
        if ward.raised is not None:
            raised.append(place / WINDOWS_A_DAY)
    return raised, events


def timeout(_, number):
    """Always the same."""
    return np.full(number, 30.0)


def varied(rng, number):
    """A second, give or take a factor of three."""
    return rng.lognormal(0.0, 1.0, number)


@pytest.mark.parametrize("slow", [timeout, varied])
def test_a_rare_slow_request_rings_a_few_times_and_then_no_more(slow):
    """Promise: of some 100 in three days the first two, and those that go half as far again as all but one before."""
    raised, events = alarms(1, 3, 20.0, 1e-4, slow)
    assert events > 80
    assert len(raised) <= 8


@pytest.mark.nightly
@pytest.mark.parametrize("slow", [timeout, varied])
@pytest.mark.parametrize(("requests", "chance"), [(0.3, 1e-3), (2.0, 1e-4), (2.0, 1e-3), (20.0, 1e-5), (20.0, 1e-4)])
def test_in_the_long_run_it_keeps_near_its_budget(requests, chance, slow):
    """Promise: once its kinds are known, three in twenty days at most: two of each kind that is seldom met."""
    raised = [alarms(seed, 30, requests, chance, slow)[0] for seed in range(3)]
    assert sum(day > 10.0 for each in raised for day in each) <= 9


def nights(rng, days, counted, fault):
    """A batch each night, a value a minute, for so many days; one more at a time (minutes), so high and long."""
    rate = np.full(days * 1440, 0.2)
    for day in range(days):
        begin = day * 1440 + 180 + int(rng.integers(-3, 4))
        rate[begin : begin + 10] += 0.6 * rng.normal(1.0, 0.1)
    at, high, lasts = fault
    rate[at : at + lasts] += high
    return rng.poisson(10.0 * rate).astype(float) if counted else rate + rng.normal(0.0, 0.02, rate.size)


@pytest.mark.parametrize(
    ("counted", "fault", "rings"),
    [
        (False, (5 * 1440 + 180, 0.0, 0), 0),
        (True, (5 * 1440 + 180, 0.0, 0), 0),
        (False, (5 * 1440 + 900, 0.6, 10), 4),
        (True, (5 * 1440 + 900, 1.0, 10), 4),
        (False, (5 * 1440 + 180, 1.8, 10), 4),
        (True, (5 * 1440 + 180, 1.8, 10), 4),
        (False, (5 * 1440 + 185, 0.6, 60), 4),
    ],
)
def test_a_batch_each_night_rings_twice_and_another_fault_does(counted, fault, rings):
    """Promise: from the third night on nothing rings but what comes at another hour, goes farther or lasts longer."""
    told = 0
    for seed in range(4):
        values, ward, raised = nights(np.random.default_rng(seed), 7, counted, fault), Ward(ARL_S), []
        for place, value in enumerate(values.tolist(), 1):
            ward.add(place * 60_000_000_000, [Point("cpu", value, 60.0 if counted else None, "cpu")])
            if ward.raised is not None:
                raised.append(place / 1440.0)
        assert sum(day < 2.0 for day in raised) == 2
        assert [day for day in raised if day > 2.0 and not 5.0 < day < 6.0] == []
        told += any(5.0 < day < 6.0 for day in raised)
    assert told == rings


_MINUTES = np.arange(28 * 1440)
_HOUR, _WEEKDAY = _MINUTES % 1440 / 60.0, _MINUTES // 1440 % 7
_OFFICE = (_WEEKDAY < 5) * np.exp(-(((_HOUR - 13.0) / 3.5) ** 2))


def wavering(rng, stays, spread):
    """The exponential of an AR(1)."""
    at, found = 0.0, []
    for each in rng.normal(0.0, spread * math.sqrt(1.0 - stays * stays), _MINUTES.size):
        at = stays * at + each
        found.append(at)
    return np.exp(found)


def office(rng):
    """Three times as much in the middle of a weekday."""
    return (1.0 + 2.0 * _OFFICE) * wavering(rng, 0.9, 0.1)


def office_at_once(rng):
    """The same, from eight to six."""
    return (1.0 + 2.0 * ((_WEEKDAY < 5) & (_HOUR > 8) & (_HOUR < 18))) * wavering(rng, 0.9, 0.1)


def weekly_job(rng):
    """Sundays at two, for 24 minutes."""
    return 0.2 + 0.6 * ((_WEEKDAY == 6) & (_HOUR > 2) & (_HOUR < 2.4)) + rng.normal(0.0, 0.02, _MINUTES.size)


def daily_report(rng):
    """At nine, for two minutes."""
    return 0.2 + 0.8 * ((_HOUR > 9) & (_HOUR < 9.05)) + rng.normal(0.0, 0.02, _MINUTES.size)


def nightly_warnings(rng):
    """A count: forty times as many for twelve minutes at three."""
    return rng.poisson(0.5 + 20.0 * ((_HOUR > 3) & (_HOUR < 3.2)))


def office_errors(rng):
    """A count: eight times as many in the middle of a weekday."""
    return rng.poisson(0.2 + 1.5 * _OFFICE)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("stream", "counted", "most"),
    [
        (office, False, 1),
        (office_at_once, False, 3),
        (weekly_job, False, 2),
        (daily_report, False, 2),
        (nightly_warnings, True, 4),
        (office_errors, True, 14),
    ],
)
def test_four_weeks_are_known_after_two(stream, counted, most):
    """Promise: what comes each day or week is told twice. Of counts that follow the day the budget is not kept."""
    for seed in range(2):
        ward, raised = Ward(ARL_S), []
        for place, value in enumerate(stream(np.random.default_rng(seed)).tolist(), 1):
            ward.add(place * 60_000_000_000, [Point("signal", float(value), 60.0 if counted else None)])
            if ward.raised is not None:
                raised.append(place / 1440.0)
        assert len(raised) <= most, raised
