"""What `GET /v1/risk` says: the document of one comparison as it stands at the moment of reading.

Argo Rollouts evaluates a condition such as `result.verdict == "pass"` on it, and a field that is missing or null makes
that an error, five of which abort a rollout. So every field is in every answer, and each keeps one type: times that are
not known yet are `""`, and `age_s` then counts from 1970, so that `result.age_s < 60` is false while nothing is known.

Argo keeps what a condition was evaluated on in the AnalysisRun, so there is a small answer too (`view=verdict`), and
the whole one holds the worst signals only, unless all are asked for.

What has ended is answered for `ended_s` as it was, a `fail` too; later a question is about another attempt of which
nothing is known yet, and the answer says what became of the one before.

An answer that has grown old (`stale_s`) says nothing of the canary now: `pass` and `marginal` become `none`, with the
last risk kept within 1..99 and confidence 0. A `fail` stays: what was proved does not cease to be with time.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from streams.judging.evidence import (
    UNDECIDED_RISK,
    Exposure,
    GroupEvidence,
    PartEvidence,
    Reference,
    SignalEvidence,
    Verdict,
)
from streams.policy.written import Sensitivity
from streams.risk.comparison import Comparison
from streams.risk.document import VERSION, RiskDocument, undecided
from streams.risk.reading import read_at
from streams.risk.templates import ShapeEvidence, TemplateEvidence
from topology.serve.view import Entry

MOST_REASONS = 3
"""In the small answer."""

_Percent = Annotated[float, Meta(ge=0, le=100)]
_Time = Annotated[str, Meta(description='RFC 3339, "" while there is none')]


class VerdictAnswer(Struct, frozen=True, kw_only=True):
    """One comparison at the moment of reading, without what the verdict rests on: a kilobyte or less."""

    verdict: Annotated[Verdict, Meta(description="`fail` stays; `none`: cannot tell, yet or any more")] = "none"
    risk: Annotated[
        _Percent, Meta(description="100 exactly when the verdict is `fail`; with `none` never 0 and never 100")
    ] = UNDECIDED_RISK
    score: Annotated[_Percent, Meta(description="100 - risk, as Kayenta counts")] = 100.0 - UNDECIDED_RISK
    confidence: Annotated[float, Meta(ge=0, le=1, description="How far it is shown that it can be promoted")] = 0.0
    exposure: Exposure = Exposure()
    as_of: Annotated[_Time, Meta(description='End of the last window judged, RFC 3339; "" while there is none')] = ""
    age_s: Annotated[float, Meta(ge=0, description="Seconds since `as_of`; since 1970 while nothing was judged")]
    reasons: Annotated[tuple[str, ...], Meta(min_length=1, description="Most important first")]
    report_url: Annotated[str, Meta(description="Page for people")]
    cluster: str = ""
    namespace: str = ""
    workload: str = ""
    baseline: str = ""
    canary: str = ""
    state: Literal["running", "ended"] = "running"
    outcome: Annotated[
        Literal["", "promoted", "aborted", "expired"], Meta(description="What became of it, once ended")
    ] = ""
    reference: Annotated[
        Reference,
        Meta(
            description="By what it is judged: the baseline beside it; where none is there `history`, which can fail it"
            " and never passes it; or `none`, where too little is known of what was before it"
        ),
    ] = "baseline"
    started_at: _Time = ""
    decided_at: _Time = ""
    sensitivity: Annotated[Sensitivity, Meta(description="At which it is judged: the verdict's")] = "medium"
    read_at: Annotated[
        Sensitivity, Meta(description="By whose weights risk, score, log classes and templates are shown")
    ] = "medium"
    version: int = VERSION


class RiskAnswer(VerdictAnswer, frozen=True, kw_only=True):
    """One comparison at the moment of reading."""

    parts: Annotated[tuple[PartEvidence, ...], Meta(description="Logs, errors, values, levels")] = ()
    groups: Annotated[tuple[GroupEvidence, ...], Meta(description="Worst first")] = ()
    signals: Annotated[
        tuple[SignalEvidence, ...], Meta(description="Worst first; unless all are asked for, the worst only")
    ] = ()
    signals_judged: Annotated[int, Meta(ge=0, description="How many there are")] = 0
    templates: Annotated[
        tuple[TemplateEvidence, ...], Meta(description="Log templates, that with most impact first; cut as signals are")
    ] = ()
    shapes: Annotated[
        tuple[ShapeEvidence, ...], Meta(description="What is different about traces of a new shape; most traces first")
    ] = ()
    unjudged: Annotated[tuple[str, ...], Meta(description="What could not be judged, and why")] = ()
    policy: Annotated[tuple[str, ...], Meta(description="What an operator set for it that is not the default")] = ()


class ComparisonSummary(Struct, frozen=True, kw_only=True):
    """One line of `GET /v1/comparisons`; the fields mean what they mean in a RiskAnswer."""

    cluster: str
    namespace: str
    workload: str
    baseline: str
    canary: str
    state: Literal["running", "ended"]
    verdict: Verdict
    risk: _Percent
    as_of: _Time
    age_s: float
    report_url: str


def age_s(entry: Entry | None, now_s: float) -> float:
    """Seconds since the end of the last window judged, never negative; since 1970 while there is none."""
    return round(max(0.0, now_s - (0.0 if entry is None else entry.as_of_s)), 3)


def is_stale(entry: Entry, now_s: float, stale_s: float) -> bool:
    """Whether a running comparison was judged, but not for so long that it says nothing of now."""
    return entry.as_of_s > 0 and entry.document.state == "running" and now_s - entry.as_of_s > stale_s


def is_over(entry: Entry, now_s: float, ended_s: float) -> bool:
    """Whether it has ended so long ago that its verdict is no answer any more."""
    return entry.document.state == "ended" and now_s - entry.as_of_s > ended_s


def before(entry: Entry) -> str:
    """What became of an attempt that is over, as a sentence."""
    document = entry.document
    judged = f", last judged {document.as_of}" if document.as_of else ""
    return f"an attempt of this pair has ended ({document.outcome or 'expired'}, {document.verdict}{judged})"


def at(entry: Entry, now_s: float, stale_s: float, sensitivity: Sensitivity | None = None) -> RiskDocument:
    """The document as it stands at a moment: as published, unless it has grown stale; read at a sensitivity."""
    document = entry.document if sensitivity is None else read_at(entry.document, sensitivity)
    if not is_stale(entry, now_s, stale_s):
        return document
    old = f"nothing was judged for {now_s - entry.as_of_s:.0f} s (more than {stale_s:g} s): do its records still flow?"
    if document.verdict == "fail":
        return msgspec.structs.replace(document, reasons=(*document.reasons, old))
    risk = min(99.0, max(1.0, document.risk))
    return msgspec.structs.replace(
        document,
        verdict="none",
        risk=risk,
        score=100.0 - risk,
        confidence=0.0,
        decided_at=None,
        reasons=(f"{old} The last verdict was {document.verdict}", *document.reasons),
    )


def known(
    entry: Entry, now_s: float, stale_s: float, report_url: str, sensitivity: Sensitivity | None = None
) -> RiskAnswer:
    """The answer for a comparison that has a document, read at a sensitivity; None: that it was judged at."""
    whole = _flat(at(entry, now_s, stale_s, sensitivity), age_s(entry, now_s), report_url)
    return msgspec.structs.replace(whole, read_at=sensitivity or whole.sensitivity)


def unknown(comparison: Comparison, now_s: float, report_url: str, reason: str) -> RiskAnswer:
    """The answer for a comparison that has none."""
    return _flat(undecided(comparison, reason), age_s(None, now_s), report_url)


def unanswerable(reasons: tuple[str, ...], now_s: float, report_url: str, valid: dict[str, Any]) -> RiskAnswer:
    """The answer to a query that names no comparison, with those of its parts that could be read."""
    return RiskAnswer(age_s=age_s(None, now_s), reasons=reasons, report_url=report_url, **valid)


def worst(whole: RiskAnswer, most: int) -> RiskAnswer:
    """The answer with at most so many signals, the worst, and of templates no example lines."""
    templates = tuple(msgspec.structs.replace(row, examples=(), contexts=()) for row in whole.templates[:most])
    return msgspec.structs.replace(whole, signals=whole.signals[:most], templates=templates)


def small(whole: RiskAnswer) -> VerdictAnswer:
    """The answer without what the verdict rests on, and with the first reasons only."""
    kept = {name: getattr(whole, name) for name in VerdictAnswer.__struct_fields__}
    return VerdictAnswer(**kept | {"reasons": whole.reasons[:MOST_REASONS]})


def summary(entry: Entry, now_s: float, stale_s: float, report_url: str) -> ComparisonSummary:
    """The line of a comparison in a list."""
    document = at(entry, now_s, stale_s)
    return ComparisonSummary(
        **msgspec.structs.asdict(document.comparison),
        state=document.state,
        verdict=document.verdict,
        risk=document.risk,
        as_of=document.as_of or "",
        age_s=age_s(entry, now_s),
        report_url=report_url,
    )


def worst_first(entry: Entry, document: RiskDocument) -> tuple[int, float, str]:
    """Sort key of lists: the running by risk, then the ended, latest first."""
    if document.state == "ended":
        return (1, -entry.as_of_s, document.comparison.key)
    return (0, -document.risk, document.comparison.key)


def _flat(document: RiskDocument, age: float, report_url: str) -> RiskAnswer:
    pair = document.comparison
    return RiskAnswer(
        verdict=document.verdict,
        risk=document.risk,
        score=document.score,
        confidence=document.confidence,
        exposure=document.exposure,
        as_of=document.as_of or "",
        age_s=age,
        reasons=document.reasons or ("no reason was given",),
        report_url=report_url,
        cluster=pair.cluster,
        namespace=pair.namespace,
        workload=pair.workload,
        baseline=pair.baseline,
        canary=pair.canary,
        state=document.state,
        outcome=document.outcome or "",
        reference=document.reference,
        started_at=document.started_at or "",
        decided_at=document.decided_at or "",
        parts=document.parts,
        groups=document.groups,
        signals=document.signals,
        signals_judged=len(document.signals),
        templates=document.templates,
        shapes=document.shapes,
        unjudged=document.unjudged,
        policy=document.policy,
        sensitivity=document.sensitivity,
        version=document.version,
    )
