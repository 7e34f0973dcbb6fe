"""How are events of counters told: as rows, and as sentences with numbers?"""

from __future__ import annotations

import math
from functools import partial

from streams.judging.combine import own_progress, progress
from streams.judging.events.part import EventEvidence, EventPart, is_of_clients
from streams.judging.evidence import SignalEvidence
from streams.judging.reasons import Reason, e_value, number
from streams.judging.shares import UNHEARD_SHARE

_UNITS = {"attempts": "attempts", "requests": "requests", "pods": "pod-seconds"}


def event_rows(part: EventPart, share: float, alpha: float, beta: float) -> list[SignalEvidence]:
    """One row per signal judged.

    Args:
        part: the events.
        share: of alpha, of the part.
        alpha: of the whole.
        beta: of a PASS.
    """
    return [_row(one, share * one.stake, alpha, beta) for one in part.evidence()]


def event_reasons(part: EventPart, share: float, alpha: float) -> list[Reason]:
    """A sentence per signal with evidence; of client errors after those of as much that may fail the canary."""
    found = [one for one in part.evidence() if one.log_e > 0.0]
    return [
        *(
            Reason(own_progress(one.log_e, share * one.stake, alpha), partial(_sentence, one))
            for one in found
            if one.stake > 0.0
        ),
        *(
            Reason(own_progress(one.log_e, UNHEARD_SHARE, alpha) / 2.0, partial(_shown_only, one))
            for one in found
            if is_of_clients(one.rule)
        ),
    ]


def _row(one: EventEvidence, weight: float, alpha: float, beta: float) -> SignalEvidence:
    return SignalEvidence(
        signal=one.rule.signal,
        baseline_count=one.baseline,
        canary_count=one.canary,
        effect_ratio=one.effect_ratio,
        log10_e=one.log_e / math.log(10.0),
        weight=weight,
        risk=100.0 * own_progress(one.log_e, weight, alpha),
        confidence=progress(one.log_not_worse, beta),
        part="errors",
        group=one.rule.group,
        baseline_value=_rate(one.baseline, one.baseline_exposure),
        canary_value=_rate(one.canary, one.canary_exposure),
        worse=one.rule.worse,
        criticality=one.rule.criticality,
        known=one.rule.known,
    )


def _sentence(one: EventEvidence) -> str:
    unit = _UNITS[one.by]
    return (
        f"`{one.rule.signal}` {number(one.canary)} times in {number(one.canary_exposure)} {unit} against"
        f" {number(one.baseline)} in {number(one.baseline_exposure)} ({one.rule.group},"
        f" E = {e_value(one.log_e)})"
    )


def _shown_only(one: EventEvidence) -> str:
    return f"{_sentence(one)}: shown only, it fails nobody"


def _rate(events: float, exposure: float) -> float | None:
    return events / exposure if exposure > 0.0 else None
