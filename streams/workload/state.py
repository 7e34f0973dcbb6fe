"""What there is to know of a workload, and what holds for every one."""

from __future__ import annotations

from msgspec import Struct, field

from streams.judging.judge_state import JudgeState
from streams.judging.logs.traces import TracesState
from streams.judging.look_back import LookBackState
from streams.judging.past import Past
from streams.judging.presence import PresenceState
from streams.judging.settings import JudgeSettings
from streams.judging.side import Side, SignatureInfo
from streams.policy.workload_policy import LogPolicy, WorkloadPolicy
from streams.records.identity import Workload
from streams.risk.comparison import Comparison
from streams.risk.succession import SuccessionState
from streams.signals.catalogue import CatalogueState
from streams.templates.lines import LinesState
from streams.watch.watch import WatchSettings, WatchState
from streams.windows.signature import Signature
from streams.windows.summary import Limits, Summary
from streams.workload.rehearsals import RehearsalsState


class WorkloadSettings(Struct, frozen=True):
    """What holds for every workload."""

    window_ns: int = 5_000_000_000
    ring_ns: int = 900_000_000_000
    """How long closed windows are kept for comparisons that are asked for late."""
    expire_ns: int = 1_800_000_000_000
    """A comparison ends as `expired` when both sides have not been seen together for so long (`Running`)."""
    sight_ns: int = 300_000_000_000
    """See `Succession`: how long a revision is there, or silent, before the streams alone say so; 0: they never do."""
    judge: JudgeSettings = JudgeSettings()
    limits: Limits = Limits()
    watch: WatchSettings | None = None
    """Of production after promotion; None: it is not watched."""


class RunningState(Struct, array_like=True):
    """One comparison that runs."""

    comparison: Comparison
    requested_ns: int
    judge: JudgeState
    canary_seen_ns: int
    policy: WorkloadPolicy | None = None
    """That held when it was asked for, and holds to its end: weights are fixed before any data."""
    look_back: LookBackState | None = None
    """Of one that judges the last so long only; `judge` is then that of its older stretch."""
    canary_from_ns: int = 0
    """Start of the first window in which the canary was seen; 0 before."""
    failed_pods: int | None = None
    """How many pods of the canary had been met when it failed; None: it has not."""
    both_seen_ns: int = 0
    """Start of the last window in which both sides were seen; 0 before."""
    named_ns: int | None = 0
    """Event time from which somebody had named the pair; None: it is as the records alone have shown it."""


class WorkloadState(Struct):
    """The snapshot: language-neutral (MessagePack), all there is to know."""

    workload: Workload
    closed_to_ns: int = 0
    """End of the last closed window; 0 before the first."""
    open: dict[int, dict[str, Summary]] = {}
    """Window start (ns) -> pod-template hash -> merged summary."""
    presence: dict[str, PresenceState] = {}
    """Pod-template hash -> its pods."""
    traces: dict[str, TracesState] = {}
    """Pod-template hash -> its open traces."""
    ring: list[tuple[int, dict[str, Side]]] = []
    """Closed windows, oldest first: (start, pod-template hash -> side)."""
    signatures: dict[int, SignatureInfo] = {}
    """Those of class warning and worse, and the templates they are part of."""
    heard: dict[int, Signature] = {}
    """All of the open windows."""
    lines: LinesState = field(default_factory=LinesState)
    """Templates, and what was said of them."""
    logs: LogPolicy = LogPolicy()
    """Of the comparison that began last: classes and masks."""
    catalogue: CatalogueState = field(default_factory=CatalogueState)
    """Which series are read into which signals."""
    past: Past = field(default_factory=Past)
    """What earlier comparisons taught."""
    running: dict[str, RunningState] = {}
    """Comparison key -> the comparison."""
    ended: dict[str, int] = {}
    """Comparison key -> event time (ns) at which it ended: asking again does not revive it."""
    attempts: dict[str, int] = {}
    """Comparison key -> how many pods of its canary had been met when it was aborted: others are another attempt's."""
    anew: dict[str, int] = {}
    """Comparison key -> event time (ns) at which an earlier attempt ended: what came before is not judged again."""
    late_records: int = 0
    """Records that came after their window had closed; they counted in the next."""
    unfollowed_records: int = 0
    """Records of revisions that found no place; they counted for none."""
    succession: SuccessionState = field(default_factory=SuccessionState)
    """Which revision follows which, as far as the streams tell."""
    watch: WatchState = field(default_factory=WatchState)
    """What production is like, and what rings."""
    rehearsals: RehearsalsState = field(default_factory=RehearsalsState)
    """Of production with itself, between comparisons."""
