"""How often was the judge right? What the rows come to, set beside what somebody knows of the cases.

Pure counting; a case without a label counts nowhere. A faulty case is found if it fails at any time, and a healthy one
that does is a false alarm. What passes first would have been promoted, whatever was said afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median

from msgspec import Struct

from topology.backtest.row import Row
from topology.recording.cases import GroundTruth


class Group(Struct):
    """Cases of one kind or with one fault."""

    cases: int = 0
    failed: int = 0
    passed: int = 0
    """Those that passed first: before they failed, if they did."""
    early: int = 0
    """Of these, those that passed before the case's end."""

    def add(self, row: Row) -> None:
        """One more case."""
        self.cases += 1
        self.failed += row.failed_at_s is not None
        self.passed += passed_first(row)
        self.early += passed_first(row) and row.passed_at_s is not None and row.passed_at_s < row.length_s


class Tally(Struct):
    """What the rows of one or several recordings come to."""

    name: str
    healthy: dict[str, Group] = {}
    """By kind."""
    faulty: dict[str, Group] = {}
    """By fault type."""
    detect_s: list[float] = []
    """Of each case that was found: from its start to its first fail."""
    detect_share: list[float] = []
    """The same as a share of the case."""
    pass_share: list[float] = []
    """Of each healthy case that passed: when, as a share of the case."""
    unknown: int = 0
    """Cases without a label."""

    def add(self, row: Row, truth: GroundTruth | None) -> None:
        """One more case."""
        if truth is None:
            self.unknown += 1
            return
        if truth.label == "healthy":
            self.healthy.setdefault(truth.kind or "healthy", Group()).add(row)
            if passed_first(row) and row.passed_at_s is not None:
                self.pass_share.append(row.passed_at_s / row.length_s)
            return
        self.faulty.setdefault(truth.fault_type or truth.kind or "faulty", Group()).add(row)
        if row.failed_at_s is not None:
            self.detect_s.append(row.failed_at_s)
            self.detect_share.append(row.failed_at_s / row.length_s)

    @property
    def all_healthy(self) -> Group:
        """Of every kind."""
        return _sum(self.healthy.values())

    @property
    def all_faulty(self) -> Group:
        """With every fault."""
        return _sum(self.faulty.values())

    @property
    def median_detect_s(self) -> float | None:
        """None where nothing was found."""
        return median(self.detect_s) if self.detect_s else None

    @property
    def median_detect_share(self) -> float | None:
        """None where nothing was found."""
        return median(self.detect_share) if self.detect_share else None


def passed_first(row: Row) -> bool:
    """Whether it passed, and had not failed before."""
    if row.passed_at_s is None:
        return False
    return row.failed_at_s is None or row.passed_at_s < row.failed_at_s


def tally(name: str, rows: Iterable[Row], truth: Mapping[str, GroundTruth]) -> Tally:
    """Count the rows of one recording."""
    found = Tally(name)
    for row in rows:
        found.add(row, truth.get(row.case))
    return found


def pooled(tallies: Iterable[Tally]) -> Tally:
    """Of several recordings together, a group a recording."""
    whole = Tally("all")
    for each in tallies:
        for mine, theirs in ((whole.healthy, each.all_healthy), (whole.faulty, each.all_faulty)):
            if theirs.cases:
                mine[each.name] = _sum([theirs, *([mine[each.name]] if each.name in mine else [])])
        whole.detect_s += each.detect_s
        whole.detect_share += each.detect_share
        whole.pass_share += each.pass_share
        whole.unknown += each.unknown
    return whole


def _sum(groups: Iterable[Group]) -> Group:
    whole = Group()
    for group in groups:
        whole.cases += group.cases
        whole.failed += group.failed
        whole.passed += group.passed
        whole.early += group.early
    return whole
