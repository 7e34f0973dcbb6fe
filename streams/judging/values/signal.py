"""What has one distribution shown so far: larger values than tolerated, and none larger than the margin?

Thresholds are at quantiles of the baseline's values *before* the bin at hand, so they are predictable; at each one the
bin is a game (`wagers`), and all games of all thresholds are averaged. What is tolerated is a factor on the *values*
(20% slower); how many more values that puts beyond a threshold is read off the baseline's own past (`cells.tolerated`).
A PASS asks every threshold to show that the canary's values are not `margin` times as large.

Scrapes of a histogram's pods do not fall into the same windows, so windows are collected into a bin until both sides
have values; the bin's shares are its own. A side that stays silent for long has its bin thrown away.
"""

from __future__ import annotations

from msgspec import Struct, field

from streams.judging.counts import log_mean_exp
from streams.judging.restarts import Restarted
from streams.judging.values.cells import NOTHING, Cell, Row, bounded, row, tolerated
from streams.judging.values.quantiles import Segment
from streams.judging.wagers import BETTER_WAGERS, WORSE_WAGERS, log_better, log_worse
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


class ValueSignal:
    """One distribution: `add` each window, then read."""

    def __init__(self, rule: SignalRule, tolerance: Tolerance, state: ValueSignalState) -> None:
        self.rule = rule
        self.state = state
        self._tolerance = tolerance
        self._log_e: float | None = None
        """As it was last reckoned; None once a bin has been judged since."""
        self._up = {"higher": (True,), "lower": (False,), "either": (True, False)}[rule.worse]
        if not state.better:
            slots = len(self._up) * len(QUANTILES)
            state.worse = Restarted(slots * WORSE_WAGERS)
            state.better = [[0.0] * BETTER_WAGERS for _ in range(len(self._up) * len(QUANTILES))]

    @property
    def log_e(self) -> float:
        """Log of the e-value now."""
        if self._log_e is None:
            self._log_e = self.state.worse.log_e
        return self._log_e

    @property
    def log_not_worse(self) -> float:
        """Log of the e-value for a PASS, now: the least over the thresholds."""
        return min(map(log_mean_exp, self.state.better))

    def add(self, baseline: Histogram | None, canary: Histogram | None) -> None:
        """One window; None for a side that says nothing."""
        state = self.state
        if baseline is not None:
            state.open_baseline = bounded(state.open_baseline.merge(bounded(baseline)))
        if canary is not None:
            state.open_canary = bounded(state.open_canary.merge(bounded(canary)))
        if not (state.open_baseline.count or state.open_canary.count):
            return
        state.open_windows += 1
        if state.open_baseline.count and state.open_canary.count:
            self._settle()
        elif state.open_windows >= PATIENCE_WINDOWS:
            state.thrown += 1
            self._forget_bin()

    def _settle(self) -> None:
        state = self.state
        scale = min(state.past.scale, state.open_baseline.scale, state.open_canary.scale)
        baseline, canary = row(state.open_baseline.at_scale(scale)), row(state.open_canary.at_scale(scale))
        past = row(state.past.at_scale(scale))
        if past.values and baseline.values and canary.values:
            self._judge(past, baseline, canary)
            state.baseline += baseline.values
            state.canary += canary.values
            state.segment.add(state.open_baseline, state.open_canary)
        self._forget_bin()

    def _forget_bin(self) -> None:
        """The baseline's values become its past."""
        state = self.state
        past = bounded(state.past.merge(state.open_baseline))
        while past.count > PAST_VALUES:
            past = _halved(past)
        state.past = past
        state.open_baseline = state.open_canary = NOTHING
        state.open_windows = 0

    def _judge(self, past: Row, baseline: Row, canary: Row) -> None:
        state, share = self.state, canary.values / (canary.values + baseline.values)
        more: list[float] = []
        for side, up in enumerate(self._up):
            factor = self._tolerance.up if up else self._tolerance.down
            margin = self._tolerance.null(up=up)
            for slot, quantile in enumerate(QUANTILES):
                cell = past.at_quantile(quantile if up else 1.0 - quantile)
                x = _beyond(canary, cell, up)
                total = x + _beyond(baseline, cell, up)
                if total == 0:
                    more.extend([0.0] * WORSE_WAGERS)
                    continue
                more.extend(log_worse(x, total, share, tolerated(past, cell, factor)))
                better = log_better(x, total, share, tolerated(past, cell, margin))
                self._add_better(side * len(QUANTILES) + slot, better)
        state.worse.add(more)
        self._log_e = None
        state.sup_worse = max(state.sup_worse, self.log_e)

    def _add_better(self, slot: int, more: list[float]) -> None:
        sums = self.state.better[slot]
        for index, value in enumerate(more):
            sums[index] += value


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
