"""Does one of the signals that an operator called critical fail the canary, by its own evidence alone?

Together they have a share of alpha that is taken from all parts before the comparison begins: a fifth, as if they were
a part beside the four. It is staked on them as in `stakes`: those known before any data by weight, a later one from
the reserve. A signal fails the canary at p <= stake * share * alpha; as stakes and shares sum to at most 1, the union
bound holds: P(ever FAIL) <= alpha, whatever the signals have to do with each other and with the parts, which judge them
as well. So critical is what an operator cannot undo by weights: neither its group's, nor its part's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from msgspec import Struct, field, structs

from streams.judging.combine import own_progress
from streams.judging.evidence import SignalEvidence
from streams.judging.reasons import Reason
from streams.judging.settings import JudgeSettings
from streams.judging.stakes import Stakes
from streams.signals.rule import SignalRule

CRITICAL_SHARE = 0.2
"""Of alpha, where a policy calls any signal critical: that of one of five equals. What it costs the parts is 20%."""


class CriticalState(Struct, array_like=True):
    """Which critical signals there are, and what each was given."""

    begun: bool = False
    stakes: Stakes = field(default_factory=Stakes)


class Critical:
    """`meet` the signals of each window before it is judged, then read with what each signal says."""

    def __init__(self, settings: JudgeSettings, state: CriticalState) -> None:
        self._share = settings.critical_share
        self._alpha = settings.alpha
        self._counted = [
            SignalRule(each.signal, "events", criticality="critical")
            for each in settings.signals
            if each.criticality == "critical"
        ]
        self.state = state

    def meet(self, rules: Mapping[str, SignalRule]) -> None:
        """Give each critical signal its stake, before anything it says is counted.

        Args:
            rules: of all signals; at the first call those known before any data of the canary.
        """
        if self._share <= 0.0:
            return
        found = [rule for _, rule in sorted(rules.items()) if rule.criticality == "critical"]
        if not self.state.begun:
            self.state.begun = True
            self.state.stakes.begin([*self._counted, *found])
        for rule in found:
            self.state.stakes.give(rule)

    def weight(self, signal: str) -> float:
        """Share of alpha at which the signal fails the canary for being critical; 0 for one that is not."""
        return self._share * self.state.stakes.given.get(signal, 0.0)

    def own(self, signal: str, log_p: float) -> float:
        """0..1; 1 exactly when it fails the canary."""
        weight = self.weight(signal)
        return own_progress(-log_p, weight, self._alpha) if weight > 0.0 else 0.0

    def progress(self, log_ps: Mapping[str, float]) -> float:
        """0..1: that of the worst.

        Args:
            log_ps: natural log of each signal's p for the whole life; one that is missing says nothing.
        """
        return max((self.own(signal, log_ps.get(signal, 0.0)) for signal in self.signals), default=0.0)

    @property
    def signals(self) -> Iterable[str]:
        """Those with a stake."""
        return self.state.stakes.given

    def reasons(self, log_ps: Mapping[str, float]) -> list[Reason]:
        """A sentence for each that has evidence."""
        return [
            Reason(
                self.own(signal, log_p),
                f"`{signal}` is critical: it fails the canary alone at p <= {self.weight(signal) * self._alpha:.2g},"
                f" and has {_p(log_p)}",
            )
            for signal in sorted(self.signals)
            if (log_p := log_ps.get(signal, 0.0)) < 0.0
        ]


def critical_rows(
    critical: Critical, rows: Iterable[SignalEvidence], log_ps: Mapping[str, float]
) -> list[SignalEvidence]:
    """The rows, those of critical signals with the larger of their two shares of alpha."""
    return [
        structs.replace(
            row,
            weight=max(row.weight, critical.weight(row.signal)),
            risk=max(row.risk, 100.0 * critical.own(row.signal, log_ps[row.signal])),
            criticality="critical",
        )
        if row.signal in log_ps
        else row
        for row in rows
    ]


def _p(log_p: float) -> str:
    """A p from its natural log, also where it would underflow.

    >>> _p(-4.6), _p(-1000.0)
    ('0.01', '1e-434')
    """
    decimal = log_p / math.log(10.0)
    return f"{10.0**decimal:.2g}" if decimal > -300.0 else f"1e{decimal:.0f}"
