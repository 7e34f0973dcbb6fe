"""What of a revision that has no baseline beside it: when is it judged by the workload's history, and what is said?

Where a baseline was named and nothing of it is heard for `AWAITED_NS` from the revision's first window on, and at once
where none was named. When that begins, depends on nothing that could speak against the revision; from then on it has
`ALONE_SHARE` of alpha, and a comparison side by side, should the baseline come after all, the rest: by the union bound
both together keep alpha. Where none was named it has all.

It may fail, and it has a risk, but it **never passes**: a PASS says of every part that it is no worse than its margin,
and failed requests, latencies and levels have nothing to be compared with; nor do a day's few errors show that a
revision is no worse, if the day is a good one.

Statistics: `logs.by_history`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from streams.judging.combine import own_progress
from streams.judging.logs.by_history import ByHistory
from streams.judging.reasons import Reason, number, signature_text
from streams.judging.side import SignatureInfo
from streams.judging.tallies import Tally
from streams.judging.template_counts import Expectation, TemplateCount

AWAITED_NS = 300_000_000_000
"""The slowest metrics come every five minutes, and a baseline with pods of its own (an Experiment's) may still pull its
image: what is there has been heard by then, and alpha is not spent in vain."""
ALONE_SHARE = 0.8
"""Of alpha, where a baseline may still come: nearly all to what can tell, as with `CLASSES_SHARE`."""
_NAMED = 3
_FAILED = ("critical", "error")


def history_reason(
    found: ByHistory, log_p: float, share: float, alpha: float, known: Mapping[int, SignatureInfo]
) -> Reason:
    """What its errors say against it."""
    one = found.evidence()
    named = [
        f"`{signature_text(each.number, known)}` {number(each.canary)} times" for each in found.culprits()[:_NAMED]
    ]
    sentence = (
        f"{number(one.canary_count)} traces or incidents with errors in {number(one.canary_exposure_s)} pod-seconds"
        f" against {number(one.history_count)} in {number(one.history_exposure_s)} of earlier comparisons"
        f" ({one.stream}, p = {one.p:.2g}){': ' if named else ''}{'; '.join(named)}"
    )
    return Reason(own_progress(-log_p, share, alpha), sentence)


def history_sentences(found: ByHistory, share: float, alpha: float) -> list[str]:
    """By what it is judged, and what cannot be told; of a first deployment that nothing can."""
    if not found.known:
        said = "cannot tell: nothing is beside it, and nothing is known of earlier comparisons of this workload"
        return [f"{said} (a first deployment): what it logs is shown, and not judged"]
    earlier = f"{number(round(found.state.past.cohorts + found.state.past.incidents, 1))} earlier comparisons"
    by_what = (
        f"judged by the workload's history, by errors in logs alone: nothing is beside it, so that the bound on false"
        f" alarms holds if today is a day like those of {earlier}; it never passes so"
    )
    if found.can_fail:
        return [by_what]
    chance = f"{100 * found.guard:.2g}%, by {earlier}, and alpha has room for {100 * share * alpha:.2g}%"
    return [by_what, f"cannot fail it: that today is an incident of everybody may have a chance of {chance}"]


def alone_unjudged(found: ByHistory) -> list[str]:
    """What could not be judged, and why."""
    said = ["errors, values, levels, new templates and shapes: nothing of a baseline is there to compare them with"]
    if found.state.failures.unlike:
        said.append(
            f"logs: {number(found.state.failures.unlike)} failed traces are not counted, because the lines of the"
            " workload's past carry no ids"
        )
    return said


def alone_templates(
    found: ByHistory, root: Callable[[int], int], is_new: Callable[[int], bool] | None, risk: float
) -> list[TemplateCount]:
    """One row per template, that with most impact first.

    Args:
        found: what the revision showed.
        root: the template that a signature is part of.
        is_new: whether history has not shown a template; None: there is too little history to say.
        risk: 0..100, of its errors against history.
    """
    joined: dict[int, Tally] = {}
    for one, tally in sorted(found.state.tallies.items()):
        joined.setdefault(root(one), Tally(tally.log_class)).canary += tally.canary
    total = math.fsum(tally.canary for tally in joined.values() if tally.log_class in _FAILED)
    rows = []
    for one, tally in joined.items():
        share = tally.canary / total if tally.log_class in _FAILED and total > 0.0 else 0.0
        word: Expectation = "unknown" if is_new is None else "unexpected" if is_new(one) else "expected"
        rows.append(TemplateCount(one, word, tally.canary, 0.0, 0.0, risk * share, share))
    return sorted(rows, key=lambda row: (-row.impact, row.expectation != "unexpected", -row.canary, row.number))
