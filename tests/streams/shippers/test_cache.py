"""Answers are remembered within bounds, and what is in use is not forgotten."""

from __future__ import annotations

import pytest

from streams.errors import BadRecord, Reason
from streams.shippers.cache import BoundedCache, Remembered


def test_bounded_in_entries():
    """However many keys come, no more than twice the bound is held, and what is asked for all the time stays."""
    cache: BoundedCache[int, str] = BoundedCache(entries=10)
    cache.put(-1, "in use", 1)
    for i in range(1000):
        cache.put(i, "once", 1)
        assert cache.get(-1, 1) == "in use"
    assert len(cache.recent) + len(cache._older) <= 20


def test_bounded_in_bytes():
    """Large keys are held in smaller number, and one that is far too large not at all."""
    cache: BoundedCache[int, str] = BoundedCache(total_bytes=1600)
    for i in range(1000):
        cache.put(i, "x", 100)
    assert len(cache.recent) + len(cache._older) <= 32
    cache.put(-1, "huge", 1000)
    assert cache.get(-1, 1000) is None


def test_work_is_done_once():
    """An answer is worked out once; a refusal too, and is raised anew each time."""
    calls = []

    def work_out() -> str:
        calls.append(1)
        raise BadRecord(Reason.NO_HASH, "none")

    remembered: Remembered[str, str] = Remembered()
    for _ in range(3):
        with pytest.raises(BadRecord) as refused:
            remembered.of("a", 1, work_out)
        assert refused.value.reason is Reason.NO_HASH
    assert [remembered.of("b", 1, lambda: "good") for _ in range(2)] == ["good", "good"]
    assert len(calls) == 1
