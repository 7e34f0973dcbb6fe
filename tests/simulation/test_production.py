"""A revision without a baseline, judged by what production did before it: false alarms, and how long it takes.

Production is a line of minutes; revisions that change nothing come at any of them, and show what it goes on to show.
"""

from __future__ import annotations

import numpy as np
import pytest

from streams.judging.alone import AGAINST_SHARE
from streams.judging.logs.settings import ERRORS
from streams.judging.production.against import LATER, begin_against
from streams.judging.production.past import ProductionPast
from streams.judging.production.peaks import Peaks
from tests.simulation.core import within_budget

pytestmark = pytest.mark.timeout(1800)
PLANNED_NS = 1_800_000_000_000
PROCESSES = {
    "quiet": {"usual": 0.3},
    "usual": {"usual": 2.4},
    "clumps": {"usual": 2.4, "clump": 4},
    "hours differ": {"usual": 2.4, "hour_sd": 1.0},
    "days differ": {"usual": 2.4, "day_sd": 0.7},
    "busy, days differ more": {"usual": 24.0, "day_sd": 1.0},
    "a day's load": {"usual": 2.4, "daily": 0.9},
    "incidents of everybody every week": {"usual": 1.0, "incidents_a_day": 1 / 7},
    "every fourth day, an hour": {"usual": 1.0, "incidents_a_day": 1 / 4, "incident_minutes": 60.0},
    "every fourth day, when people deploy": {"usual": 1.0, "incidents_a_day": 1 / 4, "office": True},
    "every twentieth day, ten hours": {"usual": 1.0, "incidents_a_day": 1 / 20, "incident_minutes": 600.0},
}


OFFICE_OPENS = 540
"""Minute of a day; for eight hours."""


def production(draw, days, *, usual, clump=1, hour_sd=0.0, day_sd=0.0, daily=0.0, office=False, **incidents):
    """Events of each minute, where `usual` come in half an hour."""
    minutes = days * 1440
    rate = np.full(minutes, usual / 30)
    rate *= np.repeat(np.exp(draw.normal(0, day_sd, days)), 1440) * np.repeat(
        np.exp(draw.normal(0, hour_sd, days * 24)), 60
    )
    rate *= 1 + daily * np.sin(2 * np.pi * np.arange(minutes) / 1440)
    for any_time in draw.integers(0, minutes, draw.poisson(incidents.get("incidents_a_day", 0.0) * days)):
        start = any_time // 1440 * 1440 + OFFICE_OPENS + any_time % 480 if office else any_time
        end = start + 1 + int(draw.exponential(incidents.get("incident_minutes", 30.0)))
        rate[start:end] = 30 * rate[start:end] + 1
    return draw.poisson(rate / clump).astype(float) * clump


def reached(goals, shown):
    """The least level at which it fails, by what it showed of each signal in each minute; 1 where at none."""
    return min(
        (goal.p / goal.weight for goal in goals if shown(goal)[: goal.minutes].sum() >= goal.events), default=1.0
    )


def failed(seed, days, times=1.0, **process):
    """Of revisions that come in one life of production, whose errors are `times` as many: the level each fails at."""
    draw = np.random.default_rng(seed)
    events = production(draw, days, **process)
    past = ProductionPast(pods=1.0, peaks={ERRORS: Peaks()})
    found, comes = [], set(draw.integers(0, len(events) - 60, 24 * days).tolist())
    if process.get("office"):
        comes = {minute // 1440 * 1440 + OFFICE_OPENS + minute % 480 for minute in comes}
    for minute, each in enumerate(events[:-60]):
        if minute in comes and past.minutes >= 1440:
            shown = events[minute + LATER - 1 :][:30]
            shown = shown if times == 1.0 else draw.poisson(shown * 0 + process["usual"] / 30 * times)
            found.append(reached(begin_against(past, (), PLANNED_NS, (ERRORS,)).goals, lambda _, shown=shown: shown))
        past.peaks[ERRORS].add(each)
    return found


def keeps(found, level):
    """Whether those that would fail at a level, of which the part has a share, are within it."""
    return within_budget(sum(one <= level * AGAINST_SHARE for one in found), len(found), level)


@pytest.mark.parametrize("name", ["every fourth day, an hour", "days differ"])
def test_revisions_that_change_nothing_keep_alpha(name):
    """Two lives of eight days, at .05: 48 hours and more are quiet enough for .01, but some hours for this."""
    found = [one for seed in (1, 2) for one in failed(seed, 8, **PROCESSES[name])]
    assert len(found) > 200
    assert keeps(found, 0.05)


@pytest.mark.nightly
@pytest.mark.parametrize("name", PROCESSES)
def test_revisions_that_change_nothing_keep_alpha_in_large_numbers(name):
    """Eight lives of forty days, 7,600 revisions, at .05 and .01."""
    found = [one for seed in range(8) for one in failed(seed, 40, **PROCESSES[name])]
    assert keeps(found, 0.05)
    assert keeps(found, 0.01)


def test_errors_that_production_does_not_have_are_found_after_two_days():
    """At .01, a usual one of .3 in half an hour, and 300 times as many (15 in five minutes)."""
    found = [one <= 0.01 * AGAINST_SHARE for one in failed(1, 4, times=300.0, usual=0.3)]
    assert not any(found[:10])
    assert sum(found[-20:]) >= 18


LATENCIES = {
    "steady": {},
    "a day's load": {"daily": 0.6},
    "slow waves": {"wave_sd": 0.5},
    "heavy tails": {"tail": 1.5},
    "ten requests a minute, heavy tails": {"tail": 1.5, "requests": 10},
    "everybody slow every third day": {"slow_a_day": 1 / 3},
    "waves, tails, a day's load and slow times": {"daily": 0.6, "wave_sd": 0.3, "tail": 2.0, "slow_a_day": 1 / 3},
}


def deciles(draw, days, *, daily=0.0, wave_sd=0.0, tail=4.0, requests=60, slow_a_day=0.0):
    """The ninth of each minute, microseconds: of so many requests with Pareto tails, and of waves of two hours."""
    minutes = days * 1440
    log_scale = daily * np.sin(2 * np.pi * np.arange(minutes) / 1440)
    kept, wave = np.exp(-1 / 120), 0.0
    for minute, step in enumerate(draw.normal(0, 1, minutes)):
        wave = kept * wave + wave_sd * np.sqrt(1 - kept**2) * step
        log_scale[minute] += wave
    for start in draw.integers(0, minutes, draw.poisson(slow_a_day * days)):
        log_scale[start : start + 1 + int(draw.exponential(30.0))] += np.log(5.0)
    return 20_000 * np.exp(log_scale) * np.quantile(1 + draw.pareto(tail, (minutes, requests)), 0.9, axis=1)


def slow(seed, days, times=1.0, every=60, **process):
    """Of revisions that come in one life of production: the level each fails at by how long its requests take."""
    draw = np.random.default_rng(seed)
    lines = {name: deciles(draw, days, **process) for name in ("one", "other")}
    past, found = ProductionPast(latencies={name: Peaks() for name in lines}), []
    for minute in range(days * 1440 - 60):
        if minute > 1440 and draw.random() < 1 / every:
            shown = {name: times * line[minute + LATER :] for name, line in lines.items()}
            goals = begin_against(past, (), PLANNED_NS).goals
            found.append(reached(goals, lambda goal, shown=shown: shown[goal.signal]))
        for name, line in lines.items():
            past.latencies[name].add(line[minute])
    return found


@pytest.mark.parametrize("name", ["a day's load", "waves, tails, a day's load and slow times"])
def test_latencies_of_revisions_that_change_nothing_keep_alpha(name):
    """Two latencies in one life of eight days, at .05."""
    found = [one for seed in (1, 2) for one in slow(seed, 8, **LATENCIES[name])]
    assert len(found) > 200
    assert keeps(found, 0.05)


@pytest.mark.nightly
@pytest.mark.parametrize("name", LATENCIES)
def test_latencies_of_revisions_that_change_nothing_keep_alpha_in_large_numbers(name):
    """Four lives of twenty days, 1,800 revisions, at .05 and .01."""
    found = [one for seed in range(4) for one in slow(seed, 20, **LATENCIES[name])]
    assert keeps(found, 0.05)
    assert keeps(found, 0.01)


def test_requests_that_take_four_times_as_long_are_found_after_some_days():
    """At .05, and a fifth of it, as where errors and failed requests are judged too."""
    level = 0.05 * AGAINST_SHARE / 5
    found = [one <= level for one in slow(1, 6, times=4.0, every=120, tail=2.0)]
    assert not any(found[:3])
    assert sum(found[-10:]) >= 8
