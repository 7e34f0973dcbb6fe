"""The canary while nothing of a baseline is beside it, judged by what is known of its workload: share, findings, rows.

When that begins and what may come of it: `alone`. It is judged by what production did before it (`production.against`)
and by earlier comparisons (`logs.by_history`), each with a share of alpha of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from msgspec import structs

from streams.judging.alone import (
    AGAINST_SHARE,
    ALONE_SHARE,
    AWAITED_NS,
    GONE_NS,
    alone_templates,
    alone_unjudged,
    history_reason,
    history_sentences,
    latency_evidence,
    new_risk,
    production_reasons,
    requests_evidence,
)
from streams.judging.combine import PartFinding, log_of_share, own_progress
from streams.judging.evidence import Part, SignalEvidence
from streams.judging.judge_state import JudgeState
from streams.judging.levels.cohort import LevelCohort
from streams.judging.logs.by_history import ByHistory
from streams.judging.logs.settings import ERRORS
from streams.judging.logs.stream import StreamEvidence
from streams.judging.past import Cohort
from streams.judging.production.against import Against
from streams.judging.production.latencies import LATENCY
from streams.judging.reasons import Reason
from streams.judging.settings import JudgeSettings
from streams.judging.shares import PARTS
from streams.judging.side import Side, SignatureInfo
from streams.judging.telling import stream_rows
from streams.judging.template_counts import TemplateCount
from streams.policy.counted import REQUESTS
from streams.signals.rule import SignalRule

_PART_OF_KIND: dict[str, Part] = {ERRORS: "logs", REQUESTS: "errors", LATENCY: "values"}
_GROUPS: dict[Part, str] = {"logs": "logs", "errors": "requests", "values": "latency"}
_TOLD_FIRST = 75.0
"""Risk from which what speaks against it is told before what it is judged by."""


def judged_kinds(settings: JudgeSettings) -> list[str]:
    """By what production before it may fail it."""
    return [kind for kind, part in _PART_OF_KIND.items() if settings.part_weights[part] > 0.0]


class AlonePart:
    """`add` its windows until a baseline comes; then `progress` and `findings`."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: JudgeState) -> None:
        """Goes on from a state.

        Args:
            settings: of the comparison.
            window_ns: length of a window.
            state: of the comparison, which `add` changes.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._state = state
        self._production = Against(window_ns, state.against)
        level = settings.alpha * self.share * (1.0 - self._production_share)
        self._errors = ByHistory(settings.logs, window_ns, level, settings.signature_limit, state.alone)

    def add(
        self,
        start_ns: int,
        canary: Side,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        templates: Mapping[int, int],
    ) -> None:
        """A window in which nothing of a baseline has been there; `is_alone` of the state says whether that counts."""
        state, settings, history = self._state, self._settings, self._state.alone
        if settings.baseline == "earlier":
            return
        if history.from_ns is None:
            history.from_ns = start_ns
            self._production.begin(start_ns)
        since_ns = start_ns - history.from_ns
        if since_ns >= settings.warm_up_ns:
            self._errors.add(start_ns, canary, signatures, templates)
            self._production.add(start_ns, canary, templates, rules)
        patience_ns = 0 if settings.baseline == "none" else GONE_NS if state.baseline_seen else AWAITED_NS
        state.is_alone = state.is_alone or since_ns + self._window_ns >= patience_ns

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self._errors.redirect(redirects)
        self._production.redirect(redirects)

    @property
    def known(self) -> bool:
        """Enough is known of the workload to judge by it."""
        return self._errors.known or self._production.known

    @property
    def from_ns(self) -> int | None:
        """Start of its first window."""
        return self._state.alone.from_ns

    @property
    def pod_s(self) -> float:
        """Its pod-seconds."""
        return self._state.alone.work.pod_s

    @property
    def new_traces(self) -> int | None:
        """Traces with templates that production had not shown; None where too little is known to say."""
        return self._production.new_traces if self._production.known else None

    def cohort(self) -> Cohort:
        """What it did, for the past to learn."""
        return Cohort(tuple(self._state.alone.heard), self._errors.cohort(), LevelCohort())

    @property
    def share(self) -> float:
        """Of alpha, for all this; none where nothing is known of the workload that could say anything."""
        state, of_parts = self._state, 1.0 - self._settings.critical_share
        if self._settings.baseline == "none":
            return of_parts
        return of_parts * ALONE_SHARE if state.alone.past.exposure_s > 0.0 or state.against.shares else 0.0

    @property
    def progress(self) -> float:
        """0..1: how far history has come to failing it."""
        if not self._state.is_alone:
            return 0.0
        return own_progress(-min(map(self._log_p, _GROUPS)), self.share, self._settings.alpha)

    @property
    def new_risk(self) -> float:
        """0..99: what new templates make of "cannot tell"; 0 where they say nothing."""
        return new_risk(self._production, self._settings.alpha)

    def findings(self) -> list[PartFinding]:
        """All four parts, in order."""
        return [self._finding(part) for part in PARTS]

    def rows(self) -> list[SignalEvidence]:
        """One per part that is judged."""
        alpha, rows = self._settings.alpha, list[SignalEvidence]()
        if not self.known:
            return rows
        for finding in self.findings():
            if finding.share > 0.0:
                shown = self._evidence(finding.part)
                one = structs.replace(shown, share=finding.share / self.share, p=math.exp(finding.log_p))
                (row,) = stream_rows([one], self.share, alpha)
                rows.append(structs.replace(row, part=finding.part, group=_GROUPS[finding.part]))
        return rows

    def reasons(self, signatures: Mapping[int, SignatureInfo]) -> list[Reason]:
        """What speaks against it."""
        alpha, of_production = self._settings.alpha, self.share * self._production_share
        found = production_reasons(self._production, self._errors, of_production, alpha, signatures)
        if self._errors.known:
            log_p, of_earlier = math.log(self._state.alone.p), self.share * (1.0 - self._production_share)
            found.insert(0, history_reason(self._errors, log_p, of_earlier, alpha, signatures))
        return found

    def sentences(self, against: list[str], risk: float) -> list[str]:
        """Those that speak against it, and by what it is judged; the weightier first."""
        said = history_sentences(
            self._errors, self._production, self.share, self._production_share, self._settings.alpha
        )
        return [*against, *said] if risk > _TOLD_FIRST else [*said, *against]

    def templates(self, root: Callable[[int], int], *, known: bool) -> list[TemplateCount]:
        """What it logged of class warning and worse, that with most impact on the risk first.

        Args:
            root: the template that a signature is part of.
            known: earlier comparisons have shown enough to say what is new.
        """
        is_new = self._production.is_new if self._production.known or known else None
        risk = 100.0 * self.progress
        return alone_templates(self._errors, self._production, root, is_new, risk, self.new_risk)

    def unjudged(self) -> list[str]:
        """What could not be judged, and why."""
        return alone_unjudged(self._errors, self._production)

    @property
    def _production_share(self) -> float:
        """Of what is judged without a baseline, for what production did before it."""
        if not self._state.against.shares:
            return 0.0
        return AGAINST_SHARE if self._settings.part_weights["logs"] > 0.0 else 1.0

    @property
    def _shares(self) -> dict[Part, float]:
        """Part -> share of what is judged without a baseline; sum 1."""
        of_kinds = self._state.against.shares
        others: dict[Part, float] = {
            part: self._production_share * of_kinds.get(kind, 0.0)
            for kind, part in _PART_OF_KIND.items()
            if part != "logs"
        }
        others["logs"] = 1.0 - math.fsum(others.values())
        return others

    def _evidence(self, part: Part) -> StreamEvidence:
        if part == "logs":
            return self._errors.evidence()
        return requests_evidence(self._production) if part == "errors" else latency_evidence(self._production)

    def _finding(self, part: Part) -> PartFinding:
        share = self._shares.get(part, 0.0)
        log_p = self._log_p(part) + math.log(share) if share > 0.0 else 0.0
        return PartFinding(part, self.share * share, log_p, None)

    def _log_p(self, part: Part) -> float:
        """Natural log of what one part says, as if it were all."""
        shares = self._state.against.shares
        found = [
            math.log(self._production.p(kind)) - log_of_share(self._production_share * shares[kind])
            for kind in shares
            if _PART_OF_KIND[kind] == part
        ]
        if part == "logs" and self._production_share < 1.0:
            found.append(math.log(self._state.alone.p) - math.log1p(-self._production_share))
        return min((0.0, *found))
