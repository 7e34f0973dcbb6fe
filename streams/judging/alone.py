"""What of a revision that has no baseline beside it: when is it judged by the workload's history, and what is said?

Where a baseline was named and nothing of it is heard for `AWAITED_NS` from the revision's first window on (`GONE_NS`,
if it was there before), and at once where none was named. When that begins, depends on nothing that could speak against
the revision; from then on it has `ALONE_SHARE` of alpha, and a comparison side by side, should the baseline come after
all, the rest: by the union bound both together keep alpha. Where none was named it has all.

It may fail, and it has a risk, but it **never passes**: a PASS says of every part that it is no worse than its margin,
and latencies and levels have nothing to be compared with; nor do a day's few errors show that a revision is no worse,
if the day is a good one.

Statistics: `production.against` (what production did before it), `logs.by_history` (earlier comparisons).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from streams.judging.combine import own_progress, progress
from streams.judging.evidence import UNDECIDED_RISK
from streams.judging.logs.by_history import ByHistory
from streams.judging.logs.failures import FAILED
from streams.judging.logs.part import Culprit
from streams.judging.logs.settings import ERRORS, NEW_TEMPLATES
from streams.judging.logs.stream import StreamEvidence
from streams.judging.production.against import LEAST_MINUTES, Against, Goal
from streams.judging.production.latencies import LATENCY, PER_S
from streams.judging.reasons import Reason, in_words, number, signature_text
from streams.judging.side import SignatureInfo
from streams.judging.template_counts import Expectation, TemplateCount
from streams.policy.counted import REQUESTS

AWAITED_NS = 300_000_000_000
"""The slowest metrics come every five minutes, and a baseline with pods of its own (an Experiment's) may still pull its
image: what is there has been heard by then, and alpha is not spent in vain."""
GONE_NS = 60_000_000_000
"""The same of a baseline that was there before the revision and is gone: twice the time that Kubernetes gives a pod to
end. It does not come back."""
AGAINST_SHARE = 0.9
"""Of what is judged without a baseline, where production is known; the rest is that of earlier comparisons, which take
years of them at .01."""
ALONE_SHARE = 0.8
"""Of alpha, where a baseline may still come: nearly all to what can tell, as between the two ways in which logs are
judged (`parts`)."""
_NAMED = 3
_KINDS = {
    ERRORS: "traces or incidents with errors",
    REQUESTS: "failed requests",
    LATENCY: "latencies",
    NEW_TEMPLATES: "traces or incidents with warnings or errors never seen before",
}


def history_reason(
    found: ByHistory, log_p: float, share: float, alpha: float, known: Mapping[int, SignatureInfo]
) -> Reason:
    """What its errors say against it, by earlier comparisons."""
    one = found.evidence()
    sentence = (
        f"{number(one.canary_count)} traces or incidents with errors in {number(one.canary_exposure_s)} pod-seconds"
        f" against {number(one.history_count)} in {number(one.history_exposure_s)} of earlier comparisons or"
        f" stretches of production ({one.stream}, p = {one.p:.2g}){_behind(found.culprits(), known)}"
    )
    return Reason(own_progress(-log_p, share, alpha), sentence)


def production_reasons(
    found: Against, errors: ByHistory, share: float, alpha: float, known: Mapping[int, SignatureInfo]
) -> list[Reason]:
    """What it showed that production before it had not shown for long.

    Args:
        found: it against production.
        errors: it against earlier comparisons, for what failed.
        share: of alpha, of what is judged by production.
        alpha: of the whole.
        known: texts of signatures.
    """
    reasons = []
    for kind in (ERRORS, REQUESTS):
        goal, of_kind = found.reached(kind), share * found.state.shares.get(kind, 0.0)
        if goal is not None and of_kind > 0.0:
            behind = _behind(errors.culprits(), known) if kind == ERRORS else ""
            sentence = (
                f"{number(found.state.counts[kind])} {_KINDS[kind]} since it has started, {_not_so(goal)}"
                f" ({kind}, p = {goal.p / goal.weight:.2g}){behind}"
            )
            reasons.append(Reason(own_progress(-math.log(found.p(kind)), of_kind, alpha), sentence))
    of_latency = share * found.state.shares.get(LATENCY, 0.0)
    if (goal := found.reached(LATENCY)) is not None and of_latency > 0.0:
        sentence = (
            f"{goal.signal}: a tenth takes {found.decile_s(goal.signal):.2g} s and more since it has started, where"
            f" production has not had {goal.events / PER_S / goal.minutes:.2g} s over {goal.minutes} minutes, nor as"
            f" much of another latency, for {_long(goal.quiet)} ({LATENCY}, p = {goal.p / goal.weight:.2g})"
        )
        reasons.append(Reason(own_progress(-math.log(found.p(LATENCY)), of_latency, alpha), sentence))
    if (goal := found.reached(NEW_TEMPLATES)) is not None:
        new = found.state.new
        behind = _behind([Culprit(one, new[one], 0.0) for one in sorted(new, key=lambda one: (-new[one], one))], known)
        revisions = len(found.state.revisions)
        sentence = (
            f"{number(found.new_traces)} {_KINDS[NEW_TEMPLATES]}, {_not_so(goal)} ({NEW_TEMPLATES}): they raise the"
            f" risk and cannot fail it, as a healthy revision may log what is new; of {revisions} earlier ones"
            f" {number(found.as_many)} did{behind}"
        )
        reasons.append(Reason(new_risk(found, alpha) / 100.0, sentence))
    return reasons


def new_risk(found: Against, alpha: float) -> float:
    """0..99: "cannot tell" (50), and as much more as new templates that production does not show make of it; 0: none.

    Args:
        found: the revision against production.
        alpha: of the whole: what p has to come to for all of it.
    """
    p = found.p(NEW_TEMPLATES)
    harm = progress(-math.log(p), alpha) * found.chance_of_fewer
    return 0.0 if p >= 1.0 else UNDECIDED_RISK + (99.0 - UNDECIDED_RISK) * harm


def requests_evidence(found: Against) -> StreamEvidence:
    """Its failed requests, as a row of the document."""
    state = found.state
    count = state.counts.get(REQUESTS, 0.0)
    return StreamEvidence(REQUESTS, 0.0, count, 0.0, state.pod_s, 0.0, 0.0, 0.0, None, found.p(REQUESTS))


def latency_evidence(found: Against) -> StreamEvidence:
    """The latency that says most against it, as a row of the document: minutes judged."""
    state = found.state
    goal = found.reached(LATENCY) or next(goal for goal in state.goals if goal.kind == LATENCY)
    minutes = float(state.minutes_of.get(goal.signal, 0))
    return StreamEvidence(goal.signal, 0.0, minutes, 0.0, state.pod_s, 0.0, 0.0, 0.0, None, found.p(LATENCY))


def history_sentences(
    found: ByHistory, against: Against, share: float, against_share: float, alpha: float
) -> list[str]:
    """By what it is judged, and what cannot be told; of a first deployment that nothing can.

    Args:
        found: it against earlier comparisons.
        against: it against production.
        share: of alpha, of all this.
        against_share: of that, for production.
        alpha: of the whole.
    """
    days = f"{against.state.minutes / 1440:.1f} days of production"
    if not found.known and not against.known:
        said = "cannot tell: nothing is beside it, and nothing is known of earlier comparisons of this workload"
        reason = "a first deployment" if not against.state.minutes else f"{days}; from one day on they tell"
        return [f"{said} ({reason}): what it logs is shown, and not judged"]
    cohorts = number(round(found.state.past.cohorts + found.state.past.incidents, 1))
    earlier = f"{cohorts} earlier comparisons or stretches of production"
    by = " and ".join([*([days] if against.known else []), *([earlier] if found.known else [])])
    by_what = (
        f"judged by the workload's history, by {by}, by {_all(found, against)} alone: nothing is beside it, so that"
        " the bound on false alarms holds if today is a day like those; it never passes so"
    )
    sentences = [by_what]
    at = share * against_share * alpha
    least = {kind: against.least_p(kind) / part for kind, part in sorted(against.state.shares.items())}
    short = [f"{_KINDS[kind]} (p at least {p:.2g})" for kind, p in least.items() if p > at]
    if short:
        sentences.append(
            f"cannot fail it by {' or '.join(short)}: production has not been quiet for long enough, and alpha has room"
            f" for {at:.2g}"
        )
    if found.known and not found.can_fail and not against.state.shares:
        comparisons = f"{number(round(found.cohorts, 1))} earlier comparisons"
        chance = f"{100 * found.guard:.2g}%, by {comparisons}, and alpha has room for {100 * share * alpha:.2g}%"
        sentences.append(f"cannot fail it: that today is an incident of everybody may have a chance of {chance}")
    return sentences


def alone_unjudged(found: ByHistory, against: Against) -> list[str]:
    """What could not be judged, and why."""
    requests = "" if REQUESTS in against.state.shares else "failed requests, "
    values = "values but for the ninth decile of latencies" if LATENCY in against.state.shares else "values"
    said = [f"{requests}{values}, levels and new shapes: nothing of a baseline is there to compare them with"]
    if LATENCY in against.state.shares and against.state.whole_minutes and not against.state.minutes_of:
        said.append(
            "latencies: no minute of it has had half of the requests of a usual minute of production, and that of few"
            " is no measure"
        )
    if found.state.failures.unlike:
        said.append(
            f"logs: {number(found.state.failures.unlike)} failed traces are not counted, because the lines of the"
            " workload's past carry no ids"
        )
    return said


def _behind(culprits: Sequence[Culprit], known: Mapping[int, SignatureInfo]) -> str:
    named = [f"`{signature_text(each.number, known)}` {number(each.canary)} times" for each in culprits[:_NAMED]]
    return f": {'; '.join(named)}" if named else ""


def _all(found: ByHistory, against: Against) -> str:
    """What it is judged by."""
    judged = {ERRORS: "errors", REQUESTS: _KINDS[REQUESTS], LATENCY: _KINDS[LATENCY]}
    shares = against.state.shares
    named = [name for kind, name in judged.items() if kind in shares or (kind == ERRORS and found.known)]
    return in_words(named)


def _not_so(goal: Goal) -> str:
    """What production has not done for how long."""
    return f"where production had not {number(goal.events)} in {goal.minutes} minutes for {_long(goal.quiet)}"


def _long(minutes: int) -> str:
    """A time as a person reads it.

    >>> _long(90), _long(10_000)
    ('1.5 hours', '6.9 days')
    """
    return f"{minutes / 60:.1f} hours" if minutes < 2 * LEAST_MINUTES else f"{minutes / 1440:.1f} days"


def alone_templates(
    found: ByHistory,
    against: Against,
    root: Callable[[int], int],
    is_new: Callable[[int], bool] | None,
    risk: float,
    of_new: float,
) -> list[TemplateCount]:
    """One row per template, that with most impact first.

    Args:
        found: what the revision showed.
        against: it against production.
        root: the template that a signature is part of.
        is_new: whether history has not shown a template; None: there is too little history to say.
        risk: 0..100, of its errors against history.
        of_new: 0..100, of its new templates.
    """
    joined: dict[int, dict[str, float]] = {}
    for signature, tally in sorted(found.state.tallies.items()):
        counted = joined.setdefault(root(signature), {})
        for each in tally.by_class:
            counted[each.log_class] = counted.get(each.log_class, 0.0) + each.canary
    total = math.fsum(counted.get(name, 0.0) for counted in joined.values() for name in FAILED)
    new = against.state.new
    rows = []
    for one, counted in joined.items():
        shares = {name: counted[name] / total for name in FAILED if total > 0.0 and name in counted}
        canary = math.fsum(counted.values())
        word: Expectation = "unknown" if is_new is None else "unexpected" if is_new(one) else "expected"
        impact = max(risk * sum(shares.values()), of_new * new.get(one, 0) / max(1, sum(new.values())))
        rows.append(TemplateCount(one, word, canary, 0.0, 0.0, impact, shares))
    return sorted(rows, key=lambda row: (-row.impact, row.expectation != "unexpected", -row.canary, row.number))
