"""What a worker tells of itself holds at the moment of reading."""

from __future__ import annotations

import time

import pytest

from streams.windows.roller import Rolled
from topology.ingest.instruments import Instruments
from topology.settings import TelemetrySettings
from topology.telemetry import Telemetry

NOTHING = Rolled([], {}, {})


def test_the_delay_grows_while_nothing_is_committed_and_is_gone_with_the_partitions(monkeypatch):
    """Promise: a worker that hangs is seen to fall behind; one that owns nothing says nothing."""
    telemetry = Telemetry.start("ingest", TelemetrySettings())
    instruments = Instruments(telemetry.meter, lambda: 0)

    def delay_s():
        return telemetry.registry.get_sample_value("serinus_ingest_event_time_delay_seconds")

    assert delay_s() is None
    now_ns = 1_800_000_000_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: now_ns)
    instruments.sent(NOTHING, {"logs/0": now_ns - 2 * 10**9, "logs/1": now_ns - 10**9})
    assert delay_s() == pytest.approx(2.0)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns + 60 * 10**9)
    assert delay_s() == pytest.approx(62.0)
    instruments.sent(NOTHING, {})
    assert delay_s() is None
