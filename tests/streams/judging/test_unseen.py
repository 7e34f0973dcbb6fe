"""What finds no place is told, with how much of it there is."""

from __future__ import annotations

from streams.judging.presence import PresenceState
from streams.judging.unseen import not_zero, unseen
from streams.records.metric import Series
from streams.signals import catalogue
from streams.signals.catalogue import UNREAD_KNOWN, Catalogue, CatalogueState
from streams.signals.rule import SignalRule


def test_nothing_to_tell_of_what_has_its_place():
    """No sentence."""
    assert unseen(CatalogueState(), {"baseline": PresenceState(), "canary": None}) == []


def test_each_limit_is_told_with_numbers():
    """Series of the workload, its signals, and counters of a side's pods."""
    state = CatalogueState(left_out=[f"s{number}" for number in range(7)], unread_series=[1, 2, 3])
    sides = {"baseline": PresenceState(most_unfollowed=12), "canary": PresenceState(most_unfollowed=0)}
    assert unseen(state, sides) == [
        "cannot judge: 3 series found no place within 20000 of the workload",
        "cannot judge: 7 signals found no place within 300 of the workload (s0, s1, s2, s3, s4 and 2 more)",
        "cannot judge: 12 series of the baseline in one window found no place within 2000 counters of a pod",
    ]
    many = CatalogueState(unread_series=list(range(UNREAD_KNOWN)))
    assert unseen(many, {})[0].startswith(f"cannot judge: at least {UNREAD_KNOWN} series")


def test_a_series_without_a_place_is_counted_once(monkeypatch):
    """However often it comes; the count is of series, not of samples."""
    monkeypatch.setattr(catalogue, "SERIES_PER_WORKLOAD", 1)
    learned = Catalogue()
    for number in (1, 2, 2, 3, 2):
        learned.learn(number, Series("http_server_requests_seconds_count", (("status", str(500 + number)),)))
    assert (learned.state.unread, learned.state.unread_series) == (4, [2, 3])


def test_missing_data_that_is_not_taken_for_zero_is_told():
    """Of a gauge; of a counter it is."""
    rules = {
        "queue": SignalRule("queue", "level", missing_data="zero"),
        "kills": SignalRule("kills", "events", missing_data="zero"),
        "heap": SignalRule("heap", "level"),
    }
    assert not_zero(rules) == [
        "missing_data: zero holds for counters only, so that what is missing is not judged of queue"
    ]
