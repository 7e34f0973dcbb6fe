"""The parts of one judgement, and what they come to together.

Logs, errors, values and levels are judged each by its own statistics and its own share of alpha; beside them stand
critical signals, signals that must be there, and the canary without a baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from streams.judging import split
from streams.judging.alone_part import AlonePart
from streams.judging.combine import SMALLEST_P, PartFinding, own_progress, progress
from streams.judging.concurrent import Concurrent
from streams.judging.critical import Critical
from streams.judging.events.loops import Loops
from streams.judging.events.part import EventPart
from streams.judging.evidence import Exposure, Part
from streams.judging.judge_state import JudgeState
from streams.judging.levels.part import LevelPart
from streams.judging.logs.part import LogPart
from streams.judging.must_have import MustHave
from streams.judging.past import Past
from streams.judging.pod_window import STARTS_NS
from streams.judging.promotion import balance, waited
from streams.judging.settings import PARTS_OF_SIGNALS, JudgeSettings
from streams.judging.shares import PARTS, UNHEARD_SHARE, provisional_shares, shares
from streams.judging.side import Side, SignatureInfo
from streams.judging.signal import Signal
from streams.judging.values.part import ValuePart, ValueSettings
from streams.policy.written import Sensitivity
from streams.signals.rule import SignalRule

_CLASSES_SHARE = {True: 0.15, False: 0.8}
"""Share of the logs' alpha of the classes compared side by side (`concurrent`), with a past and without one; the rest
is that of `logs`, which judges by the past. Nearly all to the one that can tell; what is left of the other's keeps what
it alone sees: frequent warnings, and new things where nothing is known yet."""
_CLASSES_REHEARSED_SHARE = 0.5
"""The same where production alone has taught a past (`rehearsal`): of errors that tells, of what is new it does not."""

EVENTS_SHARE = 0.5
"""Share of the errors' alpha of events that counters tell of, where the workload has such; else `UNHEARD_SHARE`. Nobody
knows which of the two will speak."""
LOOPS_SHARE = 0.5
"""Of what events have: restarts as production does not have them, where it is known for long; likewise."""
_SCRAPES_OF_A_COUNTER = 2
"""Until it has told of an increase; each within the patience of `settings`."""


class Parts:
    """`add` windows; then `fail_progress` and `confidence`, and each part by itself."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: JudgeState, past: Past) -> None:
        """Goes on from a state.

        Args:
            settings: the same all along.
            window_ns: length of a window.
            state: of the comparison, which `add` changes.
            past: of the workload; looked at in the first window with both sides.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._state = state
        self.concurrent = Concurrent(settings, window_ns, state.concurrent)
        self.logs = LogPart(settings.logs, past.logs, state.prior.logs, state.planned_ns, window_ns, state.logs)
        self.events = EventPart(settings, state.events)
        self.loops = Loops(window_ns, state.loops)
        self.values = ValuePart(ValueSettings(), state.values)
        self.critical = Critical(settings, state.critical)
        self.must_have = MustHave(settings, state.must_have)
        self.alone = AlonePart(settings, window_ns, state)
        self.levels = LevelPart(past.levels, state.prior.levels, state.planned_ns, window_ns, state.levels)
        self._found: tuple[int | None, list[PartFinding], float] | None = None
        """End of a window, what all parts say after it, and how far that is to failing; None until somebody asks."""

    def add(
        self,
        start_ns: int,
        baseline: Side | None,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        templates: Mapping[int, int],
    ) -> None:
        """One closed window after the warm-up; arguments as of `Judge.add`."""
        state = self._state
        self.critical.meet(rules)
        self.must_have.add(baseline, canary, rules)
        settled = self.concurrent.add(start_ns, baseline, canary, signatures)
        heard = not self.concurrent.cut_off
        self.logs.add(start_ns, baseline, canary, signatures, heard=heard, templates=templates)
        if self._starts(start_ns, baseline, canary):
            self.levels.prepare(rules)
        else:
            self.levels.add(start_ns, baseline, canary, rules)
        self.events.add(baseline, canary, rules)
        self.loops.add(start_ns, canary, rules)
        self.values.add(baseline, canary, rules)
        self._share_out(start_ns + self._window_ns)
        intended = self._settings.intended_share
        if settled is not None and intended is not None and settled.by_requests:
            split.learn(state.split, intended, settled.bin.canary.requests, settled.bin.baseline.requests)

    def _starts(self, start_ns: int, baseline: Side | None, canary: Side | None) -> bool:
        """The canary's pods say that they are just starting, the baseline's that they are not.

        What starts loads classes, fills caches, compiles: more CPU, slower answers, whatever the revision. Baselines
        are grown up, and so is all the past that levels are measured by, so they wait for the first pod to be.
        """
        if self.levels.begun or baseline is None or canary is None or not (baseline.born_ns and canary.born_ns):
            return False
        return start_ns - canary.born_ns < STARTS_NS <= start_ns - baseline.born_ns

    def _share_out(self, as_of_ns: int) -> None:
        """Share alpha out among the parts: once, or while a workload of which nothing is known is being heard."""
        state, settings = self._state, self._settings
        if state.shares and not state.awaits_parts:
            return
        weights = settings.part_weights if self.levels.judged else {**settings.part_weights, "levels": 0.0}
        patience_ns = _SCRAPES_OF_A_COUNTER * settings.patience_windows * self._window_ns
        heard = {*state.heard, *(state.baseline_heard if state.awaits_parts else ())}
        can_speak = any(weights[part] > 0.0 for part in heard)
        if can_speak and state.heard_from_ns is not None and as_of_ns - state.heard_from_ns >= patience_ns:
            state.awaits_parts = False
        found = provisional_shares(weights, heard) if state.awaits_parts else shares(weights, heard)
        of_parts = 1.0 - settings.critical_share - (self.alone.share if state.is_alone else 0.0)
        state.shares = {part: of_parts * share for part, share in found.items()}

    def keep(self) -> None:
        """Bring what the parts remember into the state."""
        self._state.logs, self._state.levels = self.logs.to_state(), self.levels.to_state()
        self._state.values = self.values.to_state()

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self._found = None
        self.logs.redirect(redirects)
        self.alone.redirect(redirects)

    @property
    def fail_progress(self) -> float:
        """0..1; 1 exactly when it fails the canary now."""
        return self._now()[1]

    @property
    def confidence(self) -> float:
        """0..1: the least of what a PASS has to rest on (`combine`); 1 exactly when all of it is there."""
        if not self.concurrent.enough or self.held_back or self.events.refusing:
            return 0.0
        findings, harm = self._now()
        found = [finding.confidence for finding in findings if finding.confidence is not None]
        if not found:
            return 0.0
        settings = self._settings
        beside = balance(harm, settings.alpha), waited(self.elapsed_ns, settings.lifetime_ns)
        return min(*found, *beside)

    @property
    def held_back(self) -> bool:
        """A signal that must be there is missing: it can fail, and nothing else be said."""
        return bool(self.must_have.missing)

    def findings(self) -> list[PartFinding]:
        """All four parts, in order."""
        return self._now()[0]

    def _now(self) -> tuple[list[PartFinding], float]:
        """Findings and `fail_progress`; worked out once a window, when it has been added."""
        if self._found is None or self._found[0] != self._state.as_of_ns:
            findings = self._find()
            self._found = self._state.as_of_ns, findings, self.harm(findings)
        return self._found[1:]

    def _find(self) -> list[PartFinding]:
        if self.without_baseline:
            return self.alone.findings()
        return [
            PartFinding(part, self._state.shares.get(part, 0.0), self._log_p(part), self.part_confidence(part))
            for part in PARTS
        ]

    def harm(self, findings: Sequence[PartFinding]) -> float:
        """0..1: how far these parts, and the critical signals, have come to failing the canary."""
        found = [finding.fail_progress(self._settings.alpha) for finding in findings]
        return max(*found, self.critical.progress(self.critical_log_ps()), self.alone.progress)

    def logs_finding_at(self, sensitivity: Sensitivity) -> PartFinding:
        """Of the logs, by the weights of another sensitivity."""
        if self.without_baseline:
            return self.findings()[0]
        log_p = self._logs_log_p(self.concurrent.log_p_at(sensitivity))
        return PartFinding("logs", self._state.shares.get("logs", 0.0), log_p, self.part_confidence("logs"))

    def _log_p(self, part: Part) -> float:
        """Natural log of the part's p for the whole life."""
        if part == "levels":
            return math.log(max(self.levels.p, SMALLEST_P))
        if part == "values":
            return self.values.log_p
        if part == "errors":
            requests = self.concurrent.log_p(part) - math.log1p(-self.events_share)
            found = [0.0, requests, self.events.log_p - math.log(self.counted_share)]
            if self.loops.judged:
                found.append(math.log(self.loops.state.p) - math.log(self.loops_share))
            return min(found)
        return self._logs_log_p(self.concurrent.log_p(part))

    def _logs_log_p(self, side_by_side: float) -> float:
        classes = self.classes_share
        return min(
            0.0, side_by_side / self.logs.clump - math.log(classes), math.log(self.logs.p) - math.log1p(-classes)
        )

    def part_confidence(self, part: Part) -> float | None:
        """0..1 towards "not worse"; None where a PASS need not rest on the part."""
        beta = self._settings.beta
        if part == "levels":
            if self.levels_wait or self.levels.plainly_worse:
                return 0.0
            p = self.levels.p_not_worse
            return None if p is None else progress(-math.log(max(p, SMALLEST_P)), beta)
        if part == "values":
            if self.values.state.waits:
                return 0.0
            return _towards(self.values.log_not_worse, beta)
        if part == "logs" and self.logs_are_missed:
            return 0.0
        found = [self.concurrent.confidence(part, beta)]
        if part == "errors":
            least = self.events.least_shown
            found.append(_towards(None if least is None else least[0], beta))
        return min((one for one in found if one is not None), default=None)

    @property
    def levels_wait(self) -> bool:
        """The comparison has begun, and the levels' has not: the canary is starting."""
        return self.levels.prepared and not self.levels.begun

    @property
    def logs_are_missed(self) -> bool:
        """The workload has been heard by its logs before, and neither revision is now: its shipper may be down."""
        return "logs" in self._state.heard and not self.concurrent.logs_heard

    def critical_log_ps(self) -> dict[str, float]:
        """Critical signal -> natural log of its own p for the whole life."""
        if not self.critical.signals:
            return {}
        own = {name: -self.log_e(signal) for name, signal in self.concurrent.signals.items()}
        own |= self.events.log_ps | self.values.log_ps
        return {
            name: own[name] if name in own else math.log(max(self.levels.signal_p(name), SMALLEST_P))
            for name in self.critical.signals
        }

    @property
    def without_baseline(self) -> bool:
        """It is judged by itself, and no baseline has come."""
        return self._state.is_alone and self._state.started_ns is None

    @property
    def new_risk(self) -> float:
        """0..99: what new templates make of "cannot tell" without a baseline; 0 where they say nothing."""
        return self.alone.new_risk if self.without_baseline else 0.0

    @property
    def exposure(self) -> Exposure:
        """Of both sides."""
        if self.without_baseline:
            return Exposure("pod_seconds", 0.0, self.alone.pod_s)
        return self.concurrent.exposure

    @property
    def elapsed_ns(self) -> int:
        """Since the first window with both sides."""
        state = self._state
        return 0 if state.started_ns is None or state.as_of_ns is None else state.as_of_ns - state.started_ns

    @property
    def classes_share(self) -> float:
        """Share of the logs' alpha of the classes compared side by side."""
        by_comparisons = self._state.with_past
        rehearsed = self.logs.knows_failures and not by_comparisons
        return _CLASSES_REHEARSED_SHARE if rehearsed else _CLASSES_SHARE[by_comparisons]

    def weight(self, signal: Signal) -> float:
        """Share of alpha of a counted signal."""
        if signal.rule.criticality == "watch":
            return 0.0
        part = PARTS_OF_SIGNALS[signal.rule.signal]
        inner = self.classes_share if part == "logs" else 1.0 - self.events_share
        return self._state.shares.get(part, 0.0) * inner * signal.rule.weight

    def own(self, signal: Signal) -> float:
        """0..1: how far a counted signal has come to failing the canary by itself."""
        return own_progress(self.log_e(signal), self.weight(signal), self._settings.alpha)

    def log_e(self, signal: Signal) -> float:
        """Log of the largest E of a counted signal; of a log class less where one of several pods has the failures."""
        clump = self.logs.clump if PARTS_OF_SIGNALS[signal.rule.signal] == "logs" else 1.0
        return signal.state.sup_worse / clump

    @property
    def looping(self) -> float:
        """0..1: how far restarts as production does not have them have come to failing the canary."""
        share = self._state.shares.get("errors", 0.0) * self.loops_share
        return own_progress(-math.log(self.loops.state.p), share, self._settings.alpha)

    def inner(self, part: Part) -> float:
        """Share of alpha of `logs` or `levels`, less what the classes side by side have of it."""
        share = self._state.shares.get(part, 0.0)
        return share * (1.0 - self.classes_share) if part == "logs" else share

    @property
    def counted_share(self) -> float:
        """Of the errors' alpha, of events compared side by side."""
        return self.events_share - self.loops_share

    @property
    def loops_share(self) -> float:
        """Of the errors' alpha, of restarts held against production."""
        return LOOPS_SHARE * self.events_share if self.loops.judged else 0.0

    @property
    def events_share(self) -> float:
        """Of the errors' alpha; known once the comparison begins."""
        return EVENTS_SHARE if self._state.events.stakes.reserve < 1.0 else UNHEARD_SHARE


def _towards(log_not_worse: float | None, beta: float) -> float | None:
    return None if log_not_worse is None else progress(log_not_worse, beta)
