"""What did one pod's series say in one window, signal by signal?

Series of one signal are put together here: containers of a pod are summed, quantiles are not, a ratio is that of the
sums. `add_*` the series in ascending order of their ids (sums of floats depend on the order), then `settle`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from streams.judging.counts import cut
from streams.judging.side import EventCount, Side
from streams.records.histogram import Histogram, from_explicit_bounds
from streams.signals.catalogue import Catalogue
from streams.signals.reading import Combine, Reading
from streams.signals.words import failed_signal, of_others

MOST_MEASURED = 1e18
"""Levels are cut here, so that sums and their squares stay finite."""


class Measured:
    """One pod in one window."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._levels: dict[str, tuple[Combine, list[float]]] = {}
        self._over: dict[str, float] = {}
        self._under: dict[str, float] = {}
        self._buckets: dict[str, dict[float, float]] = {}
        self._values: dict[str, Histogram] = {}
        self._shares: dict[str, list[float]] = {}
        self._tallies: dict[str, float] = {}
        self.events: dict[str, EventCount] = {}
        """Signal -> events and attempts; pod-seconds are left open."""

    def add_levels(self, reading: Reading, levels: Sequence[float]) -> None:
        """Samples of one gauge, in order of time; at least one."""
        mean = math.fsum(map(_bounded, levels)) / len(levels)
        match reading.how:
            case "level":
                self._add_level(reading, mean * reading.factor)
            case "over" | "under":
                self._add_part(reading, mean)
            case "share":
                percent = min(100.0, max(0.0, mean * self._catalogue.share_factor(reading, max(levels))))
                self._shares.setdefault(reading.key, []).append(percent / 100.0)
                self._add_level(reading, percent)
            case "tally":
                self._tallies[reading.key] = self._tallies.get(reading.key, 0.0) + sum(cut(level) for level in levels)

    def add_onsets(self, reading: Reading, onsets: int) -> None:
        """How often a gauge left zero; 0 is exposure all the same."""
        self._count(reading, float(onsets))

    def add_increase(self, reading: Reading, increase: float, elapsed_s: float) -> None:
        """The growth of one counter.

        Args:
            reading: how it is read.
            increase: 0 or more.
            elapsed_s: in which it grew so much; 0 if unknown.
        """
        match reading.how:
            case "rate":
                if elapsed_s > 0.0:
                    self._add_level(reading, increase / elapsed_s * reading.factor)
            case "over" | "under":
                self._add_part(reading, increase)
            case "bucket":
                bounds = self._buckets.setdefault(reading.signal, {})
                bounds[reading.bound] = bounds.get(reading.bound, 0.0) + cut(increase)
            case "event" | "attempt":
                self._count(reading, increase)

    def add_histogram(self, reading: Reading, increase: Histogram, elapsed_s: float) -> None:
        """The growth of one histogram; see `add_increase`."""
        match reading.how:
            case "values" if increase.positive or increase.negative or increase.zero_count:
                scaled = increase.times(reading.factor)
                known = self._values.get(reading.signal)
                self._values[reading.signal] = scaled if known is None else known.merge(scaled)
            case "over" | "rate":
                self.add_increase(reading, increase.total, elapsed_s)
            case "under" | "event" | "attempt":
                self.add_increase(reading, float(increase.count), elapsed_s)

    def settle(self, side: Side, pod: int) -> tuple[float, float] | None:
        """Put all that was added into the side.

        Returns:
            (requests, failed ones) by a tally and a share of successes; None where there is no such pair.
        """
        for signal in sorted(self._levels):
            combine, levels = self._levels[signal]
            side.levels.setdefault(signal, {})[pod] = _combined(combine, levels)
        for signal in sorted(self._over.keys() & self._under.keys()):
            if self._under[signal] > 0.0:
                side.levels.setdefault(signal, {})[pod] = _bounded(self._over[signal] / self._under[signal])
        self.put_values(side.values)
        return self._pair()

    def put_values(self, values: dict[str, Histogram]) -> None:
        """Merge the distributions of all that was added into others, by signal."""
        for signal in sorted(self._buckets):
            histogram = _of_buckets(self._buckets[signal])
            if histogram is not None:
                _merge_into(values, signal, histogram)
        for signal in sorted(self._values):
            _merge_into(values, signal, self._values[signal])

    def _pair(self) -> tuple[float, float] | None:
        served: tuple[float, float] | None = None
        for key in sorted(self._shares.keys() & self._tallies.keys()):
            requests, shares = self._tallies[key], self._shares[key]
            failed = requests * (1.0 - math.fsum(shares) / len(shares))
            if not of_others(key):
                served = (requests, failed) if served is None else (served[0] + requests, served[1] + failed)
            elif self._catalogue.admit(Reading(failed_signal(key), "event")):
                self.events[failed_signal(key)] = EventCount(failed, 0.0, requests)
        return served

    def _add_level(self, reading: Reading, level: float) -> None:
        self._levels.setdefault(reading.signal, (reading.combine, []))[1].append(_bounded(level))

    def _add_part(self, reading: Reading, amount: float) -> None:
        parts = self._over if reading.how == "over" else self._under
        parts[reading.signal] = _bounded(parts.get(reading.signal, 0.0) + amount * reading.factor)

    def _count(self, reading: Reading, increase: float) -> None:
        count = self.events.setdefault(reading.signal, EventCount())
        if reading.how == "attempt":
            count.attempts += cut(increase)
        else:
            count.events += cut(increase)


def _combined(combine: Combine, levels: Sequence[float]) -> float:
    match combine:
        case "sum":
            return _bounded(math.fsum(levels))
        case "mean":
            return math.fsum(levels) / len(levels)
        case "max":
            return max(levels)
        case "min":
            return min(levels)


def _bounded(level: float) -> float:
    return min(MOST_MEASURED, max(-MOST_MEASURED, level))


def _of_buckets(bounds: dict[float, float]) -> Histogram | None:
    """Counters of the values up to each bound; None where nothing grew. What does not ascend is levelled out."""
    finite, counts, below = list[float](), list[int](), 0.0
    for bound in sorted(bounds):
        more = max(0.0, bounds[bound] - below)
        below += more
        if math.isfinite(bound):
            finite.append(bound)
            counts.append(round(more))
    beyond = round(max(0.0, bounds.get(math.inf, 0.0) - sum(counts)))
    if not finite or sum(counts) + beyond == 0:
        return None
    return from_explicit_bounds(finite, (*counts, beyond), 0.0)


def _merge_into(values: dict[str, Histogram], signal: str, histogram: Histogram) -> None:
    known = values.get(signal)
    values[signal] = histogram if known is None else known.merge(histogram)
