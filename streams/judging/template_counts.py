"""What did both sides log, template by template, and what of it is unexpected?

Only told: verdict and risk do not depend on it. Unexpected is what the canary alone shows, unless history had shown it,
and what it shows so much more often than its exposure explains that the likelihood ratio is above `UNEXPECTED_RATIO`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from streams.judging.settings import LOG_SIGNALS
from streams.judging.tallies import Tallies, Tally

UNEXPECTED_RATIO = 20.0
"""As odds of 1 in 20 are the usual level of a single look; it decides a word in a table, no verdict."""
Expectation = Literal["unexpected", "expected", "baseline-only", "unknown"]
"""`unknown`: there is neither a baseline nor enough of a history to hold it against."""


class TemplateCount(Struct, frozen=True):
    """One template on both sides."""

    number: int
    expectation: Expectation
    canary: float
    """Pods times windows that showed it."""
    baseline: float
    explained: float
    """How many of them the canary's share of the exposure would have brought."""
    impact: float
    """0..100: its share of the risk of its class side by side."""
    share: float = 0.0
    """0..1: of its class, by likelihood."""


def template_counts(
    tallies: Tallies, root: Callable[[int], int], is_new: Callable[[int], bool], risks: Mapping[str, float]
) -> list[TemplateCount]:
    """One row per template, that with most impact first.

    Args:
        tallies: of signatures.
        root: the template that a signature is part of.
        is_new: whether history is known and has not shown a template.
        risks: log signal -> its own risk, 0..100.
    """
    joined: dict[int, Tally] = {}
    for number in sorted(tallies):
        tally = tallies[number]
        one = joined.setdefault(root(number), Tally(tally.log_class))
        one.canary += tally.canary
        one.baseline += tally.baseline
        one.explained += tally.explained
    totals = {
        log_class: math.fsum(one.contribution for one in joined.values() if one.log_class == log_class)
        for log_class in LOG_SIGNALS
    }
    rows = [
        TemplateCount(
            number,
            _expectation(one, new=is_new(number)),
            one.canary,
            one.baseline,
            one.explained,
            risks.get(LOG_SIGNALS[one.log_class], 0.0) * share,
            share,
        )
        for number, one in joined.items()
        for share in (_share(one.contribution, totals[one.log_class]),)
    ]
    return sorted(rows, key=lambda row: (-row.impact, row.expectation != "unexpected", -row.canary, row.number))


def _expectation(one: Tally, *, new: bool) -> Expectation:
    """What to call it.

    >>> _expectation(Tally("error", 3.0, 0.0, 1.5), new=True), _expectation(Tally("error", 0.0, 3.0, 1.5), new=False)
    ('unexpected', 'baseline-only')
    """
    if one.canary <= 0.0:
        return "baseline-only"
    more = one.contribution >= math.log(UNEXPECTED_RATIO)
    return "unexpected" if more or (new and one.baseline <= 0.0) else "expected"


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0
