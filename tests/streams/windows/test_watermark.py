"""Windows close by what has been read of every input partition, and not before."""

from __future__ import annotations

import msgspec

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


def test_what_is_no_input_any_more_holds_nothing_back():
    """Promise: a topic that no worker names any more delays by the hold until the hold is over, and then not at all."""
    watermark = Watermark(HOLD_NS)
    watermark.learn({"logs/0": 100, "logs/1": 100, "old/0": 100}, {**INPUTS, "old": 1})
    assert watermark.learn({"logs/0": 160, "logs/1": 160}, INPUTS) == 100
    assert watermark.learn({"logs/0": 170, "logs/1": 165}, INPUTS) == 165
    assert not watermark.incomplete
    assert "old/0" not in watermark.state.read_to_ns | watermark.state.named_ns


def test_what_one_worker_names_is_an_input():
    """Promise: workers may read different topics; that some do not name one does not let it be left out."""
    watermark = Watermark(HOLD_NS)
    watermark.learn({"metrics/0": 10}, {"metrics": 1})
    for time_ns in range(60, 1000, 50):
        watermark.learn({"logs/0": time_ns, "logs/1": time_ns}, INPUTS)
        assert watermark.learn({"metrics/0": time_ns - 10}, {"metrics": 1}) == time_ns - 10


def test_a_snapshot_of_before_says_of_no_partition_that_it_is_gone():
    """Promise: what it holds is held for the time of the hold, whatever it was named."""
    watermark = Watermark(HOLD_NS, WatermarkState({"logs/0": 100, "logs/1": 100, "old/0": 100}, 100))
    assert watermark.learn({"logs/0": 150, "logs/1": 150}, INPUTS) == 100
    assert watermark.learn({"logs/0": 211, "logs/1": 211}, INPUTS) == 211


def test_it_goes_on_from_its_state():
    """Promise: a snapshot holds all there is to know, and does not change with what it was taken of."""
    watermark = Watermark(HOLD_NS)
    watermark.learn({"logs/0": 100, "logs/1": 80, "old/0": 80}, {**INPUTS, "old": 1})
    restored = Watermark(HOLD_NS, msgspec.msgpack.decode(msgspec.msgpack.encode(watermark.state), type=WatermarkState))
    kept = watermark.state.copy()
    for report in ({"logs/1": 95}, {"logs/0": 150, "logs/1": 140}, {"logs/0": 170, "logs/1": 170}):
        assert restored.learn(report, INPUTS) == watermark.learn(report, INPUTS)
        assert restored.state == watermark.state
    assert watermark.state.low_ns == 170
    assert kept == WatermarkState(
        {"logs/0": 100, "logs/1": 80, "old/0": 80}, 80, {"logs/0": 100, "logs/1": 100, "old/0": 100}
    )
