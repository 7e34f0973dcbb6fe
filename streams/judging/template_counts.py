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
    """0..100: its share of the risk of its class side by side, or of those it was counted as."""
    shares: Mapping[str, float]
    """Log class that it was counted as -> 0..1: its share of that, by likelihood."""


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
    joined: dict[int, dict[str, Tally]] = {}
    for number in sorted(tallies):
        for one in tallies[number].by_class:
            joined.setdefault(root(number), {}).setdefault(one.log_class, Tally(one.log_class)).take(one)
    totals = {
        log_class: math.fsum(each[log_class].contribution for each in joined.values() if log_class in each)
        for log_class in LOG_SIGNALS
    }
    rows = []
    for number, each in joined.items():
        whole = Tally("")
        for one in each.values():
            whole.take(one)
        shares = {name: _share(one.contribution, totals[name]) for name, one in each.items()}
        impact = math.fsum(risks.get(LOG_SIGNALS[name], 0.0) * share for name, share in shares.items())
        word = _expectation(whole, new=is_new(number))
        rows.append(TemplateCount(number, word, whole.canary, whole.baseline, whole.explained, impact, shares))
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
