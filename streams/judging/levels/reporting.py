"""How are the findings of the levels told: value, unit, effect with an interval, since when?"""

from __future__ import annotations

import math

import numpy as np

from streams.judging.levels.deviation import INTERVAL_P, Deviation, DeviationState
from streams.judging.levels.evidence import LevelEvidence, LevelGroupEvidence
from streams.judging.levels.long_run import LongRun
from streams.judging.levels.reference import LevelReference
from streams.judging.levels.scale import Floats, LevelRule
from streams.judging.levels.tail import MOST_DF, t_quantile
from streams.judging.levels.track import Track

_QUANTILE = t_quantile(INTERVAL_P, MOST_DF)


def signal_evidence(
    rules: list[LevelRule],
    reference: LevelReference,
    deviation: Deviation,
    long_run: LongRun,
    baseline: Track,
    canary: Track,
) -> tuple[LevelEvidence, ...]:
    """Of every signal that any pod has shown, most telling first."""
    state = deviation.state
    base, base_n, can, can_n = (values.tolist() for values in (*baseline.means(), *canary.means()))
    ratios = [row.tolist() for row in _ratios(reference, deviation)]
    weights = _weights(reference, deviation)
    found = []
    for number, rule in enumerate(rules):
        if base_n[number] + can_n[number] <= 0.0:
            continue
        known = number < len(reference.rules) and state.looks > 0
        effect, low, high = (_finite(row[number]) if known else None for row in ratios)
        found.append(
            LevelEvidence(
                rule.signal,
                rule.group,
                rule.worse,
                rule.unit,
                weights[number] if known else 0.0,
                _finite(base[number]),
                _finite(can[number]),
                int(base_n[number]),
                int(can_n[number]),
                effect if known else _plain_ratio(base[number], can[number]),
                low,
                high,
                state.z[number] if known else None,
                signal_p(number, reference, state, long_run),
                state.since_ns[number] if known else None,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.p, -(one.z or 0.0), one.signal)))


def group_evidence(reference: LevelReference, deviation: Deviation) -> tuple[LevelGroupEvidence, ...]:
    """Of every group that is judged, sorted by name."""
    groups, state = deviation.groups, deviation.state
    if not reference.measures:
        return ()
    weight = np.max([measure.group_weight for measure in reference.measures], axis=0).tolist()
    signals = (groups.member > 0.0).sum(axis=1).tolist()
    return tuple(
        LevelGroupEvidence(name, weight[number], signals[number], p if needed else None)
        for number, (name, p, needed) in enumerate(zip(groups.names, state.group_p, state.needed, strict=True))
        if weight[number] > 0.0
    )


def signal_p(number: int, reference: LevelReference, deviation: DeviationState, long_run: LongRun) -> float:
    """Of one signal, by each mechanism over its share."""
    found = [1.0]
    if reference.replay_share > 0.0 and number < len(deviation.signal_p):
        found.append(deviation.signal_p[number] / reference.replay_share)
    for which in ("difference", "slope"):
        own = long_run.signal_p(which)
        if reference.long_share > 0.0 and number < len(own):
            found.append(own[number] / reference.long_share)
    return min(found)


def _ratios(reference: LevelReference, deviation: Deviation) -> list[Floats]:
    """Effect and the ends of its interval, (signals,) each; not numbers before the first look."""
    state = deviation.state
    if not state.looks:
        return [np.full(len(reference.rules), np.nan)] * 3
    shift, spread, place = (np.array(values, dtype=float) for values in (state.shift, state.spread, state.baseline))
    return [deviation.scales.ratio(shift + times * spread, place) for times in (0.0, -_QUANTILE, _QUANTILE)]


def _weights(reference: LevelReference, deviation: Deviation) -> list[float]:
    groups = deviation.groups
    if not reference.measures:
        return [0.0] * len(reference.rules)
    weight = np.max([measure.group_weight for measure in reference.measures], axis=0)
    total = groups.member.sum(axis=1)
    per_signal = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0.0)
    return [float(one) for one in per_signal @ groups.member]


def _plain_ratio(baseline: float, canary: float) -> float | None:
    return _finite(canary / baseline) if baseline > 0.0 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
