"""Is the canary worse than the baseline, as far as can be told after each closed window?

The judge of one comparison: it hands each window to the parts (`concurrent`, `logs`, `events`, `values`, `levels`) and
their answers to `combine`.
Values in, values out; what it has to remember is one `JudgeState`, and a judge made from that state goes on to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from streams.errors import BrokenInvariant
from streams.judging import split
from streams.judging.alone import (
    ALONE_SHARE,
    AWAITED_NS,
    GONE_NS,
    alone_templates,
    alone_unjudged,
    history_reason,
    history_sentences,
)
from streams.judging.combine import PartFinding, own_progress, progress, risk_of
from streams.judging.concurrent import Concurrent, ConcurrentState
from streams.judging.critical import Critical, CriticalState, critical_rows
from streams.judging.events.part import EventPart, EventPartState
from streams.judging.events.telling import event_reasons, event_rows
from streams.judging.evidence import (
    Assessment,
    Exposure,
    GroupEvidence,
    Part,
    PartEvidence,
    ReadSignal,
    Reference,
    RiskPoint,
    SignalEvidence,
    Verdict,
    worst_first,
)
from streams.judging.history import RiskHistory
from streams.judging.levels.cohort import LevelCohort
from streams.judging.levels.evidence import LevelEvidence
from streams.judging.levels.part import LevelPart, LevelState
from streams.judging.logs.by_history import ByHistory, ByHistoryState, begin_by_history
from streams.judging.logs.part import LogPart, LogState
from streams.judging.logs.part import begin as begin_logs
from streams.judging.must_have import MustHave, MustHaveState
from streams.judging.past import Cohort, Past, Prior
from streams.judging.promotion import balance, waited, withheld
from streams.judging.readings import readings
from streams.judging.reasons import Reason, count_reasons, e_value, missing_reasons, pass_reason, ranked_sentences
from streams.judging.settings import PARTS_OF_SIGNALS, JudgeSettings
from streams.judging.shares import PARTS, UNHEARD_SHARE, parts_of, provisional_shares, shares
from streams.judging.side import Side, SignatureInfo
from streams.judging.signal import Signal
from streams.judging.telling import SMALLEST_P, level_reasons, level_rows, stream_reasons, stream_rows
from streams.judging.template_counts import TemplateCount, template_counts
from streams.judging.values.part import ValuePart, ValuePartState, ValueSettings
from streams.judging.values.telling import value_reasons, value_rows
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.written import Sensitivity
from streams.signals.rule import SignalRule

__all__ = ["Assessment", "Judge", "JudgeSettings", "JudgeState"]


CLASSES_SHARE = {True: 0.15, False: 0.8}
"""Share of the logs' alpha of the classes compared side by side (`concurrent`), with a past and without one; the rest
is that of `logs`, which judges by the past. Nearly all to the one that can tell; what is left of the other's keeps what
it alone sees: frequent warnings, and new things where nothing is known yet."""


EVENTS_SHARE = 0.5
"""Share of the errors' alpha of events that counters tell of, where the workload has such; else `UNHEARD_SHARE`. Nobody
knows which of the two will speak."""


_SCRAPES_OF_A_COUNTER = 2
"""Until it has told of an increase; each within the patience of `settings`."""
BESIDE: tuple[Part, ...] = ("values", "levels")
"""Parts whose evidence is no count."""


class JudgeState(Struct, array_like=True):
    """All that is remembered of one comparison; language-neutral (MessagePack), bounded."""

    planned_ns: int
    """How long it is to take."""
    logs: LogState
    version: int = 2
    levels: LevelState = field(default_factory=LevelState)
    events: EventPartState = field(default_factory=EventPartState)
    values: ValuePartState = field(default_factory=ValuePartState)
    prior: Prior = Prior()
    """As it was when the comparison was asked for."""
    with_past: bool = False
    """The workload's logs were known when it was."""
    started_ns: int | None = None
    as_of_ns: int | None = None
    failed_ns: int | None = None
    """End of the window in which it failed."""
    passed_ns: int | None = None
    void_ns: int | None = None
    """End of the window in which the traffic was found not to follow the intended split."""
    heard: list[Part] = []
    """Parts that the workload was heard with before the comparison began, sorted."""
    baseline_heard: list[Part] = []
    """Parts that the baseline is heard with, sorted."""
    shares: dict[Part, float] = {}
    """Part -> share of alpha, once it has begun."""
    concurrent: ConcurrentState = field(default_factory=ConcurrentState)
    split: split.SplitState = field(default_factory=split.SplitState)
    since: dict[str, int] = {}
    """Signal -> end of the window (ns) in which its own risk first reached 50."""
    history: RiskHistory = field(default_factory=RiskHistory)
    critical: CriticalState = field(default_factory=CriticalState)
    must_have: MustHaveState = field(default_factory=MustHaveState)
    alone: ByHistoryState = field(default_factory=ByHistoryState)
    """Of the canary while nothing of a baseline was there."""
    is_alone: bool = False
    """It was without one for so long that its history judges it."""
    baseline_seen: bool = False
    """The baseline was there before the canary."""
    awaits_parts: bool = False
    """Nobody knew which parts it has: the baseline's own beginning is telling."""
    heard_from_ns: int | None = None
    """Start of the first window in which the baseline was heard with anything."""


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
        self._concurrent = Concurrent(settings, window_ns, state.concurrent)
        self._logs = LogPart(settings.logs, past.logs, state.prior.logs, state.planned_ns, window_ns, state.logs)
        self._events = EventPart(settings, state.events)
        self._values = ValuePart(ValueSettings(), state.values)
        self._critical = Critical(settings, state.critical)
        self._must_have = MustHave(settings, state.must_have)
        level = settings.alpha * self._alone_share
        self._alone = ByHistory(settings.logs, window_ns, level, settings.signature_limit, state.alone)
        self._levels = LevelPart(past.levels, state.prior.levels, state.planned_ns, window_ns, state.levels)

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
        state = JudgeState(
            planned_ns,
            begin_logs(
                settings.logs,
                past.logs,
                prior.logs,
                planned_ns,
                settings.alpha,
                ends=settings.lifetime_ns is not None,
            ),
            prior=prior,
            with_past=past.logs.numbered > 0,
            heard=known,
            awaits_parts=not known,
            alone=begin_by_history(past.logs, prior.logs, planned_ns),
        )
        return cls(settings, window_ns, state, past)

    @classmethod
    def from_state(cls, settings: JudgeSettings, window_ns: int, state: JudgeState, past: Past | None = None) -> Judge:
        """The judge that was; the state stays the caller's."""
        return cls(settings, window_ns, _copy(state), past or Past())

    def to_state(self) -> JudgeState:
        """A snapshot that later windows do not change."""
        self._state.logs, self._state.levels = self._logs.to_state(), self._levels.to_state()
        self._state.values = self._values.to_state()
        return _copy(self._state)

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
            alone = self._alone
            return Cohort(tuple(alone.state.heard), alone.cohort(), LevelCohort()) if self._state.is_alone else None
        return Cohort(tuple(self._state.baseline_heard), self._logs.cohort(), self._levels.cohort(baseline))

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
        return bool(self._must_have.missing)

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
        if not self._without_baseline:
            return "baseline"
        return "history" if self._alone.known else "none"

    @property
    def baseline_heard(self) -> list[Part]:
        """Parts that the baseline is heard with, sorted."""
        return self._state.baseline_heard

    @property
    def fail_progress(self) -> float:
        """0..1; 1 exactly when it fails the canary now."""
        return self._harm(self._findings())

    @property
    def confidence(self) -> float:
        """0..1: the least of what a PASS has to rest on (`combine`); 1 exactly when all of it is there."""
        if not self._concurrent.enough or self.held_back:
            return 0.0
        findings = self._findings()
        found = [finding.confidence for finding in findings if finding.confidence is not None]
        if not found:
            return 0.0
        settings = self._settings
        beside = balance(self._harm(findings), settings.alpha), waited(self._elapsed_ns, settings.lifetime_ns)
        return min(*found, *beside)

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
                self._judge_alone(start_ns, canary, signatures, templates or {})
            return
        if baseline is not None:
            state.baseline_heard = sorted({*state.baseline_heard, *parts_of(baseline)})
        if not self._warms_up(start_ns):
            self._judge(start_ns, baseline, canary, signatures, rules or {}, templates or {})
        self._decide(state.as_of_ns)
        state.history.add(RiskPoint(state.as_of_ns / 1e9, self._risk()), self._settings.history_points)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self._logs.redirect(redirects)
        self._alone.redirect(redirects)

    def fail_progress_at(self) -> dict[Sensitivity, float]:
        """0..1: how far it had come by the weights of each sensitivity; it decides nothing (`readings`)."""
        beside, alpha = self._harm([one for one in self._findings() if one.part != "logs"]), self._settings.alpha
        return {each: max(beside, self._logs_finding_at(each).fail_progress(alpha)) for each in SENSITIVITIES}

    def logs_at(self, sensitivity: Sensitivity) -> PartEvidence:
        """What the logs say by the weights of another sensitivity."""
        return self._part_evidence(self._logs_finding_at(sensitivity))

    def signals_at(self, sensitivity: Sensitivity) -> tuple[ReadSignal, ...]:
        """What the log classes say by the weights of another sensitivity."""
        share = self._state.shares.get("logs", 0.0) * CLASSES_SHARE[self._state.with_past]
        alpha, found = self._settings.alpha, []
        for name, weight in sorted(self._settings.weights_at[sensitivity].items()):
            signal = self._concurrent.signals[name]
            own = 0.0 if signal.rule.criticality == "watch" else share * weight
            found.append(ReadSignal(name, own, 100.0 * own_progress(signal.state.sup_worse, own, alpha)))
        return tuple(found)

    def templates(self, root: Callable[[int], int]) -> list[TemplateCount]:
        """What both sides logged of class warning and worse, that with most impact on the risk first.

        Args:
            root: the template that a signature is part of.
        """
        if self._without_baseline:
            is_new = self._logs.is_new if self._logs.knows_templates else None
            return alone_templates(self._alone, root, is_new, 100.0 * self._alone_progress)
        risks = {name: 100.0 * self._own(signal) for name, signal in self._concurrent.signals.items()}
        return template_counts(self._concurrent.state.tallies, root, self._logs.is_new, risks)

    def assess(
        self, signatures: Mapping[int, SignatureInfo], rules: Mapping[str, SignalRule] | None = None
    ) -> Assessment:
        """What can be said now; changes nothing.

        Args:
            signatures: texts for the reasons.
            rules: of the signals.
        """
        state, verdict, risk, confidence = self._state, self.verdict, self._risk(), self.confidence
        levels = self._levels.signals
        evidence = tuple(sorted(self._signals(rules or {}, levels), key=worst_first))
        judged = state.started_ns is not None or state.is_alone
        latest = RiskPoint(state.as_of_ns / 1e9, risk) if state.as_of_ns and judged else None
        return Assessment(
            verdict=verdict,
            risk=risk,
            confidence=0.0 if verdict == "fail" else 1.0 if verdict == "pass" else confidence,
            exposure=self._exposure,
            started_ns=self._alone.state.from_ns if self._without_baseline else state.started_ns,
            as_of_ns=state.as_of_ns,
            decided_ns=state.failed_ns if verdict == "fail" else state.passed_ns if verdict == "pass" else None,
            parts=tuple(map(self._part_evidence, self._findings())),
            groups=_groups(evidence),
            signals=evidence,
            reasons=tuple(self._reasons(verdict, signatures, levels)),
            unjudged=tuple(self._unjudged()),
            history=state.history.up_to(latest),
            readings=readings(verdict, confidence, self.fail_progress_at(), self.logs_at, self.signals_at),
            reference=self.reference,
        )

    # --- one window ---

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
        templates: Mapping[int, int],
    ) -> None:
        """A window of the canary while nothing of a baseline has been there beside it."""
        state, settings, history = self._state, self._settings, self._alone.state
        if settings.baseline == "earlier" or settings.part_weights["logs"] <= 0.0:
            return
        if history.from_ns is None:
            history.from_ns = start_ns
        since_ns = start_ns - history.from_ns
        if since_ns >= settings.warm_up_ns:
            self._alone.add(start_ns, canary, signatures, templates)
        patience_ns = 0 if settings.baseline == "none" else GONE_NS if state.baseline_seen else AWAITED_NS
        state.is_alone = state.is_alone or since_ns + self._window_ns >= patience_ns
        if not state.is_alone:
            return
        as_of_ns = start_ns + self._window_ns
        if state.failed_ns is None and self._alone_progress >= 1.0:
            state.failed_ns = as_of_ns
        state.history.add(RiskPoint(as_of_ns / 1e9, self._risk()), settings.history_points)

    def _warms_up(self, start_ns: int) -> bool:
        started_ns = self._state.started_ns
        return started_ns is not None and start_ns - started_ns < self._settings.warm_up_ns

    def _judge(
        self,
        start_ns: int,
        baseline: Side | None,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        templates: Mapping[int, int],
    ) -> None:
        state = self._state
        self._critical.meet(rules)
        self._must_have.add(baseline, canary, rules)
        settled = self._concurrent.add(start_ns, baseline, canary, signatures)
        heard = not self._concurrent.cut_off
        self._logs.add(start_ns, baseline, canary, signatures, heard=heard, templates=templates)
        self._levels.add(start_ns, baseline, canary, rules)
        self._events.add(baseline, canary, rules)
        self._values.add(baseline, canary, rules)
        self._share_out(start_ns + self._window_ns)
        intended = self._settings.intended_share
        if settled is not None and intended is not None and settled.by_requests:
            split.learn(state.split, intended, settled.bin.canary.requests, settled.bin.baseline.requests)

    def _share_out(self, as_of_ns: int) -> None:
        """Share alpha out among the parts: once, or while a workload of which nothing is known is being heard."""
        state, settings = self._state, self._settings
        if state.shares and not state.awaits_parts:
            return
        weights = settings.part_weights if self._levels.judged else {**settings.part_weights, "levels": 0.0}
        patience_ns = _SCRAPES_OF_A_COUNTER * settings.patience_windows * self._window_ns
        heard = {*state.heard, *(state.baseline_heard if state.awaits_parts else ())}
        can_speak = any(weights[part] > 0.0 for part in heard)
        if can_speak and state.heard_from_ns is not None and as_of_ns - state.heard_from_ns >= patience_ns:
            state.awaits_parts = False
        found = provisional_shares(weights, heard) if state.awaits_parts else shares(weights, heard)
        of_parts = 1.0 - settings.critical_share - (self._alone_share if state.is_alone else 0.0)
        state.shares = {part: of_parts * share for part, share in found.items()}

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
        for signal in self._concurrent.shown():
            if self._own(signal) >= 0.5:
                state.since.setdefault(signal.rule.signal, as_of_ns)

    # --- what it comes to ---

    def _findings(self) -> list[PartFinding]:
        """All four parts, in order."""
        if self._without_baseline:
            share, log_p = self._alone_share, math.log(self._alone.state.p)
            of_logs = PartFinding("logs", share, log_p, None)
            return [of_logs, *(PartFinding(part, 0.0, 0.0, None) for part in PARTS if part != "logs")]
        return [
            PartFinding(part, self._state.shares.get(part, 0.0), self._log_p(part), self._part_confidence(part))
            for part in PARTS
        ]

    def _harm(self, findings: Sequence[PartFinding]) -> float:
        """0..1: how far these parts, and the critical signals, have come to failing the canary."""
        found = [finding.fail_progress(self._settings.alpha) for finding in findings]
        return max(*found, self._critical.progress(self._critical_log_ps()), self._alone_progress)

    def _logs_finding_at(self, sensitivity: Sensitivity) -> PartFinding:
        """Of the logs, by the weights of another sensitivity."""
        if self._without_baseline:
            return self._findings()[0]
        log_p = self._logs_log_p(self._concurrent.log_p_at(sensitivity))
        return PartFinding("logs", self._state.shares.get("logs", 0.0), log_p, self._part_confidence("logs"))

    def _log_p(self, part: Part) -> float:
        """Natural log of the part's p for the whole life."""
        if part == "levels":
            return math.log(max(self._levels.p, SMALLEST_P))
        if part == "values":
            return self._values.log_p
        if part == "errors":
            requests = self._concurrent.log_p(part) - math.log1p(-self._events_share)
            return min(0.0, requests, self._events.log_p - math.log(self._events_share))
        return self._logs_log_p(self._concurrent.log_p(part))

    def _logs_log_p(self, side_by_side: float) -> float:
        classes = CLASSES_SHARE[self._state.with_past]
        return min(0.0, side_by_side - math.log(classes), math.log(self._logs.p) - math.log1p(-classes))

    def _part_confidence(self, part: Part) -> float | None:
        """0..1 towards "not worse"; None where a PASS need not rest on the part."""
        beta = self._settings.beta
        if part == "levels":
            p = self._levels.p_not_worse
            return None if p is None else progress(-math.log(max(p, SMALLEST_P)), beta)
        if part == "values":
            return _towards(self._values.log_not_worse, beta)
        if part == "logs" and self._logs_are_missed:
            return 0.0
        found = [self._concurrent.confidence(part, beta)]
        if part == "errors":
            least = self._events.least_shown
            found.append(_towards(None if least is None else least[0], beta))
        return min((one for one in found if one is not None), default=None)

    @property
    def _logs_are_missed(self) -> bool:
        """The workload has been heard by its logs before, and neither revision is now: its shipper may be down."""
        return "logs" in self._state.heard and not self._concurrent.logs_heard

    def _critical_log_ps(self) -> dict[str, float]:
        """Critical signal -> natural log of its own p for the whole life."""
        if not self._critical.signals:
            return {}
        own = {name: -signal.state.sup_worse for name, signal in self._concurrent.signals.items()}
        own |= self._events.log_ps | self._values.log_ps
        return {
            name: own[name] if name in own else math.log(max(self._levels.signal_p(name), SMALLEST_P))
            for name in self._critical.signals
        }

    @property
    def _without_baseline(self) -> bool:
        """It is judged by itself, and no baseline has come."""
        return self._state.is_alone and self._state.started_ns is None

    @property
    def _alone_share(self) -> float:
        """Of alpha, for what is judged without a baseline; none where a past without logs can say nothing anyway."""
        of_parts = 1.0 - self._settings.critical_share
        if self._settings.baseline == "none":
            return of_parts
        return of_parts * ALONE_SHARE if self._state.alone.past.exposure_s > 0.0 else 0.0

    @property
    def _alone_progress(self) -> float:
        """0..1: how far history has come to failing the canary."""
        if not self._state.is_alone:
            return 0.0
        return own_progress(-math.log(self._alone.state.p), self._alone_share, self._settings.alpha)

    @property
    def _exposure(self) -> Exposure:
        if self._without_baseline:
            return Exposure("pod_seconds", 0.0, self._alone.state.work.pod_s)
        return self._concurrent.exposure

    def _risk(self) -> float:
        return risk_of(self.verdict, self.fail_progress, self.confidence)

    def _score(self) -> float:
        """100 less the evidence against the canary."""
        return 100.0 * (1.0 - self.fail_progress)

    def _time_is_over(self) -> bool:
        lifetime_ns = self._settings.lifetime_ns
        return lifetime_ns is not None and self._state.started_ns is not None and self._elapsed_ns >= lifetime_ns

    @property
    def _elapsed_ns(self) -> int:
        """Since the first window with both sides."""
        state = self._state
        return 0 if state.started_ns is None or state.as_of_ns is None else state.as_of_ns - state.started_ns

    # --- what is said of it ---

    def _weight(self, signal: Signal) -> float:
        if signal.rule.criticality == "watch":
            return 0.0
        part = PARTS_OF_SIGNALS[signal.rule.signal]
        inner = CLASSES_SHARE[self._state.with_past] if part == "logs" else 1.0 - self._events_share
        return self._state.shares.get(part, 0.0) * inner * signal.rule.weight

    def _own(self, signal: Signal) -> float:
        return own_progress(signal.state.sup_worse, self._weight(signal), self._settings.alpha)

    def _inner(self, part: Part) -> float:
        """Share of alpha of `logs` or `levels`, less what the classes side by side have of it."""
        share = self._state.shares.get(part, 0.0)
        return share * (1.0 - CLASSES_SHARE[self._state.with_past]) if part == "logs" else share

    @property
    def _events_share(self) -> float:
        """Of the errors' alpha; known once the comparison begins."""
        return EVENTS_SHARE if self._state.events.stakes.reserve < 1.0 else UNHEARD_SHARE

    def _signals(self, rules: Mapping[str, SignalRule], levels: Sequence[LevelEvidence]) -> list[SignalEvidence]:
        alpha, beta = self._settings.alpha, self._settings.beta
        if self._without_baseline:
            return stream_rows([self._alone.evidence()], self._alone_share, alpha)
        errors, values = self._state.shares.get("errors", 0.0), self._state.shares.get("values", 0.0)
        rows = [
            *(self._evidence(signal) for signal in self._concurrent.shown()),
            *stream_rows(self._logs.evidence(), self._inner("logs"), alpha),
            *level_rows(levels, self._inner("levels"), alpha, rules),
            *event_rows(self._events, errors * self._events_share, alpha, beta),
            *value_rows(self._values, values, alpha, beta),
        ]
        return critical_rows(self._critical, rows, self._critical_log_ps())

    def _evidence(self, signal: Signal) -> SignalEvidence:
        state, name = signal.state, signal.rule.signal
        since_ns = self._state.since.get(name)
        return SignalEvidence(
            signal=name,
            baseline_count=state.baseline,
            canary_count=state.canary,
            effect_ratio=signal.effect_ratio,
            log10_e=state.sup_worse / math.log(10.0),
            weight=self._weight(signal),
            risk=100.0 * self._own(signal),
            confidence=progress(state.not_worse, self._settings.beta),
            part=PARTS_OF_SIGNALS[name],
            group=name.partition("/")[0],
            criticality=signal.rule.criticality,
            since_s=None if since_ns is None else since_ns / 1e9,
        )

    def _part_evidence(self, finding: PartFinding) -> PartEvidence:
        risk = 100.0 * finding.fail_progress(self._settings.alpha)
        return PartEvidence(finding.part, finding.share, math.exp(finding.log_p), risk, finding.confidence)

    def _reasons(
        self, verdict: Verdict, signatures: Mapping[int, SignatureInfo], levels: Sequence[LevelEvidence]
    ) -> list[str]:
        if self._without_baseline:
            return self._alone_reasons(verdict, signatures)
        if self._state.started_ns is None:
            return ["cannot tell yet: no window with both revisions has closed"]
        against = ranked_sentences(self._against(signatures, levels), verdict)
        if verdict == "fail":
            return against
        why = self._why_not_failed(verdict)
        return [*against, *why] if verdict == "none" and self.fail_progress > 0.5 else [*why, *against]

    def _alone_reasons(self, verdict: Verdict, signatures: Mapping[int, SignatureInfo]) -> list[str]:
        against = ranked_sentences([self._history_reason(signatures)], verdict) if self._alone.known else []
        said = history_sentences(self._alone, self._alone_share, self._settings.alpha)
        return [*against, *said] if self._alone_progress > 0.5 else [*said, *against]

    def _history_reason(self, signatures: Mapping[int, SignatureInfo]) -> Reason:
        log_p = math.log(self._alone.state.p)
        return history_reason(self._alone, log_p, self._alone_share, self._settings.alpha, signatures)

    def _why_not_failed(self, verdict: Verdict) -> list[str]:
        settings, concurrent = self._settings, self._concurrent
        if self._state.void_ns is not None:
            return [self._void_reason()]
        if verdict == "none" and self.held_back:
            return self._must_have.reasons()
        if verdict == "marginal":
            return ["its time is over, with evidence against it that does not suffice to fail it"]
        required = concurrent.required("logs", "errors")
        if verdict == "pass":
            beside = [part for part in BESIDE if self._part_confidence(part) is not None]
            return [pass_reason(required, beside, concurrent.exposure, settings.beta)]
        others = [
            f"cannot tell yet: the {finding.part} are shown to be no worse by {100 * finding.confidence:.0f}%"
            for finding in self._findings()
            if finding.part in BESIDE and finding.confidence is not None and finding.confidence < 1.0
        ]
        least = self._events.least_shown
        if least is not None and (shown := progress(least[0], settings.beta)) < 1.0:
            others.append(f"cannot tell yet: {least[1]} is shown to be no worse by {100 * shown:.0f}%")
        if self._logs_are_missed:
            others.append("cannot tell: it has been heard by its logs before, and no line of either revision has come")
        others += withheld(self.fail_progress, settings.alpha, self._elapsed_ns, settings.lifetime_ns)
        if not required:
            unseen = "cannot tell: neither logs nor request counts of either revision have been seen"
            levels = self._levels.unjudged if self._levels.signals and not self._levels.judged else ()
            return others or ["; ".join((unseen, *levels[:1]))]
        return [*missing_reasons(required, concurrent.state.exposure, settings, self.confidence), *others]

    def _against(self, signatures: Mapping[int, SignatureInfo], levels: Sequence[LevelEvidence]) -> list[Reason]:
        counted, state, alpha = self._concurrent, self._state.concurrent, self._settings.alpha
        before = [self._history_reason(signatures)] if self._state.is_alone and self._alone.known else []
        return [
            *before,
            *count_reasons(list(counted.signals.values()), self._own, state.tallies, state.exposure, signatures),
            *stream_reasons(self._logs, self._inner("logs"), alpha, signatures),
            *level_reasons(levels, self._inner("levels"), alpha),
            *event_reasons(self._events, self._state.shares.get("errors", 0.0) * self._events_share, alpha),
            *value_reasons(self._values, self._state.shares.get("values", 0.0), alpha),
            *self._critical.reasons(self._critical_log_ps()),
        ]

    def _void_reason(self) -> str:
        state = self._state.split
        share = state.canary / (state.canary + state.baseline)
        return (
            f"the comparison is void: the canary has {100 * share:.1f}% of the requests, where"
            f" {100 * (self._settings.intended_share or 0.0):.1f}% was intended"
            f" (E = {e_value(state.sup_log_e)})"
        )

    def _unjudged(self) -> list[str]:
        if self._without_baseline:
            return alone_unjudged(self._alone)
        if self._state.started_ns is None:
            return []
        return [
            *self._concurrent.unjudged(),
            *self._logs.unjudged(),
            *self._levels.unjudged,
            *self._events.unjudged(),
            *self._values.unjudged(),
        ]


def _towards(log_not_worse: float | None, beta: float) -> float | None:
    return None if log_not_worse is None else progress(log_not_worse, beta)


def _groups(evidence: tuple[SignalEvidence, ...]) -> tuple[GroupEvidence, ...]:
    """Signals (worst first) by group."""
    members: dict[tuple[Part, str], list[SignalEvidence]] = {}
    for one in evidence:
        members.setdefault((one.part, one.group), []).append(one)
    return tuple(
        GroupEvidence(group, part, len(ones), ones[0].risk, math.fsum(one.weight for one in ones), ones[0].signal)
        for (part, group), ones in members.items()
    )


def _copy(state: JudgeState) -> JudgeState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=JudgeState)
