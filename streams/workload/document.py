"""The document of a comparison: what the judge says, and what the workload knows besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.judging.evidence import Assessment
from streams.judging.logs.shapes import Difference
from streams.judging.logs.traces import TracesState
from streams.judging.presence import Presence
from streams.judging.reasons import signature_text
from streams.judging.side import SignatureInfo
from streams.judging.unseen import not_zero, unseen
from streams.policy.statement import statement
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument, undecided
from streams.risk.examples import Room
from streams.risk.templates import (
    MOST_CHANGES,
    MOST_FEEDBACK,
    MOST_SHAPES,
    MOST_TEMPLATES,
    FeedbackGiven,
    LineChange,
    ShapeEvidence,
    TemplateEvidence,
    template_id,
)
from streams.risk.unheard import silent, unheard
from streams.signals.catalogue import Catalogue
from streams.templates.classes import Feedback
from streams.templates.lines import latest
from streams.templates.template import shown
from streams.workload.judged_lines import JudgedLines
from streams.workload.running import Running

_MOST_NAMED = 3
"""Revisions named in one sentence."""


def document(
    running: Running,
    lines: JudgedLines,
    catalogue: Catalogue,
    presence: Mapping[str, Presence],
    traces: Mapping[str, TracesState],
    known_ns: int,
) -> RiskDocument:
    """What can be said of it now.

    Args:
        running: the comparison.
        lines: of its workload.
        catalogue: of its workload's signals.
        presence: pod-template hash -> its pods.
        traces: pod-template hash -> its traces.
        known_ns: how far back closed windows are known.
    """
    pair, policy = running.comparison, running.policy
    differences = running.differences(traces, lines.root)
    found = running.assess(lines.texts, catalogue.rules, differences)
    unjudged = [*found.unjudged, *_no_place(pair, catalogue, presence), *_too_early(running, known_ns)]
    unjudged += _others(pair, presence)
    if policy is not None:
        unjudged += not_zero(running.rules(catalogue.rules))
    return RiskDocument(
        pair,
        verdict=found.verdict,
        risk=found.risk,
        score=100.0 - found.risk,
        confidence=found.confidence,
        exposure=found.exposure,
        started_at=_time(found.started_ns),
        as_of=_time(found.as_of_ns),
        decided_at=_time(found.decided_ns),
        parts=found.parts,
        groups=found.groups,
        signals=found.signals,
        reasons=_reasons(running, found, baseline_known=pair.baseline in presence),
        unjudged=tuple(unjudged),
        templates=tuple(_templates(running, lines)),
        feedback=tuple(map(_given, reversed(latest(lines.history, MOST_FEEDBACK)))),
        history=found.history,
        policy=() if policy is None else statement(policy),
        sensitivity="medium" if policy is None else policy.sensitivity,
        shapes=tuple(_shape(one, lines.texts) for one in differences[:MOST_SHAPES]),
        readings=found.readings,
        reference=found.reference,
        named=running.named_ns is not None,
    )


def _reasons(running: Running, found: Assessment, *, baseline_known: bool) -> tuple[str, ...]:
    """Those of the judge, and whether the baseline's hash may be wrong."""
    pair, doubt = running.comparison, tuple[str, ...]()
    if not baseline_known and (found.started_ns is None or found.reference != "baseline"):
        doubt = unheard(pair, running.canary_from_ns, found.as_of_ns)
    elif running.named_ns is not None:
        doubt = silent(pair, running.without_baseline_ns)
    judged = found.reasons or undecided(pair, "nothing has been judged yet").reasons
    return (*doubt, *judged) if found.started_ns is None else (*judged, *doubt)


def _no_place(pair: Comparison, catalogue: Catalogue, presence: Mapping[str, Presence]) -> list[str]:
    pods = {name: one.state for name, one in presence.items()}
    return unseen(catalogue.state, {"baseline": pods.get(pair.baseline), "canary": pods.get(pair.canary)})


def _too_early(running: Running, known_ns: int) -> list[str]:
    time = running.earlier
    if time is None or 0 < time.behind_ns < known_ns:
        return []
    sentence = (
        f"historic_baseline: from {rfc3339(time.start_ns)}, which is {time.behind_ns / 60e9:.3g} minutes before"
        f" the canary, cannot be compared with: what was is known for {known_ns / 60e9:.3g} minutes"
    )
    return [sentence]


def _others(pair: Comparison, presence: Mapping[str, Presence]) -> list[str]:
    others = sorted(name for name, one in presence.items() if one.there and name not in {pair.baseline, pair.canary})
    if not others:
        return []
    more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
    return [f"revisions beside these two, which count for neither: {', '.join(others[:_MOST_NAMED])}{more}"]


def _templates(running: Running, lines: JudgedLines) -> Iterator[TemplateEvidence]:
    """What is told of templates, the first `MOST_TEMPLATES`."""
    room = Room(running.comparison)
    for row in running.judge.templates(lines.root)[:MOST_TEMPLATES]:
        line, known = lines.read(row.number), lines.signatures.get(row.number)
        if line is None:
            continue
        seen = room.take(lines.examples(row.number))
        log_class = line.classed.log_class if known is None else known.log_class
        yield TemplateEvidence(
            id=template_id(row.number),
            text=shown(line.template.text),
            log_class=log_class,
            source=line.classed.source,
            sure_ratio=line.classed.sure_ratio,
            why=line.classed.why,
            verdict=row.expectation,
            baseline_count=row.baseline,
            canary_count=row.canary,
            explained_count=row.explained,
            impact=row.impact,
            tags=lines.tags(line.template),
            share=row.shares.get(log_class, 0.0),
            examples=seen.examples,
            contexts=seen.contexts,
            canary_examples=seen.canary_examples,
            baseline_examples=seen.baseline_examples,
            former_shares={name: share for name, share in row.shares.items() if share and name != log_class},
        )


def _shape(one: Difference, texts: Mapping[int, SignatureInfo]) -> ShapeEvidence:
    changes = tuple(
        LineChange(template_id(each.number), signature_text(each.number, texts), each.canary, each.baseline)
        for each in one.changes[:MOST_CHANGES]
    )
    return ShapeEvidence(one.canary_traces, one.baseline_traces, changes, len(one.changes) - len(changes), one.trace_id)


def _given(said: Feedback) -> FeedbackGiven:
    return FeedbackGiven(
        rfc3339(said.at_ns),
        said.who,
        template_id(said.template.number),
        shown(said.template.text),
        said.log_class or "",
        said.reason,
        said.tags,
        said.scope,
    )


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else rfc3339(time_ns)
