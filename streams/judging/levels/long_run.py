"""Is a canary that runs for long worse by a little, or ever more so, without any history?

**Difference**: the asymptotic confidence sequence of Waudby-Smith et al. (arXiv 2103.06476, one-sided form; judging.md,
section 3) over the blocks of `segments`; n blocks with mean m and long-run variance v:

    lower = m - sqrt( 2(n*v*r + 1)/(n^2*r) * log(1 + sqrt(n*v*r + 1)/(2a)) )
    r     = (2log(1/2a) + log(1 + 2log(1/2a))) / (n_opt*v0),   v0 the variance at the tenth segment, n_opt 40 blocks

solved for a, which is p. It says that the pods that run differ; pods of one revision differ too. So it has to exceed
the tolerance and their own spread, t(df, 1-a/2) * sd * sqrt(1/c + 1/b), with half of the a for each. sd is that between
the pods of a side, shrunk to `replay`'s guess as if that were four pods: one pod a side is told from another only where
it is several times worse.

**Slope**: whenever 32 segments are full (each time the run has doubled), the last quarter against the one before it,
beyond a quarter of the tolerance: what is still growing is a leak, what has grown in the first half was warming up.
Variance of the residuals about a line, so that a trend does not widen it, for an AR(1) of what is left; a level that
wanders by itself (memory often does) is so no leak. The j-th look has a share 6/(pi*j)^2. Pods' own levels cancel.

Only signals of which one direction is worse; each has an equal share, by the number that are known when the first block
closes; later ones are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from streams.judging.levels.replay import GUESS_UNITS, SPREAD_GUESS
from streams.judging.levels.scale import Floats, LevelRule
from streams.judging.levels.segments import BLOCK_SAMPLES, MOST_SEGMENTS, Segments, SegmentState
from streams.judging.levels.tail import t_quantile, t_tail
from streams.judging.levels.track import Track

FIRST_SEGMENTS = 10
_BEST_BLOCKS = 40.0
_TUNED_A = 0.005
_LEVELS = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 1e-6)
"""The p of a difference is told in these steps."""


class LongRunState(Struct, array_like=True):
    """All that is remembered."""

    segments: SegmentState = field(default_factory=SegmentState)
    judged: list[bool] = []
    """Per signal that was known when the first block closed."""
    first_variance: list[float | None] = []
    """Per signal, of a block, at its tenth segment."""
    doublings: list[int] = []
    """Per signal: looks at the slope."""
    difference_p: list[float] = []
    """Per signal, smallest so far, times how many are judged."""
    slope_p: list[float] = []


class LongRun:
    """Long runs of one comparison; `add` after each window."""

    def __init__(self, state: LongRunState) -> None:
        self._state = state
        self._segments = Segments(state.segments)

    def to_state(self) -> LongRunState:
        """A snapshot."""
        self._state.segments = self._segments.to_state()
        return self._state

    def add(self, canary: Track, baseline: Track, rules: Sequence[LevelRule]) -> None:
        """Look at the open blocks after a window; close those that are complete.

        Args:
            canary: it so far.
            baseline: it so far.
            rules: of all signals.
        """
        (total_c, count_c), (total_b, count_b) = canary.stretch, baseline.stretch
        ready: NDArray[np.bool_] = (count_c >= BLOCK_SAMPLES * max(canary.present, 1)) & (
            count_b >= BLOCK_SAMPLES * max(baseline.present, 1)
        )
        if not ready.any():
            return
        self._meet(rules)
        mean_c, mean_b = total_c / np.maximum(count_c, 1.0), total_b / np.maximum(count_b, 1.0)
        closed = self._segments.add(mean_c, mean_b, ready, rules)
        canary.end_stretch(ready)
        baseline.end_stretch(ready)
        looked = [number for number in np.flatnonzero(closed).tolist() if self._judges(number)]
        if looked:
            scales = self._segments.scales(rules)
            sides = canary.between_pods(scales), baseline.between_pods(scales)
            squares, free = sides[0][0] + sides[1][0], sides[0][1] + sides[1][1]
            for number in looked:
                pods = _pods(float(squares[number]), float(free[number]), canary.present, baseline.present)
                self._look(number, pods, rules[number])

    def p(self, which: str) -> float:
        """For the whole life: `difference` or `slope`."""
        return min(self.signal_p(which), default=1.0)

    def signal_p(self, which: str) -> list[float]:
        """Of each signal, times how many are judged."""
        return self._state.difference_p if which == "difference" else self._state.slope_p

    def _judges(self, number: int) -> bool:
        judged = self._state.judged
        return number < len(judged) and judged[number] and self._segments.full[number] >= FIRST_SEGMENTS

    def _meet(self, rules: Sequence[LevelRule]) -> None:
        state = self._state
        self._segments.grow(len(rules))
        if not state.judged:
            state.judged = [rule.weight > 0.0 and rule.worse != "either" for rule in rules]
            state.first_variance = [None] * len(rules)
            state.doublings = [0] * len(rules)
            state.difference_p = [1.0] * len(rules)
            state.slope_p = [1.0] * len(rules)

    def _look(self, number: int, pods: tuple[float, float], rule: LevelRule) -> None:
        state, full = self._state, int(self._segments.full[number])
        segments, each = self._segments.means[:full, number], float(self._segments.blocks_each[number])
        judged, tolerance = sum(state.judged), _tolerance(rule)
        variance = long_run_variance(segments)[0] * each
        first = state.first_variance[number]
        if first is None:
            first = state.first_variance[number] = variance
        p = _difference_p(float(segments.mean()), full * each, variance, first, tolerance, pods)
        state.difference_p[number] = min(state.difference_p[number], p * judged)
        if full == MOST_SEGMENTS:
            state.doublings[number] += 1
            p = _slope_p(segments, tolerance) * (math.pi * state.doublings[number]) ** 2 / 6.0
            state.slope_p[number] = min(state.slope_p[number], p * judged)


def _tolerance(rule: LevelRule) -> float:
    """On the scale; a fall of all there is cannot be tolerated."""
    return math.log1p(rule.tolerance_up) if rule.worse == "higher" else -math.log1p(-min(rule.tolerance_down, 0.9))


def _pods(squares: float, free: float, canary: int, baseline: int) -> tuple[float, float]:
    """Standard error of a difference of so many pods, and its degrees of freedom."""
    variance = (GUESS_UNITS * SPREAD_GUESS**2 / 2.0 + squares) / (GUESS_UNITS + free)
    return math.sqrt(variance * (1.0 / max(canary, 1) + 1.0 / max(baseline, 1))), GUESS_UNITS + free


def _difference_p(
    mean: float, blocks: float, variance: float, first: float, tolerance: float, pods: tuple[float, float]
) -> float:
    """Smallest of `_LEVELS` at which the difference exceeds the tolerance and what pods differ by; else 1."""
    spread, df = pods
    found = 1.0
    for level in _LEVELS:
        beyond = mean - tolerance - t_quantile(level / 2.0, df) * spread
        if beyond <= 0.0 or sequence_p(beyond, blocks, variance, first) > level / 2.0:
            break
        found = level
    return found


def sequence_p(mean: float, blocks: float, variance: float, first: float) -> float:
    """The a at which `lower` is 0: P(ever <= a) <= a asymptotically, if the true mean is at most 0.

    >>> round(sequence_p(1.0, 10.0, 1.0, 1.0), 3), sequence_p(1.0, 40.0, 1.0, 1.0) < 1e-6
    (0.025, True)
    """
    log_a = 2.0 * math.log(1.0 / (2.0 * _TUNED_A))
    ratio = (log_a + math.log1p(log_a)) / (_BEST_BLOCKS * first)
    widened = blocks * variance * ratio + 1.0
    exponent = mean * mean * blocks * blocks * ratio / (2.0 * widened)
    if exponent <= 0.0:
        return 1.0
    return min(1.0, math.sqrt(widened) / (2.0 * math.expm1(min(exponent, 700.0))))


def _slope_p(segments: Floats, tolerance: float) -> float:
    """Of the last quarter against the one before it."""
    quarter = MOST_SEGMENTS // 4
    last, before = segments[-quarter:].mean(), segments[-2 * quarter : -quarter].mean()
    places = np.arange(MOST_SEGMENTS) - (MOST_SEGMENTS - 1) / 2.0
    line = float(places @ segments) / float(places @ places)
    variance, free = long_run_variance(segments - segments.mean() - line * places)
    return t_tail((float(last - before) - tolerance / 4.0) / math.sqrt(variance * 2.0 / quarter), free)


def long_run_variance(residuals: Floats) -> tuple[float, float]:
    """Variance of one residual's worth of a mean, what is left of the autocorrelation included; degrees of freedom.

    An AR(1) model whose correlation is corrected for its small-sample bias, (1 + 4*phi)/n (Marriott & Pope 1954), and
    cut at .95; as many degrees as independent residuals would say as much, at least two.
    """
    count = len(residuals)
    centred = residuals - residuals.mean()
    squares = float(centred @ centred)
    phi = float(centred[1:] @ centred[:-1]) / squares if squares > 0.0 else 0.0
    phi = min(max(phi + (1.0 + 4.0 * phi) / count, 0.0), 0.95)
    widened = (1.0 + phi) / (1.0 - phi)
    return max(squares / (count - 1) * widened, 1e-12), max(count / widened - 2.0, 2.0)
