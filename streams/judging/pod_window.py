"""What did one pod's series bring in the window that closes?

Cumulative counters are followed from window to window (`counters`), and what the series say is put together signal by
signal (`measured`). The first total of a counter is growth only where it cannot be older than our view of the pod: it
says that it started after the pod was met, or the pod has reported to the same source, or signal, before, so that the
series is new and not our view of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from streams.judging.counters import CounterState, Growth, HistogramState, grow, grow_histogram
from streams.judging.measured import MOST_MEASURED, Measured
from streams.judging.side import EventCount, RequestCount, Side
from streams.records.histogram import Histogram
from streams.signals.catalogue import Catalogue
from streams.signals.reading import Reading, SeriesUse
from streams.signals.requests import SHARE_SOURCE
from streams.windows.summary import PodSummary

STARTS_NS = 120_000_000_000
"""A pod that is younger may be starting: it does not write yet what it will, and writes what it will not later; it
compiles, connects, fills its caches, and answers slowly."""
SERIES_PER_POD = 2_000
"""Counters, onsets and limits followed per pod; ten times what a chatty Java service has of those that are read."""

_LATEST_S = 2.0**33
"""Of a start that is believed, the year 2242: so that nanoseconds stay whole numbers of 64 bits."""


class PodState(Struct, array_like=True):
    """One pod that is there."""

    number: int
    """Of the pod within its revision, in order of appearance."""
    seen_ns: int
    """Start of the last window in which anything of it was seen."""
    counters: dict[int, CounterState] = {}
    """Series id -> where it stood."""
    sources: list[str] = []
    """Sources of request counts this pod has reported to, sorted."""
    met_ns: int = 0
    """Start of the first window in which anything of it was seen."""
    histograms: dict[int, HistogramState] = {}
    """Series id -> where it stood."""
    raised: dict[int, bool] = {}
    """Series id of an onset -> whether it was last above zero."""
    signals: list[str] = []
    """Signals of counters, histograms and onsets this pod has reported, sorted."""
    begun: list[str] = []
    """Signals that have been above zero, of those that say nothing before; sorted."""
    born_ns: int = 0
    """The earliest start that it has told of; 0 = none."""
    limits: dict[int, float] = {}
    """Series id of a limit -> what it last told, 0 or more."""

    @property
    def followed(self) -> int:
        """Series of which something has to be remembered."""
        return len(self.counters) + len(self.histograms) + len(self.raised) + len(self.limits)


class PodWindow:
    """One pod's series in one window, in ascending order of their ids."""

    def __init__(self, pod: PodState, heard: PodSummary, catalogue: Catalogue, start_ns: int) -> None:
        self.unfollowed = 0
        """Series that found no place within `SERIES_PER_POD`."""
        self._pod = pod
        self._heard = heard
        self._catalogue = catalogue
        self._start_ns = start_ns
        self._known_sources = frozenset(pod.sources)
        self._known_signals = frozenset(pod.signals)
        self._reported: set[str] = set()
        self._requests: dict[str, RequestCount] = {}
        self._measured = Measured(catalogue)
        self._knows_all_limits = True

    def close(self, side: Side, half: dict[str, Histogram] | None = None) -> None:
        """Read all series and put what they say into the side.

        Args:
            side: of the revision.
            half: the same as `side.values`, of half of its pods; None: nobody asks.
        """
        for number in sorted(set(self._heard.series())):
            use = self._catalogue.use(number)
            if use is not None and not use.empty:
                self._read(number, use)
        pair = self._measured.settle(side, self._pod.number)
        if half is not None:
            self._measured.put_values(half)
        if not self._knows_all_limits:
            self._pod.limits = {}  # a sum of some would be reached too early
        self._limit(side)
        if pair is not None:
            self._count_requests(SHARE_SOURCE, *pair)
        for source, count in self._requests.items():
            total = side.requests.setdefault(source, RequestCount())
            total.requests += count.requests
            total.errors += count.errors
            total.reported = (*total.reported, self._pod.number)
        for signal in sorted(self._measured.events):
            event, total_events = self._measured.events[signal], side.events.setdefault(signal, EventCount())
            total_events.events += event.events
            total_events.attempts += event.attempts
            total_events.incidents += event.events > 0.0
            total_events.reports += 1
        pod = self._pod
        pod.sources = sorted({*pod.sources, *self._requests})
        pod.signals = sorted({*pod.signals, *self._reported, *self._measured.events})

    def _limit(self, side: Side) -> None:
        """How far the levels of this window can go. Limits come with other scrapes, so they are remembered.

        Those of one metric are summed; 0, or more than any level can be, is none, and leaves the signal without one.
        """
        pod, parts = self._pod, dict[str, dict[str, float]]()
        for number in sorted(pod.limits):
            use, told = self._catalogue.use(number), pod.limits[number]
            for reading in use.gauge if use is not None else ():
                if pod.number in side.levels.get(reading.signal, ()):
                    limit, of = told * reading.factor, parts.setdefault(reading.signal, {})
                    of[reading.key] = of.get(reading.key, 0.0) + (limit if 0.0 < limit <= MOST_MEASURED else math.inf)
        for signal, of in parts.items():
            if (limit := max(of.values())) < math.inf:
                side.limits.setdefault(signal, {})[pod.number] = limit

    def _read(self, number: int, use: SeriesUse) -> None:
        heard = self._heard
        levels = heard.gauges.get(number)
        if levels and use.gauge_is_total and not _is_rate(use, levels.values()):
            self._read_total(number, use, {time_ns: (0, level) for time_ns, level in levels.items()})
        elif levels:
            ordered = [levels[time_ns] for time_ns in sorted(levels)]
            if use.gauge and use.gauge[0].how == "limit":
                self._remember(number, ordered[-1])
            else:
                for reading in use.gauge:
                    self._read_gauge(number, reading, ordered)
        if number in heard.totals:
            self._read_total(number, use, heard.totals[number])
        if number in heard.increases:
            self._read_increase(number, use, heard.increases[number])
        if number in heard.histogram_totals:
            self._read_states(number, use, heard.histogram_totals[number])
        if number in heard.histogram_increases:
            elapsed_s = self._since_last(number)
            self._take_histogram(use, heard.histogram_increases[number], elapsed_s)

    def _read_gauge(self, number: int, reading: Reading, levels: list[float]) -> None:
        if reading.how == "born":
            told_s = max(levels) * reading.factor
            self._tell_birth(round(told_s * 1e9) if 0.0 < told_s < _LATEST_S else 0)
            return
        if reading.how != "tally" and not self._catalogue.admit(reading):
            return
        if reading.how == "onset":
            self._read_onset(number, reading, levels)
            return
        if reading.begun:
            levels = self._since_begun(reading, levels)
        if levels:
            self._measured.add_levels(reading, levels)

    def _remember(self, number: int, limit: float) -> None:
        """One series, however many signals it bounds."""
        if math.isnan(limit) or limit < 0.0:
            return
        if number in self._pod.limits or self._follow():
            self._pod.limits[number] = limit
        else:
            self._knows_all_limits = False

    def _tell_birth(self, born_ns: int) -> None:
        """A start that was told; 0 or less says nothing, one to come is now."""
        if born_ns > 0:
            known = self._pod.born_ns or self._start_ns
            self._pod.born_ns = max(1, min(born_ns, known))

    def _read_onset(self, number: int, reading: Reading, levels: list[float]) -> None:
        """A level seen above zero from the first at a pod just met may have been so for long."""
        if number not in self._pod.raised and not self._follow():
            return
        raised = self._pod.raised.get(number, self._pod.met_ns == self._start_ns)
        onsets = 0
        for level in levels:
            onsets += level > 0.0 and not raised
            raised = level > 0.0
        self._pod.raised[number] = raised
        self._measured.add_onsets(reading, onsets)

    def _since_begun(self, reading: Reading, levels: list[float]) -> list[float]:
        begun = self._pod.begun
        if reading.signal in begun:
            return levels
        first = next((index for index, level in enumerate(levels) if level > 0.0), None)
        if first is None:
            return []
        self._pod.begun = sorted((*begun, reading.signal))
        return levels[first:]

    def _read_total(self, number: int, use: SeriesUse, points: Mapping[int, tuple[int, float]]) -> None:
        known = self._pod.counters.get(number)
        if known is None and not self._follow():
            return
        if known is None:
            self._tell_birth(min(start_ns for start_ns, _ in points.values()))
        growth, state = grow(known, points)
        if state is not None:
            self._pod.counters[number] = state
        self._take(use, growth)

    def _read_increase(self, number: int, use: SeriesUse, increase: float) -> None:
        self._take(use, Growth(increase, elapsed_s=self._since_last(number)))

    def _read_states(self, number: int, use: SeriesUse, points: Mapping[int, tuple[int, Histogram]]) -> None:
        known = self._pod.histograms.get(number)
        if known is None and not self._follow():
            return
        if known is None:
            self._tell_birth(min(start_ns for start_ns, _ in points.values()))
        growth, state = grow_histogram(known, points)
        if state is not None:
            self._pod.histograms[number] = state
        whole = growth.increase
        if growth.first is not None and self._is_new(use, growth.start_ns):
            whole = growth.first if whole is None else whole.merge(growth.first)
        self._take_histogram(use, whole or Histogram(0, 0, 0.0), growth.elapsed_s)

    def _take(self, use: SeriesUse, growth: Growth) -> None:
        if use.role is not None:
            from_zero = use.role.source in self._known_sources or self._began_here(growth.start_ns)
            self._count_role(use, growth.increase + (growth.first if from_zero else 0.0))
        for reading in use.counter:
            if self._catalogue.admit(reading):
                from_zero = reading.signal in self._known_signals or self._began_here(growth.start_ns)
                self._reported.add(reading.signal)
                increase = growth.increase + (growth.first if from_zero else 0.0)
                if reading.how != "bucket" or not self._is_slow_start(reading, growth.elapsed_s):
                    self._measured.add_increase(reading, increase, growth.elapsed_s)

    def _take_histogram(self, use: SeriesUse, increase: Histogram, elapsed_s: float) -> None:
        self._count_role(use, float(increase.count))
        bare = not (increase.positive or increase.negative or increase.zero_count)
        for reading in use.histogram:
            if reading.how in {"over", "under"} and not bare and any(one.how == "values" for one in use.histogram):
                continue  # the mean of a distribution that is itself judged
            if self._catalogue.admit(reading):
                self._reported.add(reading.signal)
                if reading.how != "values" or not self._is_slow_start(reading, elapsed_s):
                    self._measured.add_histogram(reading, increase, elapsed_s)

    def _is_slow_start(self, reading: Reading, elapsed_s: float) -> bool:
        """Latencies, of which some are of when the pod was starting, by its own word; of either revision's alike."""
        born_ns = self._pod.born_ns
        if not born_ns or self._start_ns - round(elapsed_s * 1e9) - born_ns >= STARTS_NS:
            return False
        rule = self._catalogue.rules.get(reading.signal)
        return rule is not None and rule.group == "latency"

    def _is_new(self, use: SeriesUse, start_ns: int) -> bool:
        if self._began_here(start_ns) or (use.role is not None and use.role.source in self._known_sources):
            return True
        return any(reading.signal in self._known_signals for reading in use.histogram)

    def _began_here(self, start_ns: int) -> bool:
        return start_ns >= self._pod.met_ns > 0

    def _since_last(self, number: int) -> float:
        """Seconds from the window in which the series of increments was last heard to this one; 0 at first."""
        known = self._pod.counters.get(number)
        if known is not None or self._follow():
            self._pod.counters[number] = CounterState(self._start_ns, 0, 0.0)
        return 0.0 if known is None else (self._start_ns - known.time_ns) / 1e9

    def _follow(self) -> bool:
        if self._pod.followed < SERIES_PER_POD:
            return True
        self.unfollowed += 1
        return False

    def _count_role(self, use: SeriesUse, requests: float) -> None:
        if use.role is not None:
            self._count_requests(use.role.source, requests, requests if use.role.is_error else 0.0)

    def _count_requests(self, source: str, requests: float, errors: float) -> None:
        count = self._requests.setdefault(source, RequestCount())
        count.requests += requests
        count.errors += errors


def _is_rate(use: SeriesUse, levels: Iterable[float]) -> bool:
    """A gauge under the name of a counter of things, that is no whole number of them: a recording rule's rate."""
    counts = use.role is not None or any(reading.how in {"event", "attempt"} for reading in use.counter)
    return counts and not all(level.is_integer() for level in levels)
