"""Does a revision with nothing beside it show what production has not shown for long?

Failed traces, failed requests and slow ones fail it. Of the first two is asked, in its first five minutes and in all
its planned time, whether there were four times as many as a usual such stretch of production holds (and four more),
and 16 times: levels that are fixed by what is usual in the long run, so that the bound of `peaks` holds for each;
weights that are fixed beforehand (`Goal.weight`) make one p of them all. What is usual, and how long production has
not been like that, is read once, when the revision comes; what it does itself counts from `STARTS_NS` after its last
pods came, as starting is no process that is always the same. Where it has more pods than production had, its counts
are of as many as that.

**Latencies**: the same bound of another number a minute, its ninth decile (`latencies`), where at least half of the
requests of a usual minute of production came, as that of few varies more. Twice what is usual of a stretch, or four
times that, is held against it: twice is what a PASS rules out of a level; a day's load may come to it, and all days
then say so. All latencies are one event, "one of them was", so that one p is that of all: the shortest time for which
none was. Minutes are those of the clock, as production's are: the first that counts is the first whole one.

**New templates** are told of and never fail it. That production shows none for weeks proves that what the revision
shows has to do with it; not that it is worse: to log something new is what a revision may do. How often healthy ones
do, only earlier revisions tell; by the same bound with revisions for minutes, .01 takes more than a hundred. So
they raise the risk, by as much as production's p has come to alpha times the chance that a revision shows less, by
those before it (`chance_of_fewer`; Laplace, Essai philosophique sur les probabilites, 1814: rule of succession).

**What it rests on.** Times of deployments have nothing to do with what happens to everybody, and what does so
happens at all hours: regular peaks of a day are known after a day, so that nothing fails before `LEAST_MINUTES`. Weeks
with shapes of their own, or incidents that come when people deploy, make false alarms more likely, by as much as such
times are more prone to them than the mean of those known.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.logs.failures import FAILED
from streams.judging.logs.settings import ERRORS, NEW_TEMPLATES
from streams.judging.pod_window import STARTS_NS
from streams.judging.production.latencies import LATENCY, PER_S, MinuteOfValues
from streams.judging.production.past import MINUTE_NS, ProductionPast
from streams.judging.production.peaks import GRADES, LENGTHS, bound, grade_of
from streams.judging.side import Side, Trace
from streams.policy.counted import REQUESTS
from streams.signals.rule import SignalRule

LEAST_MINUTES = 1440
"""A day: what comes every day has been seen."""
_BESIDE_THE_START = 2
"""Minutes from the last one known to the first that counts, but for the start: that which is not over, its own."""
LATER = _BESIDE_THE_START + STARTS_NS // MINUTE_NS
"""All of them, where all pods come at once and none is left out to warm up; else known when counting begins."""
_LEVELS = ((4, 0.8), (16, 0.2))
"""(times what is usual, weight). Four: a plain fault, and twice what a day's load may add; 16 for services whose
incidents of everybody come often, as they seldom reach that."""
_LATENCY_LEVELS = ((2, 0.5), (4, 0.5))
_JUDGED = {ERRORS: 0.5, REQUESTS: 0.5, LATENCY: 0.25}
"""Of what is judged by production, relative to the others: nobody knows which will speak, but what is slow for good is
mostly known of before it is deployed."""
_ENOUGH_VALUES = 0.5
"""Of those of a usual minute."""
_MOST_NEW = 512


class Goal(Struct, array_like=True):
    """A number of events within some minutes, and how improbable that is."""

    kind: str
    minutes: int
    events: int
    """So many or more."""
    p: float
    quiet: int
    """Minutes in which production began nothing like that."""
    weight: float
    """Of what its kind has."""
    reached: bool = False
    signal: str = ""
    """Of a latency; its events are microseconds then: the sum of the ninth deciles of so many minutes."""


class AgainstState(Struct, array_like=True):
    """All that is remembered; language-neutral (MessagePack), bounded."""

    goals: list[Goal] = []
    shares: dict[str, float] = {}
    """Kind that is judged -> its part of what is judged by production; sum 1."""
    source: str = ""
    """Of requests."""
    pods: float = 0.0
    """Of production."""
    traced: bool = False
    minutes: int = 0
    """How long production was known."""
    revisions: list[int] = []
    """See `ProductionPast.revisions`."""
    from_ns: int | None = None
    """Start of the first window that counts."""
    most_pod_s: float = 0.0
    grew_ns: int = 0
    """Start of the window with which it last had more pods than ever."""
    seconds: float = 0.0
    """That count, so far."""
    pod_s: float = 0.0
    counts: dict[str, float] = {}
    """Kind -> events."""
    known: list[int] = []
    """Templates that production or comparisons had shown, ascending."""
    new: dict[int, int] = field(default_factory=dict)
    """New template -> traces that hold it, bounded."""
    values: dict[str, float] = {}
    """Latency -> values of a usual minute of production."""
    minute: int | None = None
    """Number of the minute that is being filled, once one counts."""
    whole_minutes: int = 0
    """That count, so far."""
    filling_values: MinuteOfValues = field(default_factory=MinuteOfValues)
    deciles: dict[str, float] = {}
    """Latency -> sum of the ninth deciles of the minutes that count, microseconds."""
    minutes_of: dict[str, int] = {}
    """Latency -> how many those are."""
    first_ns: int | None = None
    """Start of the revision's first window; None in a snapshot of before."""


def begin_against(
    past: ProductionPast, known: Collection[int], planned_ns: int, kinds: Collection[str] = (ERRORS, REQUESTS, LATENCY)
) -> AgainstState:
    """The state in which it begins, with all it needs of production; nothing where too little of it is known.

    Args:
        past: of production, up to the revision's first window.
        known: templates that comparisons have shown.
        planned_ns: how long the revision is to be judged.
        kinds: that may fail it; with errors comes what new templates make of the risk.
    """
    state = AgainstState(
        source=past.source,
        pods=past.pods,
        traced=past.traced,
        minutes=past.minutes,
        revisions=list(past.revisions),
        known=sorted(past.templates.keys() | set(known)),
        values=dict(past.values),
    )
    planned = next((length for length in LENGTHS if length * MINUTE_NS >= planned_ns), None)
    lengths = sorted({LENGTHS[0], planned or LENGTHS[-1]})
    untold = {ERRORS, REQUESTS}.difference(kinds) | (set() if ERRORS in kinds else {NEW_TEMPLATES})
    for kind, peaks in sorted(past.peaks.items()):
        if peaks.minutes < LEAST_MINUTES or kind in untold:
            continue
        if kind in kinds:
            state.shares[kind] = _JUDGED[kind]
        for length in lengths:
            for times, weight in _LEVELS:
                events = _level(times, peaks.usual(length))
                quiet = peaks.quiet(length, events)
                p = bound(quiet, length, LATER)
                state.goals.append(Goal(kind, length, events, p, quiet, weight / len(lengths)))
    if LATENCY in kinds:
        state.goals += _of_latencies(past, lengths)
        if any(goal.kind == LATENCY for goal in state.goals):
            state.shares[LATENCY] = _JUDGED[LATENCY]
    whole = sum(state.shares.values())
    state.shares = {kind: share / whole for kind, share in state.shares.items()}
    return state


def _of_latencies(past: ProductionPast, lengths: Sequence[int]) -> list[Goal]:
    """All of one length and level have the p of their union."""
    known = {name: peaks for name, peaks in sorted(past.latencies.items()) if peaks.minutes >= LEAST_MINUTES}
    goals: list[Goal] = []
    for length in lengths if known else ():
        for times, weight in _LATENCY_LEVELS:
            levels = {name: _level(times, peaks.usual(length)) for name, peaks in known.items()}
            quiet = min(peaks.quiet(length, levels[name]) for name, peaks in known.items())
            p = bound(quiet, length, LATER + 1)
            goals += [
                Goal(LATENCY, length, level, p, quiet, weight / len(lengths), signal=name)
                for name, level in levels.items()
            ]
    return goals


class Against:
    """One revision: `add` its closed windows in order of time, read at any moment."""

    def __init__(self, window_ns: int, state: AgainstState) -> None:
        """One that goes on from a state, which becomes its own."""
        self._window_ns = window_ns
        self._known = frozenset(state.known)
        self.state = state

    @property
    def known(self) -> bool:
        """Production has been seen for long enough."""
        return bool(self.state.goals)

    def add(self, start_ns: int, side: Side, templates: Mapping[int, int], rules: Mapping[str, SignalRule]) -> None:
        """One closed window.

        Args:
            start_ns: later than that of any before.
            side: what it did.
            templates: signature id -> id of the template it is part of, where that is another one.
            rules: of signals.
        """
        state = self.state
        if side.pod_s > state.most_pod_s * (1.0 + 1e-9):
            state.most_pod_s, state.grew_ns = side.pod_s, start_ns
        if not self.known or start_ns - state.grew_ns < STARTS_NS:
            return
        from_ns = self._begin_counting(start_ns) if state.from_ns is None else state.from_ns
        pods = side.pods(self._window_ns)
        fair = min(1.0, state.pods / pods) if pods > 0.0 else 1.0
        for trace in side.traces:
            if state.traced or not trace.shape:
                self._count(trace, {templates.get(number, number) for number in trace.signatures}, fair)
        requests = side.requests.get(state.source)
        if requests is not None:
            state.counts[REQUESTS] = state.counts.get(REQUESTS, 0.0) + cut(requests.errors)
        state.pod_s += cut(side.pod_s)
        state.seconds = (start_ns + self._window_ns - from_ns) / 1e9
        for goal in state.goals:
            if state.seconds <= 60 * goal.minutes and state.counts.get(goal.kind, 0.0) >= goal.events:
                goal.reached = True
        self._time(start_ns, from_ns, side, rules)

    def begin(self, start_ns: int) -> None:
        """The revision's first window, whether it counts or not."""
        self.state.first_ns = start_ns

    def _begin_counting(self, start_ns: int) -> int:
        """From this window on; where it comes later than most do, production has had more time to change."""
        state = self.state
        state.from_ns = start_ns
        first_ns = start_ns if state.first_ns is None else state.first_ns
        later = _BESIDE_THE_START - (first_ns - start_ns) // MINUTE_NS
        for goal in state.goals if later > LATER else ():
            goal.p = bound(goal.quiet, goal.minutes, later + (goal.kind == LATENCY))
        return start_ns

    def _time(self, start_ns: int, from_ns: int, side: Side, rules: Mapping[str, SignalRule]) -> None:
        """Take in the values of a window, by minutes of which the first is whole."""
        state, minute = self.state, start_ns // MINUTE_NS
        if minute * MINUTE_NS < from_ns:
            return
        if state.minute is None:
            state.minute = minute
        elif minute != state.minute:
            self._settle_values()
            state.whole_minutes += minute - state.minute
            state.minute = minute
        state.filling_values.add(side.values, rules)

    def _settle_values(self) -> None:
        state = self.state
        values = state.filling_values.values
        for name, decile in state.filling_values.deciles().items():
            if values[name].count >= _ENOUGH_VALUES * state.values.get(name, math.inf):
                state.deciles[name] = state.deciles.get(name, 0.0) + decile
                state.minutes_of[name] = state.minutes_of.get(name, 0) + 1
        for goal in state.goals:
            if state.whole_minutes < goal.minutes and state.deciles.get(goal.signal, 0.0) >= goal.events:
                goal.reached = True
        state.filling_values = MinuteOfValues()

    def _count(self, trace: Trace, shown: set[int], fair: float) -> None:
        """Count a trace of which there are so many, and each as `fair` of one."""
        counts, known = self.state.counts, self.state.new
        if trace.log_class in FAILED:
            counts[ERRORS] = counts.get(ERRORS, 0.0) + fair * trace.count
        new = shown - self._known
        if new:
            counts[NEW_TEMPLATES] = counts.get(NEW_TEMPLATES, 0.0) + fair * trace.count
        for number in sorted(new):
            if number in known or len(known) < _MOST_NEW:
                known[number] = known.get(number, 0) + trace.count

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others."""
        self._known = frozenset(redirects.get(number, number) for number in self._known)
        self.state.known = sorted(self._known)
        new = self.state.new
        for old in sorted(new.keys() & redirects.keys()):
            count = new.pop(old)
            if redirects[old] not in self._known:
                new[redirects[old]] = new.get(redirects[old], 0) + count

    def is_new(self, template: int) -> bool:
        """Whether neither production nor comparisons had shown it when the revision came."""
        return template not in self._known

    def reached(self, kind: str) -> Goal | None:
        """The most improbable of what it has shown of a kind."""
        goals = (goal for goal in self.state.goals if goal.kind == kind and goal.reached)
        return min(goals, key=lambda goal: goal.p / goal.weight, default=None)

    def p(self, kind: str) -> float:
        """For the whole life, of one kind."""
        goal = self.reached(kind)
        return 1.0 if goal is None else min(1.0, goal.p / goal.weight)

    def least_p(self, kind: str) -> float:
        """The least that `p` can become."""
        return min((1.0, *(goal.p / goal.weight for goal in self.state.goals if goal.kind == kind)))

    def decile_s(self, signal: str) -> float:
        """Of a latency, a minute's ninth decile on the mean, seconds; of one that has any."""
        return self.state.deciles[signal] / PER_S / self.state.minutes_of[signal]

    @property
    def new_traces(self) -> int:
        """Traces with new templates."""
        return int(self.state.counts.get(NEW_TEMPLATES, 0.0))

    @property
    def chance_of_fewer(self) -> float:
        """How likely a revision is to show less that is new, by those before it."""
        revisions = len(self.state.revisions)
        return (revisions - self.as_many + 1) / (revisions + 2)

    @property
    def as_many(self) -> int:
        """Of the revisions before it those that showed as many traces with new templates."""
        return sum(count >= self.new_traces for count in self.state.revisions)


def _level(times: int, usual: int) -> int:
    """A grade; the least that is as much as so many times what is usual, and one."""
    wanted = times * (usual + 1)
    grade = grade_of(wanted)
    return GRADES[grade] if GRADES[grade] >= wanted else GRADES[min(grade + 1, len(GRADES) - 1)]
