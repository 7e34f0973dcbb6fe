"""How are distributions told: as rows, and as sentences with numbers?"""

from __future__ import annotations

import math
from functools import partial

from streams.judging.combine import own_progress, progress
from streams.judging.evidence import SignalEvidence
from streams.judging.reasons import Reason, e_value, number
from streams.judging.values.part import ValueEvidence, ValuePart
from streams.judging.values.quantiles import QuantileEffect


def value_rows(part: ValuePart, share: float, alpha: float, beta: float) -> list[SignalEvidence]:
    """One row per signal judged; values are those of the quantile that differs most.

    Args:
        part: the distributions.
        share: of alpha, of the part.
        alpha: of the whole.
        beta: of a PASS.
    """
    return [_row(one, share * one.stake, alpha, beta) for one in part.evidence()]


def value_reasons(part: ValuePart, share: float, alpha: float) -> list[Reason]:
    """A sentence per signal with evidence."""
    return [
        Reason(own_progress(one.log_e, share * one.stake, alpha), partial(_sentence, one))
        for one in part.evidence()
        if one.log_e > 0.0 and one.stake > 0.0
    ]


def _row(one: ValueEvidence, weight: float, alpha: float, beta: float) -> SignalEvidence:
    shown = _shown(one)
    return SignalEvidence(
        signal=one.rule.signal,
        baseline_count=float(one.baseline),
        canary_count=float(one.canary),
        effect_ratio=shown.ratio if shown else None,
        log10_e=one.log_e / math.log(10.0),
        weight=weight,
        risk=100.0 * own_progress(one.log_e, weight, alpha),
        confidence=progress(one.log_not_worse, beta),
        part="values",
        group=one.rule.group,
        unit=one.rule.unit,
        baseline_value=shown.baseline if shown else None,
        canary_value=shown.canary if shown else None,
        effect_low=shown.low if shown else None,
        effect_high=shown.high if shown else None,
        worse=one.rule.worse,
        criticality=one.rule.criticality,
        known=one.rule.known,
    )


def _shown(one: ValueEvidence) -> QuantileEffect | None:
    """The quantile that differs most, in the direction that is worse."""
    sign = {"higher": 1.0, "lower": -1.0}.get(one.rule.worse, 0.0)

    def distance(effect: QuantileEffect) -> float:
        difference = math.log(effect.ratio) if effect.ratio else 0.0
        return sign * difference if sign else abs(difference)

    return max(one.effects, key=distance, default=None)


def _sentence(one: ValueEvidence) -> str:
    shown, unit = _shown(one), f" {one.rule.unit}" if one.rule.unit else ""
    values = f"`{one.rule.signal}` of {number(one.canary)} values of the canary against {number(one.baseline)}"
    if shown is not None:
        effect = "" if shown.ratio is None else f", {shown.ratio:.3g} times"
        values += (
            f": the {100 * shown.quantile:g}% quantile is {shown.canary:.4g}{unit} against {shown.baseline:.4g}{unit}"
        )
        values += effect
    return f"{values} ({one.rule.group}, E = {e_value(one.log_e)})"
