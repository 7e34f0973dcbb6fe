"""How is one judgement told: as rows, as sentences, and read by the weights of another sensitivity?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from streams.judging.combine import PartFinding, own_progress, progress
from streams.judging.critical import critical_rows
from streams.judging.events.telling import event_reasons, event_rows
from streams.judging.evidence import GroupEvidence, Part, PartEvidence, ReadSignal, SignalEvidence, Verdict
from streams.judging.judge_state import JudgeState
from streams.judging.levels.evidence import LevelEvidence
from streams.judging.logs.part import NewShapes
from streams.judging.logs.settings import OF_WHOLE_TRACES
from streams.judging.logs.shapes import Difference
from streams.judging.parts import Parts
from streams.judging.promotion import withheld
from streams.judging.reasons import (
    WORTH_SAYING,
    Reason,
    count_reasons,
    e_value,
    missing_reasons,
    part_shown,
    pass_reason,
    ranked_sentences,
)
from streams.judging.settings import PARTS_OF_SIGNALS, JudgeSettings
from streams.judging.side import SignatureInfo
from streams.judging.signal import Signal
from streams.judging.telling import level_reasons, level_rows, stream_reasons, stream_rows
from streams.judging.template_counts import TemplateCount, template_counts
from streams.judging.values.telling import value_reasons, value_rows
from streams.policy.written import Sensitivity
from streams.signals.rule import SignalRule

_BESIDE: tuple[Part, ...] = ("values", "levels")
"""Parts whose evidence is no count."""


class Report:
    """What is said of one comparison; it changes nothing."""

    def __init__(self, settings: JudgeSettings, state: JudgeState, parts: Parts) -> None:
        """Of the judge that has these."""
        self._settings = settings
        self._state = state
        self._parts = parts

    def rows(self, rules: Mapping[str, SignalRule], levels: Sequence[LevelEvidence]) -> list[SignalEvidence]:
        """A row per signal.

        Args:
            rules: of the signals.
            levels: what the levels say.
        """
        alpha, beta = self._settings.alpha, self._settings.beta
        if self._parts.without_baseline:
            return self._parts.alone.rows()
        errors, values = self._state.shares.get("errors", 0.0), self._state.shares.get("values", 0.0)
        rows = [
            *(self._evidence(signal) for signal in self._parts.concurrent.shown()),
            *stream_rows(self._parts.logs.evidence(), self._parts.inner("logs"), alpha),
            *level_rows(levels, self._parts.inner("levels"), alpha, rules),
            *event_rows(self._parts.events, errors * self._parts.counted_share, alpha, beta),
            *value_rows(self._parts.values, values, alpha, beta),
        ]
        return critical_rows(self._parts.critical, rows, self._parts.critical_log_ps())

    def part(self, finding: PartFinding) -> PartEvidence:
        """What one part says."""
        risk = 100.0 * finding.fail_progress(self._settings.alpha)
        return PartEvidence(finding.part, finding.share, math.exp(finding.log_p), risk, finding.confidence)

    def reasons(
        self,
        verdict: Verdict,
        risk: float,
        signatures: Mapping[int, SignatureInfo],
        levels: Sequence[LevelEvidence],
        differences: Sequence[Difference],
    ) -> list[str]:
        """Sentences, the weightiest first.

        Args:
            verdict: that they explain.
            risk: 0..100, the same.
            signatures: texts.
            levels: what the levels say.
            differences: between new shapes of traces and the baseline's.
        """
        if self._parts.without_baseline:
            against = ranked_sentences(self._parts.alone.reasons(signatures), verdict)
            return self._parts.alone.sentences(against, risk)
        if self._state.started_ns is None:
            return ["cannot tell yet: no window with both revisions has closed"]
        against = ranked_sentences(self._against(signatures, levels, differences), verdict)
        if verdict == "fail":
            return against
        why = self._why_not_failed(verdict)
        return [*against, *why] if verdict == "none" and self._parts.fail_progress > 0.5 else [*why, *against]

    def unjudged(self) -> list[str]:
        """What could not be judged, and why."""
        if self._parts.without_baseline:
            return self._parts.alone.unjudged()
        if self._state.started_ns is None:
            return []
        return [
            *self._parts.concurrent.unjudged(),
            *self._parts.logs.unjudged(),
            *self._parts.levels.unjudged,
            *self._parts.events.unjudged(),
            *self._parts.values.unjudged(),
        ]

    def templates(self, root: Callable[[int], int]) -> list[TemplateCount]:
        """What both sides logged of class warning and worse, that with most impact on the risk first.

        Args:
            root: the template that a signature is part of.
        """
        if self._parts.without_baseline:
            return self._parts.alone.templates(root, known=self._parts.logs.knows_templates)
        risks = {name: 100.0 * self._parts.own(signal) for name, signal in self._parts.concurrent.signals.items()}
        return template_counts(self._parts.concurrent.state.tallies, root, self._parts.logs.is_new, risks)

    def logs_at(self, sensitivity: Sensitivity) -> PartEvidence:
        """What the logs say by the weights of another sensitivity."""
        return self.part(self._parts.logs_finding_at(sensitivity))

    def signals_at(self, sensitivity: Sensitivity) -> tuple[ReadSignal, ...]:
        """What the log classes say by the weights of another sensitivity."""
        share = self._state.shares.get("logs", 0.0) * self._parts.classes_share
        alpha, found = self._settings.alpha, []
        for name, weight in sorted(self._settings.weights_at[sensitivity].items()):
            signal = self._parts.concurrent.signals[name]
            own = 0.0 if signal.rule.criticality == "watch" else share * weight
            found.append(ReadSignal(name, own, 100.0 * own_progress(self._parts.log_e(signal), own, alpha)))
        return tuple(found)

    def _evidence(self, signal: Signal) -> SignalEvidence:
        state, name = signal.state, signal.rule.signal
        since_ns = self._state.since.get(name)
        return SignalEvidence(
            signal=name,
            baseline_count=state.baseline,
            canary_count=state.canary,
            effect_ratio=signal.effect_ratio,
            log10_e=self._parts.log_e(signal) / math.log(10.0),
            weight=self._parts.weight(signal),
            risk=100.0 * self._parts.own(signal),
            confidence=progress(state.not_worse, self._settings.beta),
            part=PARTS_OF_SIGNALS[name],
            group=name.partition("/")[0],
            criticality=signal.rule.criticality,
            since_s=None if since_ns is None else since_ns / 1e9,
        )

    def _why_not_failed(self, verdict: Verdict) -> list[str]:
        settings, concurrent = self._settings, self._parts.concurrent
        if self._state.void_ns is not None:
            return [self._void_reason()]
        if verdict == "none" and self._parts.held_back:
            return self._parts.must_have.reasons()
        if verdict == "marginal":
            return ["its time is over, with evidence against it that does not suffice to fail it"]
        required = concurrent.required("logs", "errors")
        if verdict == "pass":
            beside = [part for part in _BESIDE if self._parts.part_confidence(part) is not None]
            return [pass_reason(required, beside, concurrent.exposure, settings.beta)]
        others = [
            part_shown(f"the {finding.part} are", finding.confidence)
            for finding in self._parts.findings()
            if finding.part in _BESIDE and finding.confidence is not None and finding.confidence < 1.0
        ]
        least = self._parts.events.least_shown
        if least is not None and (shown := progress(least[0], settings.beta)) < 1.0:
            others.append(part_shown(f"{least[1]} is", shown))
        waiting = [
            part
            for part, waits in (("levels", self._parts.levels_wait), ("latencies", self._parts.values.state.waits))
            if waits
        ]
        if waiting:
            named = " and ".join(waiting)
            others.append(f"cannot tell yet: {named} are compared from when a pod of the canary is two minutes old")
        others += self._standing_out()
        if self._parts.logs_are_missed:
            others.append("cannot tell: it has been heard by its logs before, and no line of either revision has come")
        others += withheld(self._parts.fail_progress, settings.alpha, self._parts.elapsed_ns, settings.lifetime_ns)
        if not required:
            unseen = "cannot tell: neither logs nor request counts of either revision have been seen"
            levels = self._parts.levels
            unjudged = levels.unjudged if levels.signals and not levels.judged else ()
            return others or ["; ".join((unseen, *unjudged[:1]))]
        return [*missing_reasons(required, concurrent.state.exposure, settings, self._parts.confidence), *others]

    def _standing_out(self) -> list[str]:
        """What withholds a PASS though it can fail nobody."""
        plain, refusing = self._parts.levels.plainly_worse, self._parts.events.refusing
        found = []
        if plain:
            named = _named(plain)
            found.append(
                f"cannot tell: all pods of the canary are far worse on {named}; there is no history to judge by"
            )
        if refusing:
            found.append(
                f"cannot tell: the canary refuses more of what clients ask than the baseline ({_named(refusing)})"
            )
        return found

    @property
    def new_shapes(self) -> NewShapes | None:
        """New shapes of traces; None where they are not worth telling."""
        if self._parts.without_baseline:
            return None
        share, alpha, logs = self._parts.inner("logs"), self._settings.alpha, self._parts.logs
        rows = stream_rows([one for one in logs.evidence() if one.stream in OF_WHOLE_TRACES], share, alpha)
        return logs.new_shapes if any(row.risk >= 100.0 * WORTH_SAYING for row in rows) else None

    def _against(
        self,
        signatures: Mapping[int, SignatureInfo],
        levels: Sequence[LevelEvidence],
        differences: Sequence[Difference],
    ) -> list[Reason]:
        counted, state, alpha = self._parts.concurrent, self._state.concurrent, self._settings.alpha
        before = self._parts.alone.reasons(signatures) if self._state.is_alone else []
        errors = self._state.shares.get("errors", 0.0)
        return [
            *before,
            *count_reasons(
                list(counted.signals.values()),
                self._parts.own,
                self._parts.log_e,
                state.tallies,
                state.exposure,
                signatures,
                self._parts.logs.at_one_pod,
            ),
            *stream_reasons(self._parts.logs, self._parts.inner("logs"), alpha, signatures, differences),
            *level_reasons(levels, self._parts.inner("levels"), alpha),
            *event_reasons(self._parts.events, errors * self._parts.counted_share, alpha),
            *self._parts.loops.reasons(self._parts.looping),
            *value_reasons(self._parts.values, self._state.shares.get("values", 0.0), alpha),
            *self._parts.critical.reasons(self._parts.critical_log_ps()),
        ]

    def _void_reason(self) -> str:
        state = self._state.split
        share = state.canary / (state.canary + state.baseline)
        return (
            f"the comparison is void: the canary has {100 * share:.1f}% of the requests, where"
            f" {100 * (self._settings.intended_share or 0.0):.1f}% was intended"
            f" (E = {e_value(state.sup_log_e)})"
        )


def _named(signals: Sequence[str]) -> str:
    return ", ".join(f"`{signal}`" for signal in signals[:3])


def groups_of(evidence: tuple[SignalEvidence, ...]) -> tuple[GroupEvidence, ...]:
    """Signals (worst first) by group."""
    members: dict[tuple[Part, str], list[SignalEvidence]] = {}
    for one in evidence:
        members.setdefault((one.part, one.group), []).append(one)
    return tuple(
        GroupEvidence(group, part, len(ones), ones[0].risk, math.fsum(one.weight for one in ones), ones[0].signal)
        for (part, group), ones in members.items()
    )
