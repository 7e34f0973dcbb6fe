"""A policy file that has been read, and which of its entries hold for a workload."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, Struct

from streams.policy import glob
from streams.policy.document import Match, PolicyDocument, Settings
from streams.records.identity import Workload


class Entry(Struct, frozen=True):
    """The defaults, or one entry of `workloads`."""

    path: str
    """Where it stands, such as `workloads[0]`."""
    line: int
    match: Match
    settings: Settings

    def holds_for(self, workload: Workload) -> bool:
        """Whether all three names fit."""
        return (
            glob.matches(self.match.cluster, workload.cluster)
            and glob.matches(self.match.namespace, workload.namespace)
            and glob.matches(self.match.workload, workload.name)
        )

    def meets(self, other: Entry) -> bool:
        """Whether some workload is matched by both."""
        return (
            glob.overlap(self.match.workload, other.match.workload)
            and glob.overlap(self.match.namespace, other.match.namespace)
            and glob.overlap(self.match.cluster, other.match.cluster)
        )


class PolicyFile(Struct, frozen=True):
    """What the file says; one made without arguments says nothing, as no file does."""

    source: str = ""
    """Its name, as it is shown."""
    document: PolicyDocument = PolicyDocument(version=1)
    lines: dict[str, int] = {}
    """Path of a field, such as `workloads[0].alpha` -> its line."""

    @property
    def entries(self) -> Iterator[Entry]:
        """The defaults, then the entries in the order of the file: later ones win."""
        if self.document.defaults is not UNSET:
            yield Entry("defaults", self.lines.get("defaults", 0), Match(), self.document.defaults)
        for number, entry in enumerate(self.document.workloads):
            path = f"workloads[{number}]"
            yield Entry(path, self.lines.get(path, 0), entry.match, entry)

    def holding(self, workload: Workload) -> list[Entry]:
        """The entries that hold for a workload, in that order."""
        return [entry for entry in self.entries if entry.holds_for(workload)]
