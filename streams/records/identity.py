"""Whose records are they: workload, revision, and the pod that wrote them."""

from __future__ import annotations

from msgspec import Struct


class Workload(Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """A Rollout or Deployment."""

    cluster: str
    """Name of the cluster; empty where there is just one."""
    namespace: str
    name: str

    @property
    def key(self) -> str:
        """`cluster/namespace/name`: the Kafka key, hence the partition, of all that concerns it.

        No part can hold a slash (Kubernetes names), so no two workloads share a key.

        >>> Workload("", "prod", "shop").key
        '/prod/shop'
        """
        return f"{self.cluster}/{self.namespace}/{self.name}"


class Revision(Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """A workload's pods of one pod-template hash."""

    workload: Workload
    pod_template_hash: str
    """Text, also where it looks like a number (argo-rollouts, utils/hash/hash.go)."""


class Source(Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """One pod of a revision: where a record came from."""

    revision: Revision
    pod: str
