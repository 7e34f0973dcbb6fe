"""One workload's life: the revisions seen lately and the comparisons running.

Summaries come in as deltas, in any order and grouping; once the watermark has passed a window it is closed, reduced to
one `Side` per revision, kept for a while (so that a comparison asked for late still starts at the canary's first pod)
and given to every comparison that runs. What comes out depends on the deltas and requests alone, never on when or in
which portions they came.

A delta for a window already closed is not lost: its records count in the oldest window still open. (Its metric samples
keep their own times: a level or total older than what is known already says nothing new.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct, field, structs

from streams.errors import BrokenInvariant
from streams.judging.earlier import Earlier, earlier
from streams.judging.evidence import Assessment
from streams.judging.judge import Judge, JudgeSettings, JudgeState
from streams.judging.logs.traces import Traces, TracesState
from streams.judging.look_back import LookBack, LookBackState
from streams.judging.past import Past, Prior
from streams.judging.policy_settings import judge_settings, lines_of
from streams.judging.presence import Presence, PresenceState
from streams.judging.production.past import ProductionPast
from streams.judging.side import Side, SignatureInfo
from streams.judging.unseen import not_zero, unseen
from streams.policy.rules import apply
from streams.policy.statement import statement
from streams.policy.workload_policy import LogPolicy, WorkloadPolicy
from streams.records.identity import Workload
from streams.records.log import Severity
from streams.records.metric import Series
from streams.risk.comparison import Comparison, Outcome, TemplateFeedback
from streams.risk.document import RiskDocument, rfc3339, undecided
from streams.risk.examples import Room
from streams.risk.first import unheard
from streams.risk.succession import Succession, SuccessionState
from streams.risk.templates import MOST_FEEDBACK, MOST_TEMPLATES, FeedbackGiven, TemplateEvidence, template_id
from streams.signals.catalogue import Catalogue, CatalogueState
from streams.signals.rule import SignalRule
from streams.templates.classes import Feedback, concerns
from streams.templates.example import Example
from streams.templates.lines import LinesState, latest
from streams.templates.template import recalled
from streams.watch.alarm import Alarm
from streams.watch.feedback import AlarmFeedback
from streams.watch.production import Deployment
from streams.watch.regular import Logged
from streams.watch.suspects import Neighbour
from streams.watch.watch import Watch, WatchSettings, WatchState
from streams.windows.signature import Signature
from streams.windows.summary import Limits, Summary, merge, trim

_JUDGED = ("critical", "error", "warning")
_MAX_RUNNING = 20
"""Comparisons of one workload at a time; a further one ends the oldest as `expired`."""
_RETRY_NS = 10_000_000_000
"""What is told within so long of the end may be a state from before it (argo-rollouts issue 4021)."""
_MOST_NAMED = 3
"""Revisions named in one sentence."""
_STARTS_NS = 120_000_000_000
"""A pod that is younger may be starting: it does not write yet what it will."""
_MAX_SIGNATURES = 5000
"""Signatures of class warning and worse remembered per workload."""


class WorkloadSettings(Struct, frozen=True):
    """What holds for every workload."""

    window_ns: int = 5_000_000_000
    ring_ns: int = 900_000_000_000
    """How long closed windows are kept for comparisons that are asked for late."""
    expire_ns: int = 1_800_000_000_000
    """A comparison ends as `expired` when its canary has not been seen for so long."""
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


class WorkloadState(Struct):
    """The snapshot: language-neutral (MessagePack), versioned, all there is to know."""

    workload: Workload
    version: int = 1
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
    succession: SuccessionState = field(default_factory=SuccessionState)
    """Which revision follows which, as far as the streams tell."""
    watch: WatchState = field(default_factory=WatchState)
    """What production is like, and what rings."""


class WorkloadLife:
    """One workload: `add`, `close`, `compare` and `end`, then `documents`."""

    def __init__(
        self,
        settings: WorkloadSettings,
        state: WorkloadState,
        neighbours: Callable[[], Sequence[Neighbour]] = tuple,
    ) -> None:
        """One life.

        Args:
            settings: of every workload.
            state: a snapshot, which it takes over.
            neighbours: what else was deployed in the cluster; asked when an alarm is raised.
        """
        self._settings = settings
        self._state = state
        self._watch: Watch | None = None
        if settings.watch is not None:
            self._watch = Watch(settings.watch, settings.window_ns, state.workload, state.watch, neighbours)
        self._catalogue = Catalogue(state.catalogue)
        self._succession = Succession(settings.sight_ns, state.succession)
        self._lines = lines_of(state.logs, state.lines)
        self._roots: dict[int, int] = {}
        """Signature -> the template it is part of, where that is another one."""
        self._open_lines = {
            start_ns: {number for one in summaries.values() for number in _numbers(one)}
            for start_ns, summaries in state.open.items()
        }
        """Start of an open window -> its signatures."""
        state.heard = {number: state.heard[number] for number in sorted(set().union(*self._open_lines.values()))}
        self._place_signatures()
        self._presence = {name: Presence(settings.window_ns, known) for name, known in state.presence.items()}
        self._judges = {key: self._resumed(running) for key, running in state.running.items()}
        self._rules: dict[str, tuple[int, dict[str, SignalRule]]] = {}
        self._fresh: dict[str, RiskDocument] = {}
        self._watermark_ns = 0
        self.learned = 0
        """Comparisons since it was made that have changed `past`."""

    @property
    def workload(self) -> Workload:
        """Whose life this is."""
        return self._state.workload

    @property
    def idle(self) -> bool:
        """Nothing is open, running or worth remembering: it may be forgotten."""
        state = self._state
        if state.open or state.running or self._there:
            return False
        if self._watch is not None and not self._watch.idle(self._watermark_ns):
            return False
        return self._watermark_ns - state.closed_to_ns > self._settings.ring_ns

    @property
    def _of(self) -> tuple[str, str, str]:
        of = self._state.workload
        return (of.cluster, of.namespace, of.name)

    @property
    def _there(self) -> bool:
        """A pod of any revision is there."""
        return any(presence.there for presence in self._presence.values())

    @property
    def past(self) -> Past:
        """What earlier comparisons taught."""
        return self._state.past

    @property
    def late_records(self) -> int:
        """Records so far that came after their window had closed."""
        return self._state.late_records

    @property
    def running(self) -> int:
        """Comparisons that run."""
        return len(self._state.running)

    @property
    def deployments(self) -> Sequence[Deployment]:
        """Revisions that became production, oldest first."""
        return self._state.watch.production.deployments

    @property
    def ringing(self) -> int:
        """Alarms that are not cleared."""
        return len(self._state.watch.ringing)

    def to_state(self) -> WorkloadState:
        """The snapshot; valid until the next call of anything else."""
        state = self._state
        if self._watch is not None:
            state.watch = self._watch.to_state()
        state.lines = self._lines.to_state()
        state.presence = {name: presence.state for name, presence in self._presence.items()}
        for key, judge in self._judges.items():
            _keep(state.running[key], judge)
        return state

    def add(self, delta: Summary, signatures: Mapping[int, Signature], series: Mapping[int, Series]) -> None:
        """Take in one delta of this workload.

        Args:
            delta: of any revision and window.
            signatures: at least those of the delta, by id.
            series: at least those of the delta, by id.
        """
        state = self._state
        for pod in delta.pods.values():
            for number in pod.signatures():
                if number not in state.heard:
                    state.heard[number] = signatures[number]
            for number in pod.series():
                self._catalogue.learn(number, series[number])
        start_ns = delta.start_ns
        if start_ns < state.closed_to_ns:
            state.late_records += delta.records
            start_ns = state.closed_to_ns
        self._open_lines.setdefault(start_ns, set()).update(_numbers(delta))
        name = delta.revision.pod_template_hash
        summary = state.open.setdefault(start_ns, {}).get(name)
        if summary is None:
            summary = state.open[start_ns][name] = Summary(delta.revision, start_ns)
        merge(summary, delta)
        trim(summary, self._settings.limits, self._severity)

    def close(self, watermark_ns: int, sighted: Callable[[Comparison, int], None] | None = None) -> bool:
        """Close every window that ends at or before the watermark; whether that changed anything.

        Args:
            watermark_ns: event time before which all is known.
            sighted: begins a pair that the streams alone show to be on trial, at an event time; None: nobody does.
        """
        state, window_ns = self._state, self._settings.window_ns
        self._watermark_ns = watermark_ns
        changed = False
        while True:
            start_ns = self._next_window()
            if start_ns is None or start_ns + window_ns > watermark_ns:
                break
            heard = self._close_window(start_ns)
            self._end_alone()
            if self._settings.sight_ns:
                self._sight(state.closed_to_ns, heard, sighted)
            changed = True
        for running in list(state.running.values()):
            seen_ns = max(running.requested_ns, running.canary_seen_ns)
            if watermark_ns - seen_ns > self._settings.expire_ns:
                self.end(running.comparison, "expired", watermark_ns)
                changed = True
        if self._watch is not None:
            changed |= self._watch.expire(watermark_ns)
        return changed

    def compare(
        self,
        comparison: Comparison,
        requested_ns: int,
        prior: Prior | None = None,
        policy: WorkloadPolicy | None = None,
        told_ns: int = 0,
        *,
        again: bool = False,
    ) -> None:
        """Start a comparison, from the oldest window still known; one that runs or has ended stays as it is.

        An aborted one begins anew once all pods of its canary that are there were first met after its end.

        Args:
            comparison: of this workload.
            requested_ns: event time at which it was asked for.
            prior: of the cluster's other workloads; None: there are none.
            policy: what an operator set, for the comparison's whole life; None: the settings as they are.
            told_ns: when the rollout was seen under way; after its comparison's end it is another attempt. 0: unsaid.
            again: one has ended before, however long ago: without both revisions there is nothing to begin.
        """
        state = self._state
        known = state.running.get(comparison.key)
        if known is not None and known.requested_ns <= requested_ns:
            return  # one asked for from later on was read ahead of its time, and begins now
        if comparison.key in state.ended and told_ns - state.ended[comparison.key] < _RETRY_NS:
            if not self._is_retried(comparison.key):
                return
        elif again and not (self._is_there(comparison.baseline) and self._is_there(comparison.canary)):
            return
        if comparison.of != state.workload:
            raise BrokenInvariant(f"{comparison.key} is not about {state.workload.key}")
        if known is None and len(state.running) >= _MAX_RUNNING:
            oldest = min(state.running.values(), key=lambda running: (running.requested_ns, running.comparison))
            self.end(oldest.comparison, "expired", requested_ns)
        self._follow(LogPolicy() if policy is None else policy.logs)
        judge = self._begun(comparison, policy, prior)
        running = RunningState(comparison, requested_ns, judge.to_state(), 0, policy, _look_back(judge))
        state.running[comparison.key] = running
        self._judges[comparison.key] = judge
        # What was judged before the end is not judged twice.
        anew_ns = max(state.ended.pop(comparison.key, 0), state.anew.pop(comparison.key, 0))
        state.attempts.pop(comparison.key, None)
        for start_ns, sides in state.ring:
            if start_ns >= anew_ns:
                self._judge_window(running, judge, start_ns, sides)
        self._publish(running, judge)

    def end(self, comparison: Comparison, outcome: Outcome, ended_ns: int) -> None:
        """End a comparison; its last document says what became of it. One that is unknown stays so."""
        if self._watch is not None and outcome == "promoted":
            self._watch.promoted(comparison.canary, ended_ns)
        running = self._state.running.get(comparison.key)
        if running is None:
            return
        self._publish(running, self._judges[comparison.key])
        last = self._fresh[comparison.key]
        self._fresh[comparison.key] = structs.replace(last, state="ended", outcome=outcome)
        self._learn(self._judges[comparison.key], running, outcome)
        del self._state.running[comparison.key], self._judges[comparison.key]
        self._rules.pop(comparison.key, None)
        self._state.ended[comparison.key] = ended_ns
        if outcome == "aborted":
            self._state.attempts[comparison.key] = self._pods_met(comparison.canary)
        if outcome == "promoted" or not comparison.is_alone:
            self._succession.conclude(comparison.baseline, comparison.canary, outcome)

    def runs(self, comparison: Comparison) -> bool:
        """Whether it runs."""
        return comparison.key in self._state.running

    def has_ended(self, comparison: Comparison) -> bool:
        """Whether it ended lately, so that to begin it needs another attempt."""
        return comparison.key in self._state.ended

    def reclassify(self, said: TemplateFeedback, at_ns: int) -> None:
        """Take in what somebody says of a template: it holds for the windows that close from now on.

        Args:
            said: of a template of this workload; of one it does not know (any more) it changes nothing. Where it is
                said for more than one workload, of any template: it holds also for those that come later.
            at_ns: event time at which it was said.
        """
        number = int(said.template, 16)
        what = recalled(number, said.text) if said.shared else self._lines.template(number)
        if what is None:
            return
        given = Feedback(at_ns, said.who, what, said.log_class, said.reason, said.tags, said.scope)
        self._lines.hear(given)
        self._classify_anew(given if said.shared else None)
        for key, running in self._state.running.items():
            self._publish(running, self._judges[key])

    def documents(self) -> list[RiskDocument]:
        """What has changed since this was last called: one document per comparison, its latest."""
        fresh = list(self._fresh.values())
        self._fresh.clear()
        return fresh

    def hear(self, said: AlarmFeedback, at_ns: int) -> None:
        """Learn from what somebody says of an alarm."""
        if self._watch is not None:
            self._watch.hear(said, at_ns)

    def alarms(self) -> list[Alarm]:
        """What has changed since this was last called: one document per alarm, its latest."""
        return [] if self._watch is None else self._watch.alarms()

    def watched(self, *, rollback: bool = False) -> RiskDocument | None:
        """The verdict on what is in production; None while nothing is, or it is not watched.

        Args:
            rollback: an alarm that is likely the latest deployment's fails it.
        """
        return None if self._watch is None else self._watch.document(rollback=rollback)

    def _next_window(self) -> int | None:
        """Start of the next window to close: without a gap while pods are there, else where records are."""
        state = self._state
        if self._there:
            return state.closed_to_ns
        return min(state.open) if state.open else None

    def _close_window(self, start_ns: int) -> Collection[str]:
        """Judge and learn one window; the revisions heard in it."""
        state, window_ns = self._state, self._settings.window_ns
        sides: dict[str, Side] = {}
        summaries = state.open.pop(start_ns, {})
        self._read_lines(start_ns, summaries)
        for name in sorted(self._presence.keys() | summaries.keys()):
            presence = self._presence.get(name)
            if presence is None:
                presence = self._presence[name] = Presence(window_ns)
            summary = summaries.get(name)
            side = presence.close(start_ns, summary, self._catalogue, state.signatures)
            pods = {pod: known.number for pod, known in presence.state.pods.items()}
            traces = Traces(state.traces.setdefault(name, TracesState()))
            traces.close(start_ns, summary, pods, state.signatures, side)
            if presence.there:
                sides[name] = side
            if presence.gone:
                del self._presence[name], state.traces[name]
                state.presence.pop(name, None)
        state.closed_to_ns = start_ns + window_ns
        horizon_ns = start_ns - self._settings.ring_ns
        self._keep_window(start_ns, sides, horizon_ns)
        state.ended = {key: ended_ns for key, ended_ns in state.ended.items() if ended_ns > horizon_ns}
        state.anew = {key: ended_ns for key, ended_ns in state.anew.items() if ended_ns > horizon_ns}
        state.attempts = {key: met for key, met in state.attempts.items() if key in state.ended}
        for key, running in state.running.items():
            if self._judge_window(running, self._judges[key], start_ns, sides):
                self._publish(running, self._judges[key])
                if running.failed_pods is None and self._fresh[key].verdict == "fail":
                    running.failed_pods = self._pods_met(running.comparison.canary)
        if self._watch is not None and sides:
            pairs = [one.comparison for one in state.running.values() if not one.comparison.is_alone]
            trials = {pair.canary: pair.baseline for pair in pairs}
            rules, logged = self._catalogue.rules, partial(self._logged, summaries)
            self._watch.add(start_ns, sides, trials, rules, state.signatures, state.ring, logged)
        return summaries.keys()

    def _end_alone(self) -> None:
        """End what runs without a baseline, as no other revision shows its end, once it has taken its planned time."""
        for running in list(self._state.running.values()):
            if not running.comparison.is_alone or not running.canary_from_ns:
                continue
            settings = self._judge_settings(running.comparison, running.policy)
            planned_ns = settings.lifetime_ns or settings.planned_ns
            if self._state.closed_to_ns - running.canary_from_ns >= planned_ns:
                self.end(running.comparison, "expired", self._state.closed_to_ns)

    def _sight(self, end_ns: int, heard: Collection[str], sighted: Callable[[Comparison, int], None] | None) -> None:
        """What the streams tell once a window has closed: a pair on trial, or what became of one."""
        state = self._state
        start_ns = end_ns - self._settings.window_ns
        back = self._succession.hear(start_ns, heard)
        for key in list(state.ended):
            if key.rpartition("/")[2] in back:
                state.anew[key] = state.ended.pop(key)  # its canary was away and is here again: another attempt
        for running in list(state.running.values()):
            self._conclude(running, end_ns)
        for key in filter(self._is_retried, list(state.ended)):
            state.anew[key] = state.ended.pop(key)
            if sighted is not None:
                sighted(Comparison(*self._of, *key.rsplit("/", 2)[1:]), end_ns)
        trial = self._succession.on_trial
        if trial is not None and sighted is not None:
            sighted_pair = Comparison(*self._of, *trial)
            known = state.running.get(sighted_pair.key)
            if sighted_pair.key not in state.ended and (known is None or known.requested_ns > end_ns):
                sighted(sighted_pair, end_ns)

    def _conclude(self, running: RunningState, end_ns: int) -> None:
        """End it if the streams show what became of it."""
        pair, failed_pods = running.comparison, running.failed_pods
        if running.requested_ns > end_ns or (running.policy and running.policy.historic_baseline):
            return  # asked for later than this, or its baseline need not be there
        since_ns = running.requested_ns - self._settings.window_ns
        outcome = self._succession.outcome(pair.baseline, pair.canary, since_ns, failed=failed_pods is not None)
        if outcome is not None:
            self.end(pair, outcome, end_ns)
        elif failed_pods is not None and self._all_new(pair.canary, failed_pods):
            self.end(pair, "aborted", end_ns)  # and tried again already
            self._state.attempts[pair.key] = failed_pods

    def _is_there(self, pod_template_hash: str) -> bool:
        presence = self._presence.get(pod_template_hash)
        return presence is not None and presence.there

    def _pods_met(self, pod_template_hash: str) -> int:
        presence = self._presence.get(pod_template_hash)
        return 0 if presence is None else presence.state.numbered

    def _all_new(self, pod_template_hash: str, met: int) -> bool:
        """Whether it has pods, all of which were first met after so many others."""
        presence = self._presence.get(pod_template_hash)
        return (
            presence is not None and presence.there and min(pod.number for pod in presence.state.pods.values()) >= met
        )

    def _is_retried(self, key: str) -> bool:
        """Whether the canary of a comparison that was aborted has new pods beside its baseline, and no old ones."""
        met, (baseline, canary) = self._state.attempts.get(key), key.rsplit("/", 2)[1:]
        return met is not None and self._is_there(baseline) and self._all_new(canary, met)

    def _judge_window(
        self, running: RunningState, judge: Judge | LookBack, start_ns: int, sides: Mapping[str, Side]
    ) -> bool:
        if start_ns <= running.requested_ns - self._settings.ring_ns:
            return False  # not known any more when it was asked for, unless its records came later than the request
        canary = sides.get(running.comparison.canary)
        if canary is not None:
            running.canary_seen_ns = start_ns
            running.canary_from_ns = running.canary_from_ns or start_ns
        baseline = self._baseline(running, start_ns, sides)
        if baseline is None and canary is None:
            return False
        judge.add(start_ns, baseline, canary, self._state.signatures, self._rules_of(running), self._roots)
        return True

    def _baseline(self, running: RunningState, start_ns: int, sides: Mapping[str, Side]) -> Side | None:
        """What the canary's window is compared with: the same window, unless the policy asks for an earlier one."""
        if running.comparison.is_alone:
            return None
        time = self._earlier(running)
        if time is not None:
            at_ns = time.of(start_ns)
            sides = next((known for start, known in self._state.ring if start == at_ns), {})
        elif running.policy is not None and running.policy.historic_baseline is not None:
            return None  # what came before the canary is not its time
        return sides.get(running.comparison.baseline)

    def _earlier(self, running: RunningState) -> Earlier | None:
        asked = None if running.policy is None else running.policy.historic_baseline
        if asked is None or not running.canary_from_ns:
            return None
        return earlier(asked, running.canary_from_ns, self._settings.window_ns)

    def _keep_window(self, start_ns: int, sides: dict[str, Side], horizon_ns: int) -> None:
        """Into the ring; what leaves it is known of production."""
        state = self._state
        for old_ns, old_sides in state.ring:
            if old_ns > horizon_ns:
                break
            self._learn_production(state.past.production, old_ns, old_sides)
        state.ring = [entry for entry in state.ring if entry[0] > horizon_ns]
        state.ring.append((start_ns, sides))

    def _learn_production(self, past: ProductionPast, start_ns: int, sides: Mapping[str, Side]) -> None:
        """What was in production in a window: all but what was on trial, or is since it was known.

        A window is learned when it leaves the ring: what a comparison may still be given is none of its past.
        """
        pairs = [key.rsplit("/", 2)[1:] for key in (*self._state.running, *self._state.ended)]
        trials = {canary for baseline, canary in pairs if baseline != canary and baseline in sides}
        there = [side for name, side in sorted(sides.items()) if name not in trials]
        past.learn(start_ns, there, self._roots, self._state.past.logs.templates)

    def _past_before(self, canary: str) -> Past:
        """The past, up to the first window known of a canary."""
        past = self._state.past
        production = msgspec.msgpack.decode(msgspec.msgpack.encode(past.production), type=ProductionPast)
        for start_ns, sides in self._state.ring:
            if canary in sides:
                break
            self._learn_production(production, start_ns, sides)
        return structs.replace(past, production=production)

    def _begun(self, comparison: Comparison, policy: WorkloadPolicy | None, prior: Prior | None) -> Judge | LookBack:
        settings, window_ns = self._judge_settings(comparison, policy), self._settings.window_ns
        if policy is None or policy.look_back_ns is None:
            return Judge.begin(settings, window_ns, self._past_before(comparison.canary), prior)
        return LookBack.begin(settings, window_ns, policy.look_back_ns, self._state.past, prior)

    def _resumed(self, running: RunningState) -> Judge | LookBack:
        settings = self._judge_settings(running.comparison, running.policy)
        window_ns, past = self._settings.window_ns, self._state.past
        if running.look_back is None:
            return Judge.from_state(settings, window_ns, running.judge, past)
        return LookBack.from_state(settings, window_ns, running.judge, running.look_back, past)

    def _judge_settings(self, comparison: Comparison, policy: WorkloadPolicy | None) -> JudgeSettings:
        settings = self._settings.judge if policy is None else judge_settings(policy, self._settings.judge)
        return structs.replace(settings, baseline="none") if comparison.is_alone else settings

    def _rules_of(self, running: RunningState) -> Mapping[str, SignalRule]:
        """By signal, as its policy wants them; made anew when there are new ones."""
        policy, rules = running.policy, self._catalogue.rules
        if policy is None:
            return rules
        known, applied = self._rules.get(running.comparison.key, (0, {}))
        if known != len(rules):
            applied = {signal: apply(rule, policy) for signal, rule in rules.items()}
            self._rules[running.comparison.key] = len(rules), applied
        return applied

    def _learn(self, judge: Judge | LookBack, running: RunningState, outcome: Outcome) -> None:
        """The baseline of a comparison that is over, or a canary without one, becomes a cohort of the past."""
        cohort = judge.cohort(running.comparison.baseline)
        if cohort is not None:
            self.learned += 1
            logs = self._settings.judge.logs
            stays = outcome == "expired" and running.comparison.is_alone and judge.verdict != "fail"
            promoted = outcome == "promoted" or stays
            self._state.past.learn(cohort, logs, judge.prior, promoted=promoted)
            if promoted and isinstance(judge, Judge) and judge.new_traces is not None:
                self._state.past.production.learn_revision(judge.new_traces)

    def _publish(self, running: RunningState, judge: Judge | LookBack) -> None:
        found = judge.assess(self._state.signatures, self._rules_of(running))
        self._fresh[running.comparison.key] = RiskDocument(
            running.comparison,
            verdict=found.verdict,
            risk=found.risk,
            score=100.0 - found.risk,
            confidence=found.confidence,
            exposure=found.exposure,
            started_at=_time(found.started_ns),
            as_of=_time(found.as_of_ns),
            decided_at=_time(found.decided_ns),
            parts=found.parts,
            groups=found.groups,
            signals=found.signals,
            reasons=self._reasons(running, found),
            unjudged=(*found.unjudged, *self._unseen(running)),
            templates=tuple(self._templates(running.comparison, judge)),
            feedback=tuple(map(_given, reversed(latest(self._lines.history, MOST_FEEDBACK)))),
            history=found.history,
            policy=() if running.policy is None else statement(running.policy),
            sensitivity="medium" if running.policy is None else running.policy.sensitivity,
            readings=found.readings,
            reference=found.reference,
        )

    def _reasons(self, running: RunningState, found: Assessment) -> tuple[str, ...]:
        """Those of the judge, and whether the baseline's hash may be wrong."""
        pair, doubt = running.comparison, tuple[str, ...]()
        if pair.baseline not in self._presence and (found.started_ns is None or found.reference != "baseline"):
            doubt = unheard(pair, running.canary_from_ns, found.as_of_ns)
        judged = found.reasons or undecided(pair, "nothing has been judged yet").reasons
        return (*doubt, *judged) if found.started_ns is None else (*judged, *doubt)

    def _unseen(self, running: RunningState) -> list[str]:
        """What finds no place, or is not known any more."""
        pods = {name: presence.state for name, presence in self._presence.items()}
        comparison, time = running.comparison, self._earlier(running)
        found = unseen(
            self._state.catalogue,
            {"baseline": pods.get(comparison.baseline), "canary": pods.get(comparison.canary)},
        )
        known_ns = self._settings.ring_ns
        if time is not None and not 0 < time.behind_ns < known_ns:
            found.append(
                f"historic_baseline: from {rfc3339(time.start_ns)}, which is {time.behind_ns / 60e9:.3g} minutes before"
                f" the canary, cannot be compared with: what was is known for {known_ns / 60e9:.3g} minutes"
            )
        others = sorted(
            name for name in self._presence.keys() - {comparison.baseline, comparison.canary} if self._is_there(name)
        )
        if others:
            more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
            found.append(
                f"revisions beside these two, which count for neither: {', '.join(others[:_MOST_NAMED])}{more}"
            )
        return found + ([] if running.policy is None else not_zero(self._rules_of(running)))

    def _templates(self, comparison: Comparison, judge: Judge | LookBack) -> Iterator[TemplateEvidence]:
        """What is told of templates, the first `MOST_TEMPLATES`."""
        rows, room = judge.templates(lambda number: self._roots.get(number, number)), Room(comparison)
        for row in rows[:MOST_TEMPLATES]:
            line, known = self._lines.read(row.number), self._state.signatures.get(row.number)
            if line is None:
                continue
            shown = room.take(self._lines.examples(row.number))
            yield TemplateEvidence(
                id=template_id(row.number),
                text=line.template.text,
                log_class=line.classed.log_class if known is None else known.log_class,
                source=line.classed.source,
                sure_ratio=line.classed.sure_ratio,
                why=line.classed.why,
                verdict=row.expectation,
                baseline_count=row.baseline,
                canary_count=row.canary,
                explained_count=row.explained,
                impact=row.impact,
                tags=self._lines.tags(line.template),
                share=row.share,
                examples=shown.examples,
                contexts=shown.contexts,
                canary_examples=shown.canary_examples,
                baseline_examples=shown.baseline_examples,
            )

    def _read_lines(self, start_ns: int, summaries: Mapping[str, Summary]) -> None:
        """Learn the window's templates, and which of its lines are judged."""
        state, counts = self._state, dict[int, int]()
        for name in sorted(summaries):
            for pod in summaries[name].pods.values():
                for number, lines in pod.lines.items():
                    counts[number] = counts.get(number, 0) + lines
        fresh = {number: state.heard[number] for number in sorted(counts)}
        learned = self._lines.learn(fresh, start_ns, counts)
        if learned.redirects:
            state.past.redirect(learned.redirects)
            for key in sorted(self._judges):
                self._judges[key].redirect(learned.redirects)
            if self._watch is not None:
                self._watch.redirect(learned.redirects, self._info)
        for number, what in fresh.items():
            self._place(number, what)
        if learned.redirects:
            self._classify_anew()
        self._show_lines(summaries)
        for number in self._open_lines.pop(start_ns, set()).difference(*self._open_lines.values()):
            del state.heard[number]

    def _logged(self, summaries: Mapping[str, Summary], revision: str) -> Logged:
        """Which templates each pod of a revision wrote in a window, but for pods that start."""
        summary, presence = summaries.get(revision), self._presence.get(revision)
        there = {} if presence is None else presence.state.pods
        logged = Logged(self._info, there={pod.number for pod in there.values()})
        if summary is None:
            return logged
        logged.whole = summary.other_lines == 0
        numbers = set[int]().union(*(held.lines for held in summary.pods.values()))
        parts = {number: root for number in numbers if (root := self._lines.root(number)) not in (None, number)}
        for name, held in summary.pods.items():
            if held.lines and (not there[name].met_ns or summary.start_ns - there[name].met_ns >= _STARTS_NS):
                lines = held.lines.keys()
                whole = lines if parts.keys().isdisjoint(lines) else {parts.get(number, number) for number in lines}
                logged.pods[there[name].number] = whole
        return logged

    def _info(self, template: int) -> SignatureInfo | None:
        line = self._lines.read(template)
        return None if line is None else SignatureInfo(line.template.text, line.classed.log_class)

    def _show_lines(self, summaries: Mapping[str, Summary]) -> None:
        """Keep the window's excerpts as examples, with as many lines around each as the policy asks for."""
        around = self._state.logs.context_lines
        for name in sorted(summaries):
            for pod, held in sorted(summaries[name].pods.items()):
                for number, one in sorted(held.excerpts.items()):
                    before, after = one.before[max(0, len(one.before) - around) :], one.after[:around]
                    self._lines.show(number, Example(one.time_ns, one.line, name, pod, before, after))

    def _place(self, number: int, what: Signature | None = None) -> None:
        """Note what a signature comes to; what is of no judged class is not remembered."""
        known, line = self._state.signatures, self._lines.read(number, what)
        if line is None:
            return
        if line.classed.log_class not in _JUDGED:
            known.pop(number, None)
            self._roots.pop(number, None)
            return
        if len(known) >= _MAX_SIGNATURES and number not in known:
            self._forget_signatures()
        if number not in known and len(known) >= _MAX_SIGNATURES:
            return
        info = SignatureInfo(line.template.text, line.classed.log_class, line.raised)
        for each in sorted({number, line.template.number}):
            known[each] = info
        if line.template.number != number:
            self._roots[number] = line.template.number

    def _place_signatures(self) -> None:
        for number in self._state.signatures:
            template = self._lines.template(number)
            if template is not None and template.number != number:
                self._roots[number] = template.number

    def _classify_anew(self, by: Feedback | None = None) -> None:
        """All that is judged; of what was said for many workloads only what it holds for."""
        for number in sorted(self._state.signatures):
            line = None if by is None else self._lines.read(number)
            if by is None or (line is not None and concerns(by, line.template)):
                self._place(number)

    def _follow(self, logs: LogPolicy) -> None:
        """Classes and masks of the policy, from now on."""
        state = self._state
        if logs != state.logs:
            state.logs = logs
            self._lines = lines_of(logs, self._lines.to_state())
            self._classify_anew()

    def _forget_signatures(self) -> None:
        """Forget those that no window still kept has seen."""
        state = self._state
        seen = {number for _, sides in state.ring for side in sides.values() for number in side.incidents}
        for summaries in state.open.values():
            for summary in summaries.values():
                seen.update(number for pod in summary.pods.values() for number in pod.lines)
        state.signatures = {number: info for number, info in state.signatures.items() if number in seen}
        self._roots = {number: root for number, root in self._roots.items() if number in state.signatures}

    def _severity(self, number: int) -> int:
        """A function of the signature alone, so that what is trimmed depends on no order."""
        severity = int(self._state.heard[number].severity)
        return severity if severity >= Severity.WARN else 0


def _numbers(summary: Summary) -> Iterator[int]:
    return (number for pod in summary.pods.values() for number in pod.signatures())


def _given(said: Feedback) -> FeedbackGiven:
    return FeedbackGiven(
        rfc3339(said.at_ns),
        said.who,
        template_id(said.template.number),
        said.template.text,
        said.log_class or "",
        said.reason,
        said.tags,
        said.scope,
    )


def _keep(running: RunningState, judge: Judge | LookBack) -> None:
    """A snapshot of the judge into the state."""
    running.judge, running.look_back = judge.to_state(), _look_back(judge)


def _look_back(judge: Judge | LookBack) -> LookBackState | None:
    return judge.to_look_back_state() if isinstance(judge, LookBack) else None


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else rfc3339(time_ns)
