"""What climbs for hours is found; what comes and goes by the hour or the day is not."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest

from streams.errors import BadRecord
from streams.judging.presence import Presence
from streams.judging.side import Side
from streams.records.identity import Revision, Workload
from streams.records.metric import Series
from streams.signals.catalogue import Catalogue
from streams.signals.rule import SignalRule
from streams.watch.alarm import Alarm, AlarmSignal
from streams.watch.leaks import BLOCK_NS, MOST_CLIMBS, SLOTS, LeakState, LeakWatch, climbs
from streams.watch.points import Point, points
from streams.watch.watch import Watch, WatchSettings, WatchState
from streams.windows.summary import PodSummary, Summary

WINDOW_NS = 240_000_000_000
SHOP = Workload("", "prod", "shop")
HOUR = 15
"""Windows."""
RULES = {"memory": SignalRule("memory", "level", "memory", "higher", unit="By")}
_encode = msgspec.msgpack.Encoder().encode


class Grown:
    """Two pods whose memory grows, every four minutes; two days of steady memory are behind them."""

    def __init__(self, days: float = 2.0) -> None:
        self.watch = Watch(WatchSettings(), WINDOW_NS, SHOP, WatchState(), list)
        self.window = 0
        self._draw = random.Random(1)
        assert self.windows(int(days * 24 * HOUR)) == []

    def windows(
        self, number: int, *, an_hour: float = 0.0, base: float = 1e9, revision: str = "old", limit: float | None = None
    ) -> list[Alarm]:
        """So many windows; `an_hour`: by how much of `base` memory grows; `limit`: of each pod's, where it has one."""
        found: list[Alarm] = []
        for step in range(number):
            level = base * (1.0 + an_hour * step / HOUR)
            memory = {pod: level * (1.0 + self._draw.gauss(0.0, 0.03)) for pod in range(2)}
            limits = {} if limit is None else {"memory": dict.fromkeys(memory, limit)}
            sides = {revision: Side(pod_s=480.0, levels={"memory": memory}, limits=limits)}
            self.watch.add(self.window * WINDOW_NS, sides, {}, RULES, {}, [])
            found += self.watch.alarms()
            self.window += 1
        return found


def _climb(alarms: list[Alarm]) -> Alarm:
    return next(alarm for alarm in alarms if alarm.signals[0].signal.startswith("memory/"))


@pytest.mark.parametrize(("an_hour", "hours"), [(0.1, 3), (0.02, 24)])
def test_a_leak_is_found_in_time_and_told(an_hour, hours):
    """Of 10% an hour within three, of 2% within a day; how fast it climbs and since when."""
    grown = Grown()
    begun_ns = grown.window * WINDOW_NS
    alarm = next(one for one in grown.windows(hours * HOUR, an_hour=an_hour) if "/climb" in one.summary)
    names = {signal.signal for signal in alarm.signals if signal.signal.endswith("/climb")}
    assert names <= {"memory/climb", "memory/worst pod/climb"}
    worst = next(signal for signal in alarm.signals if signal.signal in names)
    assert worst.ratio is not None
    assert worst.ratio >= 1.2
    assert worst.unit == "By"
    by = float(worst.note.removeprefix("climbing by ").split("%")[0]) / 100.0
    assert by == pytest.approx(an_hour, rel=0.35)
    onset_ns = np.datetime64(worst.onset_at.rstrip("Z")).astype("datetime64[ns]").astype(int)
    assert abs(onset_ns - begun_ns) <= max(1.0, 0.02 / an_hour * 5.0) * HOUR * WINDOW_NS


def _climbing(alarms: list[Alarm]) -> list[AlarmSignal]:
    return [signal for alarm in alarms for signal in alarm.signals if signal.signal.endswith("/climb")]


def test_when_a_leak_reaches_its_limit_is_told():
    """Memory that grows by a tenth an hour is at twice what it was after ten: told when it rings."""
    grown = Grown()
    begun_ns = grown.window * WINDOW_NS
    told = _climbing(grown.windows(4 * HOUR, an_hour=0.1, limit=2e9))
    assert {signal.limit for signal in told} == {2e9}
    reaches_ns = [np.datetime64(one.limit_at.rstrip("Z")).astype("datetime64[ns]").astype(int) for one in told]
    assert all(abs(at_ns - begun_ns - 10 * HOUR * WINDOW_NS) <= 1.5 * HOUR * WINDOW_NS for at_ns in reaches_ns)
    assert all(one.note.endswith(f"h, if it goes on at its limit of 2e+09 By by {one.limit_at}") for one in told)


@pytest.mark.parametrize("limit", [None, 12e9, 1.1e9])
def test_a_limit_that_nobody_tells_is_far_or_behind_is_not_foretold(limit):
    """Beyond four days nothing goes on as it does; what has gone beyond a limit is not bounded by it."""
    told = _climbing(Grown().windows(4 * HOUR, an_hour=0.1, limit=limit))
    assert told
    assert {(one.limit, one.limit_at) for one in told} == {(None, None)}
    assert not any("limit" in one.note for one in told)


@pytest.mark.parametrize(("an_hour", "noise"), [(0.1, 0.03), (0.05, 0.01), (0.02, 0.03)])
def test_the_time_left_is_foretold_to_a_third(an_hour, noise):
    """When it first rings at a workload's budget, and halfway from there to the limit; nine of ten runs."""
    errors = []
    for seed in range(10):
        draw, watch, told = np.random.default_rng(seed), LeakWatch(), []
        begins, ends = 3 * SLOTS, 3 * SLOTS + round(3.0 / an_hour)
        for block in range(ends):
            mean = 100.0 * (1.0 + an_hour * max(block - begins, 0) / 3.0 + draw.normal(0.0, noise / 3.5))
            reading = watch.add(block * BLOCK_NS, mean, 200.0)
            if reading is not None and reading.log_e > 8.0 and reading.value > 1.2 * reading.expected:
                told.append((block * BLOCK_NS, reading.reaches_ns))
        for now_ns, reaches_ns in (told[0], told[len(told) // 2]):
            left_ns = ends * BLOCK_NS - now_ns
            errors.append(math.inf if reaches_ns is None else abs(reaches_ns - ends * BLOCK_NS) / left_ns)
    assert sorted(errors)[17] <= 1.0 / 3.0


def test_the_step_before_a_climb_is_no_part_of_how_fast_it_climbs():
    """Processes that begin with half as much again, and climb by a fifth an hour from there: foretold to a block."""
    draw, watch, begins, errors = np.random.default_rng(0), LeakWatch(), 3 * SLOTS, []
    for block in range(begins + 28):
        if block == begins:
            watch.deployed()
        grown = 1.0 if block < begins else 1.5 * (1.0 + 0.2 * (block - begins) / 3.0)
        reading = watch.add(block * BLOCK_NS, 100.0 * (grown + draw.normal(0.0, 0.002)), 450.0)
        if reading is not None and reading.log_e > 8.0 and reading.value > 1.2 * reading.expected:
            errors.append(math.inf if reading.reaches_ns is None else reading.reaches_ns / BLOCK_NS - begins - 30)
    assert len(errors) > 20
    assert max(map(abs, errors)) < 1.0


def test_a_limit_is_of_the_mean_pod_and_of_the_worst():
    """The worst pod may be another's, with a limit of its own; of the mean it is known where every pod tells it."""
    rules = {"memory": SignalRule("memory", "level", "memory", "higher", unit="By")}
    side = Side(pod_s=10.0, levels={"memory": {0: 4.0, 1: 6.0}}, limits={"memory": {0: 10.0, 1: 20.0}})
    assert [point.limit for point in climbs(points(side, 0, rules, {}))] == [15.0, 20.0]
    del side.limits["memory"][0]
    assert [point.limit for point in climbs(points(side, 0, rules, {}))] == [None, 20.0]


def test_a_share_of_its_limit_ends_at_one():
    """Of a pool of connections it is told how much of it is used."""
    rules = {"hikaricp.connections.used": SignalRule("hikaricp.connections.used", "level", "saturation", "higher")}
    side = Side(pod_s=10.0, levels={"hikaricp.connections.used": {0: 0.4, 1: 0.6}})
    assert [(point.value, point.limit) for point in climbs(points(side, 0, rules, {}))] == [(0.5, 1.0), (0.6, 1.0)]


def test_from_series_to_the_sentence():
    """Memory as cAdvisor tells it, its limit as kube-state-metrics does, in windows of their own."""
    used = Series("container_memory_working_set_bytes", (("container", "app"),))
    bound = Series(
        "kube_pod_container_resource_limits", (("container", "app"), ("resource", "memory"), ("unit", "byte"))
    )
    catalogue, presence, draw = Catalogue(), Presence(WINDOW_NS), random.Random(2)
    watch = Watch(WatchSettings(), WINDOW_NS, SHOP, WatchState(), list)
    for number, series in enumerate((used, bound)):
        catalogue.learn(number, series)
    alarms: list[Alarm] = []
    for window in range(52 * HOUR):
        start_ns, level = window * WINDOW_NS, 1e9 * (1.0 + 0.1 * max(window / HOUR - 48.0, 0.0)) * draw.gauss(1.0, 0.03)
        heard = PodSummary(gauges={1: {start_ns: 2e9}} if window % 5 == 4 else {0: {start_ns: level}})
        side = presence.close(start_ns, Summary(Revision(SHOP, "old"), start_ns, pods={"p": heard}), catalogue, {})
        watch.add(start_ns, {"old": side}, {}, catalogue.rules, {}, [])
        alarms += watch.alarms()
    told = _climbing(alarms)
    assert {signal.signal for signal in told} == {"container.memory.working_set/climb"}
    assert "if it goes on at its limit of 2e+09 By by 1970-01-03T" in told[-1].note
    assert "container.memory.rss" not in catalogue.rules


def test_a_climb_that_ends_is_over():
    """It rings while it climbs, for more than the hour after which other alarms become what is normal."""
    grown = Grown()
    alarms = grown.windows(6 * HOUR, an_hour=0.1)
    climbing = [alarm for alarm in alarms if any(one.signal.endswith("/climb") for one in alarm.signals)]
    assert len({alarm.id for alarm in climbing}) == 1
    assert climbing[-1].state == "held"
    over = [alarm for alarm in grown.windows(4 * HOUR, base=1.6e9) if alarm.id == climbing[0].id]
    assert over[-1].state == "cleared"
    assert "climbs no more" in over[-1].summary


def test_what_grows_since_a_deployment_up_to_where_it_was_is_no_leak():
    """Fresh processes fill their caches."""
    grown = Grown()
    grown.watch.promoted("new", grown.window * WINDOW_NS)
    alarms = grown.windows(8 * HOUR, an_hour=0.1, base=0.6e9, revision="new")
    assert not [alarm for alarm in alarms if "/climb" in alarm.summary]


@pytest.mark.parametrize("step", [3.0, 4.0, 8.0])
def test_a_step_is_no_climb(step):
    """However many deviations high: in blocks, M stays below what a workload's budget asks for."""
    for seed in range(8):
        values = np.random.default_rng(seed).normal(100.0, 1.0, 4 * SLOTS)
        values[3 * SLOTS :] += step
        assert max(one.log_e for one in _readings(values)) < 13.2


def test_on_the_first_day_it_says_nothing():
    """A rise in the morning is no leak."""
    readings = _readings([100.0 + block for block in range(SLOTS)])
    assert not any(one.warm for one in readings)


@pytest.mark.parametrize("every", [1, 5])
def test_a_restart_changes_nothing(every):
    """Restored from its snapshot at any value, it says the same to the bit."""
    values = np.random.default_rng(1).normal(100.0, 1.0, 500) + np.maximum(np.arange(500) - 400.0, 0.0)
    watch, found = LeakWatch(), []
    for place, value in enumerate(values):
        if place == 450:
            watch.deployed()
        if place % every == 0:
            watch = LeakWatch(msgspec.msgpack.decode(_encode(watch.to_state()), type=LeakState))
        found.append(watch.add(place * BLOCK_NS // 2, float(value), 300.0))
    whole = LeakWatch()
    for place, value in enumerate(values):
        if place == 450:
            whole.deployed()
        assert whole.add(place * BLOCK_NS // 2, float(value), 300.0) == found[place]


def test_the_snapshot_of_a_level_is_small():
    """After ten days."""
    watch = LeakWatch()
    for block, value in enumerate(np.random.default_rng(1).normal(100.0, 1.0, 10 * SLOTS)):
        watch.add(block * BLOCK_NS, float(value))
    assert len(_encode(watch.to_state())) < 1500


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_teaches_nothing(value):
    """With a typed error; as is what is too late."""
    watch = LeakWatch()
    watch.add(BLOCK_NS, 1.0)
    before = _encode(watch.to_state())
    with pytest.raises(BadRecord):
        watch.add(BLOCK_NS + 1, value)
    with pytest.raises(BadRecord):
        watch.add(BLOCK_NS - 1, 1.0)
    assert _encode(watch.to_state()) == before


def test_extreme_values_are_survived():
    """Whatever is finite: nothing becomes a number that is none."""
    draw = random.Random(1)
    readings = _readings([draw.choice([0.0, 1e149, -1e149, 1e-300, 5.0, 1e38]) for _ in range(300)])
    assert all(math.isfinite(one.log_e) and math.isfinite(one.value) for one in readings)
    watch = LeakWatch()
    for block in range(300):
        watch.add(block * BLOCK_NS, draw.choice([0.0, 1e149, -1e149]), draw.choice([5e-324, 1e18, 1e308]))
    assert "nan" not in str(msgspec.msgpack.decode(_encode(watch.to_state())))


def test_what_rose_from_nothing_and_fell_below_it_is_told_in_its_unit():
    """Of a rise from 0 there is no share: a gauge of what is under way that went below 0 stopped the scorer."""
    draw = random.Random(1)
    readings = _readings([*(draw.gauss(100.0, 10.0) for _ in range(100)), 0.0, 25.0, 25.0, 25.0, -1.0, -1.0])
    assert readings[-1].note == "climbing by -0.75 an hour for 1.33 h"


def test_levels_that_fill_up_are_watched_and_no_others():
    """A bounded number."""
    named = [
        Point("memory", 1.0, group="memory"),
        Point("queue", 1.0, group="saturation"),
        Point("latency", 1.0, group="latency"),
        Point("free memory", 1.0, group="memory", worse="lower"),
        Point("requests", 1.0, 5.0, group="saturation"),
    ]
    assert [point.signal for point in climbs(named)] == ["memory/climb", "queue/climb"]
    assert len(list(climbs([Point(f"queue {place}", 1.0, group="saturation") for place in range(99)]))) == MOST_CLIMBS


def _readings(values):
    watch = LeakWatch()
    found = [watch.add(block * BLOCK_NS, float(value)) for block, value in enumerate(values)]
    return [one for one in found if one is not None]
