"""Which disjoint units of the past can a comparison be measured by?

A unit is a run of pods of one cohort, as many as a side of the comparison has at least; no pod is in two units (re-used
pods: 20% false, judge-sketch.md). A unit must show every group that is judged, and groups that too few units show are
not judged; else pairs without a group look closer than any canary can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streams.judging.levels.codes import decode
from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.contrast import Groups, Levels
from streams.judging.levels.scale import Floats, Scales

FEWEST_UNITS = 3
"""With fewer nothing is left to measure a pair by once its own two are taken out (judge-sketch.md: 9 false, then 1)."""


MOST_UNITS = 12
"""24 brought nothing (judge-sketch.md)."""


class Unit:
    """Pods of one cohort, over its first blocks."""

    def __init__(self, levels: Floats, samples: Floats) -> None:
        """Of these.

        Args:
            levels: (pods, blocks, signals).
            samples: the same shape.
        """
        self.levels = levels
        self.samples = samples

    def trace(self, scales: Scales) -> Levels:
        """The unit as a side of a comparison at each checkpoint; arrays (blocks, signals)."""
        places = scales.place(self.levels)
        weight = np.where(np.isnan(places), 0.0, self.samples)
        count = np.cumsum(weight, axis=1)
        total = np.cumsum(weight * np.where(np.isnan(places), 0.0, places), axis=1)
        running = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.0)
        return Levels(mean_of(running), mean_of(places), count.sum(axis=0))


def mean_of(pods: Floats) -> Floats:
    """Mean over the first axis of what is there."""
    there = ~np.isnan(pods)
    count = there.sum(axis=0)
    total = np.where(there, pods, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return mean


def runs(cohorts: Sequence[LevelCohort], signals: Sequence[str], pods: int, blocks: int) -> list[Unit]:
    """All disjoint runs of so many pods, newest first, of the cohorts that lasted that long."""
    found: list[Unit] = []
    seen: set[tuple[str, int]] = set()
    for cohort in reversed(cohorts):
        if cohort.blocks < blocks:
            continue
        fresh = [
            row for row, pod in enumerate(cohort.pods) if not cohort.revision or (cohort.revision, pod) not in seen
        ]
        seen.update((cohort.revision, cohort.pods[row]) for row in fresh)
        levels, samples = aligned(cohort, signals, blocks)
        found += [
            Unit(levels[rows], samples[rows])
            for rows in (fresh[first : first + pods] for first in range(0, len(fresh) - pods + 1, pods))
        ]
    return found


class Comparable(NamedTuple):
    """What a comparison can be measured by."""

    units: list[Unit]
    """Those that show every group that is judged first; newest first, at most twelve. None: too few of these."""
    full: int
    """How many show every group."""
    judged: Floats
    """Which groups are judged, (groups,) of 0 and 1."""


def comparable(units: Sequence[Unit], groups: Groups) -> Comparable:
    """The units that can be compared, and which groups by them.

    Units that lack a group are kept where there is room: how far healthy pods stand apart on a signal is told by all
    that show it, how large a deviation is over all groups only by those that show them all.
    """
    there = np.array([groups.member @ (unit.samples.sum(axis=(0, 1)) > 0.0) > 0.0 for unit in units], dtype=bool)
    there = there.reshape(len(units), len(groups.names))
    judged = there.sum(axis=0) >= FEWEST_UNITS
    while judged.any():
        full = np.asarray(there[:, judged].all(axis=1))
        if full.sum() >= FEWEST_UNITS:
            sorted_out = list(zip(units, full.tolist(), strict=True))
            whole = [unit for unit, fits in sorted_out if fits][:MOST_UNITS]
            others = [unit for unit, fits in sorted_out if not fits]
            return Comparable([*whole, *others][:MOST_UNITS], len(whole), judged.astype(float))
        judged[np.where(judged, there.sum(axis=0), len(units) + 1).argmin()] = False
    return Comparable([], 0, judged.astype(float))


def common_blocks(cohorts: Sequence[LevelCohort], planned: int) -> int:
    """How many blocks are replayed: as planned, or as many as half of the cohorts lasted, but at least three."""
    lasted = sorted((cohort.blocks for cohort in cohorts), reverse=True)
    if len(lasted) < FEWEST_UNITS:
        return min(planned, lasted[-1]) if lasted else 0
    return min(planned, lasted[max(FEWEST_UNITS, (len(lasted) + 1) // 2) - 1])


def aligned(cohort: LevelCohort, signals: Sequence[str], blocks: int) -> tuple[Floats, Floats]:
    """A cohort's levels and samples, (pods, blocks, signals), for these signals and its first blocks."""
    shape = cohort.shape
    levels = decode(np.frombuffer(cohort.levels, dtype="<i2").reshape(shape))
    samples = np.frombuffer(cohort.samples, dtype="<u2").reshape(shape).astype(np.float64)
    column = {rule.signal: number for number, rule in enumerate(cohort.rules)}
    out = np.full((shape[0], blocks, len(signals)), np.nan)
    counted = np.zeros_like(out)
    known = [(number, column[signal]) for number, signal in enumerate(signals) if signal in column]
    if known:
        to, source = (list(side) for side in zip(*known, strict=True))
        out[:, :, to] = levels[:, :blocks, source]
        counted[:, :, to] = samples[:, :blocks, source]
    return out, counted
