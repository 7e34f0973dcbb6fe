"""One comparison that runs: its judge, the policy it follows, and which windows it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import structs

from streams.judging.earlier import Earlier, earlier
from streams.judging.evidence import Assessment
from streams.judging.judge import Judge
from streams.judging.logs.shapes import Difference, differences
from streams.judging.logs.traces import TracesState
from streams.judging.look_back import LookBack, LookBackState
from streams.judging.past import Past, Prior
from streams.judging.policy_settings import judge_settings
from streams.judging.settings import JudgeSettings
from streams.judging.side import Side, SignatureInfo
from streams.policy.rules import AppliedRules
from streams.policy.workload_policy import WorkloadPolicy
from streams.risk.comparison import Comparison, Outcome
from streams.signals.rule import SignalRule
from streams.workload.state import RunningState, WorkloadSettings


class Running:
    """`add` closed windows in order of time, `assess` at any moment."""

    def __init__(self, settings: WorkloadSettings, state: RunningState, judge: Judge | LookBack) -> None:
        """From `begin` or `resume`."""
        self._settings = settings
        self._state = state
        self.judge = judge
        self._rules = AppliedRules()

    @classmethod
    def begin(
        cls,
        settings: WorkloadSettings,
        comparison: Comparison,
        requested_ns: int,
        past: Past,
        before: Callable[[], Past],
        prior: Prior | None,
        policy: WorkloadPolicy | None,
        named_ns: int | None,
    ) -> Running:
        """A new one.

        Args:
            settings: of every workload.
            comparison: that was asked for.
            requested_ns: event time at which it was.
            past: of the workload, which goes on to learn.
            before: works out the same up to the canary's first window.
            prior: of the cluster's other workloads; None: there are none.
            policy: what an operator set, for its whole life; None: the settings as they are.
            named_ns: event time from which somebody had named the pair; None: nobody has.
        """
        of, window_ns = _judge_settings(settings, comparison, policy), settings.window_ns
        judge: Judge | LookBack
        if policy is None or policy.look_back_ns is None:
            judge = Judge.begin(of, window_ns, before(), prior)
        else:
            judge = LookBack.begin(of, window_ns, policy.look_back_ns, past, prior)
        state = RunningState(
            comparison, requested_ns, judge.to_state(), 0, policy, _look_back(judge), named_ns=named_ns
        )
        return cls(settings, state, judge)

    @classmethod
    def resume(
        cls,
        settings: WorkloadSettings,
        state: RunningState,
        past: Past,
        ring: Iterable[tuple[int, Mapping[str, Side]]],
    ) -> Running:
        """The one that was; it takes the state over.

        A snapshot of before `both_seen_ns` was kept has it in the closed windows that are still known (`ring`).
        """
        pair = state.comparison
        if state.canary_from_ns and not state.both_seen_ns:
            known = (start_ns for start_ns, sides in ring if pair.baseline in sides and pair.canary in sides)
            state.both_seen_ns = max((start_ns for start_ns in known if start_ns >= state.canary_from_ns), default=0)
        of, window_ns = _judge_settings(settings, pair, state.policy), settings.window_ns
        judge: Judge | LookBack
        if state.look_back is None:
            judge = Judge.from_state(of, window_ns, state.judge, past)
        else:
            judge = LookBack.from_state(of, window_ns, state.judge, state.look_back, past)
        return cls(settings, state, judge)

    def to_state(self) -> RunningState:
        """The snapshot; valid until the next window."""
        self._state.judge, self._state.look_back = self.judge.to_state(), _look_back(self.judge)
        return self._state

    @property
    def comparison(self) -> Comparison:
        """Which it is."""
        return self._state.comparison

    @property
    def policy(self) -> WorkloadPolicy | None:
        """What an operator set, for its whole life."""
        return self._state.policy

    @property
    def requested_ns(self) -> int:
        """Event time at which it was asked for."""
        return self._state.requested_ns

    @property
    def canary_from_ns(self) -> int:
        """Start of the first window in which the canary was seen; 0 before."""
        return self._state.canary_from_ns

    @property
    def failed_pods(self) -> int | None:
        """How many pods of the canary had been met when it failed; None: it has not."""
        return self._state.failed_pods

    @failed_pods.setter
    def failed_pods(self, met: int) -> None:
        self._state.failed_pods = met

    @property
    def named_ns(self) -> int | None:
        """Event time from which somebody had named the pair; None: the records alone have shown it."""
        return self._state.named_ns

    def name(self, at_ns: int) -> None:
        """Somebody names the pair."""
        self._state.named_ns = at_ns

    def is_named(self, at_ns: int) -> bool:
        """Whether somebody had named the pair by then."""
        named_ns = self._state.named_ns
        return named_ns is not None and named_ns <= at_ns

    @property
    def is_beside(self) -> bool:
        """Its baseline is to be there at the same time: the policy asks for no earlier one."""
        return self.policy is None or self.policy.historic_baseline is None

    @property
    def awaited_ns(self) -> int:
        """Event time at which it was asked for, or both sides were last seen.

        A baseline that has never been seen beside its canary, or need not be, is not waited for.
        """
        state = self._state
        waited_for = state.both_seen_ns and self.is_beside
        return max(state.requested_ns, state.both_seen_ns if waited_for else state.canary_seen_ns)

    @property
    def without_baseline_ns(self) -> int:
        """For how long its canary has been seen since its baseline no longer is; 0 where it is, or need not be."""
        state = self._state
        if not state.both_seen_ns or not self.is_beside:
            return 0
        return state.canary_seen_ns - state.both_seen_ns

    @property
    def planned_over_ns(self) -> int | None:
        """Event time at which its planned time is over; None before its canary was seen."""
        if not self._state.canary_from_ns:
            return None
        settings = _judge_settings(self._settings, self.comparison, self.policy)
        return self._state.canary_from_ns + (settings.lifetime_ns or settings.planned_ns)

    @property
    def earlier(self) -> Earlier | None:
        """The time before the canary with which it is compared; None: the same time, or not known yet."""
        asked = None if self.policy is None else self.policy.historic_baseline
        if asked is None or not self._state.canary_from_ns:
            return None
        return earlier(asked, self._state.canary_from_ns, self._settings.window_ns)

    def rules(self, known: Mapping[str, SignalRule]) -> Mapping[str, SignalRule]:
        """By signal, as its policy wants them."""
        return self._rules.under(self.policy, known)

    def add(
        self,
        start_ns: int,
        sides: Mapping[str, Side],
        ring: Iterable[tuple[int, Mapping[str, Side]]],
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        roots: Mapping[int, int],
    ) -> bool:
        """Judge one closed window; whether it was one of either side.

        Args:
            start_ns: its start.
            sides: pod-template hash -> what that revision did in it.
            ring: closed windows that are still known, for a baseline of an earlier time.
            signatures: what is judged of the lines.
            rules: of all signals of the workload, without a policy.
            roots: signature -> the template it is part of, where that is another one.
        """
        state = self._state
        if start_ns <= state.requested_ns - self._settings.ring_ns:
            return False  # not known any more when it was asked for, unless its records came later than the request
        canary = sides.get(self.comparison.canary)
        if canary is not None:
            state.canary_seen_ns = start_ns
            state.canary_from_ns = state.canary_from_ns or start_ns
            if self.comparison.baseline in sides:
                state.both_seen_ns = start_ns
        baseline = self._baseline(start_ns, sides, ring)
        if baseline is None and canary is None:
            return False
        self.judge.add(start_ns, baseline, canary, signatures, self.rules(rules), roots)
        return True

    def differences(self, traces: Mapping[str, TracesState], root: Callable[[int], int]) -> list[Difference]:
        """How new shapes of the canary's traces differ from the baseline's, as far as that is worth telling.

        Args:
            traces: pod-template hash -> its traces.
            root: the template that a signature is part of.
        """
        new, pair = self.judge.new_shapes, self.comparison
        if new is None:
            return []
        canary, baseline = (traces.get(name, TracesState()).shapes for name in (pair.canary, pair.baseline))
        return differences(new.canary, new.baseline, canary, baseline, root, counted=new.counted)

    def assess(
        self,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        differences: Sequence[Difference],
    ) -> Assessment:
        """What can be said now; arguments as of `Judge.assess`."""
        return self.judge.assess(signatures, self.rules(rules), differences)

    def teach(self, past: Past, outcome: Outcome) -> bool:
        """It is over: its baseline, or a canary without one, becomes a cohort of the past; False: it never began.

        What expired while its canary alone was there for long is of a revision that stays: as far as anybody can tell
        it is what is in production.
        """
        cohort = self.judge.cohort(self.comparison.baseline)
        if cohort is None:
            return False
        left = self.comparison.is_alone or self.without_baseline_ns > self._settings.expire_ns // 2
        stays = outcome == "expired" and left and self.judge.verdict != "fail"
        promoted = outcome == "promoted" or stays
        past.learn(cohort, self._settings.judge.logs, self.judge.prior, promoted=promoted)
        if promoted and isinstance(self.judge, Judge) and self.judge.new_traces is not None:
            past.production.learn_revision(self.judge.new_traces)
        return True

    def _baseline(
        self, start_ns: int, sides: Mapping[str, Side], ring: Iterable[tuple[int, Mapping[str, Side]]]
    ) -> Side | None:
        """What the canary's window is compared with: the same window, unless the policy asks for an earlier one."""
        if self.comparison.is_alone:
            return None
        time = self.earlier
        if time is not None:
            at_ns = time.of(start_ns)
            sides = next((known for start, known in ring if start == at_ns), {})
        elif self.policy is not None and self.policy.historic_baseline is not None:
            return None  # what came before the canary is not its time
        return sides.get(self.comparison.baseline)


def _judge_settings(settings: WorkloadSettings, comparison: Comparison, policy: WorkloadPolicy | None) -> JudgeSettings:
    of = settings.judge if policy is None else judge_settings(policy, settings.judge)
    return structs.replace(of, baseline="none") if comparison.is_alone else of


def _look_back(judge: Judge | LookBack) -> LookBackState | None:
    return judge.to_look_back_state() if isinstance(judge, LookBack) else None
