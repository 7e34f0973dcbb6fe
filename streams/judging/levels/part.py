"""Are the canary's levels (memory, CPU, queues, mean latencies) worse than the baseline's?

Pods are the sample, scrapes are not. Three mechanisms, each with a share of the part's alpha that is fixed when the
comparison begins (`reference`), so that p = min over them of p/share holds by the union bound:

- `replay`: deviations against those of the workload's own healthy pods; from three earlier rollouts on;
- `long_run`, difference: a confidence sequence over blocks, without history;
- `long_run`, slope: what is still growing, for leaks.

They rest on exchangeability or asymptotics and are no e-processes: the part's alpha is budgeted apart from theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from streams.errors import BrokenInvariant
from streams.judging.counts import cut
from streams.judging.levels.checkpoints import BLOCK_ENDS, checkpoints
from streams.judging.levels.codes import from_bytes
from streams.judging.levels.cohort import MOST_SIGNALS, LevelCohort
from streams.judging.levels.contrast import Levels
from streams.judging.levels.deviation import Deviation, DeviationState
from streams.judging.levels.evidence import LevelEvidence, LevelGroupEvidence
from streams.judging.levels.long_run import LongRun, LongRunState
from streams.judging.levels.past import LevelPast
from streams.judging.levels.plain import plainly_worse
from streams.judging.levels.prior import LevelPrior
from streams.judging.levels.reference import LevelReference, freeze, no_history
from streams.judging.levels.reporting import group_evidence, signal_evidence, signal_p
from streams.judging.levels.scale import Floats, LevelRule, level_rule
from streams.judging.levels.track import MOST_PODS, Track, TrackState
from streams.judging.side import Side
from streams.signals.rule import SignalRule


class LevelState(Struct, array_like=True):
    """All that is remembered of the levels of one comparison; bounded."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    started_ns: int | None = None
    """Start of the first window with both sides."""
    as_of_ns: int | None = None
    """End of the last window given."""
    reference: LevelReference | None = None
    """Frozen in the first window with both sides."""
    rules: list[LevelRule] = []
    """Those of the reference, then of signals that the past does not know, in order of appearance."""
    left_out: int = 0
    """Most signals of one window that were left out because there are too many."""
    baseline: TrackState = field(default_factory=TrackState)
    canary: TrackState = field(default_factory=TrackState)
    blocks: int = 0
    """Closed so far."""
    deviation: DeviationState = field(default_factory=DeviationState)
    long_run: LongRunState = field(default_factory=LongRunState)
    baseline_pods: int = 0
    """Most pods of one window that were there."""
    canary_pods: int = 0
    looked: int = 0
    """Blocks that were looked at; one more than `blocks` where the open one was complete before its end."""


class LevelPart:
    """The levels of one comparison: `add` its closed windows in order of time, then read."""

    def __init__(
        self,
        past: LevelPast,
        prior: LevelPrior,
        planned_ns: int,
        window_ns: int,
        state: LevelState | None = None,
    ) -> None:
        """A part that begins, or goes on from a state, which becomes its own.

        Args:
            past: of the workload; looked at in the first window with both sides, never after.
            prior: of the cluster's other workloads.
            planned_ns: length of the comparison; decides how far it is replayed, and the shares.
            window_ns: length of a window.
            state: of a part that goes on.
        """
        self._past, self._prior = past, prior
        self._planned_windows = max(planned_ns // window_ns, 1)
        self._window_ns = window_ns
        self._state = state or LevelState()
        self._baseline = Track(self._state.baseline, len(self._state.rules))
        self._canary = Track(self._state.canary, len(self._state.rules))
        self._column = {rule.signal: number for number, rule in enumerate(self._state.rules)}
        self._long_run = LongRun(self._state.long_run)
        self._deviation: Deviation | None = None
        self._plain: tuple[int, tuple[str, ...]] | None = None
        """Blocks closed, and what was `plainly_worse` then."""
        self._usual: Floats = from_bytes(b"", "<f8", (0, 0))
        self._most = list[float]()
        if self._state.reference is not None:
            self._begin(self._state.reference)

    def to_state(self) -> LevelState:
        """The snapshot; valid until the next window."""
        self._state.baseline, self._state.canary = self._baseline.to_state(), self._canary.to_state()
        self._state.long_run = self._long_run.to_state()
        return self._state

    # --- windows ---

    def prepare(self, rules: Mapping[str, SignalRule]) -> None:
        """Take what it is measured by from the past, before the first window is added; `add` does where nobody did.

        Args:
            rules: as of the first window; see `add`.
        """
        state = self._state
        if state.reference is None:
            state.reference = freeze(self._past, self._prior, rules, self._planned_windows, self._window_ns)
            state.rules = list(state.reference.rules)
            self._begin(state.reference)

    def add(self, start_ns: int, baseline: Side | None, canary: Side | None, rules: Mapping[str, SignalRule]) -> None:
        """One closed window.

        Args:
            start_ns: its start, not before the end of the last one; windows may be missing.
            baseline: what it did; None where it was not there.
            canary: the same of the canary.
            rules: by signal; a signal without one is not judged. In the first window with both sides, those of
                all signals of the past (`LevelPast.signals`), where the past's own are not to hold.

        Raises:
            BrokenInvariant: the window overlaps an earlier one.
        """
        state = self._state
        if state.as_of_ns is not None and start_ns < state.as_of_ns:
            raise BrokenInvariant(f"window {start_ns} begins before {state.as_of_ns}, the end of the last one judged")
        state.as_of_ns = start_ns + self._window_ns
        if state.started_ns is None:
            if baseline is None or canary is None:
                return
            state.started_ns = start_ns
            self.prepare(rules)
        window = (start_ns - state.started_ns) // self._window_ns
        self._close_up_to(window - 1)
        for track, side in ((self._baseline, baseline), (self._canary, canary)):
            if side is not None and side.levels:
                self._meet(side.levels, rules)
                track.add(side.levels, self._column)
        self._close_up_to(window)
        self._look_early(window)
        state.baseline_pods = max(state.baseline_pods, self._pods(baseline))
        state.canary_pods = max(state.canary_pods, self._pods(canary))
        if state.reference is not None and state.reference.long_share > 0.0:
            self._long_run.add(self._canary, self._baseline, state.rules)

    def _pods(self, side: Side | None) -> int:
        return 0 if side is None else round(cut(side.pod_s) * 1e9 / self._window_ns)

    def _begin(self, reference: LevelReference) -> None:
        self._column = {rule.signal: number for number, rule in enumerate(self._state.rules)}
        self._deviation = Deviation(reference, self._state.deviation)
        judged = len(reference.rules)
        known = len(reference.ends) if reference.usual else 0
        self._usual = from_bytes(reference.usual, "<f8", (known, judged))
        self._most = self._usual.max(axis=1, initial=0.0).tolist()
        for track in (self._baseline, self._canary):
            track.grow(len(self._state.rules))

    def _meet(self, levels: Mapping[str, Mapping[int, float]], rules: Mapping[str, SignalRule]) -> None:
        """Make room for signals that are new."""
        state = self._state
        new = sorted(signal for signal in levels if signal not in self._column and signal in rules)
        room = MOST_SIGNALS - len(state.rules)
        state.left_out = max(state.left_out, len(new) - room)
        for signal in new[:room]:
            self._column[signal] = len(state.rules)
            state.rules.append(level_rule(rules[signal]))
        if new:
            self._baseline.grow(len(state.rules))
            self._canary.grow(len(state.rules))

    def _close_up_to(self, window: int) -> None:
        """Close all blocks that end with this window or before."""
        state, reference = self._state, self._state.reference
        if reference is None or self._deviation is None or state.started_ns is None:
            return
        while state.blocks < len(BLOCK_ENDS):
            replayed = state.blocks < len(reference.ends)
            end = reference.ends[state.blocks] if replayed else BLOCK_ENDS[state.blocks]
            if end > window:
                return
            scales, judged = self._deviation.scales, len(reference.rules)
            baseline, canary = (track.close(scales, judged) for track in (self._baseline, self._canary))
            if replayed and state.looked <= state.blocks:
                self._look(canary, baseline, end)
            state.blocks += 1

    def _look_early(self, window: int) -> None:
        """Look at the open block before its end if each pod has brought all that any pod of the past brought in it.

        Blocks grow with the age of a comparison and scrapes do not: a scrape of five minutes may wait two for the end
        of its block. Nothing else comes until then, so that this *is* the look at the block, and it has no other.
        """
        state, deviation, reference = self._state, self._deviation, self._state.reference
        if reference is None or deviation is None or state.looked > state.blocks or state.blocks >= len(self._most):
            return
        lasted = window - (reference.ends[state.blocks - 1] if state.blocks else -1)
        if not 0.0 < self._most[state.blocks] <= lasted:  # a window brings one sample at most
            return
        usual, sides = self._usual[state.blocks], (self._baseline, self._canary)
        if all(track.has_all(usual) for track in sides):
            baseline, canary = (track.peek(deviation.scales, len(usual)) for track in sides)
            self._look(canary, baseline, window)

    def _look(self, canary: Levels, baseline: Levels, window: int) -> None:
        state = self._state
        pods = min(self._baseline.present, self._canary.present)
        if self._deviation is None or state.started_ns is None or not pods:
            return
        end_ns = state.started_ns + (window + 1) * self._window_ns
        self._deviation.look(state.blocks, canary, baseline, pods, end_ns)
        state.looked = state.blocks + 1

    # --- what can be said ---

    @property
    def p(self) -> float:
        """For the whole life, in (0, 1]: P(ever <= a) <= a if the canary is no worse."""
        reference, state = self._state.reference, self._state
        if reference is None:
            return 1.0
        long = reference.long_share
        found = [1.0]
        if reference.replay_share > 0.0:
            found.append(state.deviation.p / reference.replay_share)
        if long > 0.0:
            found += [self._long_run.p(which) / long for which in ("difference", "slope")]
        return min(found)

    def signal_p(self, signal: str) -> float:
        """Of one signal, for the whole life, by what it adds to the largest deviation; 1 where it is not judged."""
        reference, number = self._state.reference, self._column.get(signal)
        if reference is None or number is None:
            return 1.0
        return signal_p(number, reference, self._state.deviation, self._long_run)

    @property
    def p_not_worse(self) -> float | None:
        """That some judged group is worse by the margin, for the whole life; None where nothing is to be shown."""
        state = self._state.deviation
        return max((p for p, needed in zip(state.group_p, state.needed, strict=True) if needed), default=None)

    @property
    def prepared(self) -> bool:
        """What it is measured by has been taken from the past."""
        return self._state.reference is not None

    @property
    def begun(self) -> bool:
        """A window of both sides has been added."""
        return self._state.started_ns is not None

    @property
    def plainly_worse(self) -> tuple[str, ...]:
        """Signals that no history judges, and of which the canary is plainly worse now (`plain`), in their order."""
        blocks = self._state.blocks
        if self._plain is None or self._plain[0] != blocks:
            self._plain = blocks, self._find_plainly_worse()
        return self._plain[1]

    def _find_plainly_worse(self) -> tuple[str, ...]:
        reference, rules = self._state.reference, self._state.rules
        if reference is None:
            return ()
        groups = {row.group for row in self.groups}
        unjudged = [number >= len(reference.rules) or rule.group not in groups for number, rule in enumerate(rules)]
        if not any(unjudged):
            return ()
        found = plainly_worse(self._canary.latest(len(rules)), self._baseline.latest(len(rules)), rules)
        return tuple(
            rule.signal for rule, is_worse, is_new in zip(rules, found, unjudged, strict=True) if is_worse and is_new
        )

    @property
    def judged(self) -> bool:
        """Whether anything can fail the canary: known when the comparison begins."""
        reference = self._state.reference
        return reference is not None and reference.replay_share + reference.long_share > 0.0

    @property
    def signals(self) -> tuple[LevelEvidence, ...]:
        """Most telling first."""
        state, deviation = self._state, self._deviation
        if state.reference is None or deviation is None:
            return ()
        return signal_evidence(state.rules, state.reference, deviation, self._long_run, self._baseline, self._canary)

    @property
    def groups(self) -> tuple[LevelGroupEvidence, ...]:
        """Sorted by name; those that are judged."""
        reference, deviation = self._state.reference, self._deviation
        return group_evidence(reference, deviation) if reference is not None and deviation is not None else ()

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Sentences: what cannot be judged, and why."""
        state = self._state
        if state.reference is None or state.started_ns is None:
            return ()
        sentences = no_history(state.reference, [rule.signal for rule in state.rules if rule.weight > 0.0])
        if state.left_out > 0:
            sentences.append(f"levels: {state.left_out} signals beyond the first {MOST_SIGNALS} are not looked at")
        for name, track, pods in (
            ("baseline", self._baseline, state.baseline_pods),
            ("canary", self._canary, state.canary_pods),
        ):
            if track.present >= MOST_PODS and pods > MOST_PODS:
                beyond = f"{pods - MOST_PODS} pods of the {name} beyond the {MOST_PODS} that are followed"
                sentences.append(f"levels: cannot judge {beyond}")
        if not state.rules:
            sentences = ["levels: no pod has reported a level"]
        return tuple(sentences)

    def cohort(self, revision: str = "") -> LevelCohort:
        """What the baseline did, for `LevelPast.learn` when the comparison is over.

        Args:
            revision: of the baseline; tells pods that are seen again in later comparisons.
        """
        return self._baseline.cohort(revision, list(self._state.rules), len(checkpoints(self._planned_windows)))
