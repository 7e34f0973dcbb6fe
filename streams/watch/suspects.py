"""Which deployment came before the onset, and how likely is it the cause?

Each deployment votes by how shortly before the onset it was: a deployment breaks something with probability pi, and
what it breaks shows after a lag of density T / (T + lag)^2 (median T, heavy tail: leaks and caches take hours).
Incidents that no deployment caused come at a constant rate. By Bayes, the probability of each is its share of all. What
was deployed after the onset is vetoed. All other workloads have one small pi in common, shared by those that deployed
lately: a busy cluster accuses nobody.

Source: Li et al., Gandalf (NSDI 2020), section 4: votes by temporal and spatial correlation, vetoes. pi of one's own
deployment: change failure rates of 5% to 15% (DORA, Accelerate State of DevOps).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.watch.alarm import Likelihood, Suspect
from streams.watch.production import Deployment

OWN, SAME_NAMESPACE, ELSEWHERE = 0.1, 0.005, 0.001
"""pi: of one's own deployment; of all others together in the namespace, and in the cluster."""
_MEDIAN_LAG_S = 600.0
_UNCAUSED_PER_S = 1.0 / (30 * 86_400)
"""One incident a month without a deployment."""
_TOLERANCE_NS = 15_000_000_000
"""An onset is an estimate: three windows."""
_LOOK_BACK_NS = 86_400_000_000_000
_NEARBY_NS = 3_600_000_000_000
"""So far back others' deployments are looked at."""
_MOST = 5
_LEAST_PROBABILITY = 0.01


class Neighbour(Struct, frozen=True, order=True):
    """A deployment of some workload."""

    workload: Workload
    deployment: Deployment


def suspects(
    workload: Workload, onset_ns: int, own: Sequence[Deployment], others: Sequence[Neighbour]
) -> tuple[Suspect, ...]:
    """Those that may be the cause, likeliest first.

    >>> shop, second = Workload("", "prod", "shop"), 1_000_000_000
    >>> [found] = suspects(shop, 3_600 * second, [Deployment("6f8", 3_500 * second, 3_500 * second)], [])
    >>> found.likelihood, round(found.probability, 3)
    ('likely', 0.997)
    """
    mine = [Neighbour(workload, one) for one in own if not one.first]
    near = [(one, OWN) for one in mine if _came_before(one.deployment, onset_ns, _LOOK_BACK_NS)]
    lately = [one for one in others if _came_before(one.deployment, onset_ns, _NEARBY_NS)]
    for same, share in ((True, SAME_NAMESPACE), (False, ELSEWHERE)):
        there = [one for one in lately if (one.workload.namespace == workload.namespace) == same]
        near += [(one, share / len(there)) for one in there]
    votes = [(share * _density(onset_ns - one.deployment.deployed_ns), one) for one, share in near]
    total = _UNCAUSED_PER_S + sum(vote for vote, _ in votes)
    ranked = sorted(votes, key=lambda each: (-each[0], each[1].workload.key, each[1].deployment.revision))
    return tuple(
        _suspect(one, vote / total, onset_ns) for vote, one in ranked[:_MOST] if vote / total >= _LEAST_PROBABILITY
    )


def _came_before(deployment: Deployment, onset_ns: int, within_ns: int) -> bool:
    return not deployment.first and -_TOLERANCE_NS <= onset_ns - deployment.deployed_ns <= within_ns


def _density(lag_ns: int) -> float:
    """Per second."""
    lag_s = max(lag_ns, 0) / 1e9
    return _MEDIAN_LAG_S / (_MEDIAN_LAG_S + lag_s) ** 2


def _suspect(one: Neighbour, probability: float, onset_ns: int) -> Suspect:
    lag_s = (onset_ns - one.deployment.deployed_ns) / 1e9
    likelihood: Likelihood = "likely" if probability >= 0.7 else "possible" if probability >= 0.2 else "unlikely"
    when = f"{lag_s:.0f} s before it began" if lag_s >= 0 else "as it began"
    return Suspect(
        one.workload.key,
        one.deployment.revision,
        rfc3339(one.deployment.deployed_ns),
        likelihood,
        round(probability, 4),
        f"revision {one.deployment.revision} of {one.workload.key} was deployed {when}",
    )
