"""What climbs for hours is found; what comes and goes by the hour or the day is not."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest

from streams.errors import BadRecord
from streams.judging.side import Side
from streams.records.identity import Workload
from streams.signals.rule import SignalRule
from streams.watch.alarm import Alarm
from streams.watch.leaks import BLOCK_NS, MOST_CLIMBS, SLOTS, LeakState, LeakWatch, climbs
from streams.watch.points import Point
from streams.watch.watch import Watch, WatchSettings, WatchState

WINDOW_NS = 240_000_000_000
HOUR = 15
"""Windows."""
RULES = {"memory": SignalRule("memory", "level", "memory", "higher", unit="By")}
_encode = msgspec.msgpack.Encoder().encode


class Grown:
    """Two pods whose memory grows, every four minutes; two days of steady memory are behind them."""

    def __init__(self, days: float = 2.0) -> None:
        self.watch = Watch(WatchSettings(), WINDOW_NS, Workload("", "prod", "shop"), WatchState(), list)
        self.window = 0
        self._draw = random.Random(1)
        assert self.windows(int(days * 24 * HOUR)) == []

    def windows(self, number: int, *, an_hour: float = 0.0, base: float = 1e9, revision: str = "old") -> list[Alarm]:
        """So many windows; `an_hour`: by how much of `base` memory grows."""
        found: list[Alarm] = []
        for step in range(number):
            level = base * (1.0 + an_hour * step / HOUR)
            memory = {pod: level * (1.0 + self._draw.gauss(0.0, 0.03)) for pod in range(2)}
            sides = {revision: Side(pod_s=480.0, levels={"memory": memory})}
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
        found.append(watch.add(place * BLOCK_NS // 2, float(value)))
    whole = LeakWatch()
    for place, value in enumerate(values):
        if place == 450:
            whole.deployed()
        assert whole.add(place * BLOCK_NS // 2, float(value)) == found[place]


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
        watch.add(block * BLOCK_NS, draw.choice([0.0, 1e149, -1e149]))
    assert "nan" not in str(msgspec.msgpack.decode(_encode(watch.to_state())))


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
