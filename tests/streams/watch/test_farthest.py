"""How far excursions go, and whether they have been there before."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from streams.watch.farthest import Farthest, FarthestState
from streams.watch.levels import LevelWatch

STEP_NS = 60_000_000_000
USUAL = 2.0


def played(values, known=None, begin=1):
    """One with these distances, the first at that place, and what it said of each."""
    farthest = known or Farthest(FarthestState(0))
    return farthest, [farthest.add(value, USUAL, place, place * STEP_NS) for place, value in enumerate(values, begin)]


def test_an_excursion_is_rarer_the_farther_it_goes_and_is_over_after_four_values_within():
    """Only what goes farther says more; within the quantile nothing is said once it is over."""
    farthest, said = played([0.0] * 100 + [10.0, 5.0, 20.0] + [0.0] * 4)
    assert said[99] == 0.0
    assert math.log(100.0) < said[100] <= said[101] + 0.02 < said[102]
    assert said[105] > 0.0
    assert said[106] == 0.0
    assert farthest.lasts == 0


def test_the_same_again_is_no_news():
    """The third of its kind is known, above and below apart; one that goes farther, or lasts longer, is not."""
    once = [0.0] * 100 + [9.0] * 5
    farthest, said = played([*once * 3, *[0.0] * 4])
    assert max(said[210:]) < max(said[:105])
    for value, lasts, known in ((8.0, 5, True), (12.0, 1, False), (8.0, 9, False), (-8.0, 5, False)):
        again = Farthest(farthest.to_state())
        played([value] * lasts, again)
        assert again.known is known, (value, lasts)


@pytest.mark.parametrize(
    ("days", "far", "lasts", "news"),
    [
        (29, 30.0, 3, False),
        (31, 30.0, 3, True),
        (31, 28.0, 3, False),
        (1, 44.0, 3, False),
        (1, 46.0, 3, True),
        (1, 30.0, 4, True),
    ],
)
def test_what_is_short_and_came_twice_is_no_news_for_a_month(days, far, lasts, news):
    """However many small ones came meanwhile. What goes half as far again is, and what lasts."""
    farthest, _ = played([*([0.0] * 100 + [30.0] * 3 + [0.0] * 20) * 2, *([3.0] * 2 + [0.0] * 20) * 40])
    _, said = played([far] * lasts, farthest, begin=days * 1440)
    assert (said[-1] > 0.0) is news


def test_what_is_passed_over_teaches_nothing():
    """Not how far it went, nor how often such come; what comes after it does."""
    farthest, _ = played([*([0.0] * 100 + [30.0] * 9) * 2, *[0.0] * 50])
    before = farthest.to_state()
    played([30.0] * 2, farthest, begin=300)
    farthest.pass_over()
    played([90.0] * 7 + [0.0] * 4, farthest, begin=302)
    after = farthest.to_state()
    assert (after.been, after.excursions, after.log_far) == (before.been, before.excursions, before.log_far)
    played([90.0] * 7 + [0.0] * 4, farthest, begin=400)
    assert farthest.to_state().excursions == before.excursions + 1


def test_what_lasted_says_nothing_of_what_is_short():
    """The third incident of a month is news from its first value on."""
    farthest, _ = played([*([0.0] * 100 + [30.0] * 9 + [0.0] * 20) * 2, *([3.0] * 2 + [0.0] * 20) * 2000])
    assert not farthest.known
    assert played([30.0], farthest, begin=50_000)[1][0] > 0.0


@pytest.mark.parametrize("over", [False, True])
def test_what_somebody_called_nothing_is_known(over):
    """After one, and up to twice as far; not what lasts longer, nor below. Said before it is over, or long after."""
    farthest, _ = played([0.0] * 100 + [9.0] * 5)
    farthest.hear()
    if over:
        played([0.0] * 4 + [-3.0] * 9 + [0.0] * 30, farthest)
    farthest.teach(news=False)
    played([0.0] * 4, farthest)
    for value, lasts, known in ((17.0, 7, True), (19.0, 1, False), (9.0, 8, False), (-9.0, 5, False)):
        again = Farthest(farthest.to_state())
        played([value] * lasts, again)
        assert again.known is known, (value, lasts)


def test_what_somebody_called_real_is_news_again():
    """However often it came; what goes less than half as far is not."""
    farthest, _ = played([*[0.0] * 100, *[9.0] * 5] * 4)
    farthest.hear()
    played([0.0] * 4, farthest)
    farthest.teach(news=True)
    for value, known in ((9.0, False), (4.0, True)):
        again = Farthest(farthest.to_state())
        played([value] * 5, again)
        assert again.known is known, value


def test_a_word_on_an_alarm_without_an_excursion_teaches_nothing_of_one_before():
    """Of which it did not tell."""
    farthest, _ = played([*[0.0] * 100, *[9.0] * 5, *[0.0] * 4])
    farthest.hear()
    before = farthest.to_state()
    farthest.teach(news=False)
    assert farthest.to_state() == before


def test_it_goes_on_from_a_snapshot():
    """To the bit, wherever it is cut."""
    values = np.random.default_rng(3).standard_t(3.0, 400).tolist()
    whole, said = played(values)
    for cut in (1, 150, 399):
        farthest = Farthest(FarthestState(0))
        found = []
        for place, value in enumerate(values, 1):
            if place == cut:
                written = msgspec.json.encode(farthest.to_state())
                farthest = Farthest(msgspec.json.decode(written, type=FarthestState))
                assert farthest.to_state() == msgspec.json.decode(written, type=FarthestState)
            found.append(farthest.add(value, USUAL, place, place * STEP_NS))
        assert found == said
        assert farthest.to_state() == whole.to_state()


@pytest.mark.parametrize("stream", ["normal", "heavy", "spikes"])
def test_a_return_period_is_reached_no_more_often_than_it_says(stream):
    """At 40,000 values, 12 runs of 2,000 on average .6 times."""
    reached = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        values = {
            "normal": lambda rng: rng.normal(0.0, 1.0, 2000),
            "heavy": lambda rng: rng.standard_t(3.0, 2000),
            "spikes": lambda rng: rng.normal(0.0, 1.0, 2000) + rng.exponential(10.0, 2000) * (rng.random(2000) < 0.02),
        }[stream](rng)
        _, said = played(values.tolist())
        reached += max(said) >= math.log(40_000)
    assert reached <= 3


@pytest.mark.parametrize("again", [0, 3])
def test_a_signal_that_has_flipped_before_rings_no_more(again):
    """Ten values of a latency from 5 ms to 10 s: news the first time, none after three of them hours apart."""
    rng = np.random.default_rng(1)

    def quiet():
        return (0.005 + 0.0002 * rng.normal(size=300)).tolist()

    before = [value for _ in range(again) for value in [*quiet(), *rng.lognormal(2.3, 0.5, 10).tolist()]]
    before += quiet()
    watch, log_e = LevelWatch(), []
    for place, value in enumerate([*before, *rng.lognormal(2.3, 0.3, 10).tolist()]):
        log_e.append(watch.add(place * STEP_NS, value).log_e)
    rings = max(log_e[len(before) :]) > math.log(43_200.0)
    assert rings is (again == 0)


def test_a_snapshot_with_the_bets_of_before_goes_on_without_them():
    """Version 2 had eight, the least of either side first."""
    watch, rng = LevelWatch(), np.random.default_rng(2)
    for place in range(200):
        watch.add(place * STEP_NS, float(rng.normal()))
    state = watch.to_state()
    bets = list(state.detector.bets)
    assert len(bets) == 6
    state.detector.bets = [9.0, *bets[:3], 8.0, *bets[3:]]
    assert list(LevelWatch(state).to_state().detector.bets) == bets


def test_a_snapshot_of_before_knows_nothing_of_what_rang():
    """It has nine numbers; a word then teaches nothing of the excursions it holds."""
    farthest, _ = played([*[0.0] * 100, *[9.0] * 5, *[0.0] * 4])
    before = msgspec.json.decode(msgspec.json.encode(farthest.to_state()))[:9]
    again = Farthest(msgspec.convert(before, FarthestState))
    as_it_was = again.to_state()
    again.teach(news=False)
    assert again.to_state() == as_it_was
    assert as_it_was.been == farthest.to_state().been


@pytest.mark.parametrize("times", [1, 2])
def test_what_goes_farther_than_anything_real_fades_as_well(times):
    """Single precision has no number for it: infinite it would be for ever, and nothing that went anywhere be news."""
    farthest, _ = played([*[0.0] * 100, 1e40])
    farthest.hear()
    if times == 1:
        farthest.teach(news=False)
    played([*[0.0] * 100, 1e40, *[0.0] * 4], farthest)
    assert max(farthest.to_state().been) < math.inf
