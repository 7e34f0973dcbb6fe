"""How long do all but the slowest tenth of requests take, minute by minute?

Of the latencies that a rule knows by name as those of what the workload serves (`is_latency`), where they come as
histograms. The ninth decile: means of heavy tails are ruled by the slowest request of all, so that production shows
every few hours what no fault surpasses, and a median does not show a fault in every fifth request. A minute of fewer
than `LEAST_VALUES` is none; for the rest nothing is assumed of it: the bound of `peaks` holds for any number a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from msgspec import Struct

from streams.records.histogram import Histogram
from streams.signals.rule import SignalRule

LATENCY = "latency"
LEAST_VALUES = 10
PER_S = 1e6
"""Deciles are kept in microseconds: their sums over minutes are graded as counts of events are."""
_SCALE = 3
"""Buckets 9% wide, finer than the grades."""
_LONGEST = 40.0
"""Of which 2 is the power, seconds."""
_MOST_TOLERATED = 0.75
"""Relative rise that a policy may tolerate: what is held against a revision is no less than 1.78 times the usual."""


class MinuteOfValues(Struct, array_like=True):
    """The minute that is being filled: `add` windows, then ask for its `deciles`."""

    values: dict[str, Histogram] = {}
    """Signal -> its values, seconds."""

    def add(self, values: Mapping[str, Histogram], rules: Mapping[str, SignalRule]) -> None:
        """One window."""
        for name, found in values.items():
            if is_latency(rules.get(name)):
                coarse = found.at_scale(min(found.scale, _SCALE))
                known = self.values.get(name)
                self.values[name] = coarse if known is None else known.merge(coarse)

    def deciles(self) -> dict[str, float]:
        """Signal -> the ninth, microseconds, where there are values enough; in the order of their names."""
        return {
            name: PER_S * ninth_decile(found)
            for name, found in sorted(self.values.items())
            if found.positive and found.count >= LEAST_VALUES
        }


def ninth_decile(values: Histogram) -> float:
    """The upper bound of the bucket in which nine tenths of the values are reached.

    >>> ninth_decile(Histogram(0, 20, 0.0, 0, {0: 10, 1: 8, 5: 2}))
    4.0

    Args:
        values: of which some are above 0.
    """
    wanted, below = 0.9 * values.count, values.zero_count + sum(values.negative.values())
    buckets = sorted(values.positive)
    reached = accumulate((values.positive[index] for index in buckets), initial=below)
    next(reached)
    index = next((index for index, number in zip(buckets, reached, strict=True) if number >= wanted), buckets[-1])
    return float(2.0 ** min((index + 1) / 2.0**values.scale, _LONGEST))


def is_latency(rule: SignalRule | None) -> bool:
    """Whether it is one that can be held against a revision: known, of what is served, and not said to be let off."""
    return (
        rule is not None
        and (rule.kind, rule.group, rule.worse, rule.unit) == ("values", "latency", "higher", "s")
        and rule.known
        and rule.weight >= 1.0
        and rule.criticality != "watch"
        and rule.tolerance_up <= _MOST_TOLERATED
    )
