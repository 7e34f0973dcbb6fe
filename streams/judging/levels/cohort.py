"""What is kept of a finished comparison's baseline?

What each of its pods did, block by block (`checkpoints`), in few bytes (`codes`).
"""

from __future__ import annotations

from msgspec import Struct

from streams.judging.levels.scale import LevelRule

PODS_OF_A_COHORT = 4
"""Pods of one cohort share its time; more of them tell little more of how cohorts differ."""
MOST_SIGNALS = 256
CELLS_OF_A_COHORT = 5_000
"""Pods x blocks x signals, four bytes each."""


class LevelCohort(Struct, array_like=True, frozen=True):
    """What one baseline's pods did."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    revision: str = ""
    """Tells pods that are seen again; empty where not known."""
    rules: list[LevelRule] = []
    """One per signal."""
    pods: list[int] = []
    """Their numbers within the revision."""
    blocks: int = 0
    levels: bytes = b""
    """Mean level in each block, `codes`; `<i2`, (pods, blocks, signals)."""
    samples: bytes = b""
    """How many samples that is; `<u2`, the same shape."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Pods, blocks, signals."""
        return len(self.pods), self.blocks, len(self.rules)

    @property
    def cells(self) -> int:
        """How large it is."""
        return len(self.pods) * self.blocks * len(self.rules)
