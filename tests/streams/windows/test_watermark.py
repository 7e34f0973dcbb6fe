"""Windows close by what has been read of every input partition, and not before."""

from __future__ import annotations

from streams.windows.watermark import Watermark, WatermarkState

HOLD_NS = 60
INPUTS = {"logs": 2}


def test_the_slowest_partition_decides():
    """Promise: the low watermark is that of the partition that is furthest behind."""
    watermark = Watermark(HOLD_NS)
    watermark.learn({"logs/0": 100}, INPUTS)
    assert watermark.learn({"logs/1": 90}, INPUTS) == 90
    assert not watermark.incomplete


def test_a_partition_never_heard_of_holds_all_open_until_the_limit():
    """Promise: silence of a partition delays by the hold and no longer, and is said."""
    watermark = Watermark(HOLD_NS)
    assert watermark.learn({"logs/0": 50}, INPUTS) == 0
    assert watermark.learn({"logs/0": 100}, INPUTS) == 40
    assert watermark.incomplete


def test_it_never_goes_back():
    """Promise: a late report, or one of a worker that took over, reopens nothing."""
    watermark = Watermark(HOLD_NS)
    watermark.learn({"logs/0": 100, "logs/1": 100}, INPUTS)
    assert watermark.learn({"logs/0": 20, "logs/1": 30}, INPUTS) == 100


def test_it_goes_on_from_its_state():
    """Promise: a snapshot holds all there is to know."""
    watermark = Watermark(HOLD_NS)
    watermark.learn({"logs/0": 100, "logs/1": 80}, INPUTS)
    restored = Watermark(HOLD_NS, WatermarkState(dict(watermark.state.read_to_ns), watermark.state.low_ns))
    assert restored.learn({"logs/1": 95}, INPUTS) == watermark.learn({"logs/1": 95}, INPUTS) == 95
