"""What a score worker tells of itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from topology.score.board import Board


class Instruments:
    """The worker's counters and histograms, and gauges over its boards."""

    def __init__(self, meter: Meter, boards: Mapping[int, Board]) -> None:
        self._apply = meter.create_histogram(
            "serinus.score.bundle.duration", unit="s", description="To apply one bundle of summaries."
        )
        self._checkpoint = meter.create_histogram(
            "serinus.score.checkpoint.duration", unit="s", description="To write one partition's snapshots."
        )
        self._written = meter.create_counter(
            "serinus.score.snapshots", unit="By", description="Snapshots written to the changelog."
        )
        self._documents = meter.create_counter("serinus.score.documents", description="Risk documents published.")
        self._skipped = meter.create_counter(
            "serinus.score.skipped", description="Messages of our own topics that could not be used."
        )
        for name, description, read in (
            ("serinus.score.partitions", "Partitions owned.", lambda: len(boards)),
            ("serinus.score.workloads", "Workloads held.", lambda: sum(each.workloads for each in boards.values())),
            ("serinus.score.comparisons", "Comparisons running.", lambda: sum(b.comparisons for b in boards.values())),
            ("serinus.score.alarms", "Alarms that ring.", lambda: sum(board.ringing for board in boards.values())),
            (
                "serinus.score.late_records",
                "Records that came after their window had closed and counted in the next, of the workloads held.",
                lambda: sum(board.late_records for board in boards.values()),
            ),
            (
                "serinus.score.unfollowed_records",
                "Records of revisions that found no place beside the others of their workload, of the workloads held.",
                lambda: sum(board.unfollowed_records for board in boards.values()),
            ),
            (
                "serinus.score.incomplete_partitions",
                "Partitions whose windows close although an input partition is silent.",
                lambda: sum(board.incomplete for board in boards.values()),
            ),
        ):
            meter.create_observable_gauge(name, [_observing(read)], description=description)
        meter.create_observable_gauge(
            "serinus.score.event_time.delay",
            [_observing(lambda: _delay_s(boards))],
            unit="s",
            description="How far the slowest watermark is behind the clock.",
        )

    def applied(self, duration_s: float, documents: int) -> None:
        """One bundle has been applied."""
        self._apply.record(duration_s)
        self._documents.add(documents)

    def checkpointed(self, duration_s: float, written_bytes: int) -> None:
        """One partition's snapshots are written."""
        self._checkpoint.record(duration_s)
        self._written.add(written_bytes)

    def skipped(self, topic: str, reason: str) -> None:
        """One message could not be used."""
        self._skipped.add(1, {"topic": topic, "reason": reason})


def _observing(read: Callable[[], float]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(read())]

    return observe


def _delay_s(boards: Mapping[int, Board]) -> float:
    lows = [board.low_ns for board in boards.values() if board.low_ns > 0]
    return (time.time_ns() - min(lows)) / 1e9 if lows else 0.0
