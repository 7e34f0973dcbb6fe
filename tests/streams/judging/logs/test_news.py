"""New things: of the canary alone, and of halves of the baseline."""

from __future__ import annotations

import pytest

from streams.judging.logs.news import News, NewsState
from streams.judging.logs.novelty import OnlyIn
from streams.judging.logs.settings import NEW_TEMPLATES, LogSettings
from streams.judging.side import Side, Trace

WINDOW_NS = 5_000_000_000
SETTINGS = LogSettings(held_limit=3)


def side(*traces):
    """A window with these (half, template, count)."""
    return Side(
        pod_s=10.0, traces=[Trace(half, "error", (template,), template, count) for half, template, count in traces]
    )


def run(windows, one_pod=False, known=()):
    """The news after these windows of (baseline, canary)."""
    news = News(NEW_TEMPLATES, SETTINGS, NewsState(sorted(known), taught=True))
    for index, (baseline, canary) in enumerate(windows):
        news.add(index * WINDOW_NS, side(*baseline), side(*canary), {}, one_pod=one_pod)
    return news


def test_what_the_baseline_shows_later_lowers_the_count_and_not_the_peak():
    """Evidence is a running maximum; what is behind it is that of now."""
    news = run([([], [(0, 5, 2)]), ([(0, 5, 1)], [(0, 6, 1)])])
    assert news.peak == 2.0
    assert news.counts() == {6: 1}


def test_what_history_has_shown_is_not_new():
    """Known templates count on neither side."""
    assert run([([], [(0, 5, 9)])], known=[5]).peak == 0.0


def test_the_replay_is_of_halves_of_pods():
    """A cause at one pod counts with its whole clump, one at all pods does not."""
    at_one_pod = run([([(0, 5, 3)], [])] * 4).cohort(100.0, one_pod=False)
    assert (at_one_pod.events, at_one_pod.clumping / at_one_pod.clumping_df) == (12.0, 12.0)
    at_both = run([([(0, 5, 3), (1, 5, 3)], [])] * 4).cohort(100.0, one_pod=False)
    assert at_both.events == 0.0


def test_one_burst_over_all_pods_is_one_cause():
    """Retries that fell on all pods tell how many come at once, though they count in no half."""
    burst = run([([(0, 5, 3), (1, 5, 3)], []), *[([], [])] * 8]).cohort(100.0, one_pod=False)
    assert burst.clumping / burst.clumping_df == 6.0


def test_a_single_pod_errs_on_the_safe_side():
    """Its new things fall to one half or the other, so that they count."""
    assert run([([(0, 5, 3)], [])], one_pod=True).cohort(100.0, one_pod=True).events == 3.0


def test_what_lasts_at_a_single_pod_counts_whole():
    """For five blocks, which fall to both halves: it is one cause, unless the canary shows it too."""
    lasting = [([(0, 5, 3)], [])] * 20
    alone = run(lasting, one_pod=True).cohort(100.0, one_pod=True)
    assert (alone.events, alone.clumping / alone.clumping_df) == (60.0, 60.0)
    shared = run([([(0, 5, 3)], [(0, 5, 3)])] * 20, one_pod=True).cohort(100.0, one_pod=True)
    assert shared.events < 15.0
    assert shared.clumping_df == 0.0


def test_nothing_is_counted_before_there_is_enough_history():
    """What was shown is still remembered: it is what the cohort teaches."""
    news = News(NEW_TEMPLATES, SETTINGS, NewsState())
    assert news.add(0, side((0, 5, 1)), side((0, 6, 1)), {}, one_pod=False) == (0.0, 0.0)
    assert news.cohort(100.0, one_pod=False) is None
    assert (news.baseline_shown, news.canary_shown) == ({5}, {6})


def test_what_finds_no_place_is_not_counted():
    """Bounded, on the canary and in the replay alike."""
    only = OnlyIn(limit=3)
    only.add({(number,): 1 for number in range(10)}, [])
    assert only.peak == 3
    assert sorted(only.counts()) == [0, 1, 2]
    only.add({}, [(number,) for number in range(1000)])
    assert len(only.to_state().shown) == 24


@pytest.mark.parametrize("cut", range(4))
def test_state_goes_on(cut):
    """From any window, to the bit."""
    windows = [([(0, 5, 1)], [(0, 6, 2)]), ([(1, 7, 1)], [(0, 6, 1)]), ([(0, 6, 1)], [(0, 8, 1)]), ([], [(1, 8, 1)])]
    news = run(windows[:cut])
    again = News(NEW_TEMPLATES, SETTINGS, news.to_state())
    for index, (baseline, canary) in enumerate(windows[cut:], cut):
        again.add(index * WINDOW_NS, side(*baseline), side(*canary), {}, one_pod=False)
    assert again.to_state() == run(windows).to_state()
