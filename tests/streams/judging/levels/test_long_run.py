"""Long runs, without history: differences, leaks, and what only wanders."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.judging.levels.long_run import LongRun, LongRunState, long_run_variance, sequence_p
from streams.judging.levels.part import LevelPart, LevelState
from streams.judging.levels.past import LevelPast
from streams.judging.levels.prior import LevelPrior
from streams.judging.levels.scale import LevelRule
from streams.judging.levels.segments import MOST_SEGMENTS, Segments, SegmentState
from streams.judging.levels.track import Track, TrackState
from streams.judging.side import Side
from streams.signals.rule import SignalRule
from tests.simulation.core import within_budget

RULES = [LevelRule("memory", "memory", "higher")]


def long_run(differences, pods: int = 1) -> LongRun:
    """Twenty equal samples a pod for each of these differences on the log scale."""
    run, canary, baseline = LongRun(LongRunState()), Track(TrackState(), 1), Track(TrackState(), 1)
    for difference in differences:
        for _ in range(20):
            canary.add({"memory": dict.fromkeys(range(pods), float(np.exp(difference)))}, {"memory": 0})
            baseline.add({"memory": dict.fromkeys(range(pods), 1.0)}, {"memory": 0})
        run.add(canary, baseline, RULES)
    return run


def test_segments_join_two_by_two_and_keep_their_mean():
    """However long the run: at most 32, of a power of two blocks each."""
    segments, places = Segments(SegmentState()), []
    segments.grow(1)
    for number in range(200):
        level = 1.0 + number % 7
        segments.add(np.array([level]), np.array([1.0]), np.array([True]), RULES)
        places.append(np.log((level + 0.25) / 1.25))
    full, each = int(segments.full[0]), int(segments.blocks_each[0])
    assert full <= MOST_SEGMENTS
    assert each == 8
    assert segments.means[:full, 0].mean() == pytest.approx(np.mean(places[: full * each]))


def test_pods_that_differ_little_are_told_from_a_canary_that_is_twice_as_large():
    """Three pods a side; a tenth more is tolerated."""
    rng = np.random.default_rng(1)
    assert long_run(rng.normal(0.9, 0.05, 120), pods=4).p("difference") < 0.01
    assert long_run(rng.normal(0.1, 0.05, 120), pods=4).p("difference") == 1.0


def test_a_leak_is_found_and_a_warm_up_is_not():
    """Growing to twice the level by the end; or within the first tenth."""
    rng, time = np.random.default_rng(2), np.linspace(0.0, 1.0, 128)
    noise = rng.normal(0.0, 0.02, 128)
    assert long_run(np.log1p(time) + noise).p("slope") < 0.01
    assert long_run(np.log1p(np.minimum(10.0 * time, 1.0)) + noise).p("slope") > 0.05


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.99])
def test_levels_that_wander_are_no_leak_and_no_difference(correlation):
    """From block to block correlated or nearly a random walk, looked at after each block."""
    rng, flags = np.random.default_rng(3), 0
    for _ in range(10):
        path = [rng.normal()]
        for _ in range(127):
            path.append(correlation * path[-1] + np.sqrt(1.0 - correlation**2) * rng.normal())
        run = long_run(0.2 * np.array(path))
        flags += min(run.p("slope"), run.p("difference")) <= 0.05
    assert within_budget(flags, 10, 0.05)


def test_the_confidence_sequence_holds_under_peeking():
    """White noise with a known variance, looked at from ten blocks to three hundred: judging.md, section 3."""
    rng, flags = np.random.default_rng(4), 0
    for _ in range(500):
        sums = np.cumsum(rng.normal(size=300))
        flags += any(sequence_p(sums[n - 1] / n, float(n), 1.0, 1.0) <= 0.05 for n in range(10, 301))
    assert within_budget(flags, 500, 0.05)


def test_the_variance_of_a_mean_knows_of_autocorrelation():
    """White: that of the residuals, about; a random walk: much more, with next to no degrees of freedom."""
    rng = np.random.default_rng(5)
    white = [long_run_variance(rng.normal(size=32)) for _ in range(50)]
    assert np.median([variance for variance, _ in white]) == pytest.approx(1.0, abs=0.4)
    walk = np.cumsum(rng.normal(size=32))
    variance, free = long_run_variance(walk - walk.mean())
    assert variance > 3.0 * walk.var()
    assert free < 8.0


def test_a_long_part_taken_up_again_goes_on_to_the_bit():
    """No history, planned for four hours."""
    rng, rules = np.random.default_rng(6), {"memory": SignalRule("memory", "level", "memory", "higher")}
    whole, resumed = (LevelPart(LevelPast(), LevelPrior(), 14_400 * 10**9, 5 * 10**9) for _ in range(2))
    for window in range(700):
        sides = [Side(levels={"memory": {pod: float(rng.uniform(0.9, 1.1)) for pod in (0, 1)}}) for _ in range(2)]
        for part in (whole, resumed):
            part.add(window * 5 * 10**9, *sides, rules)
        if window == 333:
            data = msgspec.msgpack.encode(resumed.to_state())
            state = msgspec.msgpack.decode(data, type=LevelState)
            resumed = LevelPart(LevelPast(), LevelPrior(), 14_400 * 10**9, 5 * 10**9, state)
    assert whole.judged
    assert 0.05 < whole.p <= 1.0
    assert msgspec.msgpack.encode(whole.to_state()) == msgspec.msgpack.encode(resumed.to_state())
