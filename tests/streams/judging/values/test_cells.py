"""Rows of cells, thresholds, and what a tolerated change would move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.values.cells import MAX_CELLS, bound, bounded, surely_beyond, table, tolerated
from streams.judging.values.quantiles import Segment, band, effects
from streams.judging.wagers import (
    BETTER_RATIOS,
    BETTER_WAGERS,
    CLUMPS,
    LARGEST_WAGER,
    WORSE_RATIOS,
    all_log_wealth,
)
from streams.records.histogram import Histogram
from streams.shippers.histograms import of_samples

VALUES = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=60)


def of(*values):
    """A histogram of these values."""
    return of_samples((float(value), 1) for value in values)


def at(past, *quantiles):
    """Places of quantiles, in a table of one row."""
    return past.at_quantiles(np.array(quantiles))


@given(VALUES, st.floats(0.0, 1.0))
def test_a_quantile_is_the_bound_of_a_cell_that_holds_a_value(values, quantile):
    """Ascending also through zero and negative values; within the width of a cell of numpy's."""
    histogram = of(*values)
    found = table([histogram])
    largest = bound(at(found, quantile)[0, 0], histogram.scale)
    expected = np.quantile(values, quantile, method="inverted_cdf")
    assert largest == pytest.approx(expected, rel=0.003, abs=1e-300)
    assert found.not_beyond(at(found, 1.0)) == len(values)


@given(st.lists(VALUES, min_size=1, max_size=6), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_a_row_says_what_it_says_alone(rows, quantiles):
    """To the bit, however many and how long the others are."""
    histograms, factors = [of(*values) for values in rows], [(1.2, 0.7)]
    whole = table(histograms)
    places = at(whole, *quantiles)
    tolerates = tolerated(whole, places, np.array(factors * len(rows)))
    for number, histogram in enumerate(histograms):
        alone = table([histogram])
        assert places[number].tolist() == at(alone, *quantiles)[0].tolist()
        assert whole.not_beyond(places)[number].tolist() == alone.not_beyond(places[[number]])[0].tolist()
        for all_rows, one_row in zip(tolerates, tolerated(alone, places[[number]], np.array(factors)), strict=True):
            assert all_rows[number].tolist() == one_row[0].tolist()


@given(VALUES, st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_cells_without_a_value_are_none(values, kept):
    """Whatever the order of the buckets, and with some of them empty."""
    full = of(*values)
    counts = {index: kept[place % 60] for place, index in enumerate(full.positive)}
    some = Histogram(full.scale, 0, 0.0, full.zero_count, counts, full.negative)
    told = {index: number for index, number in sorted(counts.items()) if number}
    same = Histogram(full.scale, 0, 0.0, full.zero_count, told, dict(sorted(full.negative.items(), reverse=True)))
    one, other = table([some]), table([same])
    assert one.values == other.values
    if one.values > 0.0:
        assert at(one, 0.0, 0.3, 1.0).tolist() == at(other, 0.0, 0.3, 1.0).tolist()


@given(VALUES, st.floats(0.05, 20.0))
def test_the_tolerated_ratio_is_at_least_one_and_finite(values, factor):
    """Whatever the values."""
    past = table([of(*values)])
    for ratio in tolerated(past, at(past, 0.01, 0.5, 0.99), np.array([[factor]]))[0][0].tolist():
        assert 1.0 <= ratio < math.inf


def test_the_tolerated_ratio_is_that_of_the_values_themselves():
    """20% slower lognormal values are beyond the median 1.28 times, beyond the 95% quantile 2.0 times as often."""
    past = table([of(*np.exp(np.random.default_rng(1).normal(0.0, 0.5, 20_000)))])
    median, high = tolerated(past, at(past, 0.5, 0.95), np.array([[1.2]]))[0][0].tolist()
    assert median == pytest.approx(1.285, rel=0.03)
    assert high == pytest.approx(2.005, rel=0.08)


def test_explicit_bounds_are_interpolated_between():
    """A source of a few buckets: half of a bucket's values, on the scale of the logarithm, is half of its width."""
    past = table([Histogram(0, 20, 0.0, 0, {0: 10, 2: 10})])  # up to 2, and up to 8
    first, second = tolerated(past, np.array([[0.0, 2.0]]), np.array([[2.0]]))[0][0].tolist()
    assert first == pytest.approx((10 + 10 + 1) / (10 + 1), rel=0.5)
    assert second == pytest.approx((5 + 1) / 1)


@given(
    st.lists(st.floats(0.001, 100.0), min_size=1, max_size=60),
    st.lists(st.floats(0.001, 100.0), min_size=1, max_size=60),
    st.floats(0.3, 3.0),
    st.booleans(),
    st.booleans(),
)
def test_what_is_surely_beyond_is_no_more_than_is_beyond(before, values, factor, up, explicit):
    """Whatever the source's buckets, of which only those are known that have held values."""
    bounds = 2.0 ** np.arange(-10, 8)
    source = (lambda some: [float(bounds[np.searchsorted(bounds, one)]) for one in some]) if explicit else list
    past, now = of(*source(before)), of(*source(values))
    places, asked = at(table([past]), 0.5, 0.9, 1.0), np.array([[up]])
    found = surely_beyond(table([now]), places, np.array([[factor]]), asked, table([past]))[0].tolist()
    for place, surely in zip(places[0].tolist(), found, strict=True):
        limit = bound(place, past.scale) * factor
        assert surely <= sum(one > limit * (1 - 1e-9) if up else one <= limit * (1 + 1e-9) for one in values)
    unmoved = surely_beyond(table([now]), places, np.array([[1.0]]), asked, table([past]))[0]
    beyond = table([now]).not_beyond(places)[0]
    assert unmoved.tolist() == (len(values) - beyond if up else beyond).tolist()


@given(st.lists(st.integers(-2000, 2000), min_size=1, max_size=400, unique=True))
def test_what_is_remembered_is_bounded_and_loses_no_value(indexes):
    """However many buckets a source has."""
    kept = bounded(Histogram(8, len(indexes), 0.0, 0, dict.fromkeys(indexes, 1)))
    assert len(kept.positive) <= MAX_CELLS
    assert sum(kept.positive.values()) == len(indexes)


def added(worse, canary, total, share, ratio):
    """What one bin adds to each wager."""
    counts = (np.array([float(value)]) for value in (canary, total, share, ratio))
    wealth = all_log_wealth(*counts, np.array([worse]))[0].tolist()
    return wealth if worse else wealth[:BETTER_WAGERS]


def null_share(ratio, share):
    """p_0: the canary's expected part of what lies beyond."""
    return ratio * share / (1.0 - share + ratio * share)


def written_out(canary, total, share, ratio, *, worse):
    """The same, as the module's docstring has it: each wager by itself."""
    null = null_share(ratio, share)
    pays = canary / total / null if worse else (1 - canary / total) / (1 - null)
    found = []
    for alternative in WORSE_RATIOS if worse else BETTER_RATIOS:
        p = null_share(alternative * ratio, share)
        single = 1 - (1 - p) / (1 - null) if worse else 1 - p / null
        for clump in CLUMPS:
            wager = min(LARGEST_WAGER, 1 - (1 - min(single, LARGEST_WAGER)) ** (total / clump))
            found.append(math.log(1 - wager + wager * pays))
    return found


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.01, 0.99), st.floats(1.0, 50.0))
def test_no_wager_can_gain_in_expectation_under_the_null(canary, total, share, ratio):
    """A mean of x/k at the null leaves the mean wealth at 1, and no bin takes all of it."""
    null = null_share(ratio, share)
    for worse in (True, False):
        for high, low in zip(
            added(worse, total, total, share, ratio), added(worse, 0, total, share, ratio), strict=True
        ):
            assert null * math.exp(high) + (1.0 - null) * math.exp(low) == pytest.approx(1.0)
        assert all(map(math.isfinite, added(worse, min(canary, total), total, share, ratio)))


@given(st.integers(0, 50), st.integers(1, 50), st.floats(0.01, 0.99), st.floats(1.0, 50.0))
def test_wagers_are_what_is_written(canary, total, share, ratio):
    """Tied out, to rounding; a bin without any bad value adds nothing."""
    canary = min(canary, total)
    for worse in (True, False):
        expected = written_out(canary, total, share, ratio, worse=worse)
        assert added(worse, canary, total, share, ratio) == pytest.approx(expected, abs=1e-9)
        assert not any(added(worse, 0, 0, share, ratio))


@pytest.mark.parametrize("worse", [True, False])
def test_evidence_is_a_number_where_next_to_all_is_the_canarys(worse):
    """p_0 is nowhere 1 to rounding: what is not a number once would withhold a PASS for good."""
    total = 2.0**40 + 5.0
    assert all(map(math.isfinite, added(worse, total - 5.0, total, (total - 5.0) / total, 1e4)))


@given(st.integers(1, 40), st.floats(0.05, 0.95), st.floats(1.0, 5.0))
def test_more_beyond_never_speaks_for_the_canary(total, share, ratio):
    """Monotone in x, both ways."""
    for fewer in range(total):
        for worse, sign in ((True, 1), (False, -1)):
            less, more = (added(worse, x, total, share, ratio) for x in (fewer, fewer + 1))
            assert all(sign * one <= sign * other for one, other in zip(less, more, strict=True))


def test_the_band_narrows_and_holds_for_one_value():
    """g(n, a) of judging.md, section 2."""
    assert band(1, 0.05) > 1.0
    assert band(1000, 0.05) == pytest.approx(
        0.85 * math.sqrt((math.log(math.log(math.e * 1000)) + 0.8 * math.log(1612 / 0.05)) / 1000)
    )


def test_a_segment_begins_anew_when_the_split_moves():
    """Pooled over a moving split, healthy sides differ."""
    segment = Segment()
    for _ in range(10):
        segment.add(of(*[1.0] * 95), of(*[1.0] * 5))
    assert segment.baseline.count == 950
    segment.add(of(*[1.0] * 500), of(*[2.0] * 500))
    assert (segment.baseline.count, segment.canary.count) == (500, 500)
    median = effects([segment])[0][0]
    assert (median.baseline, median.canary, median.ratio) == (1.0, 2.0, 2.0)
    assert median.low <= 2.0 <= median.high
