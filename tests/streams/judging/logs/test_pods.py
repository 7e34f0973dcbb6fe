"""Failures by pod: how large a cause is that hits one of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.logs.dispersion import BLOCK_NS
from streams.judging.logs.pods import PLACES, ByPod

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


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(((), (0,), (0, 0, 1))), st.integers(1, 3)), max_size=40)
)
def test_what_is_said_to_change_nothing_changes_nothing(windows):
    """Promise: to the bit, so that what was worked out before may be kept; also over blocks that end."""
    by_pod, block = ByPod(), 0
    for later, failed, pods in windows:
        before, block = by_pod.clump(1.3), block + later
        changed = by_pod.add(block * BLOCK_NS, {pod: failed.count(pod) for pod in failed}, float(pods))
        assert changed or by_pod.clump(1.3) == before


def test_a_comparison_longer_than_the_longest_block_is_told_as_a_whole():
    """One pod fails in the first hour, none in the two days after: that has been seen."""
    by_pod = ByPod()
    for hour, failed in enumerate([{0: 9}, *[{}] * 48]):
        by_pod.add(hour * 3600 * 10**9, failed, 2.0)
    assert by_pod.whole() == (9.0, 1.0)


def test_what_is_remembered_is_bounded_however_many_pods_come():
    """Each window a new one: 12 scales of so many pods at most; a cause at one of them still shows."""
    by_pod = ByPod()
    for index in range(3 * PLACES):
        by_pod.add(index * WINDOW_NS, {index: 1}, 2.0)
    assert max(len(scale.filling) for scale in by_pod.scales) == PLACES
    usual = by_pod.clump(1.0)
    for index in range(3 * PLACES, 3 * PLACES + 40):
        by_pod.add(index * WINDOW_NS, {index: 1, 7: 20}, 2.0)
    assert by_pod.clump(1.0) > 2.0 * usual
