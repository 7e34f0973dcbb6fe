"""How long do requests take on the mean, minute by minute?

Of the latencies that a rule knows by name as those of what the workload serves (`latencies`), where they come as
histograms with a sum. A minute's mean is heavy-tailed where it is of few requests, so that one of fewer than
`LEAST_VALUES` is none; for the rest nothing is assumed of it: the bound of `peaks` holds for any number a minute.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.counts import cut
from streams.records.histogram import Histogram
from streams.signals.rule import SignalRule

LATENCY = "latency"
LEAST_VALUES = 10
PER_S = 1e6
"""Means are kept in microseconds: their sums over minutes are graded as counts of events are."""
_MOST_TOLERATED = 0.75
"""Relative rise that a policy may tolerate: what is held against a revision is no less than 1.78 times the usual."""


class MinuteOfValues(Struct, array_like=True):
    """The minute that is being filled: `add` windows, then ask for its `means`."""

    counts: dict[str, int] = {}
    """Signal -> values."""
    totals: dict[str, float] = {}
    """Signal -> their sum, seconds."""

    def add(self, values: Mapping[str, Histogram], rules: Mapping[str, SignalRule]) -> None:
        """One window."""
        for name, found in values.items():
            if found.total > 0.0 and is_latency(rules.get(name)):
                self.counts[name] = self.counts.get(name, 0) + found.count
                self.totals[name] = self.totals.get(name, 0.0) + cut(found.total)

    def means(self) -> dict[str, float]:
        """Signal -> mean of its values, microseconds, where there are enough; in the order of their names."""
        counts, totals = self.counts, self.totals
        return {name: PER_S * totals[name] / counts[name] for name in sorted(counts) if counts[name] >= LEAST_VALUES}


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
