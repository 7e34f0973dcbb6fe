"""Which past may a case know, and so which case may be replayed when?

A case knows what had ended at or before its own start, and nothing else. Cases are handed out in order of their start;
before each, the cases that it may know are learned, in order of their end. As what a case may know only grows from one
start to the next, handing out waits for nothing that is not needed, and the order in which cases come back, from
however many processes, changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from topology.recording.cases import Case

Ended = TypeVar("Ended")


class Schedule(Generic[Ended]):
    """The cases of one recording; `Ended` is what can be learned of a case."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._waiting = deque(sorted(cases, key=lambda case: (case.start_ns, case.id)))
        self._by_end = sorted(cases, key=lambda case: (case.end_ns, case.id))
        self._ends = [case.end_ns for case in self._by_end]
        self._ended: dict[str, Ended] = {}
        self._learned = 0

    @property
    def done(self) -> bool:
        """Every case has been handed out."""
        return not self._waiting

    def end(self, case: Case, found: Ended) -> None:
        """A case that was handed out is over."""
        self._ended[case.id] = found

    def next(self) -> tuple[list[tuple[Case, Ended]], Case] | None:
        """What has to be learned now, and the case that may begin then; None if it has to wait."""
        if not self._waiting:
            return None
        known = bisect_right(self._ends, self._waiting[0].start_ns)
        if any(case.id not in self._ended for case in self._by_end[self._learned : known]):
            return None
        learned = [(case, self._ended.pop(case.id)) for case in self._by_end[self._learned : known]]
        self._learned = max(self._learned, known)
        return learned, self._waiting.popleft()

    def ready(self) -> Iterator[tuple[list[tuple[Case, Ended]], Case]]:
        """All that `next` has now."""
        while (found := self.next()) is not None:
            yield found
