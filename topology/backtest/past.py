"""What does each workload of a recording know of itself when a case begins?

The same step as in production: the end of a comparison is what teaches. But cases of one workload overlap, each in a
life of its own, so the end of a case is played once more, on the workload's past as it is when its turn to be learned
has come: the state just before the end, with that past put into it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, structs

from streams.judging.past import Past, Prior, prior_of
from streams.records.identity import Workload
from streams.risk.comparison import Outcome
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadState
from topology.backtest.rules import Rules
from topology.recording.cases import Case

_encode = msgspec.msgpack.Encoder().encode
_decode_state = msgspec.msgpack.Decoder(WorkloadState).decode
_decode_past = msgspec.msgpack.Decoder(Past).decode


class Ending(Struct, frozen=True):
    """A case just before its end."""

    state: bytes
    """Of its life, without what the end does not look at."""
    outcome: Outcome
    ended_ns: int


def ending(life: WorkloadLife, outcome: Outcome, ended_ns: int) -> Ending:
    """What can be learned of a case; its life may go on."""
    state = structs.replace(life.to_state(), open={}, presence={}, traces={}, ring=[], past=Past())
    return Ending(_encode(state), outcome, ended_ns)


class Pasts:
    """The pasts of all workloads of a recording."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._pasts: dict[Workload, Past] = {}

    def learn(self, case: Case, end: Ending) -> None:
        """Let a case end, as far as its workload's past is concerned."""
        state = _decode_state(end.state)
        state.past = self._pasts.get(case.workload, state.past)
        life = WorkloadLife(self._rules.life, state)
        life.end(case.comparison, end.outcome, end.ended_ns)
        self._pasts[case.workload] = life.past

    def before(self, case: Case) -> tuple[bytes, Prior]:
        """What a case that begins now knows: its workload's past, written, as it must not change; and the others'."""
        others = [self._pasts[workload] for workload in sorted(self._pasts) if workload != case.workload]
        return _encode(self._pasts.get(case.workload, Past())), prior_of(others)


def past_of(written: bytes) -> Past:
    """A past as `Pasts.before` wrote it."""
    return _decode_past(written)
