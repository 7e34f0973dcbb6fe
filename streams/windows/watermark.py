"""Up to when is the input complete? Windows close by what ingest has read, not by any clock.

Each ingest worker reports, for each input partition it owns, the event time up to which it has read. A window is
complete once every input partition has passed its end. A partition that nobody reports (its owner is gone, or it was
never read) holds windows open until another worker takes it over, or until the others are `hold_ns` ahead of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class WatermarkState(Struct, array_like=True):
    """All there is to know; part of the snapshot."""

    read_to_ns: dict[str, int] = {}
    """Input partition (`topic/number`) -> event time up to which it has been read; only ever grows."""
    low_ns: int = 0
    """Event time before which all is closed; only ever grows."""


class Watermark:
    """Reports in, low watermark out."""

    def __init__(self, hold_ns: int, state: WatermarkState | None = None) -> None:
        self._hold_ns = hold_ns
        self.state = state or WatermarkState()
        self.incomplete = False
        """Whether the last advance left a silent partition behind."""

    def learn(self, reports: Mapping[str, int], inputs: Mapping[str, int]) -> int:
        """Take in one bundle's reports; the low watermark after them, ns.

        Args:
            reports: input partition (`topic/number`) -> event time up to which it has been read, ns.
            inputs: input topic -> its number of partitions.
        """
        read_to = self.state.read_to_ns
        for partition, time_ns in reports.items():
            if time_ns > read_to.get(partition, 0):
                read_to[partition] = time_ns
        if not read_to:
            return self.state.low_ns
        expected = [f"{topic}/{number}" for topic, count in inputs.items() for number in range(count)]
        slowest_ns = min(read_to.get(partition, 0) for partition in (*expected, *read_to))
        bound_ns = max(read_to.values()) - self._hold_ns
        self.incomplete = slowest_ns < bound_ns
        self.state.low_ns = max(self.state.low_ns, slowest_ns, bound_ns)
        return self.state.low_ns
