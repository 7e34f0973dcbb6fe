"""From where must a partition be read again, if not every workload is written with every checkpoint?

A snapshot of a workload that is watched takes 100 KB and changes with every window, so one in which nothing runs or
rings is written once in a while only. Until then it needs all messages since the checkpoint at which it was last as its
record has it. The partition's record holds the oldest checkpoint that any workload needs: offsets, and the watermark as
it was there. What is read again from it meets the same watermark as the first time, and whoever includes it already
skips it, so that nothing comes out otherwise than it would have.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from msgspec import Struct

from streams.windows.watermark import WatermarkState


class Offsets(Struct, array_like=True):
    """The last message included, of either topic; -1 before the first."""

    summaries: int = -1
    rollouts: int = -1

    def copy(self) -> Offsets:
        """What they are now."""
        return Offsets(self.summaries, self.rollouts)

    def include(self, others: Offsets) -> None:
        """All that the others include."""
        self.summaries = max(self.summaries, others.summaries)
        self.rollouts = max(self.rollouts, others.rollouts)


class Checkpoint(Struct, frozen=True):
    """One checkpoint."""

    number: int
    """Counts them."""
    offsets: Offsets
    watermark: WatermarkState

    @classmethod
    def of(cls, number: int, offsets: Offsets, watermark: WatermarkState) -> Checkpoint:
        """As they are now, whatever becomes of them."""
        return cls(number, offsets.copy(), watermark.copy())


def oldest(checkpoints: Iterable[Checkpoint], latest: Checkpoint) -> Checkpoint:
    """Of those needed; the latest where none is."""
    return min(checkpoints, key=lambda one: one.number, default=latest)


def is_due(key: bytes, number: int, every: int) -> bool:
    """Whether it is the workload's turn: each has its own, so that about as much is written each time.

    >>> [is_due(b"prod/shop", number, 4) for number in range(4)].count(True)
    1
    """
    return zlib.crc32(key) % every == number % every
