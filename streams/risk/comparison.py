"""Which two revisions are compared, and what is said of it on `serinus.rollouts`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.records.identity import Scope, Workload
from streams.shippers.names import LABEL_LIKE, MAX_LABEL_VALUE, MAX_NAME
from streams.templates.topics import LogClass

# Python's $ also matches before a line feed at the end; the look-ahead says no, in JSON Schema's dialect as well.
ClusterName = Annotated[str, Meta(max_length=MAX_NAME, pattern=rf"^({LABEL_LIKE})?$(?!\n)")]
"""Ours to give, so any label-like text; empty where there is one cluster."""
ObjectName = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$(?!\n)")]
"""A Kubernetes object name (RFC 1123 subdomain)."""
HashValue = Annotated[str, Meta(min_length=1, max_length=MAX_LABEL_VALUE, pattern=rf"^{LABEL_LIKE}$(?!\n)")]
"""A Kubernetes label value that is not empty."""

HashOrNone = Annotated[str, Meta(max_length=MAX_LABEL_VALUE, pattern=rf"^({LABEL_LIKE})?$(?!\n)")]
"""The same, or empty."""

Outcome = Literal["promoted", "aborted", "expired"]

Sender = Annotated[str, Meta(max_length=253)]
"""Who says something, as he has it: a name for people, no proof."""


class Comparison(Struct, frozen=True, order=True, cache_hash=True):
    """One baseline-canary pair of one workload."""

    cluster: ClusterName
    namespace: ObjectName
    workload: ObjectName
    baseline: HashValue
    """Pod-template hash of the revision that serves now; the canary's own: there is none (a first deployment)."""
    canary: HashValue
    """Pod-template hash of the revision on trial."""

    @property
    def of(self) -> Workload:
        """The workload it is about."""
        return Workload(self.cluster, self.namespace, self.workload)

    @property
    def is_alone(self) -> bool:
        """No baseline is named: the canary is judged by the workload's history."""
        return self.baseline == self.canary

    @property
    def key(self) -> str:
        """Kafka key on `serinus.risk`: the workload's key and both hashes.

        >>> Comparison("", "prod", "shop", "5d5", "6f8").key
        '/prod/shop/5d5/6f8'
        """
        return f"{self.of.key}/{self.baseline}/{self.canary}"


class _OfComparison(Struct, frozen=True):
    comparison: Comparison

    @property
    def of(self) -> Workload:
        """The workload it is about."""
        return self.comparison.of


class CompareRequest(_OfComparison, frozen=True, tag="compare", tag_field="type"):
    """Somebody wants this comparison; asking again changes nothing."""

    source: str = ""
    """Who asked: `query`, `cli`, ..."""
    told_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """When this rollout was seen under way, ns; after its comparison's end it is another attempt. 0: unsaid."""
    again: bool = False
    """Whoever asks knows of one that has ended: it begins only if both revisions are there now."""


class ComparisonEnded(_OfComparison, frozen=True, tag="ended", tag_field="type"):
    """The rollout is over; asking again changes nothing."""

    outcome: Outcome


class TemplateFeedback(Struct, frozen=True, tag="feedback", tag_field="type"):
    """Somebody says how grave a log template is; of two on one template the later counts."""

    cluster: ClusterName
    namespace: ObjectName
    workload: ObjectName
    template: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]
    """Its id in the risk document."""
    log_class: LogClass | None = None
    """None takes back what was said before."""
    reason: Annotated[str, Meta(max_length=500)] = ""
    tags: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=50)], ...], Meta(max_length=10)] = ()
    who: Sender = ""
    scope: Scope = "workload"
    """Whose lines it is said of: the workload's, its namespace's (in its cluster), or all. The nearest counts."""
    text: Annotated[str, Meta(max_length=1024)] = ""
    """Of the template, where others than the workload are to know it. Serve sets it, whatever a post says."""

    @property
    def of(self) -> Workload:
        """The workload at which it was said."""
        return Workload(self.cluster, self.namespace, self.workload)

    @property
    def shared(self) -> bool:
        """Whether it holds for more than that workload: it is sent to all partitions."""
        return self.scope != "workload"

    def covers(self, workload: Workload) -> bool:
        """Whether it holds for this workload."""
        return self.of.covers(workload, self.scope)


RolloutEvent = CompareRequest | ComparisonEnded | TemplateFeedback
"""What is said of a rollout on `serinus.rollouts`; all that is said there: `streams.watch.feedback.WorkloadEvent`."""
