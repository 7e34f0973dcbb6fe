"""What was said for more than one workload: a partition remembers it for the workloads that it will meet.

Every partition gets a copy of it, with one time, and so does every workload that is there. One that comes later begins
with what is remembered, as if it had been there all along: what was said by the time at which it comes holds, the rest
waits for its time. So nothing here hangs on how long Kafka keeps `serinus.rollouts`; the partition's record does.

What a later word has replaced is forgotten, but not before all that may be read again comes after that later word.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from streams.records.identity import Workload
from streams.risk.comparison import TemplateFeedback
from streams.templates.classes import MAX_SHARED
from topology.score.checkpoint import Offsets


class Shared(Struct, array_like=True):
    """One copy of what was said."""

    offset: int
    """On `serinus.rollouts`; -1 of one that has been made anew since."""
    time_ns: int
    event: TemplateFeedback


class SharedFeedback:
    """`take` what is said, and tell it to those who come later."""

    def __init__(self, known: list[Shared] | None = None) -> None:
        self._said = known or []

    @property
    def state(self) -> list[Shared]:
        """All of it, for the partition's record."""
        return self._said

    def take(self, offset: int, time_ns: int, event: TemplateFeedback) -> None:
        """Remember one; read again, it is known."""
        if all(said.offset != offset for said in self._said):
            self._said.append(Shared(offset, time_ns, event))
            self._said.sort(key=_order)

    def of(self, workload: Workload) -> Iterator[Shared]:
        """What a workload that comes now has to know, in order of time; some of it may be read once more."""
        return (said for said in self._said if said.event.covers(workload))

    def made_anew(self) -> None:
        """The topic was."""
        for said in self._said:
            said.offset = -1

    def forget(self, offsets: Offsets, low_ns: int) -> None:
        """Let go of what counts for nobody any more.

        Args:
            offsets: from which on all may be read again.
            low_ns: the watermark there.
        """
        kept: list[Shared] = []
        held: dict[tuple[str, ...], dict[str, Shared]] = {}
        for said in self._said:
            if said.offset <= offsets.rollouts and said.time_ns <= low_ns:
                held.setdefault(_span(said.event), {})[said.event.template] = said
            else:
                kept.append(said)
        for latest in held.values():
            kept += sorted(latest.values(), key=_order)[-MAX_SHARED:]
        self._said = sorted(kept, key=_order)


def _span(event: TemplateFeedback) -> tuple[str, ...]:
    return () if event.scope == "all" else (event.cluster, event.namespace)


def _order(said: Shared) -> tuple[int, str, str, str, tuple[str, ...], int]:
    """As the workloads know it (`streams.templates.classes`), so that of two at one time the same counts everywhere."""
    event = said.event
    return said.time_ns, event.who, event.log_class or "", event.reason, event.tags, said.offset
