"""What of a running baseline is written down for later comparisons?

Its closed blocks, of as many of its first pods as there is room for: one pod of 200 signals is kept whole rather than
four pods for a minute, because a replay lasts no longer than its history.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from streams.judging.levels.codes import MISSING, Codes, to_bytes
from streams.judging.levels.cohort import CELLS_OF_A_COHORT, PODS_OF_A_COHORT, LevelCohort
from streams.judging.levels.scale import Floats, LevelRule


class BlockRecord(Struct, array_like=True, frozen=True):
    """One closed block."""

    signals: int
    """So many of the comparison's signals were known then."""
    levels: bytes
    """`codes`; `<i2`, (pods, signals)."""
    samples: bytes
    """`<u2`, the same shape."""


def kept_pods(signals: int, blocks: int) -> int:
    """Of how many pods so many signals and blocks are kept.

    >>> kept_pods(20, 14), kept_pods(200, 14), kept_pods(256, 40)
    (4, 1, 1)
    """
    return max(1, min(PODS_OF_A_COHORT, CELLS_OF_A_COHORT // max(signals * blocks, 1)))


def record(codes: Codes, samples: Floats) -> BlockRecord:
    """A block of these pods; (pods, signals) both."""
    kept = slice(PODS_OF_A_COHORT)
    return BlockRecord(codes.shape[1], codes[kept].tobytes(), to_bytes(np.minimum(samples[kept], 65535.0), "<u2"))


def has_room(records: Sequence[BlockRecord], signals: int) -> bool:
    """Whether one more block can be kept of one pod."""
    return (len(records) + 1) * signals <= CELLS_OF_A_COHORT


def cohort_of(
    records: Sequence[BlockRecord], revision: str, rules: Sequence[LevelRule], pods: Sequence[int], planned_blocks: int
) -> LevelCohort:
    """All of it together.

    Args:
        records: one per block.
        revision: tells pods that are seen again.
        rules: of all signals, in their order.
        pods: in order of their rows.
        planned_blocks: of the comparison.
    """
    kept = list(pods[: kept_pods(len(rules), max(planned_blocks, len(records)))])
    levels = np.full((len(kept), len(records), len(rules)), MISSING, dtype="<i2")
    samples = np.zeros(levels.shape, dtype="<u2")
    for number, block in enumerate(records):
        if not block.levels:
            continue
        for target, data, dtype in ((levels, block.levels, "<i2"), (samples, block.samples, "<u2")):
            rows = np.frombuffer(data, dtype=dtype).reshape(-1, block.signals)[: len(kept)]
            target[: len(rows), number, : block.signals] = rows
    return LevelCohort(1, revision, list(rules), kept, len(records), levels.tobytes(), samples.tobytes())
