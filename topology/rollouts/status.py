"""What does a Rollout's status say of its comparisons: which should run, and which have come to what?

The status is what Argo says at some moment; it may come late, twice, or not at all, and after a newer one. So it only
ever begins the pair it names, and ends what had begun when it was true. (argo-rollouts: `status.stableRS`,
`status.currentPodHash`, `status.abort`, `status.abortedAt`; equal hashes mean that the rollout is over, see
utils/rollout/rolloututil.go, IsFullyPromoted.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from streams.records.identity import Workload
from streams.records.times import rfc3339_ns, within_range
from streams.risk.comparison import (
    ClusterName,
    CompareRequest,
    Comparison,
    ComparisonEnded,
    HashValue,
    ObjectName,
    Outcome,
    RolloutEvent,
)
from streams.risk.document import RiskDocument

SOURCE = "argo"
"""Who asks, in the requests made here."""


class RolloutStatus(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One Rollout at one moment."""

    namespace: Annotated[ObjectName, Meta(description="Its namespace")]
    rollout: Annotated[ObjectName, Meta(description="Its name")]
    at: Annotated[datetime, Meta(tz=True, description="When this was so, RFC 3339")]
    stable: Annotated[HashValue | None, Meta(description="status.stableRS; null before the first promotion")] = None
    latest: Annotated[HashValue | None, Meta(description="status.currentPodHash")] = None
    aborted: Annotated[bool, Meta(description="status.abort")] = False
    aborted_at: Annotated[datetime, Meta(tz=True, description="status.abortedAt")] | None = None
    cluster: Annotated[ClusterName, Meta(description="Name of the cluster; leave out where there is one")] = ""

    @property
    def workload(self) -> Workload:
        """Whose comparisons it is about."""
        return Workload(self.cluster, self.namespace, self.rollout)


class ExperimentStatus(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One Experiment of a Rollout at one moment: a pair with two hashes of its own."""

    namespace: Annotated[ObjectName, Meta(description="Its namespace")]
    rollout: Annotated[ObjectName, Meta(description="Name of the Rollout that owns it")]
    experiment: Annotated[ObjectName, Meta(description="Its name")]
    at: Annotated[datetime, Meta(tz=True, description="When this was so, RFC 3339")]
    baseline: Annotated[HashValue, Meta(description="Hash of the ReplicaSet of its template `baseline`")]
    canary: Annotated[HashValue, Meta(description="Hash of the ReplicaSet of its template `canary`")]
    phase: Annotated[str, Meta(max_length=63, description="status.phase; empty before the first")] = ""
    cluster: Annotated[ClusterName, Meta(description="Name of the cluster; leave out where there is one")] = ""


_OUTCOMES: dict[str, Outcome] = {
    "Successful": "expired",
    "Inconclusive": "expired",
    "Failed": "aborted",
    "Error": "aborted",
}
"""Of an Experiment by its phase: one that has succeeded is over, which promotes nothing by itself."""


def experiment_events(status: ExperimentStatus, documents: Iterable[RiskDocument]) -> Iterator[RolloutEvent]:
    """What follows from an Experiment's status; the arguments are those of `events`."""
    pair = Comparison(status.cluster, status.namespace, status.rollout, status.baseline, status.canary)
    if pair.baseline == pair.canary:
        return
    outcome = _OUTCOMES.get(status.phase)
    if outcome is None:
        yield CompareRequest(pair, SOURCE, _ns(status.at))
        return
    for document in documents:
        if document.comparison == pair and document.state == "running" and _begun(document, status.at):
            yield ComparisonEnded(pair, outcome)


def events(status: RolloutStatus, documents: Iterable[RiskDocument]) -> Iterator[RolloutEvent]:
    """What follows from a status.

    Args:
        status: of one Rollout.
        documents: of comparisons that are known, of any workload.
    """
    stable, latest = status.stable, status.latest
    if latest is None:
        return
    if stable != latest and not status.aborted:
        # At the first deployment nothing is stable yet: the canary is judged by itself.
        pair = Comparison(status.cluster, status.namespace, status.rollout, stable or latest, latest)
        yield CompareRequest(pair, SOURCE, _ns(status.at))
        return
    if stable is None:
        return
    since = status.aborted_at if status.aborted and status.aborted_at is not None else status.at
    for document in documents:
        pair = document.comparison
        if pair.of != status.workload or document.state != "running" or not _begun(document, since):
            continue
        outcome = _outcome(pair, stable, latest)
        if outcome is not None:
            yield ComparisonEnded(pair, outcome)


def _outcome(pair: Comparison, stable: str, latest: str) -> Outcome | None:
    """What became of a pair of a Rollout that is over, or aborted; None where the status does not tell.

    An Experiment ends with its Rollout, and its own two hashes are in no status: aborted with it, else merely over.
    A revision without a baseline is stable as soon as its pods are ready, which says nothing: its time ends it.
    """
    if pair.is_alone:
        return None if pair.canary in {stable, latest} else "expired"
    of_experiment = not {pair.baseline, pair.canary} & {stable, latest}
    if stable != latest:
        return "aborted" if (pair.baseline, pair.canary) == (stable, latest) or of_experiment else None
    if pair.canary == stable:
        return "promoted"
    return "expired" if of_experiment else "aborted" if pair.baseline == stable else None


def _ns(at: datetime) -> int:
    """To the millisecond.

    Raises:
        BadRecord: outside 1970..2262.
    """
    return within_range(round(at.timestamp() * 1000) * 1_000_000)


def _begun(document: RiskDocument, by: datetime) -> bool:
    """Whether both revisions had been seen by then: what began later the status does not know of."""
    if document.started_at is None:
        return False
    return rfc3339_ns(document.started_at) <= _ns(by)
