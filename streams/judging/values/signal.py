"""What has one distribution shown so far: larger values than tolerated, and none larger than the margin?

Thresholds are at quantiles of the baseline's values *before* the bin at hand, so they are predictable; at each one the
bin is a game (`wagers`), and all games of all thresholds are averaged. What is tolerated is a factor on the *values*
(20% slower); how many more values that puts beyond a threshold is read off the baseline's own past (`cells.tolerated`).
A PASS asks every threshold to show that the canary's values are not `margin` times as large.

Scrapes of a histogram's pods do not fall into the same windows, so windows are collected into a bin until both sides
have values; the bin's shares are its own. A side that stays silent for long has its bin thrown away.

What wagers come to is reckoned by arrays for all distributions of a window at once (`play`): many a service has fifty
histograms, and all of them are scraped together.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from streams.judging.counts import all_log_mean_exp, log_mean_exp
from streams.judging.restarts import Restarted, all_log_e
from streams.judging.values.cells import NOTHING, Table, bounded, joined, table, tolerated
from streams.judging.values.quantiles import Segment
from streams.judging.wagers import BETTER_WAGERS, WORSE_WAGERS, all_log_better, all_log_worse
from streams.records.histogram import Histogram
from streams.signals.rule import SignalRule

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""Those of judging.md, section 2, and one beyond which hardly a value of the baseline lies: with a tolerance of 20%, a
few very slow requests are found there first."""
PAST_VALUES = 20_000
"""Values of the baseline's past from which the older ones are forgotten by halves: 20 beyond the last threshold."""
PATIENCE_WINDOWS = 12
"""Windows that a bin waits for values of the other side: a minute at 5 s, as for requests (`exposure`)."""


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
    worse: Restarted = field(default_factory=lambda: Restarted(0))
    """Log wealth of each direction's, threshold's and wager's games."""
    better: list[list[float]] = []
    """Direction and threshold -> log wealth of each wager."""
    sup_worse: float = 0.0
    """Largest log E so far against "values no worse than tolerated"."""
    baseline: int = 0
    """Values in bins that were judged."""
    canary: int = 0
    thrown: int = 0
    """Bins thrown away, because one side was silent for long."""
    segment: Segment = field(default_factory=Segment)


class Bin(NamedTuple):
    """Values of both sides that are judged together."""

    past: Histogram
    """The baseline's before them."""
    baseline: Histogram
    canary: Histogram


class ValueSignal:
    """One distribution: `add` each window, `play` what it completes, then read."""

    def __init__(self, rule: SignalRule, tolerance: Tolerance, state: ValueSignalState) -> None:
        self.rule = rule
        self.state = state
        ups = {"higher": (True,), "lower": (False,), "either": (True, False)}[rule.worse]
        self.directions = [(up, tolerance.up if up else tolerance.down, tolerance.null(up=up)) for up in ups]
        """Each that is worse: whether up, and the factors on values that are tolerated and that a PASS rules out."""
        if not state.better:
            slots = len(ups) * len(QUANTILES)
            state.worse = Restarted(slots * WORSE_WAGERS)
            state.better = [[0.0] * BETTER_WAGERS for _ in range(slots)]
        self.log_e = state.worse.log_e
        """Log of the e-value now."""
        self.log_not_worse = min(map(log_mean_exp, state.better))
        """Log of the e-value for a PASS, now: the least over the thresholds."""

    def add(self, baseline: Histogram | None, canary: Histogram | None) -> Bin | None:
        """One window; None for a side that says nothing. The bin it completes, for `play`."""
        state = self.state
        if baseline is not None:
            state.open_baseline = joined(state.open_baseline, bounded(baseline))
        if canary is not None:
            state.open_canary = joined(state.open_canary, bounded(canary))
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

    def learn(self, worse: list[float], better: list[list[float]]) -> None:
        """What the games of `add` came to.

        Args:
            worse: log wealth that each wager on harm gained, threshold by threshold.
            better: the same of those against it, a list a threshold.
        """
        state = self.state
        state.worse.add(worse)
        state.better = [list(map(operator.add, *each)) for each in zip(state.better, better, strict=True)]

    def weigh(self, log_e: float, log_not_worse: float) -> None:
        """After `learn`: what the wealth comes to, on harm and against it."""
        self.log_e, self.log_not_worse = log_e, log_not_worse
        self.state.sup_worse = max(self.state.sup_worse, log_e)

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
    sides = [
        one.at_scale(scale)
        for bins in zip(*(bin_ for _, bin_ in settled), strict=True)
        for one, scale in zip(bins, [min(one.scale for one in bin_) for _, bin_ in settled], strict=True)
    ]
    rows, number = table(sides), len(settled)
    values = rows.values.reshape(3, number)
    judged = np.flatnonzero((values > 0.0).all(axis=0)).tolist()
    if not judged:
        return
    for at in judged:
        signal, bin_ = settled[at]
        signal.see(bin_, *map(int, values[1:, at].tolist()))
    directions = [(at, *direction) for at in judged for direction in settled[at][0].directions]
    worse, better = _gains(rows, number, directions)
    at = 0
    for signal in (settled[place][0] for place in judged):
        until = at + len(signal.directions) * len(QUANTILES)
        signal.learn([*itertools.chain.from_iterable(worse[at:until])], better[at:until])
        at = until
    for slots in sorted({len(settled[place][0].directions) for place in judged}):
        alike = [settled[place][0] for place in judged if len(settled[place][0].directions) == slots]
        log_es = all_log_e([signal.state.worse for signal in alike])
        not_worse = all_log_mean_exp(np.array([signal.state.better for signal in alike])).min(axis=1)
        for signal, *now in zip(alike, log_es, not_worse.tolist(), strict=True):
            signal.weigh(*now)


def _gains(
    rows: Table, number: int, directions: Sequence[tuple[int, bool, float, float]]
) -> tuple[list[list[float]], list[list[float]]]:
    """Log wealth that each wager gains, on harm and against it, a list for each direction's each threshold.

    Args:
        rows: the past of each signal, then its bin of the baseline, then that of the canary.
        number: of signals.
        directions: signal, whether up, and what is tolerated and ruled out.
    """
    of, up, factors, margins = zip(*directions, strict=True)
    past, baseline, canary = (rows.rows([side * number + one for one in of]) for side in range(3))
    is_up = np.array(up)[:, None]
    thresholds = past.at_quantiles(np.where(is_up, QUANTILES, np.subtract(1.0, QUANTILES)))
    beyond = [
        np.where(is_up, side.values - below, below)
        for side, below in ((side, side.not_beyond(thresholds)) for side in (baseline, canary))
    ]
    share = np.broadcast_to(canary.values / (canary.values + baseline.values), thresholds.shape)
    asked = len(QUANTILES)
    ratios = tolerated(
        past,
        np.tile(thresholds, 2),
        [[one] * asked + [other] * asked for one, other in zip(factors, margins, strict=True)],
    )
    x, total, shares, null, margin = (
        each.ravel() for each in (beyond[1], beyond[1] + beyond[0], share, ratios[:, :asked], ratios[:, asked:])
    )
    return all_log_worse(x, total, shares, null).tolist(), all_log_better(x, total, shares, margin).tolist()


def _halved(past: Histogram) -> Histogram:
    """Half the values of each bucket, rounded up so that rare ones stay known for long."""
    positive = {index: (number + 1) // 2 for index, number in past.positive.items() if number > 1}
    negative = {index: (number + 1) // 2 for index, number in past.negative.items() if number > 1}
    zero_count = past.zero_count // 2
    count = zero_count + sum(positive.values()) + sum(negative.values())
    return Histogram(past.scale, count, 0.0, zero_count, positive, negative)
