"""How is alpha shared out between the parts of a comparison, before it begins?

Four parts answer apart (logs, errors, values, levels), each with one p for its whole life, and part i fails the canary
when p_i <= share_i * alpha: by the union bound a canary no worse than tolerated fails with probability at most alpha,
whatever the parts have to do with each other. The shares must be known before the comparison's data. So alpha goes to
the parts that the workload has been *heard* with: in its past comparisons (where it has none, in those of its
neighbours in the cluster), and in the baseline's windows before the canary came. A part not heard of keeps a small
reserve, so that a metric that is new is not judged in vain.

Where nobody knows, the baseline's own first two minutes tell (`provisional_shares`): a counter that is scraped once a
minute has told of something by then. That is known before the data in the sense that matters: what the baseline is
heard with has nothing to do with whether the canary is worse, and given it no part's share ever shrinks, so that P(ever
p_i <= share_i a) is bounded by the last share, and these sum to 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from streams.judging.evidence import Part
from streams.judging.side import Side

PARTS: tuple[Part, ...] = ("logs", "errors", "values", "levels")
UNHEARD_SHARE = 0.05
"""Of alpha, for all parts together that were not heard of before: what it costs the others is 5% of their alpha."""


def shares(weights: Mapping[str, float], heard: Collection[str]) -> dict[Part, float]:
    """Share of alpha of each part; they sum to 1.

    Args:
        weights: of each part, >= 0, not all 0; equal where nobody knows better.
        heard: the parts that the workload is known to have; empty: all of them may be.

    >>> shares({"logs": 1.0, "errors": 1.0, "values": 1.0, "levels": 1.0}, {"logs", "levels"})
    {'logs': 0.475, 'errors': 0.025, 'values': 0.025, 'levels': 0.475}
    """
    known = {part: weights[part] for part in PARTS if part in heard and weights[part] > 0.0}
    others = {part: weights[part] for part in PARTS if part not in known}
    if not known:
        known, others = others, {}
    reserve = UNHEARD_SHARE if any(others.values()) else 0.0
    total, total_others = sum(known.values()), sum(others.values())
    return {
        part: (1.0 - reserve) * known[part] / total if part in known else _portion(reserve, others[part], total_others)
        for part in PARTS
    }


def provisional_shares(weights: Mapping[str, float], heard: Collection[str]) -> dict[Part, float]:
    """Shares while it is still being told which parts there are: at most those of `shares`, whatever else is heard.

    Args:
        weights: as of `shares`.
        heard: the parts that have been heard so far.

    >>> provisional_shares({"logs": 1.0, "errors": 1.0, "values": 1.0, "levels": 1.0}, {"logs"})
    {'logs': 0.2375, 'errors': 0.0125, 'values': 0.0125, 'levels': 0.0125}
    """
    total = sum(weights[part] for part in PARTS)
    sure = {part: 1.0 - UNHEARD_SHARE if part in heard else UNHEARD_SHARE for part in PARTS}
    return {part: _portion(sure[part], weights[part], total) for part in PARTS}


def parts_of(side: Side) -> list[Part]:
    """The parts that one window of a revision has something for."""
    there = {
        "logs": side.lines > 0 or bool(side.traces),
        "errors": bool(side.requests) or bool(side.events),
        "values": bool(side.values),
        "levels": bool(side.levels),
    }
    return [part for part in PARTS if there[part]]


def _portion(whole: float, weight: float, total: float) -> float:
    return whole * weight / total if total > 0.0 else 0.0
