"""What objects of the API server say, and that what is none of ours says nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from topology.rollouts.observed import HASH_LABEL, experiment_status, rollout_status

NOW = datetime(2026, 8, 21, 8, tzinfo=UTC)
ROLLOUT: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Rollout",
    "metadata": {"name": "shop", "namespace": "prod", "generation": 4, "resourceVersion": "812"},
    "spec": {"replicas": 10},
    "status": {
        "stableRS": "5d5c7b9f4",
        "currentPodHash": "6f8d9c6b77",
        "currentStepIndex": 2,
        "phase": "Paused",
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-08-21T07:59:00Z"}],
    },
}
EXPERIMENT: dict[str, Any] = {
    "kind": "Experiment",
    "metadata": {
        "name": "shop-6f8d9c6b77-2-0",
        "namespace": "prod",
        "ownerReferences": [{"kind": "Rollout", "name": "shop", "controller": True}],
    },
    "status": {"phase": "Running", "templateStatuses": [{"name": "baseline"}, {"name": "canary"}]},
}


def _replica_set(template: str, hash_: str, experiment: str = "shop-6f8d9c6b77-2-0") -> dict[str, Any]:
    annotations = {"experiment.argoproj.io/name": experiment, "experiment.argoproj.io/template-name": template}
    labels = {HASH_LABEL: hash_, "app": "shop"}
    return {"metadata": {"name": f"x-{template}", "namespace": "prod", "labels": labels, "annotations": annotations}}


def test_rollout():
    """The two hashes, and whether it was aborted and when."""
    status = rollout_status(ROLLOUT, "eu", NOW)
    assert status is not None
    assert (status.workload.key, status.stable, status.latest) == ("eu/prod/shop", "5d5c7b9f4", "6f8d9c6b77")
    assert (status.aborted, status.aborted_at, status.at) == (False, None, NOW)
    aborted = {**ROLLOUT, "status": {**ROLLOUT["status"], "abort": True, "abortedAt": "2026-08-21T07:00:00Z"}}
    status = rollout_status(aborted, "", NOW)
    assert status is not None
    assert (status.aborted, status.aborted_at) == (True, datetime(2026, 8, 21, 7, tzinfo=UTC))


def test_rollout_before_its_first_promotion():
    """Has no stable hash, and while the controller has not seen it none at all."""
    status = rollout_status({**ROLLOUT, "status": {"currentPodHash": "6f8d9c6b77"}}, "", NOW)
    assert status is not None
    assert (status.stable, status.latest) == (None, "6f8d9c6b77")
    status = rollout_status({"metadata": ROLLOUT["metadata"]}, "", NOW)
    assert status is not None
    assert (status.stable, status.latest) == (None, None)


def test_experiment():
    """Its hashes are its ReplicaSets', of which each names its template; other Experiments' are not looked at."""
    sets = [_replica_set("canary", "c1"), _replica_set("baseline", "b1"), _replica_set("baseline", "b9", "other")]
    status = experiment_status(EXPERIMENT, sets, "", NOW)
    assert status is not None
    assert (status.rollout, status.baseline, status.canary, status.phase) == ("shop", "b1", "c1", "Running")
    assert experiment_status(EXPERIMENT, sets[:1], "", NOW) is None
    free = {**EXPERIMENT, "metadata": {"name": "shop-6f8d9c6b77-2-0", "namespace": "prod"}}
    assert experiment_status(free, sets, "", NOW) is None


@pytest.mark.parametrize(
    "junk",
    [{}, {"metadata": None}, {"metadata": {"name": 1}}, {"metadata": {"name": "x", "namespace": []}, "status": 3}],
)
def test_what_is_none_of_ours(junk):
    """Says nothing, and breaks nothing."""
    assert rollout_status(junk, "", NOW) is None
    assert experiment_status(junk, [junk], "", NOW) is None
