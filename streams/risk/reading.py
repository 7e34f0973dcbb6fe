"""What does a document say at another sensitivity than the one it was judged at?

Risk, score and the log classes by the weights of that sensitivity, and of each template the share it has of the risk of
its class; all else, the verdict above all, as it was judged (`judging.readings` says why).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from streams.judging.evidence import GroupEvidence, Reading, ReadSignal, SignalEvidence, worst_first
from streams.judging.settings import LOG_SIGNALS
from streams.policy.written import Sensitivity
from streams.risk.document import RiskDocument
from streams.risk.templates import TemplateEvidence


def read_at(document: RiskDocument, sensitivity: Sensitivity) -> RiskDocument:
    """The document at a sensitivity; one without readings stays as it is, and says so."""
    found = next((each for each in document.readings if each.sensitivity == sensitivity), None)
    if found is None:
        return structs.replace(document, reasons=(*document.reasons, _unread(sensitivity)))
    if sensitivity == document.sensitivity:
        return document
    read = {one.signal: one for one in found.signals}
    signals = tuple(sorted((_signal(one, read) for one in document.signals), key=worst_first))
    return structs.replace(
        document,
        risk=found.risk,
        score=100.0 - found.risk,
        parts=tuple(found.logs if part.part == "logs" else part for part in document.parts),
        groups=tuple(sorted((_group(one, signals) for one in document.groups), key=lambda one: -one.risk)),
        signals=signals,
        templates=_templates(document.templates, read),
        reasons=(_sentence(document, found), *document.reasons),
    )


def _signal(one: SignalEvidence, read: Mapping[str, ReadSignal]) -> SignalEvidence:
    found = read.get(one.signal)
    return one if found is None else structs.replace(one, weight=found.weight, risk=found.risk)


def _group(group: GroupEvidence, signals: Sequence[SignalEvidence]) -> GroupEvidence:
    if group.part != "logs":
        return group
    ones = [one for one in signals if (one.part, one.group) == (group.part, group.group)]
    if not ones:
        return group
    return structs.replace(group, risk=ones[0].risk, weight=sum(one.weight for one in ones), worst=ones[0].signal)


def _templates(templates: Sequence[TemplateEvidence], read: Mapping[str, ReadSignal]) -> tuple[TemplateEvidence, ...]:
    risks = {log_class: read[signal].risk for log_class, signal in LOG_SIGNALS.items() if signal in read}
    rows = [structs.replace(row, impact=_impact(row, risks)) for row in templates]
    return tuple(sorted(rows, key=lambda row: (-row.impact, row.verdict != "unexpected")))


def _impact(row: TemplateEvidence, risks: Mapping[str, float]) -> float:
    """Of its class, and of those that it was counted as before somebody said otherwise."""
    return sum(risks.get(name, 0.0) * share for name, share in ((row.log_class, row.share), *row.former_shares.items()))


def _sentence(document: RiskDocument, found: Reading) -> str:
    weights = ", ".join(f"{one.signal} {100 * one.weight:.3g}%" for one in found.signals)
    said = (
        f"read at {found.sensitivity} sensitivity: risk, log classes and templates by its weights ({weights} of alpha)."
        f" The verdict is that of {document.sensitivity}, at which it was judged, and so is what is tolerated"
    )
    if not found.would_fail or document.verdict == "fail":
        return said
    return (
        f"{said}. By these weights it would have failed, had they been set before it began; chosen afterwards they"
        " prove less: set them in the policy for the next"
    )


def _unread(sensitivity: Sensitivity) -> str:
    return f"cannot be read at {sensitivity} sensitivity: this document is of a version that does not hold that"
