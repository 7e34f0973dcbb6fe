"""How far has this worker read each input partition it owns, in offsets and in event time?

`read_to` is what the watermark rests on: the newest event time seen, less a margin for records of other nodes that are
on their way; at the end of a partition the clock takes the place of the newest record, so that a silent partition holds
nothing open. After a stall longer than the margin the clock is not believed until the broker has been asked again.
"""

from __future__ import annotations

from msgspec import Struct

_STALL_NS = 500_000_000
"""Between two questions to the broker, longer than which the process must have slept."""


class InputPartition(Struct):
    """One partition this worker owns, since it was assigned."""

    next_offset: int | None = None
    """Of the message to read next; None before the first."""
    cycle_offset: int | None = None
    """Where the transaction at hand began; None if it has nothing of this partition."""
    newest_ns: int = 0
    """Newest event time read, ns; never ahead of its message's own Kafka time."""
    at_end: bool = False
    read_to_ns: int = 0
    """Last reported; only ever grows."""


class Inputs:
    """The partitions this worker owns, by (topic, number)."""

    def __init__(self, lateness_ns: int) -> None:
        self._lateness_ns = lateness_ns
        self._partitions: dict[tuple[str, int], InputPartition] = {}
        self._asked_ns = 0
        self._believed = False

    def own(self, partitions: list[tuple[str, int]]) -> None:
        """From now on these and no others."""
        self._partitions = {partition: InputPartition() for partition in partitions}
        self._believed = False

    def asked(self, now_ns: int) -> None:
        """The broker has just been asked for more, at `now_ns`; the first answer after a stall proves nothing."""
        self._believed = now_ns - self._asked_ns <= max(self._lateness_ns, _STALL_NS)
        self._asked_ns = now_ns

    def took(self, partition: tuple[str, int], first_offset: int, last_offset: int, newest_ns: int) -> None:
        """Messages from first to last offset are in the transaction at hand; `newest_ns` is 0 if none had a time."""
        known = self._partitions.setdefault(partition, InputPartition())
        known.next_offset = last_offset + 1
        if known.cycle_offset is None:
            known.cycle_offset = first_offset
        known.newest_ns = max(known.newest_ns, newest_ns)
        known.at_end = False

    def reached_end(self, partition: tuple[str, int]) -> None:
        """There was nothing more to read there a moment ago."""
        if partition in self._partitions:
            self._partitions[partition].at_end = True

    def owned(self) -> list[tuple[str, int]]:
        """All of them."""
        return list(self._partitions)

    def positions(self) -> dict[tuple[str, int], int]:
        """The next offset of each partition of which anything has been read."""
        return {
            partition: known.next_offset
            for partition, known in self._partitions.items()
            if known.next_offset is not None
        }

    def offsets(self) -> dict[tuple[str, int], int]:
        """What the transaction at hand commits: the next offset of each partition it has something of."""
        return {
            partition: known.next_offset
            for partition, known in self._partitions.items()
            if known.cycle_offset is not None and known.next_offset is not None
        }

    def committed(self) -> None:
        """The transaction at hand is done; the next begins where it ended."""
        for known in self._partitions.values():
            known.cycle_offset = None

    def rewind(self) -> dict[tuple[str, int], int]:
        """The transaction at hand is void: where to read again."""
        begun = {
            partition: known.cycle_offset
            for partition, known in self._partitions.items()
            if known.cycle_offset is not None
        }
        for partition, offset in begun.items():
            self._partitions[partition] = InputPartition(next_offset=offset)
        return begun

    def resume(self, offsets: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Nobody knows what became of the transaction at hand: read on here, whatever was read before."""
        self._partitions = {partition: InputPartition(next_offset=offset) for partition, offset in offsets.items()}
        return offsets

    def reports(self) -> dict[str, int]:
        """Input partition (`topic/number`) -> event time up to which it has been read, ns."""
        reports = {}
        for (topic, number), known in self._partitions.items():
            newest_ns = self._asked_ns if known.at_end and self._believed else known.newest_ns
            known.read_to_ns = max(known.read_to_ns, newest_ns - self._lateness_ns)
            if known.read_to_ns > 0:
                reports[f"{topic}/{number}"] = known.read_to_ns
        return reports
