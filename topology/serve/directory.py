"""Which comparison do two pod-template hashes make, where the question does not name the workload?

A verification job knows the hashes of its pods and nothing else. The comparisons that are known are looked through
first, then the revisions whose records flow now. Two Rollouts of one template have the same hashes: then it takes the
namespace or the workload to tell them apart, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from streams.records.identity import Workload
from streams.risk.comparison import Comparison
from topology.serve.view import View

MOST_NAMED = 3
"""Workloads named where several have the same hashes."""


class Wanted(Struct, frozen=True):
    """A pair as it was asked for."""

    baseline: str
    canary: str
    cluster: str = ""
    """With a workload left out, empty means any."""
    namespace: str | None = None
    workload: str | None = None

    @property
    def comparison(self) -> Comparison | None:
        """The pair, if it was named in full."""
        if self.namespace is None or self.workload is None:
            return None
        return Comparison(self.cluster, self.namespace, self.workload, self.baseline, self.canary)

    def admits(self, workload: Workload) -> bool:
        """Whether it may be about this workload.

        >>> Wanted("5d5", "6f8", namespace="prod").admits(Workload("", "prod", "shop"))
        True
        """
        return (
            self.cluster in {"", workload.cluster}
            and self.namespace in {None, workload.namespace}
            and self.workload in {None, workload.name}
        )


class Witness(Protocol):
    """Knows whose records flow."""

    def whose(self, pod_template_hash: str) -> frozenset[Workload]:
        """The workloads that have had pods of this hash lately."""

    def want(self) -> None:
        """Look for more, without waiting."""


class Directory:
    """Finds pairs by their hashes."""

    def __init__(self, view: View, witness: Witness) -> None:
        self._view = view
        self._witness = witness

    def find(self, wanted: Wanted) -> tuple[Comparison, ...]:
        """The comparisons it may be about, in order: one is the answer, none is unknown, several cannot be told apart.

        Never waits: what is not known yet is looked for, and known a few seconds later.
        """
        if (named := wanted.comparison) is not None:
            return (named,)
        hashes = (wanted.baseline, wanted.canary)
        for known in (self._view.of_hashes(*hashes), self._view.of_hashes(*reversed(hashes))):
            if pairs := _pairs(wanted, (entry.document.comparison.of for entry in known)):
                return pairs  # one that is known the other way round has this workload as well, and `doubt` says so
        witness = self._witness
        if not (pairs := _pairs(wanted, witness.whose(wanted.baseline) & witness.whose(wanted.canary))):
            witness.want()
        return pairs

    def doubt(self, comparison: Comparison) -> str:
        """Why it is not sure that these hashes mean this pair, as a sentence; empty where nothing speaks against it."""
        hashes = (comparison.baseline, comparison.canary)
        known = {entry.document.comparison.of for entry in self._view.of_hashes(*hashes)}
        known |= self._witness.whose(hashes[0]) & self._witness.whose(hashes[1])
        if others := sorted(known - {comparison.of}):
            return f"these hashes are those of {_listed(others)} as well: is the workload the right one?"
        if comparison.is_alone:
            return ""
        turned = [entry.document for entry in self._view.of_hashes(*reversed(hashes))]
        if any(document.comparison.of == comparison.of and document.state == "running" for document in turned):
            return "the same two are being compared the other way round: is the baseline the revision that serves now?"
        return ""


def several(pairs: tuple[Comparison, ...]) -> str:
    """Why hashes alone do not tell, as a sentence."""
    names = _listed([pair.of for pair in pairs])
    return f"{len(pairs)} workloads have revisions of these hashes ({names}): name namespace and workload as well"


def _listed(workloads: Sequence[Workload]) -> str:
    names = ", ".join(workload.key for workload in workloads[:MOST_NAMED])
    more = f" and {len(workloads) - MOST_NAMED} more" if len(workloads) > MOST_NAMED else ""
    return names + more


def _pairs(wanted: Wanted, workloads: Iterable[Workload]) -> tuple[Comparison, ...]:
    found = []
    for workload in sorted(set(filter(wanted.admits, workloads))):
        values = [workload.cluster, workload.namespace, workload.name, wanted.baseline, wanted.canary]
        fields = Comparison.__struct_fields__
        try:
            found.append(msgspec.convert(dict(zip(fields, values, strict=True)), Comparison))
        except msgspec.ValidationError:
            continue  # records can name themselves as they like; what is no Kubernetes name is no workload
    return tuple(found)
