"""Is the canary worse than the baseline, as far as can be told after each closed window?

The judge of one comparison: it hands each window to the parts (`parts`), decides by what they come to, and tells it
(`report`). Values in, values out; what it has to remember is one `JudgeState`, and a judge made from that state goes on
to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from streams.errors import BrokenInvariant
from streams.judging.alone_part import judged_kinds
from streams.judging.combine import progress, risk_of
from streams.judging.concurrent import begin_concurrent
from streams.judging.copied import copied
from streams.judging.events.loops import begin_loops
from streams.judging.evidence import (
    Assessment,
    Part,
    PartEvidence,
    ReadSignal,
    Reference,
    RiskPoint,
    Verdict,
    worst_first,
)
from streams.judging.judge_state import JudgeState
from streams.judging.logs.by_history import begin_by_history
from streams.judging.logs.part import NewShapes
from streams.judging.logs.part import begin as begin_logs
from streams.judging.logs.past import LogPast
from streams.judging.logs.shapes import Difference
from streams.judging.parts import Parts
from streams.judging.past import Cohort, Past, Prior
from streams.judging.production.against import begin_against
from streams.judging.readings import readings
from streams.judging.report import Report, groups_of
from streams.judging.settings import JudgeSettings
from streams.judging.shares import parts_of
from streams.judging.side import Side, SignatureInfo
from streams.judging.template_counts import TemplateCount
from streams.judging.values.part import begin_values
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.written import Sensitivity
from streams.signals.rule import SignalRule


class Judge:
    """One comparison: `add` its closed windows in order of time, `assess` at any moment."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: JudgeState, past: Past) -> None:
        """A judge that goes on from a state, which becomes its own.

        Args:
            settings: the same all along.
            window_ns: length of a window.
            state: from `begin` or `to_state`.
            past: of the workload; looked at in the first window with both sides.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._state = state
        self._parts = Parts(settings, window_ns, state, past)
        self._report = Report(settings, state, self._parts)

    @classmethod
    def begin(
        cls,
        settings: JudgeSettings,
        window_ns: int,
        past: Past | None = None,
        prior: Prior | None = None,
        heard: Sequence[Part] = (),
    ) -> Judge:
        """The judge of a new comparison.

        Args:
            settings: as above.
            window_ns: as above.
            past: of the workload; None: nothing is known.
            prior: of the cluster's other workloads; None: there are none.
            heard: parts that its baseline is known to be heard with; empty: as past and prior say.
        """
        past, prior = past or Past(), prior or Prior()
        planned_ns = settings.lifetime_ns or settings.planned_ns
        known = list(heard) or past.parts or list(prior.parts)
        history = past.logs if settings.part_weights["logs"] > 0.0 else LogPast()
        logs = begin_logs(
            settings.logs,
            past.logs,
            prior.logs,
            planned_ns,
            settings.alpha,
            ends=settings.lifetime_ns is not None,
        )
        state = JudgeState(
            planned_ns,
            logs,
            prior=prior,
            with_past=past.logs.numbered > 0,
            heard=known,
            awaits_parts=not known,
            concurrent=begin_concurrent(logs.onset.rate),
            alone=begin_by_history(history, prior.logs, planned_ns),
            loops=begin_loops(past.production),
            values=begin_values(past.values),
            against=begin_against(past.production, past.logs.templates, planned_ns, judged_kinds(settings)),
        )
        return cls(settings, window_ns, state, past)

    @classmethod
    def from_state(cls, settings: JudgeSettings, window_ns: int, state: JudgeState, past: Past | None = None) -> Judge:
        """The judge that was; the state stays the caller's."""
        return cls(settings, window_ns, copied(state), past or Past())

    def to_state(self) -> JudgeState:
        """The snapshot; valid until the next window."""
        self._parts.keep()
        return self._state

    @property
    def prior(self) -> Prior:
        """Of the cluster's other workloads, as it was when the comparison was asked for."""
        return self._state.prior

    def cohort(self, baseline: str) -> Cohort | None:
        """What the baseline did, for the past to learn when the comparison is over; None before it began.

        Without a baseline, what the canary did.

        Args:
            baseline: its pod-template hash.
        """
        if self._state.started_ns is None:
            return self._parts.alone.cohort() if self._state.is_alone else None
        parts = self._parts
        levels, values = parts.levels.cohort(baseline), parts.values.contrasts()
        return Cohort(tuple(self._state.baseline_heard), parts.logs.cohort(), levels, values)

    @property
    def verdict(self) -> Verdict:
        """The verdict now."""
        state = self._state
        if state.failed_ns is not None:
            return "fail"
        if state.void_ns is not None:
            return "none"
        if state.passed_ns is not None:
            return "pass"
        over = self._time_is_over() and not self.held_back
        return "marginal" if over and self._score() < self._settings.pass_score else "none"

    @property
    def held_back(self) -> bool:
        """A signal that must be there is missing: it can fail, and nothing else be said."""
        return self._parts.held_back

    @property
    def void(self) -> bool:
        """The traffic was found not to follow the intended split."""
        return self._state.void_ns is not None

    @property
    def started_ns(self) -> int | None:
        """Start of the first window with both sides."""
        return self._state.started_ns

    @property
    def reference(self) -> Reference:
        """What it is judged by."""
        if not self._parts.without_baseline:
            return "baseline"
        return "history" if self._parts.alone.known else "none"

    @property
    def new_traces(self) -> int | None:
        """Traces of the canary with templates that history had not shown; None where too little is known to say."""
        if self._parts.without_baseline:
            return self._parts.alone.new_traces
        return self._parts.logs.new_traces if self._parts.logs.knows_templates else None

    @property
    def baseline_heard(self) -> list[Part]:
        """Parts that the baseline is heard with, sorted."""
        return self._state.baseline_heard

    @property
    def fail_progress(self) -> float:
        """0..1; 1 exactly when it fails the canary now."""
        return self._parts.fail_progress

    @property
    def confidence(self) -> float:
        """0..1: the least of what a PASS has to rest on (`combine`); 1 exactly when all of it is there."""
        return self._parts.confidence

    def add(
        self,
        start_ns: int,
        baseline: Side | None,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule] | None = None,
        templates: Mapping[int, int] | None = None,
    ) -> None:
        """One closed window.

        Args:
            start_ns: its start; later than that of any window before. Windows may be missing.
            baseline: what it did; None where it was not there. Such a window brings no evidence.
            canary: the same of the canary.
            signatures: what the ids in both stand for; ids that are not in it are not judged.
            rules: of the signals in both.
            templates: signature id -> id of the template it is part of, where that is another one.

        Raises:
            BrokenInvariant: the window overlaps an earlier one.
        """
        state = self._state
        if state.as_of_ns is not None and start_ns < state.as_of_ns:
            raise BrokenInvariant(f"window {start_ns} begins before {state.as_of_ns}, the end of the last one judged")
        state.as_of_ns = start_ns + self._window_ns
        if state.heard_from_ns is None and baseline is not None and parts_of(baseline):
            state.heard_from_ns = start_ns
        if state.started_ns is None and not self._begins(start_ns, baseline, canary):
            if baseline is None and canary is not None:
                self._judge_alone(start_ns, canary, signatures, rules or {}, templates or {})
            return
        if baseline is not None:
            state.baseline_heard = sorted({*state.baseline_heard, *parts_of(baseline)})
        if not self._warms_up(start_ns):
            self._parts.add(start_ns, baseline, canary, signatures, rules or {}, templates or {})
        self._decide(state.as_of_ns)
        state.history.add(RiskPoint(state.as_of_ns / 1e9, self._risk()), self._settings.history_points)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self._parts.redirect(redirects)

    def fail_progress_at(self) -> dict[Sensitivity, float]:
        """0..1: how far it had come by the weights of each sensitivity; it decides nothing (`readings`)."""
        alpha = self._settings.alpha
        beside = self._parts.harm([one for one in self._parts.findings() if one.part != "logs"])
        return {each: max(beside, self._parts.logs_finding_at(each).fail_progress(alpha)) for each in SENSITIVITIES}

    def logs_at(self, sensitivity: Sensitivity) -> PartEvidence:
        """What the logs say by the weights of another sensitivity."""
        return self._report.logs_at(sensitivity)

    def signals_at(self, sensitivity: Sensitivity) -> tuple[ReadSignal, ...]:
        """What the log classes say by the weights of another sensitivity."""
        return self._report.signals_at(sensitivity)

    def templates(self, root: Callable[[int], int]) -> list[TemplateCount]:
        """What both sides logged of class warning and worse, that with most impact on the risk first.

        Args:
            root: the template that a signature is part of.
        """
        return self._report.templates(root)

    @property
    def new_shapes(self) -> NewShapes | None:
        """New shapes of traces that the logs are judged by; None where they are not worth telling."""
        return self._report.new_shapes

    def assess(
        self,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule] | None = None,
        differences: Sequence[Difference] = (),
    ) -> Assessment:
        """What can be said now; changes nothing.

        Args:
            signatures: texts for the reasons.
            rules: of the signals.
            differences: between `new_shapes` and those of the baseline, for the reasons.
        """
        state, verdict, risk, confidence = self._state, self.verdict, self._risk(), self.confidence
        levels = self._parts.levels.signals
        evidence = tuple(sorted(self._report.rows(rules or {}, levels), key=worst_first))
        judged = state.started_ns is not None or state.is_alone
        latest = RiskPoint(state.as_of_ns / 1e9, risk) if state.as_of_ns and judged else None
        return Assessment(
            verdict=verdict,
            risk=risk,
            confidence=0.0 if verdict == "fail" else 1.0 if verdict == "pass" else confidence,
            exposure=self._parts.exposure,
            started_ns=self._parts.alone.from_ns if self._parts.without_baseline else state.started_ns,
            as_of_ns=state.as_of_ns,
            decided_ns=state.failed_ns if verdict == "fail" else state.passed_ns if verdict == "pass" else None,
            parts=tuple(map(self._report.part, self._parts.findings())),
            groups=groups_of(evidence),
            signals=evidence,
            reasons=tuple(self._report.reasons(verdict, risk, signatures, levels, differences)),
            unjudged=tuple(self._report.unjudged()),
            history=state.history.up_to(latest),
            readings=readings(verdict, confidence, self.fail_progress_at(), self.logs_at, self.signals_at),
            reference=self.reference,
        )

    def _begins(self, start_ns: int, baseline: Side | None, canary: Side | None) -> bool:
        """Whether both are there for the first time; until then, learn what the baseline is heard with."""
        state = self._state
        if baseline is None:
            return False
        if canary is None:
            state.baseline_seen = True
            state.heard = sorted({*state.heard, *parts_of(baseline)})
            return False
        state.started_ns = start_ns
        return True

    def _judge_alone(
        self,
        start_ns: int,
        canary: Side,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        templates: Mapping[int, int],
    ) -> None:
        """A window of the canary while nothing of a baseline has been there beside it."""
        state = self._state
        self._parts.alone.add(start_ns, canary, signatures, rules, templates)
        if not state.is_alone:
            return
        as_of_ns = start_ns + self._window_ns
        if state.failed_ns is None and self._parts.alone.progress >= 1.0:
            state.failed_ns = as_of_ns
        state.history.add(RiskPoint(as_of_ns / 1e9, self._risk()), self._settings.history_points)

    def _warms_up(self, start_ns: int) -> bool:
        started_ns = self._state.started_ns
        return started_ns is not None and start_ns - started_ns < self._settings.warm_up_ns

    def _decide(self, as_of_ns: int) -> None:
        state, settings = self._state, self._settings
        if state.failed_ns is not None:
            return
        if state.void_ns is None and progress(state.split.sup_log_e, settings.split_alpha) >= 1.0:
            state.void_ns = as_of_ns
        if state.void_ns is not None:
            return
        fails = self.fail_progress >= 1.0
        over = self._time_is_over() and not self.held_back
        if fails or (over and self._score() < settings.marginal_score):
            state.failed_ns = as_of_ns
        elif state.passed_ns is None and self.confidence >= 1.0 and self._score() >= settings.pass_score:
            state.passed_ns = as_of_ns
        for signal in self._parts.concurrent.shown():
            if self._parts.own(signal) >= 0.5:
                state.since.setdefault(signal.rule.signal, as_of_ns)

    def _risk(self) -> float:
        return max(risk_of(self.verdict, self.fail_progress, self.confidence), self._parts.new_risk)

    def _score(self) -> float:
        """100 less the evidence against the canary."""
        return 100.0 * (1.0 - self.fail_progress)

    def _time_is_over(self) -> bool:
        lifetime_ns = self._settings.lifetime_ns
        return lifetime_ns is not None and self._state.started_ns is not None and self._parts.elapsed_ns >= lifetime_ns
