"""Pods that are there, and how their counters grew."""

from __future__ import annotations

import pytest

from streams.judging.presence import QUIET_NS, Presence
from streams.records.identity import Revision, Workload
from streams.records.metric import Series
from streams.signals.catalogue import Catalogue
from streams.windows.summary import PodSummary, Summary

S = 1_000_000_000
WINDOW_NS = 5 * S
T0 = 1_000 * WINDOW_NS
REVISION = Revision(Workload("", "prod", "shop"), "6f8")
SERIES = {
    1: Series("http_requests_total", (("code", "200"),)),
    2: Series("http_requests_total", (("code", "500"),)),
}


def catalogue(series=SERIES):
    """One that has learned them."""
    known = Catalogue()
    for number, one in series.items():
        known.learn(number, one)
    return known


CATALOGUE = catalogue()


def closed(windows, presence=None):
    """Sides of consecutive windows; each window maps a pod to its points of series 1 and 2."""
    presence = presence or Presence(WINDOW_NS)
    sides = []
    for number, pods in enumerate(windows):
        start_ns = T0 + number * WINDOW_NS
        heard = {
            name: PodSummary(
                lines={7: 1},
                totals={
                    series: {start_ns + offset: (0, float(total)) for offset, total in enumerate(totals)}
                    for series, totals in points.items()
                },
            )
            for name, points in pods.items()
        }
        summary = Summary(REVISION, start_ns, pods=heard) if pods else None
        sides.append(presence.close(start_ns, summary, CATALOGUE, {}))
    return sides


def requests(sides):
    """Requests and errors over all windows."""
    counts = [side.requests["http_requests_total"] for side in sides if side.requests]
    return sum(count.requests for count in counts), sum(count.errors for count in counts)


def test_the_gap_between_windows_is_closed():
    """Promise: what grew between the last sample of a window and the first of the next is counted, once."""
    assert requests(closed([{"p": {1: [10]}}, {"p": {1: [15, 18]}}, {}, {"p": {1: [30]}}])) == (20.0, 0.0)


def test_a_reset_counts_from_zero():
    """Promise: a counter that fell was restarted; what it shows since is counted."""
    assert requests(closed([{"p": {1: [10]}}, {"p": {1: [4]}}, {"p": {1: [6]}}])) == (6.0, 0.0)


def test_the_first_error_of_a_known_pod_is_counted():
    """Promise: a series that appears at a pod already known starts from zero: the first error is not lost."""
    assert requests(closed([{"p": {1: [10]}}, {"p": {1: [12], 2: [1]}}])) == (3.0, 1.0)


def test_a_pod_just_met_brings_no_past():
    """Promise: totals from before our view of a pod are no increase."""
    assert requests(closed([{"p": {1: [1000], 2: [50]}}])) == (0.0, 0.0)


def test_a_sample_of_the_past_says_nothing_new():
    """Promise: samples older than what is known change nothing."""
    presence = Presence(WINDOW_NS)
    closed([{"p": {1: [10]}}, {"p": {1: [20]}}], presence)
    late = Summary(REVISION, T0, pods={"p": PodSummary(totals={1: {T0 + 1: (0, 12.0)}})})
    side = presence.close(T0 + 2 * WINDOW_NS, late, CATALOGUE, {})
    assert side.requests["http_requests_total"].requests == 0


def test_a_quiet_pod_is_there_until_it_has_been_silent_for_long():
    """Promise: exposure counts pods between their words, and ends with the pod."""
    silence = [{}] * (2 * QUIET_NS // WINDOW_NS)
    sides = closed([{"p": {}}, *silence])
    there = [side.pod_s for side in sides]
    assert there == [5.0] * (1 + QUIET_NS // WINDOW_NS) + [0.0] * (len(sides) - 1 - QUIET_NS // WINDOW_NS)


@pytest.mark.parametrize("reporting", [True, False])
def test_who_is_awaited_and_who_has_reported(reporting):
    """Promise: a pod that has ever counted requests is awaited as long as it is there; it has reported if it did."""
    sides = closed([{"p": {1: [1]}}, {"p": {1: [2]} if reporting else {}}])
    count = sides[-1].requests["http_requests_total"]
    assert count.awaited == (0,)
    assert count.reported == ((0,) if reporting else ())


def test_a_pod_that_writes_every_five_minutes_is_there_in_between_once_that_is_known():
    """Gone after the first silence; the same pod when it comes back, and there through the silences after."""
    presence = Presence(WINDOW_NS)
    minutes = [{"a": {1: [10 * (window // 60)]}} if window % 60 == 0 else {} for window in range(181)]
    sides = closed(minutes, presence)
    there = [side.pod_s > 0 for side in sides]
    assert not all(there[:60])
    assert all(there[60:])
    assert requests(sides) == (30.0, 0.0)
    assert presence.state.numbered == 1


def test_pods_that_are_gone_are_forgotten():
    """A quarter of an hour after they were last heard."""
    presence = Presence(WINDOW_NS)
    closed([{"a": {1: [1]}}] + [{}] * 170, presence)
    assert not presence.there
    assert not presence.gone
    presence.close(T0 + 200 * WINDOW_NS, None, CATALOGUE, {})
    assert presence.gone
