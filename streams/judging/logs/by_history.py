"""Does a revision with no baseline beside it log more errors than the workload's earlier comparisons had?

For a revision deployed by itself, a canary that replaces its baseline at once, or one whose baseline is not heard. Of
the streams of `part` errors alone are judged so: what is new of a new revision earlier baselines, which were not new,
say nothing of. The events are the failed traces (incidents, where lines carry no id), the past is that of `past`.

**The p.** Let p_h be the chance of as many events in all the exposure planned, given the cohorts that were quiet
(gamma-Poisson, with the dispersion that was learned between and within cohorts, `quiet.tail`). If today is a day like
the quiet ones, P(p_h <= a) <= a for the whole life, as counts only grow. But today may be an incident of everybody,
which a baseline beside the canary would show and nobody else can. Its chance pi is not known; known is that of K
earlier cohorts k were incidents. Whatever pi is, that today is one *and* at most k of K were has no more chance than

    g(K, k) = max over pi of  pi P(Bin(K, pi) <= k),        g(K, 0) = K^K / (K+1)^(K+1), about .37/(K+1).

So of the level a (its share of alpha) g is given to the incidents and the rest to p_h: with u = 1 - g/a, known from
exposures and earlier cohorts alone, p = max(p_h/u, g/(1-u)) fails the canary with probability at most a. Where g >= a
nothing can fail it, and u = 1/2: the evidence is shown, below the level.

**What it rests on.** The cohorts and today are exchangeable (a mixture of independent ones: de Finetti): same kind of
days, same load where nothing counts it, and a revision that is no worse has no errors of its own start that baselines,
which run for long, do not have (set `warm_up`). That is more than a comparison side by side assumes, and cannot be
checked; without any assumption on pi no test at level a can do with fewer than about .37/a cohorts. Cohorts fade
(`LogSettings.decay`) and are reckoned in lengths of this comparison, where they had less exposure: both make K less.
Stretches of production (`rehearsal`) count in the rate, and not in K: many of them are of one day.

Source: binomial tail and its maximum over pi as in Clopper & Pearson, Biometrika 26 (1934); the union over two nulls as
in `stream`. Simulated in `tests/simulation/test_by_history.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct, field

from streams.judging.combine import SMALLEST_P
from streams.judging.copied import copied
from streams.judging.evidence import Part
from streams.judging.logs.beta import beta_below
from streams.judging.logs.dispersion import Blocks
from streams.judging.logs.failures import FailuresState
from streams.judging.logs.horizon import Horizon
from streams.judging.logs.part import Culprit
from streams.judging.logs.past import LogCohort, LogPast, LogPrior
from streams.judging.logs.pods import ByPod
from streams.judging.logs.quiet import Clumping, StreamCohort, StreamPast, clump_size, dispersion, tail
from streams.judging.logs.settings import ERRORS, LogSettings
from streams.judging.logs.stream import StreamEvidence
from streams.judging.logs.work import Work
from streams.judging.shares import parts_of
from streams.judging.side import Side, SignatureInfo
from streams.judging.sources import requests_of
from streams.judging.tallies import Tallies, ranked, tally_as
from streams.signals.requests import best_source

_MOST_SPENT = 1.0 - 1e-6
"""Of the level, on incidents, so that nothing is divided by 0."""
_STEPS = 30
"""Of the golden section, each by .618: pi to 1e-6, and its maximum, which is flat, to 1e-12."""
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


class ByHistoryState(Struct, array_like=True):
    """All that is remembered; language-neutral (MessagePack), bounded."""

    horizon: Horizon = field(default_factory=lambda: Horizon(1800.0, Work()))
    past: StreamPast = field(default_factory=StreamPast)
    """Of errors, as it was when the comparison began."""
    clumps: float = 1.0
    """phi_w, likewise."""
    from_ns: int | None = None
    """Start of the first window of the revision."""
    work: Work = field(default_factory=Work)
    events: float = 0.0
    p: float = 1.0
    """Running minimum."""
    failures: FailuresState = field(default_factory=FailuresState)
    tallies: Tallies = {}
    """Of class warning and worse."""
    blocks: Blocks = field(default_factory=Blocks)
    heard: list[Part] = []
    """Parts that it is heard with, sorted."""
    templates: list[int] = []
    """All of class warning and worse that it has shown, ascending, bounded: known once it is promoted."""
    shapes: list[int] = []
    """The same of shapes."""
    pods: ByPod = field(default_factory=ByPod)
    """Its failed traces by pod."""
    numbers: list[int] = []
    """As `shapes`, of those that say how often a line comes."""
    comparisons: int | None = None
    """Earlier ones, of which K is never more; None in a snapshot of before there were other cohorts."""


class ByHistory:
    """One revision by itself: `add` its closed windows in order of time, read at any moment."""

    def __init__(
        self, settings: LogSettings, window_ns: int, level: float, signature_limit: int, state: ByHistoryState
    ) -> None:
        """One that goes on from a state, which becomes its own.

        Args:
            settings: what an operator set.
            window_ns: length of a window.
            level: at which it fails: alpha times its share.
            signature_limit: signatures whose counts are kept; nothing is judged by them.
            state: from `begin`, or as it was.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._level = level
        self._limit = signature_limit
        self.state = state

    def add(
        self, start_ns: int, side: Side, signatures: Mapping[int, SignatureInfo], templates: Mapping[int, int]
    ) -> None:
        """One closed window; the arguments are those of `LogPart.add`."""
        state = self.state
        state.heard = sorted({*state.heard, *parts_of(side)})
        source = best_source(side.requests)
        state.work.add(side, requests_of(side, source))
        alike = state.past.exposure_s <= 0.0 or state.horizon.busiest.traces > 0.0
        fresh = state.failures.of_canary(side, signatures, templates, alike=alike)
        state.events += fresh
        state.blocks.add(start_ns, int(fresh))
        state.pods.add(start_ns, side.failed, side.pods(self._window_ns))
        shown = (templates.get(number, number) for trace in side.traces for number in trace.signatures)
        state.templates = self._remembered(state.templates, set(shown))
        state.shapes = self._remembered(state.shapes, {trace.shape for trace in side.traces if trace.shape})
        numbers = {trace.counted_shape for trace in side.traces if trace.shape}
        state.numbers = self._remembered(state.numbers, numbers)
        self._tally(side, signatures)
        state.horizon.see(side.pods(self._window_ns), state.work)
        if self.known:
            state.p = min(state.p, self._p())

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self.state.failures.redirect(redirects)
        self.state.templates = sorted({redirects.get(number, number) for number in self.state.templates})

    @property
    def known(self) -> bool:
        """There is a past to judge it by."""
        return self.state.past.exposure_s > 0.0

    @property
    def cohorts(self) -> float:
        """K, as said above: earlier cohorts, older and shorter ones count for less."""
        state, past = self.state, self.state.past
        if past.cohorts <= 0.0:
            return 0.0
        planned_s = state.horizon.exposure_s(Work(), None)
        length = past.exposure_s / past.cohorts / planned_s if planned_s > 0.0 else 1.0
        number = past.cohorts + past.incidents
        return min(number, number if state.comparisons is None else state.comparisons) * min(1.0, length)

    @property
    def guard(self) -> float:
        """g: the most that the chance of an incident today can be, with so few before."""
        return shared_guard(self.cohorts, math.ceil(self.state.past.incidents - 1e-9))

    @property
    def can_fail(self) -> bool:
        """There are cohorts enough that it may reach its level at all."""
        return self.known and self.guard < self._level

    def evidence(self) -> StreamEvidence:
        """What its errors say."""
        state, past = self.state, self.state.past
        usual = past.events / past.exposure_s if self.known else 0.0
        rate = state.events / state.work.pod_s if state.work.pod_s > 0.0 else 0.0
        return StreamEvidence(
            stream=ERRORS,
            share=1.0 if self.known else 0.0,
            canary_count=state.events,
            baseline_count=0.0,
            canary_exposure_s=state.work.pod_s,
            baseline_exposure_s=0.0,
            history_count=past.events,
            history_exposure_s=past.exposure_s,
            ratio=rate / usual if usual > 0.0 else None,
            p=state.p,
        )

    def culprits(self) -> list[Culprit]:
        """Templates of the failed traces, that with most of them first."""
        found = [Culprit(number, count, 0.0) for number, count in self.state.failures.canary.items()]
        return sorted(found, key=lambda one: (-one.canary, one.number))

    def cohort(self) -> LogCohort:
        """What it showed, for the past to learn when it has ended, **whatever came of it**.

        Were failed ones left out, days on which everybody fails would never be known as such. What a faulty revision
        showed counts as an incident, or makes the usual rate higher: both take power, never the bound.
        """
        state = self.state
        clumping = *state.blocks.chi_square(), *state.pods.whole()
        return LogCohort(
            streams={ERRORS: StreamCohort(state.events, state.work.pod_s, *clumping)},
            templates=(),
            shapes=(),
            canary_templates=tuple(state.templates),
            canary_shapes=tuple(state.shapes),
            traces=state.work.traces,
            requests=state.work.requests,
            pod_s=state.work.pod_s,
            canary_numbers=tuple(state.numbers),
        )

    def _p(self) -> float:
        """Not yet the running minimum."""
        state, past, guard = self.state, self.state.past, self.guard
        exposure_s = state.horizon.look_s(state.work, None) * self._settings.tolerance
        p_h = tail(state.events, exposure_s, past, dispersion(past, state.clumps)) / state.horizon.share
        spent = guard / self._level * (1.0 + 1e-9) if self.can_fail else 0.5
        return min(1.0, max(SMALLEST_P, p_h / (1.0 - min(spent, _MOST_SPENT)), guard / spent))

    def _remembered(self, known: list[int], shown: set[int]) -> list[int]:
        fresh = sorted(shown.difference(known))[: max(0, self._settings.known_limit - len(known))]
        return sorted([*known, *fresh]) if fresh else known

    def _tally(self, side: Side, signatures: Mapping[int, SignatureInfo]) -> None:
        tallies = self.state.tallies
        for number in sorted(side.incidents):
            info = signatures.get(number)
            if info is not None:
                tally_as(info.log_class, number, tallies).canary += side.incidents[number]
        if len(tallies) > self._limit:
            for number in ranked(tallies)[self._limit :]:
                del tallies[number]


def begin_by_history(past: LogPast, prior: LogPrior, planned_ns: int) -> ByHistoryState:
    """The state in which it begins, with all it needs of past and prior; the arguments are those of `part.begin`."""
    errors = copied(past.streams[ERRORS])
    return ByHistoryState(
        Horizon(planned_ns / 1e9, Work(0.0, past.busiest_requests, past.busiest_traces)),
        errors,
        clump_size(errors, prior.clumping.get(ERRORS, Clumping())),
        comparisons=past.numbered,
    )


@lru_cache(maxsize=256)
def shared_guard(cohorts: float, incidents: int) -> float:
    """g(K, k): most that P(today is an incident, and k or fewer of K cohorts were) can be, whatever its chance is.

    >>> [round(shared_guard(cohorts, 0), 4) for cohorts in (0, 1, 15, 36)], round(shared_guard(15, 1), 4)
    ([1.0, 0.25, 0.0237, 0.0101], 0.0549)

    Args:
        cohorts: K >= 0, need not be whole.
        incidents: k >= 0.
    """
    if incidents >= cohorts:
        return 1.0
    if not incidents:
        return math.exp(cohorts * math.log(cohorts) - (cohorts + 1.0) * math.log1p(cohorts))

    def chance(pi: float) -> float:
        return pi * beta_below(1.0 - pi, cohorts - incidents, incidents + 1.0)

    low, high = 0.0, 1.0
    for _ in range(_STEPS):  # it has one maximum, as its logarithm is concave
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if chance(left) < chance(right):
            low = left
        else:
            high = right
    return chance(0.5 * (low + high))
