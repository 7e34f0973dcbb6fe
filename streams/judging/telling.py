"""How is the evidence of log streams and levels told: as rows beside the counted signals, and as sentences?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from streams.judging.combine import SMALLEST_P, own_progress
from streams.judging.evidence import SignalEvidence
from streams.judging.levels.evidence import LevelEvidence
from streams.judging.logs.part import LogPart
from streams.judging.logs.settings import ERRORS, NEW_NUMBERS, NEW_SHAPES, NEW_TEMPLATES, OF_WHOLE_TRACES
from streams.judging.logs.shapes import Change, Difference
from streams.judging.logs.stream import StreamEvidence
from streams.judging.reasons import Reason, in_words, number, says_nothing, signature_text
from streams.judging.side import SignatureInfo
from streams.signals.rule import SignalRule
from streams.signals.units import shown_unit
from streams.windows.summary import MOST_ALIKE

_NAMED = 3
"""Culprits named in one sentence."""
_TIMES = (
    "never",
    "once",
    "twice",
    *(f"{times} times" for times in range(3, MOST_ALIKE)),
    f"{MOST_ALIKE} times or more",
)
_KINDS = {
    ERRORS: "traces or incidents with errors",
    NEW_TEMPLATES: "traces with warnings or errors never seen before",
    NEW_SHAPES: "traces of a shape never seen before",
    NEW_NUMBERS: "traces with lines, or numbers of lines, never seen together before",
}


def stream_rows(found: Sequence[StreamEvidence], share: float, alpha: float) -> list[SignalEvidence]:
    """One row per stream that is judged.

    Args:
        found: what the streams say.
        share: of alpha, of all streams together.
        alpha: of the whole.
    """
    return [_stream_row(one, share * one.share, alpha) for one in found if one.share > 0.0]


def level_rows(
    found: Sequence[LevelEvidence], share: float, alpha: float, rules: Mapping[str, SignalRule]
) -> list[SignalEvidence]:
    """One row per signal that any pod has shown.

    Args:
        found: of the levels.
        share: of alpha, of the part.
        alpha: of the whole.
        rules: by signal, for what the part does not need to know.
    """
    total = math.fsum(one.weight for one in found) or 1.0
    return [_level_row(one, share, share * one.weight / total, alpha, rules.get(one.signal)) for one in found]


def stream_reasons(
    part: LogPart,
    share: float,
    alpha: float,
    signatures: Mapping[int, SignatureInfo],
    differences: Sequence[Difference],
) -> list[Reason]:
    """A sentence per stream with evidence, with what is behind it.

    Args:
        part: that has the streams.
        share: of alpha, of all streams together.
        alpha: of the whole.
        signatures: texts.
        differences: between new shapes and the baseline's.
    """
    found = []
    for one in part.evidence():
        if one.share <= 0.0 or one.p >= 1.0:
            continue
        why = f": {part.at_one_pod}" if one.stream == ERRORS and part.at_one_pod else ""
        sentence = (
            f"{number(one.canary_count)} {_KINDS[one.stream]} in {number(one.canary_exposure_s)} pod-seconds against"
            f" {number(one.baseline_count)} in {number(one.baseline_exposure_s)}{_history(one)}"
            f" ({one.stream}, p = {_p(one.p)}{why})"
        )
        if one.stream in OF_WHOLE_TRACES:
            counted = one.stream == NEW_NUMBERS
            named = [difference_text(each, signatures, counted=counted) for each in differences[:_NAMED]]
        else:
            behind = sorted(part.culprits(one.stream), key=lambda each: says_nothing(each.number, signatures))[:_NAMED]
            named = [f"`{signature_text(each.number, signatures)}` {number(each.canary)} times" for each in behind]
        sentence += f": {'; '.join(named)}" if named else ""
        found.append(Reason(own_progress(-math.log(max(one.p, SMALLEST_P)), share * one.share, alpha), sentence))
    return found


def level_reasons(found: Sequence[LevelEvidence], share: float, alpha: float) -> list[Reason]:
    """A sentence per signal that stands out."""
    return [
        Reason(own_progress(-math.log(max(one.p, SMALLEST_P)), share, alpha), partial(_level_sentence, one))
        for one in found
        if one.p < 1.0 and one.weight > 0.0 and one.z is not None and one.z > 0.0
    ]


def difference_text(one: Difference, signatures: Mapping[int, SignatureInfo], *, counted: bool) -> str:
    """What some new traces log otherwise than the baseline's, and how many there are of either.

    Args:
        one: the difference.
        signatures: texts.
        counted: it tells how often lines come.

    >>> told = {7: SignatureInfo("order <*> paid", "info"), 8: SignatureInfo("order <*> kept", "info")}
    >>> difference_text(Difference(20, 31, (Change(7, 1, 2),), "4bf9"), told, counted=True)
    '20 log `order <*> paid` once instead of twice, else as 31 of the baseline (such as trace 4bf9)'
    >>> difference_text(Difference(4, 31, (Change(7, 1, 0), Change(8, 0, 1))), told, counted=False)
    '4 log `order <*> paid` too, not `order <*> kept`, else as 31 of the baseline'
    >>> difference_text(Difference(1, 0, (Change(7, 1, 0), Change(8, 1, 0))), told, counted=False)
    '1 logs `order <*> paid` and `order <*> kept`, like none of the baseline'
    """
    named = [(f"`{signature_text(each.number, signatures)}`", each) for each in one.changes[:_NAMED]]
    more = len(one.changes) - len(named)
    if not one.baseline_traces:
        lines, rest = [text for text, _ in named], "like none of the baseline"
    else:
        lines = [_changed(text, each, counted=counted) for text, each in named]
        rest = f"else as {number(one.baseline_traces)} of the baseline"
    if more:
        lines.append(f"{more} other line{'s' * (more > 1)}{' in other numbers' * (one.baseline_traces > 0)}")
    said = ", ".join(lines) if one.baseline_traces and not counted else in_words(lines)
    example = f" (such as trace {one.trace_id})" if one.trace_id else ""
    verb = "logs" if one.canary_traces == 1 else "log"
    return f"{number(one.canary_traces)} {verb} {said}, {rest}{example}"


def _changed(text: str, change: Change, *, counted: bool) -> str:
    if not counted:
        return f"{text} too" if change.canary else f"not {text}"
    return f"{text} {_TIMES[change.canary]} instead of {_TIMES[change.baseline]}"


def _stream_row(one: StreamEvidence, weight: float, alpha: float) -> SignalEvidence:
    log_e = -math.log(max(one.p, SMALLEST_P))
    return SignalEvidence(
        signal=one.stream,
        baseline_count=one.baseline_count,
        canary_count=one.canary_count,
        effect_ratio=one.ratio,
        log10_e=log_e / math.log(10.0),
        weight=weight,
        risk=100.0 * own_progress(log_e, weight, alpha),
        confidence=0.0,
        part="logs",
        group="logs",
    )


def _level_row(
    one: LevelEvidence,
    share: float,
    weight: float,
    alpha: float,
    rule: SignalRule | None,
) -> SignalEvidence:
    log_e = -math.log(max(one.p, SMALLEST_P))
    return SignalEvidence(
        signal=one.signal,
        baseline_count=float(one.baseline_samples),
        canary_count=float(one.canary_samples),
        effect_ratio=one.effect_ratio,
        log10_e=log_e / math.log(10.0),
        weight=weight,
        risk=100.0 * own_progress(log_e, share, alpha) if one.weight > 0.0 else 0.0,
        confidence=0.0,
        part="levels",
        group=one.group,
        unit=one.unit,
        baseline_value=one.baseline,
        canary_value=one.canary,
        effect_low=one.effect_low,
        effect_high=one.effect_high,
        worse=one.worse,
        criticality=rule.criticality if rule else "normal",
        known=rule.known if rule else True,
        since_s=None if one.since_ns is None else one.since_ns / 1e9,
    )


def _level_sentence(one: LevelEvidence) -> str:
    unit = shown_unit(one.unit)
    values = f"{_value(one.canary)}{unit} against {_value(one.baseline)}{unit}"
    effect = f", {one.effect_ratio:.3g} times" if one.effect_ratio is not None else ""
    if one.effect_low is not None and one.effect_high is not None:
        effect += f" ({one.effect_low:.3g} to {one.effect_high:.3g})"
    return f"`{one.signal}` of the canary is {values}{effect} ({one.group}, p = {_p(one.p)})"


def _history(one: StreamEvidence) -> str:
    if one.history_exposure_s <= 0.0:
        return ""
    return f", and {number(one.history_count)} in {number(one.history_exposure_s)} of earlier baselines or production"


def _p(p: float) -> str:
    """A p-value with two digits.

    >>> _p(0.00123), _p(1e-12)
    ('0.0012', '1e-12')
    """
    return f"{p:.2g}"


def _value(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.4g}"
