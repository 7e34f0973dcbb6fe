"""Requests one by one: what a comparison teaches of clumps, what is made of it, and what holds it back."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from streams.judging.side import Side
from streams.judging.values.contrast import Contrast, sides
from streams.judging.values.known import MOST_KNOWN, Known, ValuePast
from streams.judging.values.one_by_one import SHARE, OneByOne, OneByOneState, add_bins
from streams.judging.values.part import ValuePart, ValuePartState, ValueSettings, begin_values
from streams.records.histogram import LARGEST_COUNT, Histogram
from streams.signals.rule import SignalRule

REQUESTS, BEYOND = 100, 0.25
RULES = {"latency": SignalRule("latency", "values", "latency", "higher")}


def counts(rng, *, clump=1, ratio=1.0, requests=REQUESTS):
    """(canary, both) beyond one threshold of one bin at half of the traffic, in clumps that fall to one side."""
    chance = ratio / (1.0 + ratio)
    clumps = rng.poisson(requests * BEYOND / clump)
    return [float(clump * rng.binomial(clumps, chance))], [float(clump * clumps)]


def contrast(seed=1, bins=64, *, alike=False, **how):
    """Of one comparison, or of halves of one revision."""
    rng = np.random.default_rng(seed)
    return taught([counts(rng, **how) for _ in range(bins)], alike=alike)


def taught(bins, *, alike=False):
    """By bins of one distribution at half of the traffic, each (canary, both) beyond one threshold."""
    found = Contrast(alike=alike)
    canary, total = np.array(bins).swapaxes(0, 1)
    for bin_ in sides(canary, total, np.full((len(bins), 1), 0.5), np.full((len(bins), 1), REQUESTS)):
        found.add(bin_)
    return found


def known(comparisons=5, **how):
    """What so many have taught."""
    found = Known()
    for seed in range(comparisons):
        found = found.learned(contrast(seed, **how), 1.0)
    return found


def after(of, bins=8, quiet=0, ratio=3.0, requests=REQUESTS, seed=7):
    """Log E of a canary that is `ratio` as slow from a bin on."""
    rng, found = np.random.default_rng(seed), OneByOne(OneByOneState(of))
    for bin_ in range(bins):
        canary, total = counts(rng, ratio=1.0 if bin_ < quiet else ratio, requests=requests)
        baseline = np.array([total]) - [canary]
        add_bins({0: found}, np.array([canary]), baseline, np.array([[0.5]]), np.array([[requests]]))
    return found.state.log_e


@pytest.mark.parametrize(("clump", "ratio"), [(1, 1.0), (1, 4.0), (8, 1.0)])
def test_the_ratio_is_the_size_of_clumps_whatever_the_canary_is_like(clump, ratio):
    """At each length of a block; a canary that is worse all the time teaches nothing of clumps."""
    found = [contrast(seed, clump=clump, ratio=ratio) for seed in range(40)]
    for length in range(4):
        chi2 = sum(one.scales[length].chi2[0] for one in found)
        df = sum(one.scales[length].df[0] for one in found)
        assert chi2 / df == pytest.approx(clump, rel=6.0 * math.sqrt(2.0 / df) + 0.1)


@pytest.mark.parametrize(("clump", "ratio", "alike"), [(1, 1.0, True), (8, 1.0, True), (1, 1.5, False)])
def test_halves_of_one_revision_teach_of_clumps_and_of_how_pods_differ(clump, ratio, alike):
    """Single requests and clumps show alike at each length; what lasts, in the longer ones the more."""
    found = [contrast(seed, clump=clump, ratio=ratio, alike=True) for seed in range(40)]
    sums = [[sum(getattr(one.scales[length], of)[0] for one in found) for length in range(6)] for of in ("chi2", "df")]
    sizes = [chi2 / df for chi2, df in zip(*sums, strict=True)]
    if alike:
        for size, df in zip(sizes, sums[1], strict=True):
            assert size == pytest.approx(clump, rel=6.0 * math.sqrt(2.0 / df) + 0.1)
    else:
        assert sizes == sorted(sizes)
        assert sizes[5] > 10.0 * sizes[0]


def test_what_lasts_shows_in_longer_blocks():
    """One spell of eight bins in a side, in single bins hardly."""
    slow = [12.0 if 16 <= bin_ < 24 else 0.0 for bin_ in range(64)]
    found = taught([([12.0 + more], [24.0 + more]) for more in slow])
    single, eight = found.scales[0], found.scales[3]
    assert single.chi2[0] < single.df[0]
    assert eight.chi2[0] > 3.0 * eight.df[0]


def test_before_any_comparison_a_bin_has_one_cause_and_more_of_them_say_more():
    """One degree of freedom at all that is beyond in a bin; then the mean is that of the data."""
    shapes, rates = known(1, bins=2).law()
    assert shapes[0, 0] == pytest.approx(1.0)
    assert rates[0, 0] >= 0.5 * REQUESTS * BEYOND / 2.0
    means = [float((rates / shapes)[0, 0]) for shapes, rates in (known(number).law() for number in (1, 10))]
    assert means[0] > means[1] > 1.0
    shapes, rates = known(10, clump=8).law()
    assert rates[0, 0] / shapes[0, 0] > 6.0


def test_the_more_is_known_of_single_requests_the_more_they_say_and_of_clumps_they_say_little():
    """The same canary, beside three pasts."""
    little, much, clumped = after(known(1)), after(known(8)), after(known(8, clump=20))
    assert much > little > 1.0
    assert clumped < 0.5 * much


def test_what_begins_late_is_bounded_by_the_chance_that_an_incident_began():
    """However loud: h per bin, and it may have begun at any bin so far."""
    of = known(8)
    quiet = 6
    assert after(of, bins=14, quiet=quiet, ratio=50.0) <= -math.log(-math.expm1(-of.rate * quiet)) + 1e-9
    assert after(of, bins=14, ratio=50.0) > after(of, bins=14, quiet=quiet, ratio=50.0)


def test_many_at_once_are_what_each_is_alone():
    """Whatever is known of each: lengths of blocks, and bins, so that some have ended; and whichever have a bin."""
    of = [known(3, bins=4), known(8), known(2, bins=20, clump=8)]
    rng = np.random.default_rng(3)
    together, alone = ([OneByOne(OneByOneState(one)) for one in of] for _ in range(2))
    for bin_ in range(24):
        surely, baseline = rng.poisson(20.0, (2, 3, 1)).astype(float)
        share, number = rng.uniform(0.2, 0.8, (3, 1)), rng.uniform(50.0, 500.0, (3, 1))
        there = {place: one for place, one in enumerate(together) if (bin_ + place) % 4}
        add_bins(there, surely, baseline, share, number)
        for place in there:
            add_bins({0: alone[place]}, *(each[[place]] for each in (surely, baseline, share, number)))
    assert [one.state for one in together] == [one.state for one in alone]
    assert [one.state.bins for one in together] == [18, 18, 18]


def test_no_more_bins_nor_larger_ones_count_than_the_past_had():
    """What it has not seen may hang together."""
    of = known(8, bins=4)
    assert after(of, bins=12) == after(of, bins=4)
    assert after(known(8), requests=20 * REQUESTS) < 3.0 * after(known(8))


def test_incidents_of_the_baseline_make_later_ones_likelier():
    """Learned beside a canary that had none."""
    quiet, loud = contrast(), contrast()
    loud.incidents.found = 2.0
    assert Known().learned(loud, 1.0).rate > 10.0 * Known().learned(quiet, 1.0).rate


def side(rng, number, factor=1.0):
    """Lognormal latencies."""
    cells, each = np.unique(
        np.floor(32.0 * np.log2(0.1 * factor * np.exp(rng.normal(0.0, 0.5, number)))), return_counts=True
    )
    return Side(
        5.0, values={"latency": Histogram(5, number, 0.0, 0, dict(zip(map(int, cells), map(int, each), strict=True)))}
    )


def played(state, factor, windows=12, seed=1):
    """A comparison."""
    rng, part = np.random.default_rng(seed), ValuePart(ValueSettings(), state)
    for _ in range(windows):
        part.add(side(rng, 50), side(rng, 50, factor), RULES)
    return part


def lived(comparisons=5):
    """What so many healthy ones leave behind."""
    past = ValuePast()
    for seed in range(comparisons):
        past.learn(played(ValuePartState(), 1.0, seed=10 + seed).contrasts(), 0.98)
    return past


def test_with_a_past_a_slower_canary_is_found_sooner_and_a_healthy_one_is_not():
    """Through the part, its place being a quarter."""
    past, level = lived(), -math.log(0.05 / 4.0)
    assert -played(begin_values(past), 2.0, windows=6).log_p > level > -played(ValuePartState(), 2.0, windows=6).log_p
    assert -played(begin_values(past), 1.0).log_p < 0.5


def test_a_canary_as_slow_as_is_tolerated_is_no_worse_by_its_past_where_buckets_are_coarse():
    """Nearly all just below a bound, and 10% more puts all beyond it: how many may be there is read off a line."""
    rules = {"latency": SignalRule("latency", "values", "latency", "higher", tolerance_up=0.2)}
    below = Side(5.0, values={"latency": Histogram(0, 50, 0.0, 0, {-4: 48, -3: 2})})
    beyond = Side(5.0, values={"latency": Histogram(0, 50, 0.0, 0, {-3: 50})})

    def added(state, canary):
        part = ValuePart(ValueSettings(), state)
        for _ in range(12):
            part.add(below, canary, rules)
        return part

    past = ValuePast()
    for _ in range(5):
        past.learn(added(ValuePartState(), below).contrasts(), 1.0)
    assert past.signals["latency"].teaches
    assert added(begin_values(past), beyond).log_p >= added(ValuePartState(), beyond).log_p


def test_where_the_past_says_nothing_the_wagers_have_it_all():
    """A first rollout, and one whose past has another distribution."""
    first = played(ValuePartState(), 1.5)
    other = ValuePast(signals={"another": lived().signals["latency"]})
    assert played(begin_values(other), 1.5).log_p == first.log_p == played(begin_values(ValuePast()), 1.5).log_p
    least = -first.log_p + math.log1p(-SHARE)
    assert -played(begin_values(lived()), 1.5).log_p >= least


def test_the_state_goes_on_to_the_bit():
    """With a past; snapshots in MessagePack, of both."""
    past = msgspec.msgpack.decode(msgspec.msgpack.encode(lived()), type=ValuePast)
    whole = played(begin_values(past), 1.5, windows=8)
    half = played(begin_values(past), 1.5, windows=4)
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(half.to_state()), type=ValuePartState)
    resumed, rng = ValuePart(ValueSettings(), state), np.random.default_rng(1)
    assert resumed.log_p == half.log_p
    for window in range(8):
        sides = side(rng, 50), side(rng, 50, 1.5)
        if window >= 4:
            resumed.add(*sides, RULES)
    assert resumed.to_state() == whole.to_state()


def test_a_snapshot_of_before_goes_on_without():
    """One that knows of no clumps has fewer fields."""
    written = msgspec.to_builtins(played(ValuePartState(), 1.5, windows=4).to_state())
    before = [*written[:3], {name: kept[:11] for name, kept in written[3].items()}, *written[4:7]]
    resumed = ValuePart(ValueSettings(), msgspec.convert(before, ValuePartState))
    rng = np.random.default_rng(3)
    resumed.add(side(rng, 50), side(rng, 50), RULES)
    assert resumed.state.signals["latency"].one_by_one is None
    assert resumed.contrasts()["latency"].bins == 1


def test_what_is_remembered_is_bounded():
    """The latest comparison's distributions stay, and of the others those known best."""
    past = ValuePast()
    for number in range(2 * MOST_KNOWN):
        past.learn({f"s{number:03}": contrast(bins=2)}, 0.98)
    assert len(past.signals) == MOST_KNOWN
    assert f"s{2 * MOST_KNOWN - 1:03}" in past.signals


@pytest.mark.parametrize("most", ["canary", "baseline"])
def test_evidence_is_a_number_where_next_to_all_values_are_of_one_side(most):
    """As many as sums are cut at, in each of a hundred buckets, beside a single one: its share rounds to nothing."""
    one = Side(5.0, values={"latency": Histogram(5, 1, 0.0, 0, {0: 1})})
    many = Side(5.0, values={"latency": Histogram(5, LARGEST_COUNT, 0.0, 0, dict.fromkeys(range(100), LARGEST_COUNT))})
    part = played(begin_values(lived()), 1.0, windows=2)
    for _ in range(4):
        part.add(*((one, many) if most == "canary" else (many, one)), RULES)
    past = ValuePast()
    past.learn(part.contrasts(), 1.0)
    told = part.log_p, part.log_not_worse, past.signals["latency"].rate, *map(np.sum, past.signals["latency"].law())
    assert all(map(math.isfinite, told))
