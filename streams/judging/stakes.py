"""How much of one e-value does each signal get, when nobody knows beforehand which signals there will be?

E = sum over i of w_i*E_i + cash. Signals heard of before the comparison share out what there is: by the weights of the
groups (equal, unless a policy says otherwise), because a group tells of one thing however many signals it has, within a
group by the weights of their rules. A reserve
stays as cash, at 1; a signal that turns up later is given its stake from it, before anything it says is counted, the
j-th of them 1/(j(j+1)) of the reserve. Moving cash into an e-process at a time that depends on the past alone keeps the
whole one (it is the wealth of a gambler who may choose his games as he goes): P(sup E >= 1/alpha) <= alpha.

Source: Shafer, "Testing by betting" (JRSS A 2021); Vovk & Wang 2021, averages of e-values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct

from streams.judging.counts import log_mix
from streams.signals.rule import SignalRule

RESERVE = 0.05
"""Kept for signals not heard of before; what it costs the others is 5% (as between parts: `shares`)."""


class Stakes(Struct, array_like=True):
    """What each signal was given."""

    given: dict[str, float] = {}
    """Signal -> its stake; they and the cash sum to 1."""
    cash: float = 1.0
    reserve: float = 1.0
    """The cash that was left once the first were given theirs."""
    late: int = 0
    """Signals given a stake from the reserve."""

    def begin(self, rules: Iterable[SignalRule]) -> None:
        """Share out between the signals known before any data; without any, all is reserve."""
        heard = [rule for rule in rules if rule.weight > 0.0 and rule.criticality != "watch"]
        groups: dict[str, float] = {}
        weights: dict[str, float] = {}
        for rule in sorted(heard, key=lambda rule: rule.signal):
            groups[rule.group] = groups.get(rule.group, 0.0) + rule.weight
            weights[rule.group] = rule.group_weight
        total = math.fsum(weights.values())
        for rule in heard:
            of_group = (1.0 - RESERVE) * rule.group_weight / total
            self.given[rule.signal] = of_group * rule.weight / groups[rule.group]
        self.reserve = self.cash = RESERVE if heard else 1.0

    def give(self, rule: SignalRule) -> float:
        """The stake of a signal, from the reserve if it is new; 0 for one that is only watched."""
        if rule.criticality == "watch" or rule.weight <= 0.0:
            return 0.0
        known = self.given.get(rule.signal)
        if known is not None:
            return known
        self.late += 1
        stake = self.reserve / (self.late * (self.late + 1))
        self.given[rule.signal] = stake
        self.cash = self.reserve / (self.late + 1)
        return stake

    def log_e(self, log_es: Mapping[str, float]) -> float:
        """Log of the whole, from each signal's log E; one that has said nothing stands at 1.

        >>> Stakes({"a": 0.5}, 0.5, 0.5).log_e({"a": 0.0})
        0.0
        """
        parts = [(self.given[signal], log_es.get(signal, 0.0)) for signal in sorted(self.given)]
        mixed = log_mix([(self.cash, 0.0), *parts])
        return 0.0 if math.isclose(mixed, 0.0, abs_tol=1e-12) else mixed
