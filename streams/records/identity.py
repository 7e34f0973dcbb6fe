"""Whose records are they: workload, revision, and the pod that wrote them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Scope = Literal["workload", "namespace", "all"]
"""Of what is said at one workload: it holds for that one, for all of its namespace (in its cluster), or for all."""


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

    def covers(self, other: Workload, scope: Scope) -> bool:
        """Whether what is said at this workload holds for another.

        >>> shop = Workload("", "prod", "shop")
        >>> shop.covers(Workload("", "prod", "pay"), "namespace"), shop.covers(Workload("", "dev", "pay"), "namespace")
        (True, False)
        """
        if scope == "all":
            return True
        alike = self.cluster == other.cluster and self.namespace == other.namespace
        return alike and (scope == "namespace" or self.name == other.name)


class Revision(Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """A workload's pods of one pod-template hash."""

    workload: Workload
    pod_template_hash: str
    """Text, also where it looks like a number (argo-rollouts, utils/hash/hash.go)."""


class Source(Struct, frozen=True, order=True, cache_hash=True, array_like=True):
    """One pod of a revision: where a record came from."""

    revision: Revision
    pod: str
