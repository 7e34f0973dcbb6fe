"""The parts of one judgement, and what they come to together.

Logs, errors, values and levels are judged each by its own statistics and its own share of alpha; beside them stand
critical signals, signals that must be there, and the canary without a baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from streams.judging import split
from streams.judging.alone import AGAINST_SHARE, ALONE_SHARE, new_risk
from streams.judging.combine import PartFinding, own_progress, progress
from streams.judging.concurrent import Concurrent
from streams.judging.critical import Critical
from streams.judging.events.part import EventPart
from streams.judging.evidence import Exposure, Part
from streams.judging.judge_state import JudgeState
from streams.judging.levels.part import LevelPart
from streams.judging.logs.by_history import ByHistory
from streams.judging.logs.part import LogPart
from streams.judging.logs.settings import ERRORS
from streams.judging.must_have import MustHave
from streams.judging.past import Past
from streams.judging.production.against import Against
from streams.judging.production.past import FAILED_REQUESTS
from streams.judging.promotion import balance, waited
from streams.judging.settings import PARTS_OF_SIGNALS, JudgeSettings
from streams.judging.shares import PARTS, UNHEARD_SHARE, shares
from streams.judging.side import Side, SignatureInfo
from streams.judging.signal import Signal
from streams.judging.telling import SMALLEST_P
from streams.judging.values.part import ValuePart, ValueSettings
from streams.policy.written import Sensitivity
from streams.signals.rule import SignalRule

CLASSES_SHARE = {True: 0.15, False: 0.8}
"""Share of the logs' alpha of the classes compared side by side (`concurrent`), with a past and without one; the rest
is that of `logs`, which judges by the past. Nearly all to the one that can tell; what is left of the other's keeps what
it alone sees: frequent warnings, and new things where nothing is known yet."""


PART_OF_KIND: dict[str, Part] = {ERRORS: "logs", FAILED_REQUESTS: "errors"}
"""Of what production may fail a revision by that has no baseline."""
EVENTS_SHARE = 0.5
"""Share of the errors' alpha of events that counters tell of, where the workload has such; else `UNHEARD_SHARE`. Nobody
knows which of the two will speak."""


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
        self.values = ValuePart(ValueSettings(), state.values)
        self.critical = Critical(settings, state.critical)
        self.must_have = MustHave(settings, state.must_have)
        self.production = Against(window_ns, state.against)
        level = settings.alpha * self.alone_share * (1.0 - self.against_share)
        self.alone = ByHistory(settings.logs, window_ns, level, settings.signature_limit, state.alone)
        self.levels = LevelPart(past.levels, state.prior.levels, state.planned_ns, window_ns, state.levels)

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
        self.levels.add(start_ns, baseline, canary, rules)
        self.events.add(baseline, canary, rules)
        self.values.add(baseline, canary, rules)
        if not state.shares:
            unjudged = {} if self.levels.judged else {"levels": 0.0}
            of_parts = 1.0 - self._settings.critical_share - (self.alone_share if state.is_alone else 0.0)
            found = shares({**self._settings.part_weights, **unjudged}, state.heard)
            state.shares = {part: of_parts * share for part, share in found.items()}
        intended = self._settings.intended_share
        if settled is not None and intended is not None and settled.by_requests:
            split.learn(state.split, intended, settled.bin.canary.requests, settled.bin.baseline.requests)

    def keep(self) -> None:
        """Bring what the parts remember into the state."""
        self._state.logs, self._state.levels = self.logs.to_state(), self.levels.to_state()
        self._state.values = self.values.to_state()

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self.logs.redirect(redirects)
        self.alone.redirect(redirects)
        self.production.redirect(redirects)

    @property
    def fail_progress(self) -> float:
        """0..1; 1 exactly when it fails the canary now."""
        return self.harm(self.findings())

    @property
    def confidence(self) -> float:
        """0..1: the least of what a PASS has to rest on (`combine`); 1 exactly when all of it is there."""
        if not self.concurrent.enough or self.held_back:
            return 0.0
        findings = self.findings()
        found = [finding.confidence for finding in findings if finding.confidence is not None]
        if not found:
            return 0.0
        settings = self._settings
        beside = balance(self.harm(findings), settings.alpha), waited(self.elapsed_ns, settings.lifetime_ns)
        return min(*found, *beside)

    @property
    def held_back(self) -> bool:
        """A signal that must be there is missing: it can fail, and nothing else be said."""
        return bool(self.must_have.missing)

    def findings(self) -> list[PartFinding]:
        """All four parts, in order."""
        if self.without_baseline:
            return [self._alone_finding(part) for part in PARTS]
        return [
            PartFinding(part, self._state.shares.get(part, 0.0), self._log_p(part), self._part_confidence(part))
            for part in PARTS
        ]

    def harm(self, findings: Sequence[PartFinding]) -> float:
        """0..1: how far these parts, and the critical signals, have come to failing the canary."""
        found = [finding.fail_progress(self._settings.alpha) for finding in findings]
        return max(*found, self.critical.progress(self.critical_log_ps()), self.alone_progress)

    def logs_finding_at(self, sensitivity: Sensitivity) -> PartFinding:
        """Of the logs, by the weights of another sensitivity."""
        if self.without_baseline:
            return self.findings()[0]
        log_p = self._logs_log_p(self.concurrent.log_p_at(sensitivity))
        return PartFinding("logs", self._state.shares.get("logs", 0.0), log_p, self._part_confidence("logs"))

    def _log_p(self, part: Part) -> float:
        """Natural log of the part's p for the whole life."""
        if part == "levels":
            return math.log(max(self.levels.p, SMALLEST_P))
        if part == "values":
            return self.values.log_p
        if part == "errors":
            requests = self.concurrent.log_p(part) - math.log1p(-self.events_share)
            return min(0.0, requests, self.events.log_p - math.log(self.events_share))
        return self._logs_log_p(self.concurrent.log_p(part))

    def _logs_log_p(self, side_by_side: float) -> float:
        classes = CLASSES_SHARE[self._state.with_past]
        return min(0.0, side_by_side - math.log(classes), math.log(self.logs.p) - math.log1p(-classes))

    def _part_confidence(self, part: Part) -> float | None:
        """0..1 towards "not worse"; None where a PASS need not rest on the part."""
        beta = self._settings.beta
        if part == "levels":
            p = self.levels.p_not_worse
            return None if p is None else progress(-math.log(max(p, SMALLEST_P)), beta)
        if part == "values":
            return _towards(self.values.log_not_worse, beta)
        if part == "logs" and self.logs_are_missed:
            return 0.0
        found = [self.concurrent.confidence(part, beta)]
        if part == "errors":
            found.append(_towards(self.events.log_not_worse, beta))
        return min((one for one in found if one is not None), default=None)

    @property
    def logs_are_missed(self) -> bool:
        """The workload has been heard by its logs before, and neither revision is now: its shipper may be down."""
        return "logs" in self._state.heard and not self.concurrent.logs_heard

    def critical_log_ps(self) -> dict[str, float]:
        """Critical signal -> natural log of its own p for the whole life."""
        if not self.critical.signals:
            return {}
        own = {name: -signal.state.sup_worse for name, signal in self.concurrent.signals.items()}
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
    def alone_share(self) -> float:
        """Of alpha, for what is judged without a baseline."""
        of_parts = 1.0 - self._settings.critical_share
        return of_parts if self._settings.baseline == "none" else of_parts * ALONE_SHARE

    @property
    def alone_progress(self) -> float:
        """0..1: how far history has come to failing the canary."""
        if not self._state.is_alone:
            return 0.0
        log_p = min(self._alone_log_p("logs"), self._alone_log_p("errors"))
        return own_progress(-log_p, self.alone_share, self._settings.alpha)

    @property
    def against_share(self) -> float:
        """Of what is judged without a baseline, for what production did before it."""
        return AGAINST_SHARE if self._state.against.shares else 0.0

    @property
    def new_risk(self) -> float:
        """0..99: what new templates make of "cannot tell" without a baseline; 0 where they say nothing."""
        return new_risk(self.production, self._settings.alpha) if self.without_baseline else 0.0

    def _alone_finding(self, part: Part) -> PartFinding:
        of_errors = self.against_share * self._state.against.shares.get(FAILED_REQUESTS, 0.0)
        share = {"logs": 1.0 - of_errors, "errors": of_errors}.get(part, 0.0)
        log_p = self._alone_log_p(part) + math.log(share) if share > 0.0 else 0.0
        return PartFinding(part, self.alone_share * share, log_p, None)

    def _alone_log_p(self, part: Part) -> float:
        """Natural log of what one part says without a baseline, as if it were all."""
        shares = self._state.against.shares
        found = [
            math.log(self.production.p(kind)) - math.log(self.against_share * shares[kind])
            for kind in shares
            if PART_OF_KIND[kind] == part and shares[kind] > 0.0
        ]
        if part == "logs":
            found.append(math.log(self.alone.state.p) - math.log1p(-self.against_share))
        return min((0.0, *found))

    @property
    def exposure(self) -> Exposure:
        """Of both sides."""
        if self.without_baseline:
            return Exposure("pod_seconds", 0.0, self.alone.state.work.pod_s)
        return self.concurrent.exposure

    @property
    def elapsed_ns(self) -> int:
        """Since the first window with both sides."""
        state = self._state
        return 0 if state.started_ns is None or state.as_of_ns is None else state.as_of_ns - state.started_ns

    def weight(self, signal: Signal) -> float:
        """Share of alpha of a counted signal."""
        if signal.rule.criticality == "watch":
            return 0.0
        part = PARTS_OF_SIGNALS[signal.rule.signal]
        inner = CLASSES_SHARE[self._state.with_past] if part == "logs" else 1.0 - self.events_share
        return self._state.shares.get(part, 0.0) * inner * signal.rule.weight

    def own(self, signal: Signal) -> float:
        """0..1: how far a counted signal has come to failing the canary by itself."""
        return own_progress(signal.state.sup_worse, self.weight(signal), self._settings.alpha)

    def inner(self, part: Part) -> float:
        """Share of alpha of `logs` or `levels`, less what the classes side by side have of it."""
        share = self._state.shares.get(part, 0.0)
        return share * (1.0 - CLASSES_SHARE[self._state.with_past]) if part == "logs" else share

    @property
    def events_share(self) -> float:
        """Of the errors' alpha; known once the comparison begins."""
        return EVENTS_SHARE if self._state.events.stakes.reserve < 1.0 else UNHEARD_SHARE


def _towards(log_not_worse: float | None, beta: float) -> float | None:
    return None if log_not_worse is None else progress(log_not_worse, beta)
