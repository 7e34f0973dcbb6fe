"""What the score of a point promises: it depends on no unit, is news once, and has no weight in the alarm."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from streams.watch.counts import CountState, CountWatch
from streams.watch.levels import LevelState, LevelWatch
from streams.watch.steady import Steady
from streams.watch.surprise import Surprise, SurpriseState, _rarity

HOUR_NS = 3_600_000_000_000
DRAWS = {
    "normal": lambda rng: rng.normal(10.0, 1.0, 2000),
    "walk": lambda rng: np.cumsum(rng.normal(0.0, 1.0, 2000)),
    "lognormal": lambda rng: np.exp(rng.normal(0.0, 1.0, 2000)),
    "counts": lambda rng: rng.negative_binomial(3, 0.1, 2000),
}


def scores(values, step_ns=300_000_000_000):
    """Of values five minutes apart."""
    watch = LevelWatch()
    return [watch.add(place * step_ns, float(value)).abnormality for place, value in enumerate(values)]


def test_the_farther_a_value_the_higher_its_score():
    """Also far beyond all that was seen, and as far below as above."""
    usual = np.random.default_rng(1).normal(10.0, 1.0, 500).tolist()
    last = [scores([*usual, value])[-1] for value in (10.0, 14.0, 16.0, 20.0, 100.0, -80.0)]
    assert last[0] == 0.0
    assert last[:5] == sorted(set(last[:5]))
    assert last[5] > last[3] > 0.5


def test_it_is_news_once():
    """What lasts, the way back from it, and what comes again before that is forgotten."""
    usual = np.random.default_rng(2).normal(10.0, 1.0, 800).tolist()
    said = scores([*usual[:500], *[30.0] * 40, *usual[500:520], 30.0, 30.0, *usual[520:]])
    assert said[500] > 0.5
    assert max(said[501:]) < 0.5


@pytest.mark.parametrize("what", ["spike", "shift", "wider", "flat", "missed"])
def test_what_is_not_as_ever_scores_beyond_a_half(what):
    """Within a fifth of a day, in 9 of 10 streams that have the season of a day; before it, one point in 3,000."""
    found = before = 0
    for seed in range(10):
        rng = np.random.default_rng([7, seed])
        hour = np.arange(12 * 96) % 96 / 4.0
        values = 50.0 + 20.0 * ((hour > 8.0) & (hour < 18.0)) + rng.normal(0.0, 1.0, len(hour))
        onset = 10 * 96 + 48  # noon
        part = slice(onset, onset + 19)
        match what:
            case "spike":
                values[onset] += 30.0
            case "shift":
                values[part] -= 12.0
            case "wider":
                values[part] += rng.normal(0.0, 6.0, 19)
            case "flat":
                values[part] = 0.0
            case _:
                values[part] = 50.0 + rng.normal(0.0, 1.0, 19)
        said = scores(values, HOUR_NS // 4)
        found += max(said[part]) >= 0.5
        before += sum(score >= 0.5 for score in said[3 * 96 : onset])
    assert found >= 9
    assert before <= 2


@pytest.mark.parametrize(("draw", "most"), [("normal", 2), ("walk", 2), ("lognormal", 4), ("counts", 4)])
def test_what_is_as_ever_seldom_scores_beyond_a_half(draw, most):
    """In 1,500 values after the first 500, on average of ten streams; what is heavy or skewed more often."""
    streams = [DRAWS[draw](np.random.default_rng([8, seed])) for seed in range(10)]
    assert np.mean([sum(score >= 0.5 for score in scores(values)[500:]) for values in streams]) <= most


@pytest.mark.parametrize(("times", "plus"), [(1000.0, 0.0), (-1.0, 0.0), (1.0, 50.0), (0.01, -5.0)])
def test_it_depends_on_no_unit(times, plus):
    """Nor on which way is up; and by no more than a step on where zero is, from which only the least scale is told."""
    values = np.random.default_rng(3).normal(10.0, 1.0, 600)
    values[450], values[550] = 25.0, -20.0
    allowed = 0.1001 if plus else 1e-3
    assert scores(values * times + plus) == pytest.approx(scores(values), abs=allowed)


def test_what_comes_later_changes_nothing():
    """Every score is final."""
    values = np.random.default_rng(4).normal(10.0, 1.0, 400).tolist()
    assert scores([*values, 1e9, 0.0])[:400] == scores(values)


def test_an_hour_that_is_missed_is_news():
    """Though the level of late is as usual at other hours."""
    rng = np.random.default_rng(5)
    day = [10.0] * 12 + [30.0] * 12
    values = np.array(day * 42) + rng.normal(0.0, 0.5, 24 * 42)
    values[-7:] = 10.0
    said = scores(values, HOUR_NS)
    assert max(said[-7:]) > 1.5 * max(said[24 * 21 : -7])


def test_it_has_no_weight_in_the_alarm():
    """Without the score's snapshot, as in one of before, the evidence is the same to the bit."""
    rng = np.random.default_rng(6)
    values = [*rng.normal(10.0, 1.0, 500).tolist(), *rng.normal(14.0, 1.0, 50).tolist()]
    whole = LevelWatch()
    for place, value in enumerate(values[:400]):
        whole.add(place * HOUR_NS, value)
    kept = msgspec.to_builtins(whole.to_state())
    names = [field.name for field in msgspec.structs.fields(LevelState)]
    place = names.index("distance")
    tail = kept[place][0][0]
    # As it was written before: three tails, level, spread, sum, greatest rarity, range.
    kept[place] = [[[9.0, *tail[1:]], [8.0, *tail[1:]], tail], *kept[place][1:], 1.5, 0.5, 5.0, 15.0]
    again = LevelWatch(msgspec.convert(kept[: names.index("steady")], LevelState))
    readings = [(whole.add(at * HOUR_NS, v), again.add(at * HOUR_NS, v)) for at, v in enumerate(values[400:], 400)]
    assert [one.log_e for one, _ in readings] == [other.log_e for _, other in readings]
    assert all(other.abnormality == 0.0 for _, other in readings[:20])


def test_a_count_of_before_is_read():
    """Its score begins anew."""
    watch = CountWatch()
    for place in range(200):
        watch.add(place * HOUR_NS, 3.0, 1.0)
    kept = msgspec.to_builtins(watch.to_state())
    names = [field.name for field in msgspec.structs.fields(CountState)]
    kept[names.index("before")] = [[], [200.0, 3.0], [200.0, 0.0], 0.0, 0.0, 3.0, 3.0]
    again = CountWatch(msgspec.convert(kept[: names.index("surprise")], CountState))
    one, other = watch.add(200 * HOUR_NS, 30.0, 1.0), again.add(200 * HOUR_NS, 30.0, 1.0)
    assert one.log_e == other.log_e
    assert one.abnormality > 0.2 > other.abnormality == 0.0


def test_a_score_of_before_is_read():
    """A tail, the rarest of late and the range; it begins anew."""
    surprise = Surprise(msgspec.convert([[1.5, [30.0, 0.2], 900.0], 2.0, 5.0, 15.0], SurpriseState))
    said = [surprise.add(value, 0.5, True) for value in [10.0] * 31 + [30.0]]
    assert said[:31] == [0.0] * 31
    assert said[31] > 0.5


@pytest.mark.parametrize("deviations", [0.1, 1.0, 1.26, 1.28, 1.2816, 2.0, 4.2, 4.3, 6.3, 6.5])
def test_what_is_common_needs_no_tail(deviations):
    """The score that the tail itself gives, on either side of one in ten and of one in 100,000."""
    p = 0.5 * math.erfc(deviations / math.sqrt(2.0))
    assert _rarity(deviations * 0.2, 0.04) == min(math.floor(-math.log10(p)), 10) / 10


def test_it_begins_in_silence():
    """Both parts, whatever comes in the first thirty values."""
    surprise, steady = Surprise(), Steady()
    said = [surprise.add(value, steady.add(value, 0.0, None, None, 1e-9), True) for value in [1.0, 1e9] * 15]
    assert said == [0.0] * 30
