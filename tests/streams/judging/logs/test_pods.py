"""Failures by pod: how large a cause is that hits one of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.logs.pods import ByPod

WINDOW_NS = 5_000_000_000


def counted(windows, pods=2):
    """Failures of each window, pod by pod."""
    by_pod = ByPod()
    for index, failed in enumerate(windows):
        by_pod.add(index * WINDOW_NS, {pod: count for pod, count in enumerate(failed) if count}, float(pods))
    return by_pod


def test_failures_of_one_pod_count_as_one_cause_however_long_they_last():
    """Promise: twenty in a row at one of two pods divide evidence by more than 7, whatever comes before and after."""
    assert counted([(1, 0)] * 20).clump(1.0) > 7.0
    assert counted([(0, 0)] * 50 + [(1, 0)] * 20 + [(0, 0)] * 50).clump(1.0) > 7.0


def test_what_is_usual_counts_where_pods_say_nothing():
    """Promise: a canary without failures, or of one pod, has the clumps of the past; one that shows some less so."""
    assert counted([(0, 0)] * 20).clump(5.0) == 5.0
    assert counted([(3,)] * 20, pods=1).clump(5.0) == 5.0
    assert 1.0 < counted([(1, 1)] * 40).clump(5.0) < 3.0


def test_causes_that_came_to_all_pods_in_turn_are_seen():
    """Alike in the end, not in the blocks between: 32 windows of 5 s are one block of 160 s."""
    turns = counted([(1, 0)] * 32 + [(0, 1)] * 32)
    assert turns.whole() == (0.0, 1.0)
    assert turns.clump(1.0) > 8.0


def test_pods_that_fail_alike_divide_by_little():
    """Independent failures of both pods: by 2 at most in nine of ten cases, in half of them by less than 1.3."""
    rng = np.random.default_rng(1)
    found = [counted(rng.poisson(0.3, (60, 2)).tolist()).clump(1.0) for _ in range(100)]
    assert np.quantile(found, 0.9) < 2.0
    assert np.median(found) < 1.3
    assert min(found) == 1.0


def test_one_pod_says_nothing():
    """There is nothing to compare it with."""
    assert counted([(3,)] * 20, pods=1).clump(1.0) == 1.0
    assert counted([(3,)] * 20, pods=1).whole() == (0.0, 0.0)


def test_one_baseline_teaches_no_more_than_an_incident():
    """Promise: 25 per degree of freedom at most."""
    assert counted([(9, 0)] * 20).whole() == (25.0, 1.0)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 3), max_size=80), st.permutations(range(3)))
def test_the_names_of_pods_do_not_matter(windows, order):
    """Promise: exchangeable, and never below 1."""
    found = counted(windows, 3).clump(1.0)
    assert found >= 1.0
    assert counted([tuple(failed[pod] for pod in order) for failed in windows], 3).clump(1.0) == found
