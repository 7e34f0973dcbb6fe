"""What do the objects in Kubernetes say: of a Rollout, its status; of an Experiment, its pair and what became of it?

Objects are taken as the API server sends them, as mappings; what is missing or of another type says nothing. An
Experiment's hashes stand on its ReplicaSets (argo-rollouts, experiments/replicaset.go: annotations name the Experiment
and the template), and which of its templates is the baseline only their names tell: `baseline` and `canary`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from topology.rollouts.status import ExperimentStatus, RolloutStatus

Object = Mapping[str, Any]

HASH_LABEL = "rollouts-pod-template-hash"
_EXPERIMENT = "experiment.argoproj.io/name"
_TEMPLATE = "experiment.argoproj.io/template-name"


def rollout_status(rollout: Object, cluster: str, at: datetime) -> RolloutStatus | None:
    """The status of a Rollout; None where its hashes are no label values."""
    status = _mapping(rollout, "status")
    said = {
        "namespace": _text(rollout, "metadata", "namespace"),
        "rollout": _text(rollout, "metadata", "name"),
        "at": at,
        "stable": _text(status, "stableRS") or None,
        "latest": _text(status, "currentPodHash") or None,
        "aborted": status.get("abort") is True,
        "abortedAt": _text(status, "abortedAt") or None,
        "cluster": cluster,
    }
    try:
        return msgspec.convert(said, RolloutStatus)
    except msgspec.ValidationError:
        return None


def experiment_status(
    experiment: Object, replica_sets: Iterable[Object], cluster: str, at: datetime
) -> ExperimentStatus | None:
    """The status of an Experiment of a Rollout; None while its two ReplicaSets are not there, or there are no such."""
    name, namespace = _text(experiment, "metadata", "name"), _text(experiment, "metadata", "namespace")
    hashes = {
        _text(each, "metadata", "annotations", _TEMPLATE): _text(each, "metadata", "labels", HASH_LABEL)
        for each in replica_sets
        if _text(each, "metadata", "namespace") == namespace and experiment_of(each) == name
    }
    said = {
        "namespace": namespace,
        "rollout": owner(experiment, "Rollout"),
        "experiment": name,
        "at": at,
        "baseline": hashes.get("baseline", ""),
        "canary": hashes.get("canary", ""),
        "phase": _text(experiment, "status", "phase"),
        "cluster": cluster,
    }
    try:
        return msgspec.convert(said, ExperimentStatus)
    except msgspec.ValidationError:
        return None


def experiment_of(replica_set: Object) -> str:
    """The name of the Experiment whose a ReplicaSet is; empty for any other."""
    return _text(replica_set, "metadata", "annotations", _EXPERIMENT)


def owner(of: Object, kind: str) -> str:
    """The name of the object of this kind that owns another; empty if none does."""
    owners = _mapping(of, "metadata").get("ownerReferences")
    for each in owners if isinstance(owners, list) else ():
        if isinstance(each, Mapping) and each.get("kind") == kind:
            return _text(each, "name")
    return ""


def _mapping(of: Object, *path: str) -> Mapping[str, Any]:
    for name in path:
        found = of.get(name)
        of = found if isinstance(found, Mapping) else {}
    return of


def _text(of: Object, *path: str) -> str:
    found = _mapping(of, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""
