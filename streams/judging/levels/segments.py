"""How do the two sides differ over a long run, in stretches long enough to be nearly independent?

Per signal: a block is closed when every pod has brought twenty samples on average, both sides (L >= 2(1+phi)/(1-phi)
holds up to an autocorrelation of .8 from scrape to scrape); its difference of the sides' means, on the signal's scale,
goes into a segment. Of 32 segments two by two are joined, so that segments grow with the run and what is left of the
autocorrelation vanishes (batch means: Flegal & Jones 2010), in bounded memory.

The offset of the scale is a share of the baseline's mean in the first block: no history is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.judging.levels.codes import from_bytes, to_bytes
from streams.judging.levels.scale import OFFSET_SHARE, Floats, LevelRule, Scales

BLOCK_SAMPLES = 20.0
MOST_SEGMENTS = 32
_ROWS = MOST_SEGMENTS + 6


class SegmentState(Struct, array_like=True):
    """The segments of all signals."""

    signals: int = 0
    rows: bytes = b""
    """`<f8`, (38, signals): means of 32 segments; how many are full; blocks in a full one; sum and number of blocks in
    the open one; offset; largest level of the baseline's blocks."""


class Segments:
    """Takes in sums of samples, closes blocks and segments; arrays are (signals,)."""

    def __init__(self, state: SegmentState) -> None:
        self._rows = from_bytes(state.rows, "<f8", (_ROWS, state.signals))

    def to_state(self) -> SegmentState:
        """A snapshot."""
        return SegmentState(self._rows.shape[1], to_bytes(self._rows, "<f8"))

    @property
    def means(self) -> Floats:
        """Of the segments, positive = worse; (32, signals), of which the first `full` count."""
        return self._rows[:MOST_SEGMENTS]

    @property
    def full(self) -> Floats:
        """Segments that are full."""
        full: Floats = self._rows[MOST_SEGMENTS]
        return full

    @property
    def blocks_each(self) -> Floats:
        """Blocks in a full segment; a power of two."""
        each: Floats = self._rows[MOST_SEGMENTS + 1]
        return each

    def scales(self, rules: Sequence[LevelRule]) -> Scales:
        """Those of the signals; what has closed no block has no place on them."""
        return Scales(rules, self._rows[MOST_SEGMENTS + 4], self._rows[MOST_SEGMENTS + 5])

    def grow(self, signals: int) -> None:
        """Room for so many signals."""
        more = signals - self._rows.shape[1]
        if more > 0:
            fresh = np.zeros((_ROWS, more))
            fresh[MOST_SEGMENTS + 1] = 1.0
            fresh[MOST_SEGMENTS + 4] = np.nan
            self._rows = np.concatenate([self._rows, fresh], axis=1)

    def halve(self) -> None:
        """Join the segments of signals that have no room for another, two by two."""
        crowded = self.full >= MOST_SEGMENTS
        if crowded.any():
            pairs = self._rows[:MOST_SEGMENTS, crowded].reshape(MOST_SEGMENTS // 2, 2, -1)
            self._rows[: MOST_SEGMENTS // 2, crowded] = pairs.mean(axis=1)
            self.full[crowded] = MOST_SEGMENTS / 2
            self.blocks_each[crowded] *= 2.0

    def add(
        self, canary: Floats, baseline: Floats, ready: NDArray[np.bool_], rules: Sequence[LevelRule]
    ) -> NDArray[np.bool_]:
        """One block of the signals that are ready.

        Args:
            canary: its mean level in the block.
            baseline: the same.
            ready: which signals' blocks are complete.
            rules: of all signals.

        Returns:
            Which signals' segments became full.
        """
        self.halve()
        total, blocks, offset, largest = self._rows[MOST_SEGMENTS + 2 :]
        offset[:] = np.where(ready & np.isnan(offset), OFFSET_SHARE * np.abs(baseline), offset)
        largest[:] = np.where(ready, np.maximum(largest, np.maximum(canary, baseline)), largest)
        scales = self.scales(rules)
        difference = scales.sign * (scales.place(canary) - scales.place(baseline))
        total[ready] += difference[ready]
        blocks[ready] += 1.0
        closed: NDArray[np.bool_] = ready & (blocks >= self.blocks_each)
        at = self.full[closed].astype(np.intp), np.flatnonzero(closed)
        self._rows[at] = total[closed] / blocks[closed]
        self.full[closed] += 1.0
        total[closed] = blocks[closed] = 0.0
        return closed
