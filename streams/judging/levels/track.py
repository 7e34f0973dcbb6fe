"""What have one side's pods shown so far?

Per pod and signal: sums of the open block, the running mean on the signal's scale, and the plain mean that people are
shown. Closed blocks of the first few pods are recorded for the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.judging.levels.codes import Codes, decode, encode, from_bytes, to_bytes
from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.contrast import Levels
from streams.judging.levels.history import mean_of
from streams.judging.levels.recording import BlockRecord, cohort_of, has_room, record
from streams.judging.levels.scale import Floats, LevelRule, Scales

MOST_PODS = 8
"""Of a side that are followed; further ones would make its mean hardly more exact."""
_SUMS = 8
LARGEST_LEVEL = 1e30
"""Levels are cut here, so that sums stay finite."""


class TrackState(Struct, array_like=True):
    """One side, as it is remembered."""

    pods: list[int] = []
    """Numbers of the pods that are followed, in order of appearance."""
    sums: bytes = b""
    """`<f8`, (8, pods, signals): sum and samples of the open block, of the places, of all plain levels in closed
    blocks, and of the open stretch of `segments`."""
    records: list[BlockRecord] = []


class Track:
    """One side while it runs; `add` windows, `close` blocks."""

    def __init__(self, state: TrackState, signals: int) -> None:
        self.pods = list(state.pods)
        self._sums = from_bytes(state.sums, "<f8", (_SUMS, len(self.pods), signals))
        self._records = list(state.records)

    def to_state(self) -> TrackState:
        """A snapshot."""
        return TrackState(list(self.pods), to_bytes(self._sums, "<f8"), list(self._records))

    @property
    def present(self) -> int:
        """Pods that have shown anything."""
        return len(self.pods)

    def grow(self, signals: int) -> None:
        """Room for so many signals."""
        more = signals - self._sums.shape[2]
        if more > 0:
            self._sums = np.pad(self._sums, ((0, 0), (0, 0), (0, more)))

    def add(self, levels: Mapping[str, Mapping[int, float]], column: Mapping[str, int]) -> None:
        """One window.

        Args:
            levels: signal -> pod -> mean level.
            column: signal -> its place; signals that have none are left out.
        """
        pods, columns, each, values = list[int](), list[int](), list[int](), list[float]()
        for signal, of_pods in levels.items():
            if signal in column:
                pods.extend(of_pods)
                columns.append(column[signal])
                each.append(len(of_pods))
                values.extend(of_pods.values())
        if not pods:
            return
        rows = self._rows(pods)
        level = np.array(values, dtype=float)
        fits = (rows >= 0) & np.isfinite(level)
        at = rows[fits], np.repeat(columns, each)[fits]
        window = np.zeros((2, *self._sums.shape[1:]))
        window[0][at] = np.clip(level[fits], -LARGEST_LEVEL, LARGEST_LEVEL)
        window[1][at] = 1.0
        self._sums[:2] += window
        self._sums[6:] += window

    def close(self, scales: Scales, judged: int) -> Levels:
        """Close the open block.

        Args:
            scales: of the first `judged` signals.
            judged: how many of the signals are compared.

        Returns:
            The side now; (judged,) each.
        """
        total, samples = self._sums[0], self._sums[1]
        codes = encode(_ratio(total, samples))
        if has_room(self._records, codes.shape[1]):
            self._records.append(record(codes, samples))
        levels, self._sums[2:4, :, :judged] = self._closed(codes, scales, judged)
        self._sums[4] += total
        self._sums[5] += samples
        self._sums[:2] = 0.0
        return levels

    def peek(self, scales: Scales, judged: int) -> Levels:
        """The side as it would be if the open block were closed now; the arguments are those of `close`."""
        return self._closed(encode(_ratio(self._sums[0], self._sums[1])), scales, judged)[0]

    def has_all(self, usual: Floats) -> bool:
        """Whether each pod has brought so many samples of each signal in the open block; (signals,)."""
        return bool(self.pods) and bool((self._sums[1, :, : len(usual)] >= usual).all())

    @property
    def stretch(self) -> tuple[Floats, Floats]:
        """Sum and number of samples since the last `end_stretch`, all pods together; (signals,)."""
        return self._sums[6].sum(axis=0), self._sums[7].sum(axis=0)

    def end_stretch(self, ended: NDArray[np.bool_]) -> None:
        """Begin anew for these signals."""
        self._sums[6:, :, ended] = 0.0

    def between_pods(self, scales: Scales) -> tuple[Floats, Floats]:
        """Sum of squares of the pods' own means about the side's, on the scale, and its degrees of freedom."""
        places = scales.place(_ratio(self._sums[0] + self._sums[4], self._sums[1] + self._sums[5]))
        there = ~np.isnan(places)
        squares = np.where(there, (places - mean_of(places)) ** 2, 0.0).sum(axis=0)
        return squares, np.maximum(there.sum(axis=0) - 1.0, 0.0)

    def means(self) -> tuple[Floats, Floats]:
        """Plain mean level per signal, pods averaged, and how many samples; (signals,), the open block included."""
        total, samples = self._sums[0] + self._sums[4], self._sums[1] + self._sums[5]
        return mean_of(_ratio(total, samples)), samples.sum(axis=0)

    def latest(self, signals: int) -> Floats:
        """Mean levels of the first few pods in the block last recorded; (pods, signals)."""
        last = self._records[-1] if self._records else None
        if last is None or not last.levels:
            return np.full((0, signals), np.nan)
        levels = decode(np.frombuffer(last.levels, dtype="<i2").reshape(-1, last.signals))
        found = np.full((len(levels), signals), np.nan)
        found[:, : last.signals] = levels
        return found

    def cohort(self, revision: str, rules: list[LevelRule], planned_blocks: int) -> LevelCohort:
        """What was recorded, and the open block; see `recording.cohort_of`."""
        total, samples = self._sums[:2]
        still_open = [record(encode(_ratio(total, samples)), samples)] if samples.any() else []
        return cohort_of([*self._records, *still_open], revision, rules, self.pods, planned_blocks)

    def _closed(self, codes: Codes, scales: Scales, judged: int) -> tuple[Levels, Floats]:
        """The side with the open block, and the sums of places and samples that it then has; (2, pods, judged)."""
        places = scales.place(decode(codes[:, :judged]))
        there = ~np.isnan(places)
        weight = np.where(there, self._sums[1, :, :judged], 0.0)
        sums = self._sums[2:4, :, :judged] + np.stack([weight * np.where(there, places, 0.0), weight])
        return Levels(mean_of(_ratio(sums[0], sums[1])), mean_of(places), sums[1].sum(axis=0)), sums

    def _rows(self, pods: Sequence[int]) -> NDArray[np.intp]:
        """Their rows; -1 where no more are followed."""
        new = sorted(set(pods).difference(self.pods))[: MOST_PODS - len(self.pods)]
        if new:
            self.pods += new
            self._sums = np.pad(self._sums, ((0, 0), (0, len(new)), (0, 0)))
        row = {pod: number for number, pod in enumerate(self.pods)}
        return np.fromiter(map(row.get, pods, repeat(-1)), np.intp, len(pods))


def _ratio(total: Floats, count: Floats) -> Floats:
    """Not a number where nothing is counted."""
    ratio: Floats = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.0)
    return ratio
