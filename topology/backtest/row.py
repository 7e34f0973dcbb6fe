"""What is written of one case: a row of `--json`."""

from __future__ import annotations

from msgspec import Struct

from streams.judging.evidence import Exposure, Verdict
from topology.backtest.replay import Played
from topology.recording.cases import Case


class RowPart(Struct, frozen=True):
    """What one part of the judge said at the end."""

    share: float
    """Of alpha; it fails the canary when p is at most share * alpha."""
    p: float
    """One p-value for the whole life."""


class Row(Struct, frozen=True, kw_only=True):
    """One case as it was judged; nothing of what somebody knows of it."""

    case: str
    verdict: Verdict
    risk: float
    failed_at_s: float | None
    """Seconds from the case's start at which it first failed."""
    passed_at_s: float | None
    """Seconds from the case's start at which it first passed."""
    reasons: tuple[str, ...]
    set: str
    """The recording's directory."""
    namespace: str
    workload: str
    length_s: float
    """Of the case."""
    exposure: Exposure
    parts: dict[str, RowPart]
    """Logs, errors, values, levels."""
    confidence: float
    unjudged: tuple[str, ...]
    records: int
    """Log lines and samples that were judged."""


def row_of(recording: str, case: Case, played: Played) -> Row:
    """The row of a case."""
    document = played.document
    return Row(
        case=case.id,
        verdict=document.verdict,
        risk=document.risk,
        failed_at_s=_since_start(case, played.failed_ns),
        passed_at_s=_since_start(case, played.passed_ns),
        reasons=document.reasons,
        set=recording,
        namespace=case.comparison.namespace,
        workload=case.comparison.workload,
        length_s=case.length_s,
        exposure=document.exposure,
        parts={each.part: RowPart(each.share, each.p) for each in document.parts},
        confidence=document.confidence,
        unjudged=document.unjudged,
        records=played.records,
    )


def _since_start(case: Case, time_ns: int | None) -> float | None:
    """Seconds from the start; the case's end where its last window ends later."""
    return None if time_ns is None else (min(time_ns, case.end_ns) - case.start_ns) / 1e9
