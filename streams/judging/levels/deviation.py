"""How large has the canary's deviation been so far, against those of healthy pods?

At each checkpoint: contrasts, standardised by the frozen spreads of as many pods a side as both have; S over the
groups; its p by the frozen tail. The running minimum of that p is the p of the running maximum of S, one for the whole
life. More pods bring another measure, of the same kind: each is standardised, so that the maximum goes on
(`tests/simulation/test_levels.py`, three steps).

Not worse: per group, the mean over its signals of (margin - level contrast) / spread, by the tail of the replayed
pairs' largest. The margin is where a usual level is doubled, or an operator's; where the workload's own healthy pods
differ by so much that hardly a canary could show that, it is the least one that a healthy canary is sure to show:
twice the deviation that pairs exceed in 5% (once for what is ruled out, once for what a healthy canary may show: the
margin of a non-inferiority trial of power 95%), in spreads of the comparison's end, so that the noise of the first
minutes widens nothing. Where the canary *is* worse by the margin, it is distributed like theirs, so that P(ever p <= b)
<= b. The p shown is that of now, not the smallest so far: a canary that became worse later is not to be promoted by its
first minutes. A PASS asks every group by itself (intersection-union test, Berger 1982): no correction for many is due.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from streams.judging.levels.codes import from_bytes
from streams.judging.levels.contrast import Levels, contrast, size
from streams.judging.levels.reference import LevelReference
from streams.judging.levels.replay import Measure, unpack
from streams.judging.levels.scale import OFFSET_SHARE, Floats, LevelRule

MARGIN = math.log((2.0 + OFFSET_SHARE) / (1.0 + OFFSET_SHARE))
"""On the scale of a signal, where a usual level is doubled; a PASS shows less than that, as for counts (`settings`:
margin 2)."""
COUNT_MARGIN = 2.0
"""On the `count` scale: from 4 to 9."""
SURE_P = 0.05
"""Of both errors, that of passing at the margin and that of not passing a healthy canary: the default of beta."""
NOTABLE_Z = 2.0
INTERVAL_P = 0.025


class DeviationState(Struct, array_like=True):
    """What has been seen of the canary's deviation."""

    looks: int = 0
    """Checkpoints that were compared."""
    p: float = 1.0
    signal_p: list[float] = []
    """Per signal of the reference, by its own contribution; empty before the first look."""
    group_p: list[float] = []
    """Per group: that it is worse by the margin, now."""
    needed: list[bool] = []
    """Per group: the baseline has shown it."""
    z: list[float | None] = []
    """Of the level contrast, now."""
    shift: list[float | None] = []
    """Canary less baseline, on the scale, now."""
    spread: list[float | None] = []
    """Of the shift, now."""
    baseline: list[float | None] = []
    """The baseline's place on the scale."""
    since_ns: list[int | None] = []


class Deviation:
    """Looks at a comparison at its checkpoints."""

    def __init__(self, reference: LevelReference, state: DeviationState) -> None:
        self.state = state
        self.scales = reference.scales
        self.groups = reference.groups
        signals = len(reference.rules)
        self._measures = [(one, *unpack(one, len(reference.ends), signals)) for one in reference.measures]
        self._margin = np.array([margin_of(rule) for rule in reference.rules], dtype=float)
        shape = (len(reference.ends), 2, signals)
        self._trust = from_bytes(reference.trust, "<f4", shape) if reference.trust else np.ones(shape)
        self._asked = np.array([rule.margin is not None for rule in reference.rules], dtype=bool)
        self.margins = {one.pods: self._widened(one, spreads[-1][0]) for one, spreads, _ in self._measures}
        """Pods a side -> what a PASS rules out, on each signal's scale; (signals,)."""
        if not state.signal_p:
            state.signal_p = [1.0] * signals
            state.group_p = [1.0] * len(self.groups.names)
            state.needed = [False] * len(self.groups.names)
            state.since_ns = [None] * signals

    def look(self, block: int, canary: Levels, baseline: Levels, pods: int, end_ns: int) -> None:
        """One checkpoint.

        Args:
            block: its number.
            canary: it so far.
            baseline: it so far.
            pods: on the side that has fewer.
            end_ns: end of the block.
        """
        fitting = [one for one in self._measures if one[0].pods <= pods]
        if not fitting:
            return
        measure, spreads, typicals = fitting[-1]
        contrasts = contrast(canary, baseline, typicals[block], self.scales)
        z = contrasts / spreads[block]
        self.state.looks += 1
        self._worse(measure, z * self._trust[block])
        self._not_worse(measure, contrasts[0], spreads[block][0], baseline)
        self._remember(canary, baseline, z[0], contrasts[0], spreads[block][0], end_ns)

    def _worse(self, measure: Measure, z: Floats) -> None:
        state, groups = self.state, self.groups
        weight = np.array(measure.group_weight)
        largest = float(size(groups.squares(z), weight))
        state.p = min(state.p, measure.tail.p(largest))
        for number, own in enumerate(groups.contributions(z, weight).tolist()):
            if own > 0.0:
                state.signal_p[number] = min(state.signal_p[number], measure.tail.p(math.sqrt(own)))

    def _not_worse(self, measure: Measure, level: Floats, spread: Floats, baseline: Levels) -> None:
        state, groups = self.state, self.groups
        shown = groups.means(np.where(np.isnan(baseline.level), np.nan, 0.0))
        better = groups.means((self.margins[measure.pods] - level) / spread)
        for number, tail in enumerate(measure.group_tails):
            judged = groups.one_way[number] and measure.group_weight[number] > 0.0
            state.needed[number] |= bool(judged and not np.isnan(shown[number]))
            if judged and not np.isnan(better[number]):
                state.group_p[number] = tail.p(float(better[number]))

    def _widened(self, measure: Measure, settled: Floats) -> Floats:
        """The margin of each signal; an operator's as it is.

        Args:
            measure: of so many pods.
            settled: spread of the level contrast at the end; (signals,).
        """
        sure = np.array([2.0 * tail.largest(SURE_P) for tail in measure.group_tails], dtype=float)
        own = (sure @ (self.groups.member > 0.0)) * settled
        return np.where(self._asked, self._margin, np.fmax(self._margin, own))

    def _remember(
        self, canary: Levels, baseline: Levels, z: Floats, level: Floats, spread: Floats, end_ns: int
    ) -> None:
        state = self.state
        shift = canary.level - baseline.level
        state.z, state.shift = _listed(z), _listed(shift)
        with np.errstate(divide="ignore", invalid="ignore"):
            uneven = np.where(level == 0.0, 1.0, np.abs(shift / level))
        state.spread = _listed(np.where(np.isnan(shift), np.nan, spread * uneven))
        state.baseline = _listed(baseline.level)
        high = np.where(self.scales.one_sided, z, np.abs(z)) >= NOTABLE_Z
        state.since_ns = [
            (end_ns if since is None else since) if notable else None
            for since, notable in zip(state.since_ns, high.tolist(), strict=True)
        ]


def margin_of(rule: LevelRule) -> float:
    """On the signal's scale: from a usual level, or from a count of 4, to one that is worse by the rule's margin."""
    if rule.margin is None:
        return COUNT_MARGIN if rule.scale == "count" else MARGIN
    if rule.scale == "count":
        return 2.0 * (math.sqrt(4.0 * (1.0 + rule.margin) + 0.375) - math.sqrt(4.375))
    return math.log((1.0 + rule.margin + OFFSET_SHARE) / (1.0 + OFFSET_SHARE))


def _listed(values: Floats) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values.tolist()]
