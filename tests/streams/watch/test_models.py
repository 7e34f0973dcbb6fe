"""What the models of one signal promise: silence at first, refusal of what is none, the same after a restart."""

from __future__ import annotations

import gc
import math
import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadRecord
from streams.watch.counts import CountState, CountWatch
from streams.watch.forecast import ForecastState
from streams.watch.levels import _ROUNDED, _ROUNDS, _TOLD, WARM, LevelState, LevelWatch
from streams.watch.mean import MeanState

STEP_NS = 5_000_000_000


def levels(values, watch=None):
    """Readings of values 5 s apart."""
    watch = watch or LevelWatch()
    return [watch.add(place * STEP_NS, float(value)) for place, value in enumerate(values)]


def test_until_it_is_warm_a_level_says_nothing():
    """Whatever comes."""
    readings = levels(np.random.default_rng(1).normal(0.0, 1.0, WARM - 5).tolist() + [1e6] * 5)
    assert all(not each.warm and each.abnormality == 0.0 and each.log_e <= 0.0 for each in readings)


def test_a_constant_signal_is_silent_and_its_first_change_is_news():
    """No division by a spread of 0."""
    readings = levels([45.0] * 500 + [46.0])
    assert all(each.abnormality == 0.0 and each.log_e < 5.0 for each in readings[:-1])
    assert readings[-1].abnormality > 0.2
    assert readings[-1].direction == "higher"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_teaches_nothing(value):
    """With a typed error."""
    watch = LevelWatch()
    levels([1.0, 2.0], watch)
    before = watch.to_state()
    with pytest.raises(BadRecord):
        watch.add(10 * STEP_NS, value)
    assert watch.to_state() == before


def test_time_goes_forward():
    """In both models."""
    level, count = LevelWatch(), CountWatch()
    level.add(5, 1.0)
    count.add(5, 1.0, 1.0)
    with pytest.raises(BadRecord):
        level.add(5, 1.0)
    with pytest.raises(BadRecord):
        count.add(4, 1.0, 1.0)


@pytest.mark.parametrize(("count", "exposure"), [(-1.0, 1.0), (math.nan, 1.0), (1.0, -1.0), (1.0, math.inf)])
def test_counts_that_cannot_be_are_refused(count, exposure):
    """With a typed error."""
    with pytest.raises(BadRecord):
        CountWatch().add(1, count, exposure)


@pytest.mark.parametrize("cut", [0, 1, 50, 400, 530, 585])
def test_a_level_goes_on_to_the_bit_after_a_restart(cut):
    """Through MessagePack, with gaps, and a step in the signal that rings for fifty values and then is learned."""
    rng = np.random.default_rng(2)
    values = [*rng.normal(10.0, 1.0, 500).tolist(), *rng.normal(14.0, 1.0, 100).tolist()]
    values[49] = values[399] = 90.0  # from which it comes back after the restart
    times = np.cumsum(rng.integers(1, 4 * 3600, 600)).tolist()

    def judged(watch, places):
        for place in places:
            if place == 520:
                watch.hear()
            if place == 570:
                watch.settle()
            yield watch.add(times[place] * 10**9, values[place])

    first = LevelWatch()
    expected = list(judged(LevelWatch(), range(600)))
    assert list(judged(first, range(cut))) == expected[:cut]
    written = msgspec.msgpack.encode(first.to_state())
    second = LevelWatch(msgspec.msgpack.decode(written, type=LevelState))
    assert len(written) < 8192
    assert list(judged(second, range(cut, 600))) == expected[cut:]


def test_evidence_may_end_right_after_a_restart():
    """Before another value came: of a walk the latest value is believed, so that the level of late is normal then."""
    watch = LevelWatch()
    levels(np.cumsum(np.random.default_rng(9).normal(0.0, 1.0, 500)), watch)
    again = LevelWatch(msgspec.msgpack.decode(msgspec.msgpack.encode(watch.to_state()), type=LevelState))
    watch.quieten()
    again.quieten()
    assert again.to_state() == watch.to_state()


@pytest.mark.parametrize("end", [LevelWatch.quieten, LevelWatch.settle])
def test_it_is_heard_where_it_usually_is_only_while_it_rings(end):
    """Evidence that begins with the very next value, after an alarm has ended, is none of that alarm's."""
    watch = LevelWatch()
    levels([*np.random.default_rng(10).normal(10.0, 1.0, 500), *[18.0] * 10], watch)
    watch.hear()
    end(watch)
    assert watch.add(510 * STEP_NS, 30.0).onset_ns is not None
    assert not watch.to_state().heard


def test_a_count_goes_on_to_the_bit_after_a_restart():
    """Through MessagePack, and bounded."""
    rng = np.random.default_rng(3)
    counts = [*rng.poisson(2.0, 400), *rng.poisson(6.0, 50)]
    whole, first = CountWatch(), CountWatch()
    expected = [whole.add(at * STEP_NS, float(count), 2.0) for at, count in enumerate(counts)]
    for at, count in enumerate(counts[:300]):
        first.add(at * STEP_NS, float(count), 2.0)
    written = msgspec.msgpack.encode(first.to_state())
    second = CountWatch(msgspec.msgpack.decode(written, type=CountState))
    assert len(written) < 8192
    assert expected[300:] == [second.add(at * STEP_NS, float(count), 2.0) for at, count in enumerate(counts[300:], 300)]


def test_a_signal_that_never_had_an_event_gathers_no_evidence():
    """However long, and then a few events do."""
    watch = CountWatch()
    quiet = [watch.add(place * STEP_NS, 0.0, 1.0).log_e for place in range(5000)]
    assert max(quiet) < 1.0
    assert watch.add(5000 * STEP_NS, 5.0, 1.0).log_e > 2.0


@pytest.mark.parametrize("pods", [1, 2, 3])
def test_what_never_came_and_then_comes_with_every_window_rings(pods):
    """Promise: within a minute, at one false alarm in 30 days; the same count every time does not foretell itself."""
    watch = CountWatch()
    for place in range(2000):
        watch.add(place * STEP_NS, 0.0, 5.0 * pods)
    log_e = [watch.add((2000 + place) * STEP_NS, float(pods), 5.0 * pods).log_e for place in range(12)]
    assert max(log_e) >= math.log(518_400)


@pytest.mark.parametrize("exposure", [0.0, 5e-324, 1e-200])
def test_a_window_without_exposure_is_passed_over(exposure):
    """It is no news that nothing happened, nor what happened in no time: a rate that has no square."""
    watch = CountWatch()
    for place in range(300):
        watch.add(place * STEP_NS, 3.0, 1.0)
    before = watch.to_state()
    watch.add(300 * STEP_NS, 1.0, exposure)
    after = watch.to_state()
    after.last_ns = before.last_ns
    assert after == before


@pytest.mark.parametrize("make", [LevelWatch, CountWatch])
def test_a_series_takes_no_more_than_8_kib_of_memory(make):
    """With both profiles of the season full, and as many residuals as are remembered."""
    values, number = np.random.default_rng(4).poisson(5.0, 300).tolist(), 5
    exposure = () if make is LevelWatch else (1.0,)
    [make() for _ in range(3)]  # of a class that has few, each takes more: CPython guesses its attributes
    gc.collect()
    tracemalloc.start()
    watches = [make() for _ in range(number)]
    for watch in watches:
        for place, value in enumerate(values):
            watch.add(place * 2700 * 10**9, float(value), *exposure)
            if place == 150 and isinstance(watch, LevelWatch):
                watch.settle()
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / number <= 8192


def test_a_snapshot_of_before_is_read():
    """Without what has been added since: four forecasts, no share below the usual value, no farthest residual."""
    watch = LevelWatch()
    levels(np.random.default_rng(4).normal(10.0, 1.0, 300), watch)
    whole = msgspec.to_builtins(watch.to_state())
    names = [field.name for field in msgspec.structs.fields(LevelState)]
    before = whole[: names.index("below_ratio")]
    forecast, detector = names.index("forecast"), names.index("detector")
    before[forecast] = before[forecast][: ForecastState.__struct_fields__.index("latest")]
    before[forecast][3] = before[forecast][3][:4]
    before[detector] = before[detector][:-1]
    again = LevelWatch(msgspec.convert(before, LevelState))
    values = [*np.random.default_rng(5).normal(10.0, 1.0, 50).tolist(), *[30.0] * 5]
    readings = [again.add((300 + place) * STEP_NS, value) for place, value in enumerate(values)]
    assert max(each.log_e for each in readings[:50]) < 5.0
    assert readings[-1].log_e > 10.0


def test_a_snapshot_of_a_detector_that_learned_otherwise_begins_anew():
    """It held the mean height of excursions where the highest are now."""
    watch = LevelWatch()
    levels(np.random.default_rng(4).normal(10.0, 1.0, 300), watch)
    whole = msgspec.to_builtins(watch.to_state())
    place = [field.name for field in msgspec.structs.fields(LevelState)].index("detector")
    whole[place] = [whole[place][0], [24.0, 3.0], *whole[place][2:6]]
    again = LevelWatch(msgspec.convert(whole, LevelState))
    readings = [again.add((300 + place) * STEP_NS, value) for place, value in enumerate([10.0] * 20 + [30.0] * 5)]
    assert readings[19].log_e < 5.0
    assert readings[-1].log_e > 10.0


def test_equal_residuals_tie():
    """What is remembered of them, in single precision, is what the next is held against."""
    watch = LevelWatch()
    levels(np.random.default_rng(8).normal(10.0, 1.0, 300), watch)
    values = watch.to_state().ranks.values
    assert len(set(values)) < len(values)
    assert all((16.0 * value).is_integer() for value in values)


@given(st.floats(-_ROUNDED, _ROUNDED, exclude_min=True, exclude_max=True))
def test_residuals_are_rounded_to_sixteenths_halves_to_even(residual):
    """As `round` does, by two additions."""
    assert (residual + _ROUNDS) - _ROUNDS == round(residual / _TOLD) * _TOLD


def test_a_signal_that_stands_still_stays_cold_for_longer():
    """Of how it moves nothing is known yet; one that moves all the time speaks from 31 values on."""
    still = levels([45.0] * 99 + [46.0])
    moving = levels(np.random.default_rng(7).normal(0.0, 1.0, WARM + 50))
    assert not any(each.warm for each in still)
    assert [each.warm for each in moving] == [False] * WARM + [True] * 50


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_is_judged(seed):
    """The largest values there are, steps among them, and a snapshot without the share below the usual value."""
    rng = np.random.default_rng(seed)
    pool = [1e149, -1e149, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1e-300]
    values = [0.0] * 60 + [float(each) for each in rng.choice(pool, 400)]
    watch = LevelWatch()
    levels(values[:60], watch)
    state = watch.to_state()
    state.below_ratio = MeanState()
    again = LevelWatch(state)
    for place, value in enumerate([-1.0, -1.0, -1.0, 0.0, *values[60:]], 60):
        reading = again.add(place * STEP_NS, value)
        assert math.isfinite(reading.log_e)
        assert 0.0 <= reading.abnormality <= 1.0


@pytest.mark.parametrize("value", [1e149, -1e149])
def test_what_lies_beyond_any_multiple_of_the_range_scores_one(value):
    """More ranges than a number can say."""
    watch = LevelWatch()
    levels([0.0, 1e-300] * 60, watch)
    assert watch.add(120 * STEP_NS, value).abnormality == 1.0


def test_counts_of_a_snapshot_of_before_know_no_drift_yet():
    """It ends before the lag of the level of long; from there on it is learned."""
    watch = CountWatch()
    for place in range(300):
        watch.add(place * STEP_NS, float(place // 100), 1.0)
    before = msgspec.msgpack.decode(msgspec.msgpack.encode(watch.to_state()))[:-1]
    again = CountWatch(msgspec.convert(before, CountState))
    reading = again.add(300 * STEP_NS, 3.0, 1.0)
    assert reading.expected < watch.add(300 * STEP_NS, 3.0, 1.0).expected
    assert again.to_state().lag.n == 1.0


def test_what_hardly_ever_came_and_comes_often_goes_on_ringing():
    """The bets on ten and a hundred times the rate are bets on more: what speaks for them ends no evidence."""
    watch = CountWatch()
    for place in range(1000):
        watch.add(place * STEP_NS, float(place % 50 == 0), 1.0)
    assert max(watch.add(place * STEP_NS, 2.0, 1.0).log_e for place in range(1000, 1006)) > 20.0
