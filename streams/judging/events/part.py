"""Does the canary restart, time out, fail its calls or log errors more often than its exposure explains?

Events that counters tell of, judged by the core of `counts`, signal by signal (`events.signal`), each with its stake
(`stakes`); p = 1/sup E for the comparison's whole life (Ville's inequality).

A known counter that one side does not have has not counted: that side's pods are its exposure. Of a counter that no
rule knows that cannot be told from new instrumentation: it is judged once both sides report it, and told of until then.

Client errors are shown and fail nobody: who asks, and for what, is not the revision's doing, and a scanner that keeps
its connection asks one pod alone, for as long as it likes. But a revision that has lost a route or refuses everybody
answers just so. So evidence of more of them withholds the PASS where it is above e though a share of `UNHEARD_SHARE`
is all that it has: by Ville's inequality from at most .05/e of the healthy canaries ever, were clients alike on both
sides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct, field

from streams.judging.events.signal import By, EventSignal, EventSignalState
from streams.judging.promotion import MOST_AGAINST
from streams.judging.settings import JudgeSettings
from streams.judging.shares import UNHEARD_SHARE
from streams.judging.side import Side
from streams.judging.sources import requests_of, see_sources
from streams.judging.stakes import Stakes
from streams.signals.rule import SignalRule
from streams.signals.words import CLIENT_ERROR

SIGNALS = 100
"""Event signals judged in one comparison; more find no place, and are told of."""


class EventPartState(Struct, array_like=True):
    """All that is remembered; bounded."""

    begun: bool = False
    stakes: Stakes = field(default_factory=Stakes)
    signals: dict[str, EventSignalState] = {}
    sup_log_e: float = 0.0
    source: str | None = None
    """Of request counts: the best that both sides have had."""
    baseline_sources: list[str] = []
    canary_sources: list[str] = []
    left_out: list[str] = []


class EventEvidence(Struct, frozen=True, gc=False):
    """What one event signal shows."""

    rule: SignalRule
    stake: float
    """Its share of the part's e-value; it fails the part alone at E >= 1/(stake*alpha). 0 = only watched."""
    log_e: float
    """Largest natural log of its e-value so far, >= 0."""
    log_not_worse: float
    """The same towards a PASS."""
    baseline: float
    """Events, all of them."""
    canary: float
    by: By
    """Unit of the exposure: attempts, requests, or pod-seconds."""
    baseline_exposure: float
    canary_exposure: float
    effect_ratio: float | None
    """Canary's rate per exposure over the baseline's; None without events of the baseline."""


class EventPart:
    """`add` each window of a comparison, then read."""

    def __init__(self, settings: JudgeSettings, state: EventPartState) -> None:
        self._settings = settings
        self.state = state
        self._signals = {name: EventSignal(settings, kept) for name, kept in state.signals.items()}
        self._evidence: list[EventEvidence] | None = None
        self._mixed: dict[str, float] | None = None
        """What `sup_log_e` has been reckoned with last: most windows change none of it."""

    def add(self, baseline: Side | None, canary: Side | None, rules: Mapping[str, SignalRule]) -> None:
        """One closed window, in order of time; windows may be missing.

        Args:
            baseline: None where it was not there; such a window brings no evidence.
            canary: the same.
            rules: of the signals; at the first call those that are known before any data of the canary. A signal's
                rule is that of its first window for the comparison's whole life.
        """
        state, self._evidence = self.state, None
        if not state.begun:
            state.begun = True
            state.stakes.begin(rule for _, rule in sorted(rules.items()) if rule.kind == "events")
        if baseline is None or canary is None:
            return
        see_sources(state, baseline, canary)
        requests = requests_of(baseline, state.source), requests_of(canary, state.source)
        new = {*baseline.events, *canary.events} - state.signals.keys()
        for name in sorted(new):
            self._meet(name, rules)
        for signal in self._signals.values():
            signal.add(baseline, canary, state.source, requests)
        log_es = self._log_es
        if log_es != self._mixed:
            self._mixed = log_es
            state.sup_log_e = max(state.sup_log_e, state.stakes.log_e(log_es))

    @property
    def log_e(self) -> float:
        """Natural log of the part's e-value now, to be averaged with that of failed requests."""
        return self.state.stakes.log_e(self._log_es)

    @property
    def _log_es(self) -> dict[str, float]:
        given = self.state.stakes.given
        return {name: one.state.log_e for name, one in self._signals.items() if name in given}

    @property
    def log_p(self) -> float:
        """Natural log of one p-value for the whole life: P(ever p <= a) <= a if no signal is worse than tolerated."""
        return -self.state.sup_log_e

    @property
    def log_ps(self) -> dict[str, float]:
        """Signal -> natural log of its own p for the whole life."""
        return {name: -kept.sup_log_e for name, kept in self.state.signals.items()}

    @property
    def least_shown(self) -> tuple[float, str] | None:
        """Natural log of the e-value for a PASS, the least over the known signals judged, and whose; None: of none."""
        given = self.state.stakes.given
        judged = [
            (signal.log_not_worse, name)
            for name, signal in self._signals.items()
            if signal.comparable and given.get(name, 0.0) > 0.0 and signal.state.rule.known
        ]
        return min(judged, default=None)

    @property
    def refusing(self) -> list[str]:
        """Signals of client errors, shown only, that stand out now: while any does, there is no PASS."""
        least = MOST_AGAINST - math.log(UNHEARD_SHARE)
        return sorted(
            name
            for name, signal in self._signals.items()
            if signal.log_e > least and is_of_clients(signal.state.rule) and signal.comparable
        )

    def evidence(self) -> list[EventEvidence]:
        """Of each signal judged, by name; worked out once a window, and only if somebody asks."""
        if self._evidence is None:
            comparable = [(name, signal) for name, signal in sorted(self._signals.items()) if signal.comparable]
            self._evidence = [self._weigh(name, signal) for name, signal in comparable]
        return self._evidence

    def unjudged(self) -> list[str]:
        """What could not be judged and why."""
        found = []
        for name, signal in sorted(self._signals.items()):
            if not signal.comparable:
                side = "baseline" if signal.state.baseline_reports else "canary"
                asked = signal.state.rule.missing_data == "unjudged"
                why = "missing_data is unjudged" if asked else "no rule tells it from new instrumentation"
                found.append(f"{name}: only the {side} reports it, and {why}")
        if self.state.left_out:
            names = ", ".join(self.state.left_out[:5])
            found.append(f"events: {len(self.state.left_out)} or more found no place within {SIGNALS} ({names}, ...)")
        return found

    def _weigh(self, name: str, signal: EventSignal) -> EventEvidence:
        kept = signal.state
        return EventEvidence(
            rule=kept.rule,
            stake=self.state.stakes.given.get(name, 0.0),
            log_e=kept.sup_log_e,
            log_not_worse=signal.log_not_worse,
            baseline=kept.baseline,
            canary=kept.canary,
            by=kept.by,
            baseline_exposure=kept.baseline_exposure,
            canary_exposure=kept.canary_exposure,
            effect_ratio=signal.effect_ratio,
        )

    def _meet(self, name: str, rules: Mapping[str, SignalRule]) -> None:
        """Make room for a signal that is new."""
        state, rule = self.state, rules.get(name)
        if rule is None or rule.kind != "events":
            return
        if len(state.signals) >= SIGNALS:
            if name not in state.left_out and len(state.left_out) < SIGNALS:
                state.left_out = sorted((*state.left_out, name))
            return
        state.stakes.give(rule)
        kept = state.signals[name] = EventSignalState(rule)
        self._signals[name] = EventSignal(self._settings, kept)


def is_of_clients(rule: SignalRule) -> bool:
    """Of client errors that are only watched; a policy that gives them no weight does not want to hear of them."""
    return rule.signal.endswith(CLIENT_ERROR) and rule.criticality == "watch" and rule.weight > 0.0
