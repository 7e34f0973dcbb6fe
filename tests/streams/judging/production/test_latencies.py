"""How long requests take, minute by minute: whatever sources send, and what snapshots of before hold."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.production.latencies import LEAST_VALUES, PER_S, MinuteOfValues, ninth_decile
from streams.judging.production.past import MINUTE_NS, ProductionPast
from streams.judging.side import Side
from streams.records.histogram import Histogram, from_explicit_bounds
from streams.signals.rule import SignalRule

SLOW = SignalRule("http.server.request.duration", "values", group="latency", worse="higher", unit="s")
_BUCKETS = st.dictionaries(st.integers(-(2**40), 2**40), st.integers(1, 2**50), max_size=5)
_HISTOGRAMS = st.builds(
    Histogram, st.integers(-10, 20), st.integers(0, 2**52), st.floats(), st.integers(0, 2**50), _BUCKETS, _BUCKETS
)


@given(st.lists(_HISTOGRAMS, max_size=4))
def test_deciles_are_finite_whatever_comes(histograms):
    """Promise: scales, buckets and counts of any size, also such as do not fit each other, stop nothing."""
    minute = MinuteOfValues()
    for each in histograms:
        minute.add({SLOW.signal: each}, {SLOW.signal: SLOW})
    assert all(math.isfinite(decile) and decile >= 0.0 for decile in minute.deciles().values())


@pytest.mark.parametrize("scale", [-10, 0, 3])
def test_a_longest_request_has_an_end(scale):
    """Promise: what no double holds is a number, too."""
    assert ninth_decile(Histogram(scale, 10, 0.0, 0, {2**40: 10})) == 2.0**40


def test_windows_of_a_minute_are_one_distribution_and_few_values_none():
    """Promise: the decile is of all values of the minute, to a bucket of 9%."""
    minute = MinuteOfValues()
    for took_s in [0.01] * 8 + [1.0] * 2:
        assert minute.deciles() == {}
        minute.add({SLOW.signal: from_explicit_bounds((took_s,), (1, 0), took_s)}, {SLOW.signal: SLOW})
    assert LEAST_VALUES == 10
    assert minute.deciles()[SLOW.signal] == pytest.approx(PER_S, rel=0.1)


@pytest.mark.parametrize(
    "change", [{"weight": 0.5}, {"known": False}, {"group": "gc"}, {"unit": ""}, {"worse": "either"}]
)
def test_what_is_no_latency_of_what_is_served_is_left_alone(change):
    """Promise: calls to others, guesses, pauses and numbers of unknown unit fail nothing."""
    minute = MinuteOfValues()
    values = from_explicit_bounds((1.0,), (100, 0), 100.0)
    minute.add({SLOW.signal: values}, {SLOW.signal: msgspec.structs.replace(SLOW, **change)})
    assert minute.deciles() == {}


def test_a_snapshot_of_before_is_read():
    """Promise: nothing is known of latencies then."""
    before = msgspec.to_builtins(ProductionPast(pods=3.0))[:9]
    assert msgspec.convert(before, ProductionPast) == ProductionPast(pods=3.0)


def _played(past: ProductionPast, minutes: range, *names: str) -> ProductionPast:
    """Minutes in which these latencies had values."""
    rules = {name: msgspec.structs.replace(SLOW, signal=name) for name in names}
    values = {name: from_explicit_bounds((1.0,), (100, 0), 100.0) for name in names}
    for minute in minutes:
        past.learn(minute * MINUTE_NS, [Side(values=values)], {}, (), rules)
    past.learn(minutes.stop * MINUTE_NS, [], {}, (), {})
    return past


def test_a_latency_that_comes_no_more_makes_room():
    """Promise: four are remembered; one without values for a day of those of others goes for one that has some."""
    past = _played(ProductionPast(), range(10), "a", "b", "c", "d")
    _played(past, range(10, 1440), "a", "b", "c", "e")
    assert set(past.latencies) == set(past.values) == {"a", "b", "c", "d"}
    _played(past, range(9000, 9020), "b", "c")
    _played(past, range(9020, 9040), "a", "b", "c", "e")
    assert set(past.latencies) == set(past.values) == set(past.unheard) == {"a", "b", "c", "e"}
    assert (past.latencies["b"].minutes, past.latencies["e"].minutes) == (1480, 20)


def test_a_snapshot_that_does_not_say_what_was_heard_is_read():
    """Promise: those of before; nothing of it goes at once."""
    past = _played(ProductionPast(), range(2000), "a", "b", "c")
    fields = ProductionPast.__struct_fields__.index("unheard")
    before = msgspec.convert(msgspec.to_builtins(past)[:fields], ProductionPast)
    assert before == msgspec.structs.replace(past, unheard={})
    assert set(_played(before, range(2000, 2100), "d", "e").latencies) == {"a", "b", "c", "d"}
