"""When a bin settles, by which exposure, and what it then holds."""

from __future__ import annotations

from streams.judging.exposure import Exposures, ExposureState
from streams.judging.settings import JudgeSettings
from streams.judging.side import RequestCount, Side

W = 5_000_000_000
HTTP, ISTIO = "http.server.request.duration", "istio_requests_total"


def side(requests=0.0, reported=(), awaited=(0, 1), pods=2, source=HTTP, errors=0.0):
    """One revision's window."""
    return Side(pods * 5.0, 10, {}, {source: RequestCount(requests, errors, reported, awaited)})


def bare(pods=2):
    """One revision's window without counters."""
    return Side(pods * 5.0, 10)


class Fed:
    """Feeds windows one after the other."""

    def __init__(self, **settings):
        self.exposures = Exposures(JudgeSettings(**settings), W, ExposureState())
        self.window = 0

    def __call__(self, baseline, canary):
        """Give one window."""
        start_ns = self.window * W
        self.window += 1
        self.exposures.see_sources(baseline, canary)
        return self.exposures.add(start_ns, baseline, canary, {})


def test_by_pod_seconds_every_window_is_its_own_bin():
    """Without counters nothing is waited for."""
    settled = Fed()(bare(6), bare(2))
    assert not settled.by_requests
    assert settled.pod_share == settled.request_share == 0.25


def test_a_source_on_one_side_only_is_not_used():
    """Both revisions have to be counted by the same source."""
    feed = Fed()
    assert feed(side(9.0, (0, 1)), bare()) is not None
    assert feed(side(9.0, (0, 1)), side(9.0, (0, 1), source=ISTIO)) is not None
    assert feed.exposures.state.source is None


def test_the_first_source_on_both_sides_stays():
    """A preferred one that shows up later does not replace it."""
    feed = Fed()
    feed(side(9.0, (0, 1), source=ISTIO), side(1.0, (0, 1), source=ISTIO))
    feed(side(9.0, (0, 1)), side(1.0, (0, 1)))
    assert feed.exposures.state.source == ISTIO


def test_a_bin_settles_when_every_awaited_pod_of_both_sides_has_reported():
    """Scrapes of 15 s at different phases: three windows, with the requests of one scrape of each pod."""
    feed = Fed()
    assert feed(side(45.0, (0,)), side()) is None
    assert feed(side(), side(5.0, (1,))) is None
    settled = feed(side(45.0, (1,)), side(5.0, (0,)))
    assert settled.by_requests
    assert (settled.bin.baseline.requests, settled.bin.canary.requests) == (90.0, 10.0)
    assert feed(side(45.0, (0,)), side()) is None


def test_a_side_of_which_no_pod_reports_is_waited_for():
    """Silence of all pods is not the same as no requests."""
    feed = Fed()
    feed(side(9.0, (0, 1)), side(1.0, (0, 1)))
    assert feed(side(9.0, (0, 1)), side(awaited=())) is None


def test_falls_back_to_pod_seconds_when_patience_is_over():
    """The requests counted so far serve their own errors alone."""
    feed = Fed(patience_windows=3)
    feed(side(9.0, (0, 1)), side(1.0, (0, 1)))
    assert feed(side(9.0, (0, 1)), side()) is None
    assert feed(side(9.0, (0, 1)), side(2.0, (0,))) is None
    settled = feed(side(9.0, (0, 1)), side())
    assert not settled.by_requests
    assert settled.request_share == settled.pod_share == 0.5
    assert settled.error_share == 2.0 / 29.0
    assert feed.exposures.state.fallback_bins == 1


def test_patience_ends_also_while_a_revision_is_away():
    """A bin never stays open for ever."""
    feed = Fed(patience_windows=3)
    feed(side(9.0, (0,)), side())
    assert feed.exposures.wait(W) is None
    assert feed.exposures.wait(2 * W) is not None
    assert feed.exposures.state.open is None


def test_pods_that_do_not_report_yet_are_estimated_by_those_that_do():
    """Of four pods one has reported: its requests stand for four times as many, for log incidents only."""
    feed = Fed(pseudo_requests=0.0)
    settled = feed(side(60.0, (0, 1)), side(20.0, (0,), (0,), pods=4))
    assert settled.request_share == 80.0 / 140.0
    assert settled.error_share == 20.0 / 80.0


def test_a_bin_without_any_request_goes_by_pods_for_logs_and_by_nothing_for_errors():
    """Nobody asked anything, so what was logged has to do with the pods."""
    settled = Fed()(side(0.0, (0, 1)), side(0.0, (0, 1)))
    assert settled.request_share == settled.pod_share == 0.5
    assert settled.error_share == 0.0


def test_one_request_is_not_taken_at_its_word():
    """The share of a bin with one request stays near the recent share, that of a busy one near its own."""
    feed = Fed()
    for _ in range(10):
        feed(side(90.0, (0, 1)), side(10.0, (0, 1)))
    assert 0.1 < feed(side(0.0, (0, 1)), side(1.0, (0, 1))).request_share < 0.3
    assert 0.45 < feed(side(500.0, (0, 1)), side(500.0, (0, 1))).request_share < 0.5
