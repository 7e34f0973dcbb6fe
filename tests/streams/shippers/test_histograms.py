"""Distributions become histograms only if their numbers can be."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadRecord, Reason
from streams.records.histogram import MOST_BUCKETS
from streams.records.metric import Kind
from streams.shippers.histograms import explicit, of_samples
from streams.shippers.values import checked


@pytest.mark.parametrize(
    ("bounds", "counts", "count"),
    [
        ([math.nan], [1, 0], 1),
        ([math.inf], [1, 0], 1),
        ([-math.inf, 0.0], [0, 1, 0], 1),
        ([1.7e308], [0, 1], 1),
        ([2.0, 1.0], [1, 0, 0], 1),
        ([1.0, 1.0], [1, 0, 0], 1),
        ([1.0], [1], 1),
        ([], [1, 1], 2),
        ([1.0], [2, -1], 1),
        ([1.0], [1, 1], 3),
    ],
)
def test_buckets_that_cannot_be(bounds, counts, count):
    """Bounds that are not finite or do not ascend, and counts that do not fit, are refused."""
    with pytest.raises(BadRecord) as refused:
        explicit(bounds, counts, 1.0, count)
    assert refused.value.reason is Reason.BAD_VALUE


def test_a_count_and_a_sum_alone():
    """Without bounds nothing is said of where values lie."""
    histogram = explicit((), (7,), 3.5, 7)
    assert (histogram.count, histogram.total, histogram.positive) == (7, 3.5, {})


@given(st.lists(st.tuples(st.floats(-1e280, 1e280), st.integers(0, 1000))))
def test_samples_all_count(samples):
    """Each sample is in one bucket, as often as it was drawn."""
    histogram = of_samples(samples)
    buckets = histogram.zero_count + sum(histogram.positive.values()) + sum(histogram.negative.values())
    assert histogram.count == buckets == sum(times for _, times in samples)


def test_samples_of_any_variety_are_kept_in_bounds():
    """Promise: a megabyte of values that no two are alike does not take fifty."""
    values = [1.001**number for number in range(-20_000, 20_000)]
    histogram = of_samples((sign * value, 1) for value in values for sign in (1, -1))
    assert max(len(histogram.positive), len(histogram.negative)) <= MOST_BUCKETS
    assert sum(histogram.positive.values()) + sum(histogram.negative.values()) == histogram.count == 80_000


@pytest.mark.parametrize("sample", [(math.nan, 1), (math.inf, 1), (1.0, -1), (1e301, 1)])
def test_samples_that_cannot_be(sample):
    """A sample that is not finite, or was drawn less than never, is refused."""
    with pytest.raises(BadRecord) as refused:
        of_samples([sample])
    assert refused.value.reason is Reason.BAD_VALUE


@pytest.mark.parametrize("total", [1e291, -1.7e308])
def test_sums_that_others_could_not_be_added_to(total):
    """Of two sums of 1e308 more is infinite, and more and less together no number: what comes first would tell."""
    with pytest.raises(BadRecord) as refused:
        checked(explicit([1.0], [1, 1], total, 2), Kind.DELTA, "size")
    assert refused.value.reason is Reason.BAD_VALUE
