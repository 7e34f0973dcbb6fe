"""A signal that comes before anything listens for it is not lost."""

from __future__ import annotations

import threading

from topology.score import worker
from topology.settings import Kafka, ScoreSettings, TelemetrySettings
from topology.telemetry import Telemetry


def test_told_to_end_before_it_began_it_does_not_begin():
    """Promise: it ends without asking Kafka, which is not there."""
    told = threading.Event()
    told.set()
    worker.run(ScoreSettings(Kafka("127.0.0.1:1")), Telemetry.start("score", TelemetrySettings()), told)
