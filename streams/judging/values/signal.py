"""What has one distribution shown so far: larger values than tolerated, and none larger than the margin?

Thresholds are at quantiles of the baseline's values *before* the bin at hand, so they are predictable; at each one the
bin is a game (`wagers`), and all games of all thresholds are averaged. A PASS asks every threshold to show that the
canary's values are not `margin` times as large.

What is tolerated is a factor on the *values* (20% slower), which is reckoned with in two ways, a game each:

- of both sides the values beyond the threshold count; how many more a tolerated canary may have is read off the
  baseline's own past (`cells.tolerated`). That may be many: 20% put twice as many beyond the 95% quantile. At half of
  the traffic the canary's usual part is then two thirds, and a bin wins half of what is wagered, not all of it.
- of the canary those count that are surely beyond the threshold times the factor (`cells.surely_beyond`). Of these a
  tolerated canary has no more than its share of the requests, whatever the distribution: half of the traffic wins all
  that is wagered. Where the source's buckets are far apart, most are not surely beyond, and the other way tells more.

Scrapes of a histogram's pods do not fall into the same windows, so windows are collected into a bin until both sides
have values; the bin's shares are its own. A side that stays silent for long has its bin thrown away.

Beside the wagers stands what each request says by itself, where the past knows how requests clump (`one_by_one`); what
this comparison shows of that (`contrast`) is for later ones.

What wagers come to is reckoned by arrays for all distributions of a window at once (`play`): many a service has fifty
histograms, and all of them are scraped together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from streams.judging.counts import Floats, all_log_mean_exp, all_log_ratios
from streams.judging.restarts import PackedRestarted, RestartedArray, all_log_e, packed, unpacked
from streams.judging.settings import PATIENCE_WINDOWS
from streams.judging.values.cells import NOTHING, Table, joined, surely_beyond, table, tolerated
from streams.judging.values.contrast import Contrast, sides
from streams.judging.values.one_by_one import OneByOne, OneByOneState, add_bins
from streams.judging.values.quantiles import QuantileEffect, Segment
from streams.judging.wagers import BETTER_WAGERS, WORSE_RATIOS, WORSE_WAGERS, all_log_wealth
from streams.records.histogram import Histogram
from streams.signals.rule import SignalRule

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""Those of judging.md, section 2, and one beyond which hardly a value of the baseline lies: with a tolerance of 20%, a
few very slow requests are found there first."""
_QUANTILES = np.array(QUANTILES)
PAST_VALUES = 20_000
"""Values of the baseline's past from which the older ones are forgotten by halves: 20 beyond the last threshold."""
WAYS = 2
"""In which what is tolerated is reckoned with, at each threshold."""
_WORSE = np.array([*[True] * WAYS, False])
"""The games of a threshold: each way, and that for a PASS."""
_OF_INCIDENTS = QUANTILES.index(0.9)
"""The threshold at which incidents of the baseline alone are looked for: what makes a pod slow shows there."""
_WORSE_RATIOS = np.array(WORSE_RATIOS)
_MOST_SHARE = math.nextafter(1.0, 0.0)
"""Of the canary: to that one value among 1e17 is rounded, so that the baseline has a share too."""


class Tolerance(Struct, frozen=True):
    """What is no worse, as factors on the values."""

    up: float
    """Values up to so many times as large are tolerated; at least 1."""
    down: float
    """Values down to so many times as large; at most 1."""
    margin: float
    """How many times as far, beyond what is tolerated, a PASS rules out; above 1."""
    ruled_out: float | None = None
    """Factor, up or down, that a PASS rules out; None: `margin` times what is tolerated."""

    def null(self, *, up: bool) -> float:
        """The factor on the values that a PASS rules out."""
        if self.ruled_out is not None:
            return self.ruled_out if up else 1.0 / self.ruled_out
        return self.up * self.margin if up else self.down / self.margin


class ValueSignalState(Struct, array_like=True):
    """All that is kept of one distribution."""

    past: Histogram = NOTHING
    """The baseline's values before the open bin, the older ones forgotten by halves."""
    open_baseline: Histogram = NOTHING
    """Values of the open bin."""
    open_canary: Histogram = NOTHING
    open_windows: int = 0
    worse: PackedRestarted = field(default_factory=lambda: PackedRestarted(0))
    """Log wealth of each direction's, threshold's and wager's games."""
    better: bytes | list[list[float]] = b""
    """(directions x thresholds, wagers) log wealth, as of `restarts.packed`."""
    sup_worse: float = 0.0
    """Largest log E so far against "values no worse than tolerated"."""
    baseline: int = 0
    """Values in bins that were judged."""
    canary: int = 0
    thrown: int = 0
    """Bins thrown away, because one side was silent for long."""
    segment: Segment = field(default_factory=Segment)
    contrast: Contrast = field(default_factory=Contrast)
    """Where larger values are worse."""
    one_by_one: OneByOneState | None = None
    """None where the past knows nothing, or smaller values are worse too."""


class Bin(NamedTuple):
    """Values of both sides that are judged together."""

    past: Histogram
    """The baseline's before them."""
    baseline: Histogram
    canary: Histogram


class Counts(NamedTuple):
    """Of bins in one direction; (bins, thresholds), or (bins, 1) where it says so."""

    canary: Floats
    """Values beyond."""
    baseline: Floats
    """The same."""
    surely: Floats
    """Values of the canary that surely are beyond what is tolerated: the second way."""
    tolerated: Floats
    """Ratio of the first two, in the first way."""
    share: Floats
    """The canary's, of all values; (bins, 1)."""
    number: Floats
    """Values of both sides; (bins, 1)."""


class ValueSignal:
    """One distribution: `add` each window, `play` what it completes, then read."""

    def __init__(self, rule: SignalRule, tolerance: Tolerance, state: ValueSignalState) -> None:
        self.rule = rule
        self.state = state
        ups = {"higher": (True,), "lower": (False,), "either": (True, False)}[rule.worse]
        self.directions = [(up, tolerance.up if up else tolerance.down, tolerance.null(up=up)) for up in ups]
        """Each that is worse: whether up, and the factors on values that are tolerated and that a PASS rules out."""
        slots = len(ups) * len(QUANTILES)
        if not state.better:
            state.worse = PackedRestarted(slots * WAYS * WORSE_WAGERS)
            state.better = packed(np.zeros((slots, BETTER_WAGERS)))
        self.worse, self.better = RestartedArray(state.worse), unpacked(state.better, BETTER_WAGERS)
        """Log wealth as in the state, which `to_state` brings up to date."""
        self.played = state.worse.alternatives // slots
        """Games a direction and threshold; of a comparison that an earlier version began, those of one way only."""
        self.one_by_one = OneByOne(state.one_by_one) if state.one_by_one is not None else None
        self.log_e = self._beside(all_log_e([self.worse])[0])
        """Log of the e-value now."""
        self.log_not_worse: float = all_log_mean_exp(self.better).min().item()
        """Log of the e-value for a PASS, now: the least over the thresholds."""
        self.effects: tuple[QuantileEffect, ...] | None = None
        """What is shown of `segment`; None where it has changed since."""

    def add(self, baseline: Histogram | None, canary: Histogram | None) -> Bin | None:
        """One window; None for a side that says nothing. The bin it completes, for `play`."""
        state = self.state
        if baseline is not None:
            state.open_baseline = joined(state.open_baseline, baseline)
        if canary is not None:
            state.open_canary = joined(state.open_canary, canary)
        if not (state.open_baseline.count or state.open_canary.count):
            return None
        state.open_windows += 1
        complete = state.open_baseline.count > 0 and state.open_canary.count > 0
        if not complete and state.open_windows < PATIENCE_WINDOWS:
            return None
        state.thrown += not complete
        bin_ = Bin(state.past, state.open_baseline, state.open_canary)
        self._forget_bin()
        return bin_ if complete else None

    def see(self, bin_: Bin, baseline: int, canary: int) -> None:
        """The values of a bin that is judged, and how many of each side lie in cells."""
        self.state.baseline += baseline
        self.state.canary += canary
        self.state.segment.add(bin_.baseline, bin_.canary)
        self.effects = None

    def to_state(self) -> ValueSignalState:
        """As it is remembered."""
        self.state.worse, self.state.better = self.worse.to_state(), packed(self.better)
        return self.state

    def weigh(self, log_e: float, log_not_worse: float) -> None:
        """What the wealth comes to now, on harm and against it."""
        self.log_e, self.log_not_worse = self._beside(log_e), log_not_worse
        self.state.sup_worse = max(self.state.sup_worse, self.log_e)

    def _beside(self, log_e: float) -> float:
        return log_e if self.one_by_one is None else self.one_by_one.beside(log_e)

    def _forget_bin(self) -> None:
        """The baseline's values become its past."""
        state = self.state
        past = joined(state.past, state.open_baseline)
        while past.count > PAST_VALUES:
            past = _halved(past)
        state.past = past
        state.open_baseline = state.open_canary = NOTHING
        state.open_windows = 0


def play(settled: Sequence[tuple[ValueSignal, Bin]]) -> None:
    """Play the games of all bins, one a direction and threshold, and let the signals learn what these came to."""
    if not settled:
        return
    rows = table([side for sides in zip(*map(_at_one_scale, settled), strict=True) for side in sides])
    past, baseline, canary = rows.values.reshape(3, len(settled)).tolist()
    judged: list[ValueSignal] = []
    games: list[_Game] = []
    for place, (signal, bin_) in enumerate(settled):
        if past[place] and baseline[place] and canary[place]:
            signal.see(bin_, int(baseline[place]), int(canary[place]))
            judged.append(signal)
            games += [(place, *direction) for direction in signal.directions]
    if not judged:
        return
    worse, better, counts = _gains(rows, len(settled), games)
    first = 0
    compared: dict[int, ValueSignal] = {}
    for signal in judged:
        last = first + len(signal.better)
        signal.worse.add(worse[first:last, : signal.played].ravel())
        signal.better += better[first:last]
        if signal.rule.worse == "higher":
            compared[first // len(QUANTILES)] = signal
        first = last
    if compared:
        _compare(compared, counts)
    for games_each in sorted({signal.worse.sums.shape[1] for signal in judged}):
        alike = [signal for signal in judged if signal.worse.sums.shape[1] == games_each]
        log_es = all_log_e([signal.worse for signal in alike])
        better = np.concatenate([signal.better for signal in alike])
        not_worse = all_log_mean_exp(better).reshape(len(alike), -1).min(axis=1)
        for signal, *now in zip(alike, log_es, not_worse.tolist(), strict=True):
            signal.weigh(*now)


def _compare(signals: Mapping[int, ValueSignal], counts: Counts) -> None:
    """Bins that are judged, where larger values are worse: their requests one by one, and what they teach.

    Args:
        signals: place of the bin in `counts` -> whose it is.
        counts: of all bins.
    """
    total, share = counts.canary + counts.baseline, counts.share
    baseline, beyond = counts.baseline[:, _OF_INCIDENTS, None], total[:, _OF_INCIDENTS, None]
    clump = np.maximum(1.0, beyond)
    known = {place: signal.one_by_one for place, signal in signals.items() if signal.one_by_one is not None}
    if known:
        add_bins(known, counts.surely, counts.baseline, share, counts.number)
        clump[list(known), 0] = [one.usual_clumps[_OF_INCIDENTS] for one in known.values()]
    to_baseline = counts.tolerated[:, _OF_INCIDENTS, None] * (1.0 - share) / share
    incidents = all_log_ratios(to_baseline, _WORSE_RATIOS, baseline / clump, beyond / clump).tolist()
    apart = sides(counts.canary, total, share, counts.number)
    for place, signal in signals.items():
        signal.state.contrast.incidents.add(incidents[place])
        signal.state.contrast.add(apart[place])


_Game = tuple[int, bool, float, float]
"""Of one signal's direction: place of the signal among those with a bin, and what `ValueSignal.directions` says."""


def _at_one_scale(settled: tuple[ValueSignal, Bin]) -> tuple[Histogram, Histogram, Histogram]:
    past, baseline, canary = settled[1]
    if past.scale == baseline.scale == canary.scale:
        return settled[1]
    scale = min(past.scale, baseline.scale, canary.scale)
    return past.at_scale(scale), baseline.at_scale(scale), canary.at_scale(scale)


def _gains(rows: Table, number: int, games: Sequence[_Game]) -> tuple[Floats, Floats, Counts]:
    """Log wealth that each wager gains, on harm and against it; (games x thresholds, wagers). And what is counted.

    Args:
        rows: the past of each signal, then its bin of the baseline, then that of the canary.
        number: of signals.
        games: of all.
    """
    given = np.array(games)
    of, up, factors = given[:, 0].astype(np.intp), given[:, 1:2] > 0.0, given[:, 2:]
    rows = rows.rows(np.concatenate([of, of + number, of + 2 * number]))
    past, both, canary = rows.rows(slice(len(of))), rows.rows(slice(len(of), None)), rows.rows(slice(2 * len(of), None))
    thresholds = past.at_quantiles(np.where(up, _QUANTILES, 1.0 - _QUANTILES))
    not_beyond = both.not_beyond(np.concatenate([thresholds, thresholds])).reshape(2, *thresholds.shape)
    values = both.values.reshape(2, -1, 1)
    ours, theirs = np.where(up, values - not_beyond, not_beyond)
    total = values[0] + values[1]
    part = np.minimum(values[1] / total, _MOST_SHARE)
    null, margin = tolerated(past, thresholds, factors)
    surely = surely_beyond(canary, thresholds, factors[:, :1], up, past)
    counts = Counts(theirs, ours, surely, null, part, total)
    counted, ratios = _each_game(theirs, surely, theirs), _each_game(null, np.ones_like(null), margin)
    wealth = all_log_wealth(counted, counted + ours[:, :, None], part[:, :, None], ratios, _WORSE)
    worse, better = wealth[:, :, :WAYS], wealth[:, :, WAYS, :BETTER_WAGERS]
    return worse.reshape(thresholds.size, -1), better.reshape(thresholds.size, -1), counts


def _each_game(*games: Floats) -> Floats:
    """(bins, thresholds, games) of a threshold, as `_WORSE` has them."""
    return np.concatenate([each[:, :, None] for each in games], axis=2)


def _halved(past: Histogram) -> Histogram:
    """Half the values of each bucket, rounded up so that rare ones stay known for long."""
    positive = {index: (number + 1) // 2 for index, number in past.positive.items() if number > 1}
    negative = {index: (number + 1) // 2 for index, number in past.negative.items() if number > 1}
    zero_count = past.zero_count // 2
    count = zero_count + sum(positive.values()) + sum(negative.values())
    return Histogram(past.scale, count, 0.0, zero_count, positive, negative)
