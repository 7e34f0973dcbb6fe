"""Which gauges usually stand at nothing, and what does a blip of one say?

A queue is empty, a breaker closed, no retry waits: more than half of the past's pods showed 0 from their first block to
their last. How far such a gauge goes, and for how long, the past cannot tell: it has not happened, or to a few. Any
rise is infinitely many times the usual level, and one blip would fail the canary that has it. What is known is when it
lasts: a **blip** is over after `BLIP_NS` or `BLIP_SAMPLES`. So of a gauge that rests

- no level is further than `scale.FARTHEST` from 0: how far off it is says less than how long;
- the running mean is trusted by n/(n + n0), n0 what a pod brings in the time of a blip, as if it had rested for as long
  before; the latest block by itself says nothing, since a block may be one blip.

What lasts is found: a queue that stays at 500 stands as far off as can be in each block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streams.judging.levels.codes import MISSING, ZERO
from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.scale import Floats, LevelRule

BLIP_NS = 180_000_000_000
BLIP_SAMPLES = 3.0
"""Of both the longer; by `tests/simulation/test_blips.py`, with blips of up to a minute or three scrapes."""


def resting(cohorts: Sequence[LevelCohort], rules: Sequence[LevelRule]) -> NDArray[np.bool_]:
    """Of each signal, whether more than half of the past's pods that have shown it showed nothing but 0.

    A share does not rest: how far half a percent is, its scale says.
    """
    shown, still = np.zeros(len(rules)), np.zeros(len(rules))
    number = {rule.signal: place for place, rule in enumerate(rules) if rule.scale != "share_free"}
    for cohort in cohorts:
        known = [(place, number[rule.signal]) for place, rule in enumerate(cohort.rules) if rule.signal in number]
        if known:
            source, to = (list(side) for side in zip(*known, strict=True))
            codes = np.frombuffer(cohort.levels, dtype="<i2").reshape(cohort.shape)[:, :, source]
            shown[to] += (codes != MISSING).any(axis=1).sum(axis=0)
            still[to] += ((codes == MISSING) | (codes == ZERO)).all(axis=1).sum(axis=0)
            still[to] -= (codes == MISSING).all(axis=1).sum(axis=0)
    rests: NDArray[np.bool_] = still > 0.5 * shown
    return rests


def trust(rests: NDArray[np.bool_], samples: Floats, windows: int, window_ns: int) -> Floats:
    """What to multiply standardised contrasts with, not a number where they say nothing; (blocks, 2, signals).

    Args:
        rests: which signals do, (signals,).
        samples: the most that a pod of the past brought in each block, (blocks, signals).
        windows: that these blocks have together.
        window_ns: length of a window.
    """
    so_far = np.cumsum(samples, axis=0)
    blip = np.maximum(BLIP_SAMPLES, so_far[-1:] * (BLIP_NS / (windows * window_ns)))
    level = np.where(rests, so_far / (so_far + blip), 1.0)
    step = np.broadcast_to(np.where(rests, np.nan, 1.0), level.shape)
    return np.stack([level, step], axis=1)
