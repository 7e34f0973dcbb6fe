"""What do all distributions of one comparison say together?

Each signal's e-process has its stake (`stakes`); the whole is one e-process under any dependence between them, and
p = 1/sup E for the comparison's whole life (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct, field

from streams.errors import BadPolicy
from streams.judging.settings import PATIENCE_WINDOWS
from streams.judging.side import Side
from streams.judging.stakes import Stakes
from streams.judging.values.contrast import Contrast
from streams.judging.values.known import Known, ValuePast
from streams.judging.values.one_by_one import OneByOneState
from streams.judging.values.quantiles import QuantileEffect, effects
from streams.judging.values.signal import Bin, Tolerance, ValueSignal, ValueSignalState, play
from streams.signals.rule import SignalRule

SIGNALS = 50
"""Distributions judged in one comparison; more find no place, and are told of."""


class ValueSettings(Struct, frozen=True):
    """What holds for all distributions of a comparison."""

    margin: float = 1.25
    """How many times as far beyond the tolerance a PASS rules out: values 50% larger at a tolerance of 20%."""

    def __post_init__(self) -> None:
        """Refuse what no judgement can be made with.

        Raises:
            BadPolicy: a value outside its range, named.
        """
        if not 1.0 < self.margin <= 100.0:
            raise BadPolicy("values margin", self.margin, "above 1, up to 100")


class ValuePartState(Struct, array_like=True):
    """All that is remembered; bounded."""

    begun: bool = False
    stakes: Stakes = field(default_factory=Stakes)
    rules: dict[str, SignalRule] = {}
    """Of the signals that are judged."""
    signals: dict[str, ValueSignalState] = {}
    sup_log_e: float = 0.0
    left_out: list[str] = []
    """Some signals that found no place, sorted."""
    waits: int = 0
    """Windows that a PASS still waits for latencies: no pod of the canary has told of any but while it was starting."""
    known: dict[str, Known] = {}
    """Signal -> what the past knew of its clumps when the comparison was asked for; of those not met yet."""
    alike: bool = False
    """Both sides are one revision (`rehearsal`)."""


def begin_values(past: ValuePast) -> ValuePartState:
    """The state of a new comparison."""
    return ValuePartState(known={name: known for name, known in past.signals.items() if known.teaches})


class ValueEvidence(Struct, frozen=True, gc=False):
    """What one distribution shows."""

    rule: SignalRule
    stake: float
    """Its share of the part's e-value; it fails the part alone at E >= 1/(stake*alpha). 0 = only watched."""
    log_e: float
    """Largest natural log of its e-value so far, >= 0."""
    log_not_worse: float
    """The same towards a PASS; the least over its thresholds."""
    baseline: int
    """Values judged."""
    canary: int
    effects: tuple[QuantileEffect, ...]
    """Quantiles since the traffic split last moved, with intervals at 95%; for display."""


class ValuePart:
    """`add` each window of a comparison, then read."""

    def __init__(self, settings: ValueSettings, state: ValuePartState) -> None:
        self._settings = settings
        self.state = state
        self._signals = {
            name: ValueSignal(state.rules[name], self._tolerance(state.rules[name]), kept)
            for name, kept in state.signals.items()
        }
        self._evidence: list[ValueEvidence] | None = None

    def add(self, baseline: Side | None, canary: Side | None, rules: Mapping[str, SignalRule]) -> None:
        """One closed window, in order of time; windows may be missing.

        Args:
            baseline: None where it was not there.
            canary: the same.
            rules: of the signals; at the first call those that are known before any data of the canary. A signal's
                rule is that of its first window for the comparison's whole life.
        """
        state, self._evidence = self.state, None
        if not state.begun:
            state.begun = True
            state.stakes.begin(rule for _, rule in sorted(rules.items()) if rule.kind == "values")
        ours = baseline.values if baseline else {}
        theirs = canary.values if canary else {}
        settled: list[tuple[ValueSignal, Bin]] = []
        for name in sorted({*ours, *theirs, *state.signals}):
            signal = self._signal(name, rules)
            bin_ = signal.add(ours.get(name), theirs.get(name)) if signal is not None else None
            if signal is not None and bin_ is not None:
                settled.append((signal, bin_))
        play(settled)
        if canary is not None:
            state.waits = self._waits(starting=canary.starting > 0)
        if ours or theirs:
            log_es = {name: signal.log_e for name, signal in self._signals.items() if name in state.stakes.given}
            state.sup_log_e = max(state.sup_log_e, state.stakes.log_e(log_es))

    def to_state(self) -> ValuePartState:
        """The snapshot; valid until the next window."""
        for signal in self._signals.values():
            signal.to_state()
        return self.state

    @property
    def p(self) -> float:
        """One p-value for the whole life: P(ever p <= a) <= a if no distribution is worse than tolerated."""
        return math.exp(-self.state.sup_log_e)

    @property
    def log_p(self) -> float:
        """Its natural log, which never underflows."""
        return -self.state.sup_log_e

    @property
    def log_ps(self) -> dict[str, float]:
        """Signal -> natural log of its own p for the whole life."""
        return {name: -kept.sup_worse for name, kept in self.state.signals.items()}

    @property
    def log_not_worse(self) -> float | None:
        """Natural log of the e-value for a PASS: the least over all signals judged; None if there is none."""
        return min((signal.log_not_worse for signal in self._weighty() if signal.state.baseline > 0), default=None)

    def contrasts(self) -> dict[str, Contrast]:
        """Signal -> what this comparison showed of its clumps, for the past to learn."""
        return {name: kept.contrast for name, kept in sorted(self.state.signals.items())}

    def evidence(self) -> list[ValueEvidence]:
        """Of each signal seen on both sides, by name; worked out once a window, and only if somebody asks."""
        if self._evidence is None:
            self._evidence = self._weigh()
        return self._evidence

    def _weigh(self) -> list[ValueEvidence]:
        seen = [(name, signal) for name, signal in sorted(self._signals.items()) if signal.state.baseline > 0]
        changed = [signal for _, signal in seen if signal.effects is None]
        for signal, shown in zip(changed, effects([signal.state.segment for signal in changed]), strict=True):
            signal.effects = shown
        return [
            ValueEvidence(
                signal.rule,
                self.state.stakes.given.get(name, 0.0),
                signal.state.sup_worse,
                signal.log_not_worse,
                signal.state.baseline,
                signal.state.canary,
                signal.effects or (),
            )
            for name, signal in seen
        ]

    def unjudged(self) -> list[str]:
        """What could not be judged and why."""
        found = []
        for name, signal in sorted(self._signals.items()):
            state = signal.state
            if state.baseline == 0:
                found.append(f"{name}: values of both revisions have not been seen together")
            elif state.thrown:
                found.append(f"{name}: {state.thrown} times the values of one revision only were seen for long")
        if self.state.left_out:
            names = ", ".join(self.state.left_out[:5])
            found.append(f"values: {len(self.state.left_out)} or more found no place within {SIGNALS} ({names}, ...)")
        return found

    def _weighty(self) -> list[ValueSignal]:
        """Signals that a PASS rests on, once they are judged."""
        given = self.state.stakes.given
        return [signal for name, signal in self._signals.items() if given.get(name, 0.0) > 0.0 and signal.rule.known]

    def _waits(self, *, starting: bool) -> int:
        """See `ValuePartState.waits`: while pods start, and for as long as a bin waits for values after that."""
        latencies = [signal for signal in self._weighty() if signal.rule.group == "latency"]
        if not latencies or any(signal.state.baseline for signal in latencies):
            return 0
        return PATIENCE_WINDOWS if starting else max(0, self.state.waits - 1)

    def _signal(self, name: str, rules: Mapping[str, SignalRule]) -> ValueSignal | None:
        known = self._signals.get(name)
        rule = rules.get(name)
        if known is not None or rule is None or rule.kind != "values":
            return known
        state = self.state
        if len(state.signals) >= SIGNALS:
            self._leave_out(name)
            return None
        state.rules[name] = rule
        state.stakes.give(rule)
        clumps = state.known.pop(name, None) if rule.worse == "higher" else None
        one_by_one = None if clumps is None else OneByOneState(clumps)
        kept = ValueSignalState(one_by_one=one_by_one, contrast=Contrast(alike=state.alike))
        state.signals[name] = kept
        signal = self._signals[name] = ValueSignal(rule, self._tolerance(rule), kept)
        return signal

    def _tolerance(self, rule: SignalRule) -> Tolerance:
        ruled_out = None if rule.margin is None else 1.0 + rule.margin
        down = 1.0 - min(0.99, rule.tolerance_down)
        return Tolerance(1.0 + rule.tolerance_up, down, self._settings.margin, ruled_out)

    def _leave_out(self, name: str) -> None:
        if name not in self.state.left_out and len(self.state.left_out) < SIGNALS:
            self.state.left_out = sorted((*self.state.left_out, name))
