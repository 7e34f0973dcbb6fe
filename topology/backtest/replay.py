"""One case: its records into windows, its windows into documents, on a hand-moved clock.

The same code as in the pipeline: `Roller` counts records as ingest does, `WorkloadLife` takes the deltas and closes
windows as score does when the watermark comes past them. A case lives a life of its own, that of a workload of which
nothing else is known but the past it is given; so cases of one workload may overlap in time. Nobody knows of a recorded
canary whether it was promoted, so no case teaches more than what its baseline did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from msgspec import Struct

from streams.judging.evidence import RiskPoint
from streams.judging.past import Past, Prior
from streams.records.metric import Series
from streams.records.times import rfc3339_ns
from streams.risk.comparison import Outcome
from streams.risk.document import RiskDocument
from streams.windows.roller import Rolled, Roller
from streams.windows.signature import Signature
from streams.windows.summary import Summary
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadState
from topology.backtest.past import Ending, ending
from topology.backtest.rules import Rules
from topology.recording.cases import Case
from topology.recording.faults import Faults
from topology.recording.lines import Record

_TOGETHER = 20_000
"""Records that are counted before the roller is drained: bounds memory to the summaries."""

Delta = tuple[Summary, Mapping[int, Signature], Mapping[int, Series]]


class Played(Struct, frozen=True):
    """What became of one case."""

    document: RiskDocument
    """The last: the comparison has ended."""
    failed_ns: int | None
    """Event time at which it first failed."""
    passed_ns: int | None
    """Event time at which it first passed."""
    risk: tuple[RiskPoint, ...]
    """The risk after each window."""
    records: int
    ending: Ending
    """What can be learned of it."""


def replay(
    case: Case,
    records: Iterable[Record],
    rules: Rules,
    faults: Faults,
    past: Past | None = None,
    prior: Prior | None = None,
) -> Played:
    """Play one case from its start to its end.

    Args:
        case: which revisions, from when to when.
        records: of this case, in any order; other revisions of the workload may be among them.
        rules: as the pipeline would be set.
        faults: what the roller refuses is added.
        past: of the workload, the caller's no more; None: it has none.
        prior: of the cluster's other workloads; None: there are none.
    """
    window_ns = rules.life.window_ns
    deltas, number = _deltas(records, rules, faults)
    life = WorkloadLife(rules.life, WorkloadState(case.workload, past=past or Past()))
    watch = _Watch()
    life.compare(case.comparison, case.start_ns, prior, rules.policy_of(case))
    for start_ns in range(case.start_ns // window_ns * window_ns, case.end_ns, window_ns):
        for delta in deltas.pop(start_ns, ()):
            life.add(*delta)
        life.close(start_ns + window_ns)
        watch.see(life.documents())
    outcome: Outcome = "expired" if watch.failed_ns is None else "aborted"
    ended_ns = start_ns + window_ns
    end = ending(life, outcome, ended_ns)
    life.end(case.comparison, outcome, ended_ns)
    watch.see(life.documents())
    return Played(watch.last, watch.failed_ns, watch.passed_ns, tuple(watch.risk), number, end)


class _Watch:
    """What the documents of one case have said so far."""

    def __init__(self) -> None:
        self.failed_ns: int | None = None
        self.passed_ns: int | None = None
        self.risk: list[RiskPoint] = []
        self._last: RiskDocument | None = None

    @property
    def last(self) -> RiskDocument:
        """The latest; a comparison that was asked for has one at once."""
        if self._last is None:
            raise LookupError("no document of a comparison that was asked for")
        return self._last

    def see(self, documents: Iterable[RiskDocument]) -> None:
        for document in documents:
            self._last = document
            if document.verdict == "fail" and self.failed_ns is None:
                self.failed_ns = _time_ns(document.decided_at)
            if document.verdict == "pass" and self.passed_ns is None:
                self.passed_ns = _time_ns(document.decided_at)
            as_of_ns = _time_ns(document.as_of)
            if as_of_ns is not None and (not self.risk or self.risk[-1].time_s < as_of_ns / 1e9):
                self.risk.append(RiskPoint(as_of_ns / 1e9, document.risk))


def _deltas(records: Iterable[Record], rules: Rules, faults: Faults) -> tuple[dict[int, list[Delta]], int]:
    """Window's start -> its deltas; and how many records they hold."""
    roller = Roller(rules.life.window_ns, rules.limits, log_fields=rules.log_fields)
    found: dict[int, list[Delta]] = {}
    number = 0
    remaining = iter(records)
    while run := list(islice(remaining, _TOGETHER)):
        added = roller.add_all(run)
        for position, bad in added.rejected:
            faults.add(run[position].source.pod, bad)
        number += added.records - len(added.rejected)
        _sort(roller.drain(), found)
    return found, number


def _sort(rolled: Rolled, found: dict[int, list[Delta]]) -> None:
    for summary in rolled.summaries:
        found.setdefault(summary.start_ns, []).append((summary, rolled.signatures, rolled.series))


def _time_ns(text: str | None) -> int | None:
    return None if text is None else rfc3339_ns(text)
