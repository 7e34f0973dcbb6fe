"""May what is in production stay? The watch in the words and the shape of a comparison, for rollback automation.

`fail`: an alarm rings that is likely the latest deployment's, and the operator lets alarms speak so; `pass`: watched,
and nothing rings; `none`: it cannot be told, or what rings is not laid to the deployment.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.judging.evidence import UNDECIDED_RISK, Verdict
from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from streams.watch.incident import Incident, alarm_of
from streams.watch.production import ProductionState

_LEAST, _MOST = 1.0, 99.0
"""Risk of what is not failed."""


def document_of(
    of: Workload,
    production: ProductionState,
    ringing: Sequence[Incident],
    score: float,
    as_of_ns: int,
    *,
    warm: int,
    rollback: bool,
    silent: Sequence[str] = (),
) -> RiskDocument | None:
    """The watch as the document of a comparison of the revision before with the one in production.

    Args:
        of: whose it is.
        production: which revision that is; without one before, it stands on both sides.
        ringing: alarms that are not cleared.
        score: of all signals; 1.0 is the boundary.
        as_of_ns: end of the last window.
        warm: signals whose models know enough to speak.
        rollback: an alarm laid to the latest deployment fails it.
        silent: what rings nothing and is told all the same, in sentences.

    Returns:
        None while nothing is in production.
    """
    if not production.revision:
        return None
    blamed = [one for one in ringing if _is_blamed(one, of, production.revision)]
    verdict: Verdict = "none"
    if blamed and rollback:
        verdict = "fail"
    elif warm and not ringing:
        verdict = "pass"
    risk = 100.0 if verdict == "fail" else _risk(ringing, score) if warm else UNDECIDED_RISK
    reasons = [alarm_of(one, of, "held", as_of_ns).summary for one in (*blamed, *ringing)]
    return RiskDocument(
        Comparison(of.cluster, of.namespace, of.name, production.before or production.revision, production.revision),
        verdict=verdict,
        risk=risk,
        score=100.0 - risk,
        confidence=1.0 if verdict == "pass" else 0.0,
        started_at=rfc3339(production.deployments[-1].deployed_ns) if production.deployments else None,
        as_of=rfc3339(as_of_ns) if as_of_ns else None,
        decided_at=rfc3339(min(one.raised_ns for one in blamed)) if verdict == "fail" else None,
        watch_score=round(max([score, *(one.score for one in ringing)]), 4) if warm else None,
        reasons=(*(dict.fromkeys(reasons) or (_quiet(warm),)), *silent),
    )


def _is_blamed(incident: Incident, of: Workload, revision: str) -> bool:
    """Its likeliest suspect is what is in production now."""
    return any(
        one.likelihood == "likely" and one.workload == of.key and one.revision == revision
        for one in incident.suspects[:1]
    )


def _risk(ringing: Sequence[Incident], score: float) -> float:
    worst = max((one.score for one in ringing), default=score)
    return min(max(50.0 * worst, _LEAST), _MOST)


def _quiet(warm: int) -> str:
    return f"{warm} signals are watched and none rings" if warm else "no signal is known well enough yet to be watched"
