"""Up to when is the input complete? Windows close by what ingest has read, not by any clock.

Each ingest worker reports, for each input partition it owns, the event time up to which it has read. A window is
complete once every input partition has passed its end. A partition that nobody reports (its owner is gone, or it was
never read) holds windows open until another worker takes it over, or until the others are `hold_ns` ahead of it. One
that no worker names as an input any more, for so long, is none: it was taken out of ingest's settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct


class WatermarkState(Struct, array_like=True):
    """All there is to know; part of the snapshot."""

    read_to_ns: dict[str, int] = {}
    """Input partition (`topic/number`) -> event time up to which it has been read; only ever grows."""
    low_ns: int = 0
    """Event time before which all is closed; only ever grows."""
    named_ns: dict[str, int] = {}
    """Input partition -> newest event time read of any, when a worker last named it as an input."""

    def copy(self) -> WatermarkState:
        """As it is now, whatever becomes of it."""
        return WatermarkState(self.read_to_ns.copy(), self.low_ns, self.named_ns.copy())


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
        state, read_to = self.state, self.state.read_to_ns
        for partition, time_ns in reports.items():
            if time_ns > read_to.get(partition, 0):
                read_to[partition] = time_ns
        if not read_to:
            return state.low_ns
        newest_ns = max(read_to.values())
        expected = [f"{topic}/{number}" for topic, count in inputs.items() for number in range(count)]
        self._forget_unnamed({*expected, *reports}, newest_ns)
        slowest_ns = min(read_to.get(partition, 0) for partition in (*expected, *read_to))
        bound_ns = newest_ns - self._hold_ns
        self.incomplete = slowest_ns < bound_ns
        state.low_ns = max(state.low_ns, slowest_ns, bound_ns)
        return state.low_ns

    def _forget_unnamed(self, named: Iterable[str], newest_ns: int) -> None:
        """Those that were last named when the newest event time read was more than `hold_ns` before the present one."""
        state = self.state
        for partition in state.read_to_ns:
            state.named_ns.setdefault(partition, newest_ns)  # a snapshot of before says nothing of it
        state.named_ns.update(dict.fromkeys(named, newest_ns))
        for partition in [each for each, at_ns in state.named_ns.items() if newest_ns - at_ns > self._hold_ns]:
            del state.named_ns[partition]
            state.read_to_ns.pop(partition, None)
