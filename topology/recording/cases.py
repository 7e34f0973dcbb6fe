"""Which pairs of revisions does a recording hold, from when to when?

What is to be judged (`Case`) and what somebody knows of it (`GroundTruth`) are two values that never meet before the
tables: a label cannot reach a judgement that is never given it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from streams.errors import BadPolicy, BadRecord
from streams.records.identity import Workload
from streams.records.times import rfc3339_ns
from streams.risk.comparison import Comparison
from streams.shippers.faults import DECODE_FAULTS
from topology.errors import unreadable

FILE = "cases.json"
_LONGEST_NS = 31 * 86_400 * 1_000_000_000
"""Of a case, so that a slip of the pen in a year is refused and not replayed."""
_LONGEST_NAME = 253
_MOST_BYTES = 256 * 2**20

Label = Literal["healthy", "faulty"]


class CaseEntry(Struct, kw_only=True, omit_defaults=True):
    """A case as `cases.json` holds it; what else stands there is of no concern."""

    id: str
    namespace: str
    workload: str
    baseline_hash: str
    canary_hash: str
    start: str
    """RFC 3339."""
    end: str
    """RFC 3339, exclusive."""
    cluster: str = ""
    label: Label | None = None
    """How it was; absent where nobody knows."""
    kind: str | None = None
    """How baseline and canary came to be, for the tables."""
    fault_type: str | None = None
    """What was wrong, for the tables."""


class Case(Struct, frozen=True):
    """One comparison of the past: all that its judgement may know beside the records."""

    id: str
    comparison: Comparison
    start_ns: int
    end_ns: int
    """Exclusive."""

    @property
    def workload(self) -> Workload:
        """Whose past it belongs to."""
        return self.comparison.of

    @property
    def length_s(self) -> float:
        """From start to end."""
        return (self.end_ns - self.start_ns) / 1e9


class GroundTruth(Struct, frozen=True):
    """What somebody knows of a case; for the tables alone."""

    label: Label
    kind: str = ""
    fault_type: str = ""


class Cases(Struct, frozen=True):
    """All of one recording."""

    cases: tuple[Case, ...]
    """In order of start, then id."""
    truth: dict[str, GroundTruth]
    """By case id, for those that have a label."""


def read_cases(directory: Path) -> Cases:
    """The cases of a recording.

    Raises:
        BadPolicy: `cases.json` is missing or is none; says what is wrong where.
    """
    path = directory / FILE
    entries = read_entries(path)
    cases = [_case(path, number, entry) for number, entry in enumerate(entries)]
    known: set[str] = set()
    for case in cases:
        _require(case.id not in known, path, f"id {case.id!r}", "each case has an id of its own")
        known.add(case.id)
    truth = {
        entry.id: GroundTruth(entry.label, entry.kind or "", entry.fault_type or "")
        for entry in entries
        if entry.label is not None
    }
    return Cases(tuple(sorted(cases, key=lambda case: (case.start_ns, case.id))), truth)


def read_entries(path: Path) -> list[CaseEntry]:
    """What `cases.json` holds, unchecked beyond its types.

    Raises:
        BadPolicy: it cannot be read.
    """
    try:
        _require(path.stat().st_size <= _MOST_BYTES, path, "its size", f"at most {_MOST_BYTES} bytes are read")
        return msgspec.json.decode(path.read_bytes(), type=list[CaseEntry])
    except OSError as error:
        raise unreadable("DIR", path, error) from error
    except DECODE_FAULTS as error:
        raise BadPolicy(str(path), str(error), "it holds a JSON list of cases") from error


def _case(path: Path, number: int, entry: CaseEntry) -> Case:
    where = f"case {number}"
    for field in ("id", "namespace", "workload", "baseline_hash", "canary_hash"):
        text = getattr(entry, field)
        fits = 0 < len(text) <= _LONGEST_NAME and text.isprintable() and (field == "id" or "/" not in text)
        _require(fits, path, f"{where} {field} {text[:80]!r}", "1 to 253 printable characters; only an id has slashes")
    _require("/" not in entry.cluster, path, f"{where} cluster {entry.cluster[:80]!r}", "no slash")
    _require(entry.baseline_hash != entry.canary_hash, path, where, "baseline and canary are two revisions")
    try:
        start_ns, end_ns = rfc3339_ns(entry.start), rfc3339_ns(entry.end)
    except BadRecord as bad:
        raise BadPolicy(str(path), where, bad.detail) from bad
    _require(start_ns < end_ns <= start_ns + _LONGEST_NS, path, where, "it ends after its start, at most 31 days")
    comparison = Comparison(
        entry.cluster, entry.namespace, entry.workload, baseline=entry.baseline_hash, canary=entry.canary_hash
    )
    return Case(entry.id, comparison, start_ns, end_ns)


def _require(fits: bool, path: Path, what: object, allowed: str) -> None:
    if not fits:
        raise BadPolicy(str(path), what, allowed)
