"""On which scale are two levels compared, so that a difference means the same at any size?

`log`: log(v + c), c a quarter of the mean level of the workload's history: proportions matter, and what is next to
nothing does not. `share_free`: log of what is missing to 100%, plus half a percent: 99.9 to 99.0 weighs more than 60 to
59. `count`: 2*sqrt(v + 3/8), whose variance is 1 for a Poisson number of any mean (Anscombe 1948).

A quarter: levels below it are half a logarithm apart at most, those above it follow the logarithm; the sketch's choice,
judged by no data set (`judge-sketch.md`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.signals.rule import SignalRule

Floats = NDArray[np.float64]
OFFSET_SHARE = 0.25
"""c over the mean level."""
_MISSING_OFFSET = 0.5
_TINY = 1e-9
FARTHEST, COUNT_FARTHEST = 3.0, 12.0
"""A gauge that rests is nowhere further from 0: as far as from a usual level to twenty times of it, or from 0 to 40."""
TWO_SIDED_WEIGHT = 0.25
"""At most, where neither way is worse: a change of load or traffic is told, and seldom fails a canary by itself."""


class LevelRule(Struct, array_like=True, frozen=True):
    """What has to be known of a signal to compare its levels."""

    signal: str
    group: str = "other"
    worse: str = "either"
    weight: float = 1.0
    """0: shown, not judged."""
    scale: str = "log"
    unit: str = ""
    tolerance_up: float = 0.2
    tolerance_down: float = 0.2
    must_have: bool = False
    group_weight: float = 1.0
    """Of its group, relative to the other groups; only the proportion counts."""
    margin: float | None = None
    """A PASS shows that it is less than this much worse (1.0 = 100%); None: `deviation.MARGIN`."""


def level_rule(rule: SignalRule) -> LevelRule:
    """What the levels need of a rule.

    >>> level_rule(SignalRule("net", "level", "network", "either")).weight
    0.25
    """
    weight = min(rule.weight, TWO_SIDED_WEIGHT) if rule.worse == "either" else rule.weight
    return LevelRule(
        rule.signal,
        rule.group,
        rule.worse,
        0.0 if rule.criticality == "watch" else weight,
        rule.scale,
        rule.unit,
        rule.tolerance_up,
        rule.tolerance_down,
        rule.criticality == "must_have",
        rule.group_weight,
        rule.margin,
    )


class Scales:
    """The scales of a list of signals; arrays given have the signals on their last axis."""

    def __init__(
        self,
        rules: Sequence[LevelRule],
        offsets: Floats,
        largest: Floats,
        rests: NDArray[np.bool_] | None = None,
    ) -> None:
        """Of these signals.

        Args:
            rules: one per signal.
            offsets: c, (signals,); not a number where nothing is known: such a signal has no place on the scale.
            largest: largest level known, (signals,); shares that never exceed 1 are not in percent.
            rests: which signals rest at 0 (`resting`); None: not known of any.
        """
        self._log = np.array([rule.scale not in {"share_free", "count"} for rule in rules], dtype=bool)
        self._share = np.array([rule.scale == "share_free" for rule in rules], dtype=bool)
        ratio = np.array([rule.unit == "1" for rule in rules], dtype=bool) | (largest <= 1.0)
        self._percent = np.where(ratio, 100.0, 1.0)
        self._offset = np.where(offsets > 0.0, offsets, np.where(np.isnan(offsets), np.nan, _TINY))
        worse = [rule.worse == "lower" for rule in rules]
        lower = np.array(worse, dtype=bool) != self._share
        self.sign = np.where(lower, -1.0, 1.0)
        """(signals,): -1 where a fall on the scale is worse."""
        self.one_sided = np.array([rule.worse != "either" for rule in rules], dtype=bool)
        """(signals,)"""
        self._highest: Floats | None = None
        if rests is not None and rests.any():
            farthest = np.where(self._log, FARTHEST, COUNT_FARTHEST)
            self._highest = np.where(rests, self._place(np.zeros(len(rules))) + farthest, np.inf)

    def place(self, values: Floats) -> Floats:
        """Levels on their scales; not a number stays so, negative levels count as 0."""
        placed = self._place(values)
        return placed if self._highest is None else np.minimum(placed, self._highest)

    def _place(self, values: Floats) -> Floats:
        values = np.maximum(values, 0.0)
        with np.errstate(invalid="ignore"):
            out = np.log(values + self._offset)
            if self._share.any():
                missing = np.log(np.maximum(100.0 - values * self._percent, 0.0) + _MISSING_OFFSET)
                out = np.where(self._share, missing + 0.0 * self._offset, out)
            counts = ~self._log & ~self._share
            if counts.any():
                out = np.where(counts, 2.0 * np.sqrt(values + 0.375) + 0.0 * self._offset, out)
        return out

    def ratio(self, shift: Floats, baseline: Floats) -> Floats:
        """A shift on the scale as a ratio of levels to the baseline's, of what is missing for shares.

        Args:
            shift: canary less baseline, on the scale.
            baseline: the baseline's place on it.
        """
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            ratio = np.exp(shift)
            level = np.exp(baseline) - self._offset
            logged = np.maximum(np.exp(baseline + shift) - self._offset, 0.0) / np.where(level > 0.0, level, np.nan)
            before = (0.5 * baseline) ** 2 - 0.375
            after = np.maximum((0.5 * np.maximum(baseline + shift, 0.0)) ** 2 - 0.375, 0.0)
            counted = after / np.where(before > 0.0, before, np.nan)
        return np.where(self._log, logged, np.where(self._share, ratio, counted))
