"""All that is remembered of one comparison."""

from __future__ import annotations

from msgspec import Struct, field

from streams.judging.concurrent import ConcurrentState
from streams.judging.critical import CriticalState
from streams.judging.events.loops import LoopState
from streams.judging.events.part import EventPartState
from streams.judging.evidence import Part
from streams.judging.history import RiskHistory
from streams.judging.levels.part import LevelState
from streams.judging.logs.by_history import ByHistoryState
from streams.judging.logs.part import LogState
from streams.judging.must_have import MustHaveState
from streams.judging.past import Prior
from streams.judging.production.against import AgainstState
from streams.judging.split import SplitState
from streams.judging.values.part import ValuePartState


class JudgeState(Struct, array_like=True):
    """The snapshot; language-neutral (MessagePack), bounded."""

    planned_ns: int
    """How long it is to take."""
    logs: LogState
    version: int = 2
    """Keeps its place in snapshots; not read."""
    levels: LevelState = field(default_factory=LevelState)
    events: EventPartState = field(default_factory=EventPartState)
    values: ValuePartState = field(default_factory=ValuePartState)
    prior: Prior = Prior()
    """As it was when the comparison was asked for."""
    with_past: bool = False
    """The workload's logs were known when it was."""
    started_ns: int | None = None
    as_of_ns: int | None = None
    failed_ns: int | None = None
    """End of the window in which it failed."""
    passed_ns: int | None = None
    void_ns: int | None = None
    """End of the window in which the traffic was found not to follow the intended split."""
    heard: list[Part] = []
    """Parts that the workload was heard with before the comparison began, sorted."""
    baseline_heard: list[Part] = []
    """Parts that the baseline is heard with, sorted."""
    shares: dict[Part, float] = {}
    """Part -> share of alpha, once it has begun."""
    concurrent: ConcurrentState = field(default_factory=ConcurrentState)
    split: SplitState = field(default_factory=SplitState)
    since: dict[str, int] = {}
    """Signal -> end of the window (ns) in which its own risk first reached 50."""
    history: RiskHistory = field(default_factory=RiskHistory)
    critical: CriticalState = field(default_factory=CriticalState)
    must_have: MustHaveState = field(default_factory=MustHaveState)
    alone: ByHistoryState = field(default_factory=ByHistoryState)
    """Of the canary while nothing of a baseline was there."""
    is_alone: bool = False
    """It was without one for so long that its history judges it."""
    baseline_seen: bool = False
    """The baseline was there before the canary."""
    against: AgainstState = field(default_factory=AgainstState)
    """Of the canary against production before it, likewise."""
    awaits_parts: bool = False
    """Nobody knew which parts it has: the baseline's own beginning is telling."""
    heard_from_ns: int | None = None
    """Start of the first window in which the baseline was heard with anything."""
    loops: LoopState = field(default_factory=LoopState)
