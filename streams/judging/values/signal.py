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

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct, field

from streams.judging.counts import all_log_mean_exp, log_mean_exp
from streams.judging.restarts import Restarted, all_log_e
from streams.judging.values.cells import NOTHING, Cell, Row, bounded, row, tolerated
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


class Game(NamedTuple):
    """One bin at one threshold."""

    canary: float
    """Values of the canary beyond it."""
    total: float
    """Of both."""
    share: float
    """The canary's, of all values."""
    tolerated: float
    """How many times as many beyond are no worse."""
    margin: float
    """How many times as many a PASS rules out."""


class ValueSignal:
    """One distribution: `add` each window, `play` what it completes, then read."""

    def __init__(self, rule: SignalRule, tolerance: Tolerance, state: ValueSignalState) -> None:
        self.rule = rule
        self.state = state
        self._tolerance = tolerance
        self._up = {"higher": (True,), "lower": (False,), "either": (True, False)}[rule.worse]
        if not state.better:
            slots = len(self._up) * len(QUANTILES)
            state.worse = Restarted(slots * WORSE_WAGERS)
            state.better = [[0.0] * BETTER_WAGERS for _ in range(slots)]
        self.log_e = state.worse.log_e
        """Log of the e-value now."""
        self.log_not_worse = min(map(log_mean_exp, state.better))
        """Log of the e-value for a PASS, now: the least over the thresholds."""

    def add(self, baseline: Histogram | None, canary: Histogram | None) -> list[Game]:
        """One window; None for a side that says nothing. The games it completes, one a threshold, for `play`."""
        state, games = self.state, list[Game]()
        if baseline is not None:
            state.open_baseline = bounded(state.open_baseline.merge(bounded(baseline)))
        if canary is not None:
            state.open_canary = bounded(state.open_canary.merge(bounded(canary)))
        if not (state.open_baseline.count or state.open_canary.count):
            return games
        state.open_windows += 1
        if state.open_baseline.count and state.open_canary.count:
            games = self._settle()
        elif state.open_windows >= PATIENCE_WINDOWS:
            state.thrown += 1
            self._forget_bin()
        return games

    def learn(self, worse: list[float], better: list[list[float]]) -> None:
        """What the games of `add` came to.

        Args:
            worse: log wealth that each wager on harm gained, threshold by threshold.
            better: the same of those against it, a list a threshold.
        """
        state = self.state
        state.worse.add(worse)
        state.better = [
            [one + more for one, more in zip(*each, strict=True)] for each in zip(state.better, better, strict=True)
        ]

    def weigh(self, log_e: float, log_not_worse: float) -> None:
        """After `learn`: what the wealth comes to, on harm and against it."""
        self.log_e, self.log_not_worse = log_e, log_not_worse
        self.state.sup_worse = max(self.state.sup_worse, log_e)

    def _settle(self) -> list[Game]:
        state, games = self.state, list[Game]()
        scale = min(state.past.scale, state.open_baseline.scale, state.open_canary.scale)
        baseline, canary = row(state.open_baseline.at_scale(scale)), row(state.open_canary.at_scale(scale))
        past = row(state.past.at_scale(scale))
        if past.values and baseline.values and canary.values:
            games = self._games(past, baseline, canary)
            state.baseline += baseline.values
            state.canary += canary.values
            state.segment.add(state.open_baseline, state.open_canary)
        self._forget_bin()
        return games

    def _forget_bin(self) -> None:
        """The baseline's values become its past."""
        state = self.state
        past = bounded(state.past.merge(state.open_baseline))
        while past.count > PAST_VALUES:
            past = _halved(past)
        state.past = past
        state.open_baseline = state.open_canary = NOTHING
        state.open_windows = 0

    def _games(self, past: Row, baseline: Row, canary: Row) -> list[Game]:
        share = canary.values / (canary.values + baseline.values)
        games = []
        for up in self._up:
            factor, margin = self._tolerance.up if up else self._tolerance.down, self._tolerance.null(up=up)
            for quantile in QUANTILES:
                cell = past.at_quantile(quantile if up else 1.0 - quantile)
                x = _beyond(canary, cell, up)
                total = x + _beyond(baseline, cell, up)
                games.append(Game(x, total, share, *tolerated(past, cell, factor, margin)))
        return games


def play(settled: Sequence[tuple[ValueSignal, list[Game]]]) -> None:
    """Play the games of all signals that have any, and let them learn what these came to."""
    games = [game for _, own in settled for game in own]
    if not games:
        return
    x, total, share, null, margin = np.array(games).T
    worse, better = all_log_worse(x, total, share, null).tolist(), all_log_better(x, total, share, margin).tolist()
    at = 0
    for signal, own in settled:
        rows = slice(at, at + len(own))
        signal.learn([gained for row in worse[rows] for gained in row], better[rows])
        at += len(own)
    for slots in sorted({len(own) for _, own in settled}):
        alike = [signal for signal, own in settled if len(own) == slots]
        log_es = all_log_e([signal.state.worse for signal in alike])
        not_worse = all_log_mean_exp(np.array([signal.state.better for signal in alike])).min(axis=1)
        for signal, *now in zip(alike, log_es, not_worse.tolist(), strict=True):
            signal.weigh(*now)


def _beyond(side: Row, cell: Cell, up: bool) -> float:
    below = side.not_beyond(cell)
    return float(side.values - below if up else below)


def _halved(past: Histogram) -> Histogram:
    """Half the values of each bucket, rounded up so that rare ones stay known for long."""
    positive = {index: (number + 1) // 2 for index, number in past.positive.items() if number > 1}
    negative = {index: (number + 1) // 2 for index, number in past.negative.items() if number > 1}
    zero_count = past.zero_count // 2
    count = zero_count + sum(positive.values()) + sum(negative.values())
    return Histogram(past.scale, count, 0.0, zero_count, positive, negative)
