"""What have one side's pods shown so far?

Per pod and signal: sums of the open block, the running mean on the signal's scale, and the plain mean that people are
shown. Closed blocks of the first few pods are recorded for the cohort.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from streams.judging.levels.codes import decode, encode, from_bytes, to_bytes
from streams.judging.levels.cohort import CELLS_OF_A_COHORT, PODS_OF_A_COHORT, LevelCohort
from streams.judging.levels.contrast import Levels
from streams.judging.levels.history import mean_of
from streams.judging.levels.scale import Floats, LevelRule, Scales

MOST_PODS = 16
"""Of a side that are followed; further ones would make its mean hardly more exact."""
_SUMS = 6


class BlockRecord(Struct, array_like=True, frozen=True):
    """One closed block of the pods that are recorded."""

    signals: int
    """So many of the comparison's signals were known then."""
    levels: bytes
    """`<i2`, (pods, signals)."""
    samples: bytes
    """`<u2`, the same shape."""


class TrackState(Struct, array_like=True):
    """One side, as it is remembered."""

    pods: list[int] = []
    """Numbers of the pods that are followed, in order of appearance."""
    sums: bytes = b""
    """`<f8`, (6, pods, signals): sum and samples of the open block, of the places, of all plain levels."""
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
        cells = [
            (pod, column[signal], value)
            for signal, pods in levels.items()
            if signal in column
            for pod, value in pods.items()
        ]
        if not cells:
            return
        pods, columns, values = zip(*cells, strict=True)
        rows = self._rows(pods)
        level = np.array(values)
        fits = (rows >= 0) & np.isfinite(level)
        at = rows[fits], np.array(columns)[fits]
        self._sums[0][at] += level[fits]
        self._sums[1][at] += 1.0

    def close(self, scales: Scales, judged: int, blocks: int) -> Levels:
        """Close the open block.

        Args:
            scales: of the first `judged` signals.
            judged: how many of the signals are compared.
            blocks: how many were closed before; recorded while there is room.

        Returns:
            The side now; (judged,) each.
        """
        total, samples = self._sums[0], self._sums[1]
        codes = encode(np.divide(total, samples, out=np.full_like(total, np.nan), where=samples > 0.0))
        self._record(codes, samples, blocks)
        places = scales.place(decode(codes)[:, :judged])
        weight = np.where(np.isnan(places), 0.0, samples[:, :judged])
        self._sums[2, :, :judged] += weight * np.where(np.isnan(places), 0.0, places)
        self._sums[3, :, :judged] += weight
        self._sums[4] += total
        self._sums[5] += samples
        self._sums[:2] = 0.0
        return self._levels(places, judged)

    def means(self) -> tuple[Floats, Floats]:
        """Plain mean level per signal, pods averaged, and how many samples; (signals,), the open block included."""
        total, samples = self._sums[0] + self._sums[4], self._sums[1] + self._sums[5]
        return mean_of(np.divide(total, samples, out=np.full_like(total, np.nan), where=samples > 0.0)), samples.sum(
            axis=0
        )

    def cohort(self, revision: str, rules: list[LevelRule]) -> LevelCohort:
        """All recorded blocks and the open one.

        Args:
            revision: tells pods that are seen again.
            rules: of all signals, in their order.
        """
        open_ = self._sums[:2].copy()
        total, samples = open_
        records = list(self._records)
        if samples.any():
            records.append(
                self._recorded(
                    encode(np.divide(total, samples, out=np.full_like(total, np.nan), where=samples > 0.0)), samples
                )
            )
        pods = min(len(self.pods), PODS_OF_A_COHORT)
        levels = np.full((pods, len(records), len(rules)), -32768, dtype="<i2")
        counts = np.zeros(levels.shape, dtype="<u2")
        for number, record in enumerate(records):
            shape = (-1, record.signals)
            then = np.frombuffer(record.levels, dtype="<i2").reshape(shape) if record.signals else levels[:0, 0, :0]
            levels[: len(then), number, : record.signals] = then
            if record.signals:
                counts[: len(then), number, : record.signals] = np.frombuffer(record.samples, dtype="<u2").reshape(
                    shape
                )
        return LevelCohort(1, revision, rules, self.pods[:pods], len(records), levels.tobytes(), counts.tobytes())

    def _levels(self, places: Floats, judged: int) -> Levels:
        total, count = self._sums[2, :, :judged], self._sums[3, :, :judged]
        running = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.0)
        return Levels(mean_of(running), mean_of(places), count.sum(axis=0))

    def _rows(self, pods: tuple[int, ...]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Their rows; -1 where no more are followed."""
        new = sorted(set(pods).difference(self.pods))[: MOST_PODS - len(self.pods)]
        if new:
            self.pods += new
            self._sums = np.pad(self._sums, ((0, 0), (0, len(new)), (0, 0)))
        row = {pod: number for number, pod in enumerate(self.pods)}
        return np.array([row.get(pod, -1) for pod in pods], dtype=np.intp)

    def _record(self, codes: np.ndarray, samples: Floats, blocks: int) -> None:
        pods = min(len(self.pods), PODS_OF_A_COHORT)
        if (blocks + 1) * max(pods, 1) * codes.shape[1] <= CELLS_OF_A_COHORT:
            self._records.append(self._recorded(codes, samples))

    @staticmethod
    def _recorded(codes: np.ndarray, samples: Floats) -> BlockRecord:
        kept = samples[:PODS_OF_A_COHORT]
        return BlockRecord(
            codes.shape[1], codes[:PODS_OF_A_COHORT].tobytes(), to_bytes(np.minimum(kept, 65535.0), "<u2")
        )
