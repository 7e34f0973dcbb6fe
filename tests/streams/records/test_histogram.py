"""Histograms merge exactly, and explicit bounds keep their places."""

from __future__ import annotations

import math
import random

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.records.histogram import (
    EXPLICIT_SCALE,
    LARGEST_COUNT,
    MOST_BUCKETS,
    Histogram,
    bucket_index,
    from_explicit_bounds,
)

buckets = st.dictionaries(st.integers(-500, 500), st.integers(1, 100), max_size=8).map(
    lambda found: dict(sorted(found.items()))
)
histograms = st.builds(
    Histogram,
    st.integers(-3, 8),
    st.integers(0, 500),
    st.integers(0, 10**6).map(float),
    st.integers(0, 9),
    buckets,
    buckets,
)


@given(histograms, histograms, histograms)
def test_merging_is_associative_and_commutative(a, b, c):
    """Promise: any order and grouping gives the same histogram, also over different scales."""
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert msgspec.msgpack.encode(a.merge(b)) == msgspec.msgpack.encode(b.merge(a))


@given(st.lists(st.floats(-9, 9).filter(bool), unique=True, max_size=9).map(sorted), st.data())
def test_buckets_of_bounds_ascend(bounds, data):
    """Promise: those of negative bounds, too, so that merging need not sort."""
    counts = data.draw(st.lists(st.integers(1, 3), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    found = from_explicit_bounds(bounds, counts, 0.0)
    assert [*found.positive] == sorted(found.positive)
    assert [*found.negative] == sorted(found.negative)


many = st.dictionaries(st.integers(-9, 9), st.integers(1, LARGEST_COUNT), max_size=4)


@st.composite
def full(draw):
    """One whose buckets add up to its count, as readers see to, if that is not past the largest."""
    positive, negative, zero_count = draw(many), draw(many), draw(st.integers(0, LARGEST_COUNT))
    count = zero_count + sum(positive.values()) + sum(negative.values())
    assume(count <= LARGEST_COUNT)
    return Histogram(draw(st.integers(-2, 3)), count, 1.0, zero_count, positive, negative)


@given(
    st.lists(st.integers(2, 20), min_size=3, max_size=3),
    st.lists(st.integers(1, 40), min_size=3, max_size=3),
    st.integers(0, 2**32),
)
@settings(max_examples=25)
def test_buckets_are_bounded_the_same_in_any_order(scales, spread, seed):
    """Promise: however many places values of no source have in common, a distribution keeps to its room."""
    draw = random.Random(seed)
    a, b, c = (
        Histogram(scale, 6000, 1.0, 0, dict.fromkeys(sorted(draw.sample(range(6000 * wide), 6000)), 1))
        for scale, wide in zip(scales, spread, strict=True)
    )
    merged = a.merge(b).merge(c)
    assert merged == a.merge(b.merge(c)) == c.merge(a).merge(b)
    assert len(merged.positive) <= MOST_BUCKETS
    assert sum(merged.positive.values()) == merged.count == 18_000


@given(full(), full(), full())
def test_counts_are_cut_the_same_in_any_order(a, b, c):
    """Promise: past the largest count sums stay there, to the bit alike, and can be written whatever is added."""
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(b) == b.merge(a)
    whole = a
    for _ in range(70):
        whole = whole.merge(whole).merge(c)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(whole.at_scale(-5)), type=Histogram) == whole.at_scale(-5)
    assert whole.count == LARGEST_COUNT or whole.count < 2


@given(histograms, histograms)
def test_the_increase_undoes_the_merge(a, b):
    """Promise: a cumulative state less an earlier one is what came between."""
    increase = a.merge(b).increase_since(a)
    assert increase is not None
    assert increase.count == b.count
    assert sum(increase.positive.values()) == sum(b.positive.values())


def test_a_reset_has_no_increase():
    """Promise: a state that fell is a reset, said as None."""
    assert Histogram(0, 3, 1.0, 0, {1: 3}).increase_since(Histogram(0, 5, 1.0, 0, {1: 5})) is None


@given(st.floats(1e-9, 1e12), st.integers(-2, 12))
def test_a_value_lies_in_its_bucket(value, scale):
    """Promise: the bucket (base^i, base^(i+1)] of the data model holds the value, up to rounding."""
    index = bucket_index(value, scale)
    base_log2 = 2.0**-scale
    assert index * base_log2 - 1e-9 <= math.log2(value) <= (index + 1) * base_log2 + 1e-9


def test_explicit_bounds_stay_where_they_are():
    """Promise: counts sit at their bucket's upper bound, zero and overflow apart, none invented."""
    found = from_explicit_bounds([0.0, 0.5, 1.0], [1, 2, 3, 4], 9.0)
    assert found.count == 10
    assert found.zero_count == 1
    assert found.positive == {
        bucket_index(0.5, EXPLICIT_SCALE): 2,
        bucket_index(1.0, EXPLICIT_SCALE): 3,
        bucket_index(2.0, EXPLICIT_SCALE): 4,
    }


@pytest.mark.parametrize(
    ("bounds", "counts"), [([1.0], [1]), ([1.0, 1.0], [1, 1, 1]), ([2.0, 1.0], [1, 1, 1]), ([1.0], [-1, 1])]
)
def test_what_cannot_be_a_histogram_is_refused(bounds, counts):
    """Promise: counts that do not fit their bounds raise, they are not mended."""
    with pytest.raises(ValueError, match=r"bucket"):
        from_explicit_bounds(bounds, counts, 0.0)
