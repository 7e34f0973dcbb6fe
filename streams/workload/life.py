"""One workload's life: the revisions seen lately and the comparisons running.

Summaries come in as deltas, in any order and grouping; once the watermark has passed a window it is closed, reduced to
one `Side` per revision, kept for a while (so that a comparison asked for late still starts at the canary's first pod)
and given to every comparison that runs. What comes out depends on the deltas and requests alone, never on when or in
which portions they came.

A delta for a window already closed is not lost: its records count in the oldest window still open. (Its metric samples
keep their own times: a level or total older than what is known already says nothing new.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain

import msgspec
from msgspec import structs

from streams.errors import BrokenInvariant
from streams.judging.copied import copied
from streams.judging.logs.traces import Traces, TracesState
from streams.judging.past import Past, Prior
from streams.judging.presence import Presence, PresenceState
from streams.judging.production.past import ProductionPast
from streams.judging.side import Halves, Side
from streams.policy.rules import AppliedRules
from streams.policy.workload_policy import LogPolicy, WorkloadPolicy
from streams.records.identity import Workload
from streams.records.log import Severity
from streams.records.metric import Series
from streams.risk.comparison import Comparison, Outcome, TemplateFeedback
from streams.risk.document import RiskDocument
from streams.risk.succession import Succession
from streams.signals.catalogue import Catalogue
from streams.watch.alarm import Alarm
from streams.watch.feedback import AlarmFeedback
from streams.watch.points import COUNTED_RULES
from streams.watch.production import Deployment
from streams.watch.regular import Logged
from streams.watch.suspects import Neighbour
from streams.watch.watch import Watch
from streams.windows.signature import Signature
from streams.windows.summary import Summary, merge, trim
from streams.workload.attempts import Attempts, pair_of
from streams.workload.document import document
from streams.workload.judged_lines import JudgedLines, numbers_of
from streams.workload.rehearsals import Rehearsals
from streams.workload.running import Running
from streams.workload.state import WorkloadSettings, WorkloadState

_MAX_RUNNING = 20
"""Comparisons of one workload at a time; a further one ends the oldest as `expired`."""
MOST_RING_BYTES = 4 * 2**20
"""Of closed windows that are kept, as a snapshot has them: half of what one may be. 15 minutes of 4,000 pairs of pod
and level would fill all of it, and a scorer that cannot write it ends, again and again; past half the oldest go
earlier."""
MOST_REVISIONS = 100
"""Of one workload whose pods are there, or are remembered, as many as `Succession` knows: whose label is another with
each pod has thousands, and of each a scorer would keep pods and traces for a quarter of an hour."""
MOST_OPEN_REVISIONS = 1000
"""Of one window that is open, when nobody can tell yet which of them are heard most."""
MOST_PODS = 10_000
"""Of one workload that are there: two revisions on as many nodes as Kubernetes has. Of names that are others with each
record half a minute's would be there, and more with each that comes back: a scorer could write no snapshot."""
_CROWDED = 1.5
"""Times the signatures that had a place: beyond, those of an open window that have none are forgotten."""
_WARN = Severity.WARN
_encode = msgspec.msgpack.Encoder().encode


class WorkloadLife:
    """One workload: `add`, `close`, `compare` and `end`, then `documents`."""

    def __init__(
        self,
        settings: WorkloadSettings,
        state: WorkloadState,
        neighbours: Callable[[], Sequence[Neighbour]] = tuple,
        policy: Callable[[], WorkloadPolicy | None] | None = None,
    ) -> None:
        """One life.

        Args:
            settings: of every workload.
            state: a snapshot, which it takes over.
            neighbours: what else was deployed in the cluster; asked when an alarm is raised.
            policy: what an operator has set, now: the same object while nothing changes. Asked with every window, for
                production; a comparison is given its own when it begins.
        """
        self._settings = settings
        self._state = state
        self._watch: Watch | None = None
        if settings.watch is not None:
            self._watch = Watch(settings.watch, settings.window_ns, state.workload, state.watch, neighbours)
        self._policy, self._rules, self._judged_rules = policy, AppliedRules(COUNTED_RULES), AppliedRules()
        self._catalogue = Catalogue(state.catalogue)
        self._succession = Succession(settings.sight_ns, state.succession)
        self._lines = JudgedLines(state.logs, state.lines, state.signatures)
        heard = state.heard
        self._open_lines = {
            start_ns: heard.keys() & {number for one in summaries.values() for number in numbers_of(one)}
            for start_ns, summaries in state.open.items()
        }
        """Start of an open window -> those of its signatures that are known."""
        state.heard = {number: heard[number] for number in sorted(set().union(*self._open_lines.values()))}
        self._crowded: dict[int, float] = {}
        """Start of an open window -> more signatures than that, and it is looked which of them have a place."""
        self._presence = {name: Presence(settings.window_ns, known) for name, known in state.presence.items()}
        self._attempts = Attempts(state, self._presence)
        self._running = {
            key: Running.resume(settings, one, state.past, state.ring) for key, one in state.running.items()
        }
        self._rehearsals = Rehearsals(
            settings.judge, settings.window_ns, state.workload.key, state.past, state.rehearsals
        )
        self._ring_bytes = [_size(sides) for _, sides in state.ring]
        """Of each window of the ring, as the snapshot has it."""
        self._fresh: dict[str, RiskDocument] = {}
        self._watermark_ns = 0
        self.learned = 0
        """Comparisons and rehearsals since it was made that have changed `past`."""

    @property
    def workload(self) -> Workload:
        """Whose life this is."""
        return self._state.workload

    @property
    def idle(self) -> bool:
        """Nothing is open, running or worth remembering: it may be forgotten."""
        state = self._state
        if state.open or self._running or self._there:
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
    def _trials(self) -> list[Comparison]:
        """Pairs whose canary is on trial: those that run, but for what was asked for the wrong way round."""
        pairs = [running.comparison for running in self._running.values()]
        known = self._succession
        return [pair for pair in pairs if not pair.is_alone and not known.swapped(pair.baseline, pair.canary)]

    def _serving(self, at_ns: int) -> set[str]:
        """Baselines of which somebody said that they serve, and nobody that they do not any more; not earlier ones."""
        runs = self._running.values()
        named = {running.comparison for running in runs if running.is_named(at_ns) and running.is_beside}
        return {pair.baseline for pair in self._trials if pair in named} if named else set()

    @property
    def past(self) -> Past:
        """What earlier comparisons taught."""
        return self._state.past

    @property
    def late_records(self) -> int:
        """Records so far that came after their window had closed."""
        return self._state.late_records

    @property
    def unfollowed_records(self) -> int:
        """Records so far of revisions that found no place."""
        return self._state.unfollowed_records

    @property
    def running(self) -> int:
        """Comparisons that run."""
        return len(self._running)

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
        state.lines, state.logs, state.signatures = self._lines.to_state(), self._lines.policy, self._lines.signatures
        state.presence = {name: presence.state for name, presence in self._presence.items()}
        state.running = {key: running.to_state() for key, running in self._running.items()}
        state.rehearsals = self._rehearsals.to_state()
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
        lines = self._open_lines.setdefault(start_ns, set())
        lines.update(chain.from_iterable(pod.signatures() for pod in delta.pods.values()))
        name = delta.revision.pod_template_hash
        summary = state.open.setdefault(start_ns, {}).get(name)
        if summary is None:
            summary = state.open[start_ns][name] = Summary(delta.revision, start_ns)
        merge(summary, delta)
        trim(summary, self._settings.limits, self._severity)
        if len(state.open[start_ns]) > MOST_OPEN_REVISIONS:
            last = max(state.open[start_ns])  # by name, so that the order of deltas is no matter
            state.unfollowed_records += state.open[start_ns].pop(last).records
        if len(lines) > self._crowded.get(start_ns, self._settings.limits.signatures):
            placed = {number for one in state.open[start_ns].values() for number in numbers_of(one)}
            self._open_lines[start_ns] = lines & placed
            self._unhear(lines - placed)
            self._crowded[start_ns] = _CROWDED * len(placed)

    def _unhear(self, numbers: set[int]) -> None:
        """Forget signatures that an open window has no longer."""
        for number in numbers.difference(*self._open_lines.values()):
            del self._state.heard[number]

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
        for running in list(self._running.values()):
            if watermark_ns - running.awaited_ns > self._settings.expire_ns:
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
        found: bool = False,
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
            found: nobody names the pair, the records show it.
        """
        state = self._state
        known = self._running.get(comparison.key)
        named_ns = None if found else requested_ns
        if known is not None:
            if known.requested_ns <= requested_ns:
                if not found and known.named_ns is None:
                    known.name(requested_ns)
                    self._publish(known)
                return  # one asked for from later on was read ahead of its time, and begins now
            named_ns = known.named_ns if found else requested_ns
        if not self._attempts.may_begin(comparison, told_ns, again=again):
            return
        if comparison.of != state.workload:
            raise BrokenInvariant(f"{comparison.key} is not about {state.workload.key}")
        if known is None and len(self._running) >= _MAX_RUNNING:
            oldest = min(self._running.values(), key=lambda one: (one.requested_ns, one.comparison))
            self.end(oldest.comparison, "expired", requested_ns)
        self._lines.follow(LogPolicy() if policy is None else policy.logs)
        before = partial(self._past_before, comparison.canary)
        running = Running.begin(self._settings, comparison, requested_ns, state.past, before, prior, policy, named_ns)
        self._running[comparison.key] = running
        anew_ns = self._attempts.begin(comparison.key)
        for start_ns, sides in state.ring:
            if start_ns >= anew_ns:
                self._judge(running, start_ns, sides)
        self._publish(running)

    def end(self, comparison: Comparison, outcome: Outcome, ended_ns: int) -> None:
        """End a comparison; its last document says what became of it. One that is unknown stays so."""
        if self._watch is not None and outcome == "promoted":
            self._watch.promoted(comparison.canary, ended_ns)
        running = self._running.get(comparison.key)
        if running is None:
            return
        self._publish(running)
        last = self._fresh[comparison.key]
        self._fresh[comparison.key] = structs.replace(last, state="ended", outcome=outcome)
        if not self._succession.swapped(comparison.baseline, comparison.canary):
            taught = running.teach(self._state.past, outcome)
            self.learned += taught
            if taught:
                self._rehearsals.put_off(ended_ns)
        del self._running[comparison.key]
        self._attempts.end(comparison, outcome, ended_ns)
        if outcome == "promoted" or not comparison.is_alone:
            self._succession.conclude(comparison.baseline, comparison.canary, outcome)

    def runs(self, comparison: Comparison) -> bool:
        """Whether it runs."""
        return comparison.key in self._running

    def has_ended(self, comparison: Comparison) -> bool:
        """Whether it ended lately, so that to begin it needs another attempt."""
        return self._attempts.has_ended(comparison.key)

    def reclassify(self, said: TemplateFeedback, at_ns: int) -> None:
        """Take in what somebody says of a template: it holds for the windows that close from now on.

        Args:
            said: of a template of this workload, or of any where it is said for more than one workload.
            at_ns: event time at which it was said.
        """
        if self._lines.hear(said, at_ns):
            for running in self._running.values():
                self._publish(running)

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
        policy = None if self._policy is None else self._policy()
        if self._policy is not None and not self._running:
            self._lines.follow(LogPolicy() if policy is None else policy.logs)
        sides: dict[str, Side] = {}
        summaries = self._follow(start_ns, state.open.pop(start_ns, {}))
        self._admit_pods(summaries)
        self._read_lines(start_ns, summaries)
        there = {*summaries, *(name for name, presence in self._presence.items() if presence.there)}
        runs = any(running.requested_ns <= start_ns + window_ns for running in self._running.values())
        rehearsed = self._rehearsals.of(start_ns, there, policy, runs=runs)  # one read ahead of its time ends none
        halves: Halves = ({}, {})
        for name in sorted(self._presence.keys() | summaries.keys()):
            presence = self._presence.get(name)
            if presence is None:
                presence = self._presence[name] = Presence(window_ns)
            summary = summaries.get(name)
            asked = halves if name == rehearsed else None
            side = presence.close(start_ns, summary, self._catalogue, self._lines.signatures, asked)
            pods = {pod: known.number for pod, known in presence.state.pods.items()}
            traces = Traces(state.traces.setdefault(name, TracesState()))
            traces.close(start_ns, summary, pods, self._lines.signatures, side)
            if presence.there:
                sides[name] = side
            if presence.gone:
                self._forget(name)
        state.closed_to_ns = start_ns + window_ns
        self._rehearse(start_ns, sides.get(rehearsed), halves, policy)
        horizon_ns = start_ns - self._settings.ring_ns
        self._keep_window(start_ns, sides, horizon_ns)
        self._attempts.forget(horizon_ns)
        for key, running in self._running.items():
            if self._judge(running, start_ns, sides):
                self._publish(running)
                if running.failed_pods is None and self._fresh[key].verdict == "fail":
                    running.failed_pods = self._attempts.pods_met(running.comparison.canary)
        if self._watch is not None and sides:
            gone = self._succession.has_gone
            trials = {pair.canary: pair.baseline for pair in self._trials if not gone(pair.baseline)}
            rules, logged = self._rules.under(policy, self._catalogue.rules), partial(self._logged, summaries)
            self._watch.add(start_ns, sides, trials, rules, self._lines.signatures, state.ring, logged)
        return summaries.keys()

    def _follow(self, start_ns: int, summaries: dict[str, Summary]) -> dict[str, Summary]:
        """Those of a window that find a place: what is there, what is compared, then what is heard most."""
        state, presence = self._state, self._presence
        there = {name for name, known in presence.items() if known.there}
        if len(there | summaries.keys()) > MOST_REVISIONS:
            end_ns = start_ns + self._settings.window_ns
            pairs = [each.comparison for each in self._running.values() if each.requested_ns <= end_ns]
            compared = {name for pair in pairs for name in (pair.baseline, pair.canary)}
            new = sorted(
                summaries.keys() - there, key=lambda name: (name not in compared, -summaries[name].records, name)
            )
            for name in new[max(0, MOST_REVISIONS - len(there)) :]:
                state.unfollowed_records += summaries.pop(name).records
        known = presence.keys() | summaries.keys()
        if len(known) > MOST_REVISIONS:
            silent = sorted(known - there - summaries.keys(), key=lambda name: (presence[name].seen_ns, name))
            for name in silent[: len(known) - MOST_REVISIONS]:
                self._forget(name)
        return summaries

    def _admit_pods(self, summaries: Mapping[str, Summary]) -> None:
        """Of pods that find no place beside those that are there, lines count as those of no signature."""
        there = {name: presence.state for name, presence in self._presence.items()}
        room = MOST_PODS - sum(len(known.pods) for known in there.values())
        for name in sorted(summaries):
            pods, known = summaries[name].pods, there.get(name, PresenceState())
            new = sorted(pods.keys() - known.pods.keys(), key=lambda pod: (pod not in known.silent, pod))
            for pod in new[max(0, room) :]:
                lines = sum(pods[pod].lines.values())
                summaries[name].other_lines += lines
                self._state.unfollowed_records += lines + sum(1 for _ in pods[pod].series())
                del pods[pod]
            room -= len(new)

    def _forget(self, revision: str) -> None:
        """Of its pods none is remembered any more."""
        del self._presence[revision]
        self._state.traces.pop(revision, None)
        self._state.presence.pop(revision, None)

    def _rehearse(self, start_ns: int, side: Side | None, halves: Halves, policy: WorkloadPolicy | None) -> None:
        """Give the rehearsal its window, if there is one."""
        if side is not None:
            lines, rules = self._lines, self._judged_rules.under(policy, self._catalogue.rules)
            self.learned += self._rehearsals.add(start_ns, side, halves, lines.signatures, rules, lines.roots)

    def _end_alone(self) -> None:
        """End what runs without a baseline, as no other revision shows its end, once it has taken its planned time."""
        for running in list(self._running.values()):
            over_ns = running.planned_over_ns
            if running.comparison.is_alone and over_ns is not None and over_ns <= self._state.closed_to_ns:
                self.end(running.comparison, "expired", self._state.closed_to_ns)

    def _sight(self, end_ns: int, heard: Collection[str], sighted: Callable[[Comparison, int], None] | None) -> None:
        """What the streams tell once a window has closed: a pair on trial, or what became of one."""
        attempts = self._attempts
        back = self._succession.hear(end_ns - self._settings.window_ns, heard, self._serving(end_ns))
        for key in attempts.ended:
            if pair_of(key)[1] in back:
                attempts.is_another(key)  # its canary was away and is here again
        for running in list(self._running.values()):
            self._conclude(running, end_ns)
        for key in attempts.tried_again:
            attempts.is_another(key)
            if sighted is not None:
                sighted(Comparison(*self._of, *pair_of(key)), end_ns)
        trial = self._succession.on_trial
        if trial is not None and sighted is not None:
            sighted_pair = Comparison(*self._of, *trial)
            known = self._running.get(sighted_pair.key)
            if not attempts.has_ended(sighted_pair.key) and (known is None or known.requested_ns > end_ns):
                sighted(sighted_pair, end_ns)

    def _conclude(self, running: Running, end_ns: int) -> None:
        """End it if the streams show what became of it."""
        pair, failed_pods = running.comparison, running.failed_pods
        if running.requested_ns > end_ns or not running.is_beside:
            return  # asked for later than this, or its baseline need not be there
        since_ns = running.requested_ns - self._settings.window_ns
        outcome = self._succession.outcome(pair.baseline, pair.canary, since_ns, failed=failed_pods is not None)
        if outcome == "promoted" and running.is_named(end_ns) and not self._is_succeeded(pair, end_ns):
            outcome = None  # whoever named the baseline may tell; its shipper may be what is away
        if outcome is not None:
            self.end(pair, outcome, end_ns)
        elif failed_pods is not None and self._attempts.all_new(pair.canary, failed_pods):
            self.end(pair, "aborted", end_ns)
            self._attempts.began_after(pair.key, failed_pods)

    def _is_succeeded(self, pair: Comparison, at_ns: int) -> bool:
        """Whether the next rollout has begun from its canary, as somebody says or the records show."""
        named = [running.comparison for running in self._running.values() if running.is_named(at_ns)]
        others = {other.canary for other in named if other.baseline == pair.canary and not other.is_alone}
        return bool(others - {pair.baseline}) or self._succession.is_succeeded(pair.baseline, pair.canary)

    def _judge(self, running: Running, start_ns: int, sides: Mapping[str, Side]) -> bool:
        lines, rules = self._lines, self._catalogue.rules
        return running.add(start_ns, sides, self._state.ring, lines.signatures, rules, lines.roots)

    def _publish(self, running: Running) -> None:
        told = document(running, self._lines, self._catalogue, self._presence, self._state.traces, self._known_ns)
        self._fresh[running.comparison.key] = told

    def _keep_window(self, start_ns: int, sides: dict[str, Side], horizon_ns: int) -> None:
        """Into the ring; what leaves it, by its age or for want of room, is known of production."""
        ring, sizes = self._state.ring, self._ring_bytes
        size = _size(sides)
        held, leaving = sum(sizes) + size, 0
        for (old_ns, old_sides), old_size in zip(ring, sizes, strict=True):
            if old_ns > horizon_ns and held <= MOST_RING_BYTES:
                break
            self._learn_production(self._state.past.production, old_ns, old_sides)
            held -= old_size
            leaving += 1
        del ring[:leaving], sizes[:leaving]
        ring.append((start_ns, sides))
        sizes.append(size)

    @property
    def _known_ns(self) -> int:
        """How long a closed window is known."""
        ring, sizes = self._state.ring, self._ring_bytes
        if not ring or sum(sizes) + max(sizes) <= MOST_RING_BYTES:
            return self._settings.ring_ns  # there is room for more
        return min(self._state.closed_to_ns - ring[0][0], self._settings.ring_ns)

    def _learn_production(self, past: ProductionPast, start_ns: int, sides: Mapping[str, Side]) -> None:
        """What was in production in a window: all but what was on trial, may have been, or is since it was known.

        A window is learned when it leaves the ring: what a comparison may still be given is none of its past.
        """
        pairs = [*((pair.baseline, pair.canary) for pair in self._trials), *map(pair_of, self._attempts.ended)]
        trials = {canary for baseline, canary in pairs if baseline != canary and baseline in sides}
        trials |= self._succession.newcomers(sides.keys())  # which may be on trial before that is found
        there = [side for name, side in sorted(sides.items()) if name not in trials]
        past.learn(start_ns, there, self._lines.roots, self._state.past.logs.templates, self._catalogue.rules)

    def _past_before(self, canary: str) -> Past:
        """The past, up to the first window known of a canary."""
        past = self._state.past
        production = copied(past.production)
        for start_ns, sides in self._state.ring:
            if canary in sides:
                break
            self._learn_production(production, start_ns, sides)
        return structs.replace(past, production=production)

    def _read_lines(self, start_ns: int, summaries: Mapping[str, Summary]) -> None:
        """Learn the window's templates, and which of its lines are judged."""
        state = self._state
        redirects = self._lines.learn(start_ns, summaries, state.heard, self._seen_signatures)
        if redirects:
            state.past.redirect(redirects)
            for key in sorted(self._running):
                self._running[key].judge.redirect(redirects)
            self._rehearsals.redirect(redirects)
            if self._watch is not None:
                self._watch.redirect(redirects, self._lines.info)
        self._unhear(self._open_lines.pop(start_ns, set()))
        self._crowded.pop(start_ns, None)

    def _logged(self, summaries: Mapping[str, Summary], revision: str) -> Logged:
        """What each pod of a revision wrote in a window."""
        presence = self._presence.get(revision)
        return self._lines.logged(summaries.get(revision), None if presence is None else presence.state)

    def _seen_signatures(self) -> set[int]:
        """Those of the windows that are still kept; how much of later ones has come already says nothing."""
        return {number for _, sides in self._state.ring for side in sides.values() for number in side.incidents}

    def _severity(self, number: int) -> int:
        """A function of the signature alone, so that what is trimmed depends on no order.

        Traces also hold lines that found no place, whose signature nobody tells: the least grave find none first.
        """
        what = self._state.heard.get(number)
        return what.severity if what is not None and what.severity >= _WARN else 0


def _size(sides: Mapping[str, Side]) -> int:
    """Bytes of one window in a snapshot."""
    return len(_encode(sides))
