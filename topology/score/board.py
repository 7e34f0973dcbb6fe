"""One partition's workloads, its watermark, and how far it has read: what a snapshot holds and what recovery rebuilds.

Exactly once in effect: every snapshot carries the offsets it includes. A checkpoint writes the workloads that have
changed first and the partition's own record last, so that the record never includes more than they do; what is read
again after a crash is skipped by whoever has included it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from streams.records.identity import Workload
from streams.risk.comparison import CompareRequest, RolloutEvent
from streams.risk.document import RiskDocument
from streams.windows.summary import Bundle
from streams.windows.watermark import Watermark, WatermarkState
from streams.workload import WorkloadLife, WorkloadSettings, WorkloadState
from topology.topics import partition_of

_PARTITION_PREFIX = b"@partition/"
"""Begins the table key of a partition's own record; no workload's key begins with @."""


class Offsets(Struct, array_like=True):
    """The last message included, of either topic; -1 before the first."""

    summaries: int = -1
    rollouts: int = -1


class PartitionSnapshot(Struct, array_like=True):
    """The partition's own record."""

    version: int
    offsets: Offsets
    watermark: WatermarkState


class WorkloadSnapshot(Struct, array_like=True):
    """One workload's record."""

    version: int
    offsets: Offsets
    state: WorkloadState


def partition_of_key(key: bytes, partitions: int) -> int:
    """The partition whose record a table key names."""
    if key.startswith(_PARTITION_PREFIX):
        return int(key.removeprefix(_PARTITION_PREFIX))
    return partition_of(Workload.from_key(key.decode()), partitions)


_VERSION = 1
_encode = msgspec.msgpack.Encoder().encode
_decode_partition = msgspec.msgpack.Decoder(PartitionSnapshot).decode
_decode_workload = msgspec.msgpack.Decoder(WorkloadSnapshot).decode


class _Entry:
    """One workload and what it has included."""

    __slots__ = ("dirty", "life", "offsets")

    def __init__(self, life: WorkloadLife, offsets: Offsets) -> None:
        self.life = life
        self.offsets = offsets
        self.dirty = False


class Board:
    """All workloads of one partition."""

    def __init__(self, settings: WorkloadSettings, hold_ns: int, number: int) -> None:
        self.number = number
        self._key = _PARTITION_PREFIX + str(number).encode()
        self._settings = settings
        self._watermark = Watermark(hold_ns)
        self._hold_ns = hold_ns
        self._offsets = Offsets()
        self._entries: dict[Workload, _Entry] = {}

    def restore(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over this partition's records of the table, into an empty board."""
        for key, value in records:
            if key == self._key:
                snapshot = _decode_partition(value)
                self._offsets = snapshot.offsets
                self._watermark = Watermark(self._hold_ns, snapshot.watermark)
            else:
                workload = _decode_workload(value)
                life = WorkloadLife(self._settings, workload.state)
                self._entries[life.workload] = _Entry(life, workload.offsets)

    @property
    def low_ns(self) -> int:
        """Event time before which all is closed."""
        return self._watermark.state.low_ns

    @property
    def incomplete(self) -> bool:
        """Whether a silent input partition has been left behind."""
        return self._watermark.incomplete

    @property
    def workloads(self) -> int:
        """How many it holds."""
        return len(self._entries)

    @property
    def comparisons(self) -> int:
        """How many run."""
        return sum(entry.life.running for entry in self._entries.values())

    @property
    def late_records(self) -> int:
        """Records that came after their window had closed."""
        return sum(entry.life.late_records for entry in self._entries.values())

    def apply_bundle(self, offset: int, bundle: Bundle) -> list[RiskDocument]:
        """Take in one message of `serinus.summaries`; the documents it changed."""
        for summary in bundle.summaries:
            entry = self._entry(summary.revision.workload)
            if offset > entry.offsets.summaries:
                entry.life.add(summary, bundle.signatures, bundle.series)
                entry.dirty = True
        if offset > self._offsets.summaries:
            self._watermark.learn(bundle.reports, bundle.inputs)
            self._offsets.summaries = offset
        documents: list[RiskDocument] = []
        for entry in self._entries.values():
            if offset <= entry.offsets.summaries:
                continue
            entry.offsets.summaries = offset
            entry.dirty |= entry.life.close(self.low_ns)
            documents += entry.life.documents()
        return documents

    def apply_event(self, offset: int, event: RolloutEvent, time_ns: int) -> list[RiskDocument]:
        """Take in one message of `serinus.rollouts`, sent at `time_ns`; the documents it changed."""
        entry = self._entry(event.comparison.of)
        self._offsets.rollouts = max(self._offsets.rollouts, offset)
        if offset <= entry.offsets.rollouts:
            return []
        entry.offsets.rollouts = offset
        entry.dirty = True
        if isinstance(event, CompareRequest):
            entry.life.compare(event.comparison, time_ns)
        else:
            entry.life.end(event.comparison, event.outcome, time_ns)
        return entry.life.documents()

    def checkpoint(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Table records to write, in this order; None deletes. What is dirty now is clean afterwards."""
        for workload, entry in list(self._entries.items()):
            key = workload.key.encode()
            if entry.life.idle:
                del self._entries[workload]
                yield key, None
            elif entry.dirty:
                entry.dirty = False
                yield key, _encode(WorkloadSnapshot(_VERSION, entry.offsets, entry.life.to_state()))
        yield (
            self._key,
            _encode(PartitionSnapshot(_VERSION, self._offsets, self._watermark.state)),
        )

    def _entry(self, workload: Workload) -> _Entry:
        entry = self._entries.get(workload)
        if entry is None:
            life = WorkloadLife(self._settings, WorkloadState(workload))
            # What came before it was seen said nothing of it.
            known = self._offsets
            entry = self._entries[workload] = _Entry(life, Offsets(known.summaries, known.rollouts))
        return entry
