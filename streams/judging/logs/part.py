"""Do the logs say that the canary is worse, given its baseline and all that the workload has shown before?

Three streams, each with one p for the whole life, combined with shares fixed before the comparison begins:

- errors: traces (incidents, where lines carry no id) with a line of class error or critical;
- new templates: canary traces that hold a template of class warning or worse that neither history nor the baseline so
  far has shown;
- new shapes: the same of the set of a trace's templates, whatever their class; of how often it logs each of them (new
  numbers) in their place where the past says that no more of those are needed to tell, for all new shapes are among
  them, else both, each with as much of their share as it needs fewer.

What a healthy revision shows that is new is known by replaying earlier baselines' halves against each other (`news`).
Values in, values out; a part made from its state goes on to the bit, whatever the past has learned meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from streams.errors import BrokenInvariant
from streams.judging.copied import copied
from streams.judging.counts import log_ratios
from streams.judging.logs.beside import FEW_FACTORS, Beside
from streams.judging.logs.failures import FailuresState
from streams.judging.logs.horizon import Horizon
from streams.judging.logs.mirror import Look, Mirror, MirrorState
from streams.judging.logs.news import LEARNING, News, NewsState
from streams.judging.logs.past import LogCohort, LogPast, LogPrior
from streams.judging.logs.pods import ByPod
from streams.judging.logs.quiet import StreamCohort
from streams.judging.logs.settings import (
    ERRORS,
    LEARNED,
    NEW_NUMBERS,
    NEW_SHAPES,
    NEW_TEMPLATES,
    OF_WHOLE_TRACES,
    STREAMS,
    LogSettings,
)
from streams.judging.logs.stream import (
    StreamEvidence,
    StreamState,
    begin_stream,
    fewest,
    stream_clumps,
    stream_evidence,
    stream_factors,
    stream_p,
    stream_tolerance,
    weighted_simes,
)
from streams.judging.logs.work import Work, Works
from streams.judging.onset import Incidents, Onset, incident_rate, is_single
from streams.judging.side import Side, SignatureInfo

_CHANGED = 0.5
"""Share of the canary's traces with new shapes above which its log statements count as changed: a new release may say
something new in every request and be none the worse."""
_BUSIER = 2.0
"""Times as much to do per pod-second, beyond which new numbers are not judged: simulated with loops as long as the
load, or its square, at twice it the budget is kept; at four times 42 and 54% of those judged by numbers failed at .01.
"""
_TELLING = 0.05
"""From this p on it is said what a single pod holds back: the larger of the two alphas that are usual."""
_MUCH = 2.0
"""From here on it is said by what evidence is divided: half of it is missing."""
USUAL_LEVEL = 0.01
"""The default of alpha (`settings`)."""


class LogState(Struct, array_like=True):
    """All that is remembered; language-neutral (MessagePack), bounded."""

    horizon: Horizon
    streams: dict[str, StreamState]
    news: dict[str, NewsState]
    version: int = 1
    """Keeps its place in snapshots; not read."""
    window_end_ns: int = 0
    p: float = 1.0
    works: Works = field(default_factory=Works)
    failures: FailuresState = field(default_factory=FailuresState)
    cut: bool = False
    """Traces were left out for want of room: shapes are not judged from then on."""
    unheard: int = 0
    """Windows in which a log was cut off."""
    baseline_pods: ByPod = field(default_factory=ByPod)
    """Its failed traces by pod."""
    canary_pods: ByPod = field(default_factory=ByPod)
    onset: Onset = field(default_factory=Onset)
    incidents: Incidents = field(default_factory=Incidents)
    """The baseline's, of failed traces beside the canary."""
    least_p: float = 1.0
    """Running minimum, as if no incident of a single pod could be behind it."""
    usual_shapes: dict[int, int] = {}
    """Of the baseline, those of most traces -> how many, for people to hold new ones against."""
    numbers_cut: bool = False
    """Nor how often a trace logs a line, where there was no room to tell that alone."""
    mirror: MirrorState = field(default_factory=MirrorState)
    """The baseline's only pod in the canary's place."""
    usual_numbers: dict[int, int] = {}
    """As `usual_shapes`, of those that say how often a line comes."""


class Culprit(NamedTuple):
    """Something behind a stream's evidence."""

    number: int
    """Id of a template; of new shapes, the shape."""
    canary: float
    """Traces that hold it."""
    baseline: float


class NewShapes(NamedTuple):
    """What the canary's traces are that the baseline's are not."""

    counted: bool
    """A shape tells how often a line comes."""
    canary: Mapping[int, int]
    """New shape -> traces of the canary that have it."""
    baseline: Mapping[int, int]
    """Shape -> traces of the baseline that have it, of those most have."""


class LogPart:
    """One comparison's logs: `add` its closed windows in order of time, read at any moment."""

    def __init__(
        self,
        settings: LogSettings,
        past: LogPast,
        prior: LogPrior,
        planned_ns: int,
        window_ns: int,
        state: LogState | None = None,
    ) -> None:
        """Begin, or go on.

        Args:
            settings: what an operator set.
            past: of the workload, when the comparison began; not looked at if there is a state.
            prior: of the cluster's other workloads; the same.
            planned_ns: how long the comparison is to take; the same.
            window_ns: length of a window.
            state: to go on from, which becomes its own.

        Raises:
            BrokenInvariant: no time is planned.
        """
        if planned_ns <= 0:
            raise BrokenInvariant(f"a comparison is planned to take {planned_ns} ns")
        self._settings = settings
        self._window_ns = window_ns
        self._state = state or begin(settings, past, prior, planned_ns)
        if NEW_NUMBERS not in self._state.streams:  # a snapshot of before they were known
            self._state.streams[NEW_NUMBERS], self._state.news[NEW_NUMBERS] = StreamState(), NewsState()
        if not self._state.streams[NEW_SHAPES].share:  # one of before `usual_numbers`: those judged were kept there
            self._state.usual_numbers |= self._state.usual_shapes
            self._state.usual_shapes = {}
        self._news = {name: News(name, settings, news) for name, news in self._state.news.items()}
        self._beside = {
            name: Beside(
                stream_tolerance(name, settings),
                settings.background,
                stream_factors(name, stream.past),
                stream.beside,
                clumps_known=stream.clumps_known,
            )
            for name, stream in self._state.streams.items()
        }
        self._mirror = Mirror(settings, self._state.streams, self._state.mirror)
        self._clump: float | None = None
        """Of the canary's pods; None where it may have changed since: a window without failures changes nothing."""

    def to_state(self) -> LogState:
        """The snapshot; valid until the next window."""
        self._state.news = {name: news.to_state() for name, news in self._news.items()}
        return self._state

    @property
    def p(self) -> float:
        """One p for the whole life, in (0, 1]: if the canary is no worse, P(ever p <= a) <= a."""
        return self._state.p

    def add(
        self,
        start_ns: int,
        baseline: Side | None,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        *,
        heard: bool = True,
        templates: Mapping[int, int] | None = None,
    ) -> None:
        """One closed window.

        Args:
            start_ns: its start; later than that of any window before. Windows may be missing.
            baseline: what it did; None where it was not there. Such a window brings no evidence.
            canary: the same of the canary; without it the window teaches what the baseline shows.
            signatures: what ids stand for.
            heard: neither log is cut off (`flow`); else the window brings nothing.
            templates: signature id -> id of the template it belongs to, where that is another one.

        Raises:
            BrokenInvariant: the window overlaps an earlier one.
        """
        state = self._state
        if start_ns < state.window_end_ns:
            raise BrokenInvariant(f"window {start_ns} begins before {state.window_end_ns}, the end of the last one")
        state.window_end_ns = start_ns + self._window_ns
        state.unheard += not heard
        if baseline is None or not heard:
            return
        redirects = templates or {}
        state.works.add(baseline, canary)
        for side in (baseline, canary):
            if side is not None:
                state.cut = state.cut or side.traces_cut
                state.numbers_cut = state.numbers_cut or side.numbers_cut
        self._count_errors(start_ns, baseline, canary, signatures, redirects)
        pod_windows = baseline.pods(self._window_ns)
        for name in (NEW_TEMPLATES, NEW_SHAPES, NEW_NUMBERS):
            x, y = self._news[name].add(start_ns, baseline, canary, redirects, one_pod=is_single(pod_windows))
            state.streams[name].events = self._news[name].peak
            self._compare(name, baseline, canary, x, y)
        self._count_usual(baseline)
        if canary is not None:
            pods = canary.pods(self._window_ns)
            state.horizon.see(pods, state.works.canary)
            if is_single(pods):
                state.onset.wait(canary.pod_s)
            if not state.mirror.found:
                state.incidents.seconds += min(baseline.pod_s, canary.pod_s)
            self._judge()
            self._look_at_the_baseline()

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self._state.failures.redirect(redirects)
        self._news[NEW_TEMPLATES].redirect(redirects)

    def is_new(self, template: int) -> bool:
        """Whether history, as far as it was known, had not shown this template when the comparison began."""
        return not self._news[NEW_TEMPLATES].is_known(template)

    @property
    def new_traces(self) -> int:
        """Traces of the canary with templates that history had not shown when the comparison began."""
        return self._news[NEW_TEMPLATES].new_traces

    @property
    def knows_templates(self) -> bool:
        """There is enough history to say what is new."""
        return self._news[NEW_TEMPLATES].taught

    @property
    def knows_failures(self) -> bool:
        """There is a past to hold failed traces against."""
        return self._state.streams[ERRORS].past.exposure_s > 0.0

    def _count_errors(
        self,
        start_ns: int,
        baseline: Side,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        redirects: Mapping[int, int],
    ) -> None:
        state, stream = self._state, self._state.streams[ERRORS]
        pod_windows = baseline.pods(self._window_ns)
        y = state.failures.of_baseline(baseline, pod_windows, signatures, redirects)
        stream.blocks.add(start_ns, int(y))
        state.baseline_pods.add(start_ns, baseline.failed, pod_windows)
        x = 0.0
        if canary is not None:
            past_alike = stream.past.exposure_s <= 0.0 or state.horizon.busiest.traces > 0.0
            alike = past_alike and state.works.baseline.traces > 0.0
            x = state.failures.of_canary(canary, signatures, redirects, alike=alike)
            if state.canary_pods.add(start_ns, canary.failed, canary.pods(self._window_ns)):
                self._clump = None
        stream.events += x
        self._compare(ERRORS, baseline, canary, x, y)

    def _count_usual(self, baseline: Side) -> None:
        state = self._state
        if state.streams[NEW_SHAPES].share:
            shapes = ((trace.shape, trace.count) for trace in baseline.traces)
            state.usual_shapes = self._counted(state.usual_shapes, shapes)
        if state.streams[NEW_NUMBERS].share:
            numbers = ((trace.counted_shape, trace.count) for trace in baseline.traces if trace.shape)
            state.usual_numbers = self._counted(state.usual_numbers, numbers)

    def _counted(self, usual: dict[int, int], shown: Iterable[tuple[int, int]]) -> dict[int, int]:
        for shape, count in shown:
            if shape:
                usual[shape] = usual.get(shape, 0) + count
        if len(usual) <= self._settings.held_limit:
            return usual
        kept = sorted(usual, key=lambda shape: (-usual[shape], shape))[: self._settings.held_limit]
        return {shape: usual[shape] for shape in kept}

    def _compare(self, name: str, baseline: Side, canary: Side | None, x: float, y: float) -> None:
        if canary is None:
            self._state.streams[name].beside.baseline_alone += y
            return
        exposure = self._settings.exposure
        if exposure == "requests" and not self._state.works.counts_requests:
            return
        saturation = self._state.failures.saturation if name == ERRORS else 0.0
        alone = self._state.streams[name].past.exposure_s <= 0.0
        shares = self._state.works.shares(baseline, canary, saturation, by_traces=alone, exposure=exposure)
        self._beside[name].add(x, y, shares)
        if is_single(baseline.pods(self._window_ns)):
            events = self._beside[name].state.baseline if name == ERRORS else self._news[name].baseline_peak
            if name not in OF_WHOLE_TRACES or not self._unjudged_shapes(name):
                self._mirror.add(name, y, x, events, shares)
        elif name == ERRORS and x + y > 0.0 and 0.0 < shares.by_requests < 1.0:
            null = self._settings.tolerance * (1.0 - shares.by_requests) / shares.by_requests
            clump = stream_clumps(self._state.streams[ERRORS])
            ratios = [null * factor for factor in FEW_FACTORS]
            self._state.incidents.add(log_ratios(null, ratios, y / clump, (x + y) / clump))

    def _judge(self) -> None:
        state = self._state
        if state.horizon.share <= 0.0:
            return
        look_s = state.horizon.look_s(state.works.canary, state.works.baseline)
        for name, stream in state.streams.items():
            if stream.share <= 0.0 or (name in OF_WHOLE_TRACES and self._unjudged_shapes(name)):
                continue
            clump = self.clump if name == ERRORS else 1.0  # new things are known by pods already (`news`)
            beside = self._beside[name].p(max(stream_clumps(stream), clump))
            tolerance = stream_tolerance(name, self._settings)
            p = stream_p(stream, stream.events, beside, look_s, state.horizon.share, tolerance, clump)
            stream.p = min(stream.p, p)
        p = weighted_simes([(stream.p, stream.share) for stream in state.streams.values()])
        if p < state.least_p:
            state.least_p = p
            state.p = min(state.p, math.exp(-state.onset.log_e_beside(-math.log(p))))

    def _look_at_the_baseline(self) -> None:
        state, horizon = self._state, self._state.horizon
        if not self._mirror.changed or horizon.share <= 0.0:
            return
        look_s = horizon.look_s(state.works.baseline, state.works.canary) / max(1.0, horizon.pods)
        clump = state.baseline_pods.clump(state.streams[ERRORS].by_pod)
        self._mirror.look(Look(state.incidents.seconds, horizon.planned_s, look_s, horizon.share, clump))
        state.incidents.found += state.mirror.found

    @property
    def clump(self) -> float:
        """How many of the canary's failed traces, at least 1, count as one for how unequally its pods have them."""
        if self._clump is None:
            self._clump = self._state.canary_pods.clump(self._state.streams[ERRORS].by_pod)
        return self._clump

    def _unjudged_shapes(self, name: str) -> str:
        """Why a stream of whole traces is not judged now, in a sentence; empty where it is.

        Where most of the canary's traces have new shapes, what it logs has changed, more than what it does; where its
        pods have far more to do than any before, loops may be longer for that alone.
        """
        works = self._state.works
        if self._state.cut:
            return "logs: more traces than there is room for, so that their shapes are not judged"
        if name == NEW_NUMBERS and self._state.numbers_cut:
            return "logs: more kinds of traces than there is room for, so that how often one logs a line is not judged"
        changed = self._news[NEW_SHAPES].new_traces
        if changed > _CHANGED * works.canary.traces:
            return (
                f"logs: most traces of the canary ({changed} of {works.canary.traces:.0f}) have new shapes: its log"
                " statements have changed, so that shapes are not judged"
            )
        if name == NEW_NUMBERS and self._state.horizon.load(works.canary, works.baseline) > _BUSIER:
            return (
                "logs: the canary's pods have far more to do than the baseline's, or than any before, so that how often"
                " a trace logs a line is not judged"
                + ("" if self._state.streams[NEW_SHAPES].share else ", nor the shapes of traces")
            )
        return ""

    def evidence(self) -> list[StreamEvidence]:
        """What each stream says, in the order of `STREAMS`; of new shapes and numbers the one that says more."""
        works, streams = self._state.works, self._state.streams
        return [
            stream_evidence(name, streams[name], works.canary.pod_s, works.baseline.pod_s, self.p)
            for name in (ERRORS, NEW_TEMPLATES, self._of_shapes)
        ]

    @property
    def at_one_pod(self) -> str:
        """What divides evidence of the canary's failures by `_MUCH` or more, in words; empty where nothing does."""
        pods = self._state.canary_pods
        worst, total = pods.worst()
        if total < 2 or self.clump < _MUCH:
            return ""
        return f"{worst} of {total} failures at one of its {pods.pods:.0f} pods"

    @property
    def _of_shapes(self) -> str:
        """Of those that are judged, the one that says more."""
        streams = self._state.streams
        judged = [name for name in OF_WHOLE_TRACES if streams[name].share]
        return min(judged, key=lambda name: streams[name].p / streams[name].share, default=NEW_SHAPES)

    def culprits(self, stream: str) -> list[Culprit]:
        """What is behind one stream, that with most of the canary's traces first."""
        if stream == ERRORS:
            failures = self._state.failures
            found = [
                Culprit(number, count, failures.baseline.get(number, 0.0)) for number, count in failures.canary.items()
            ]
        else:
            found = [Culprit(thing, float(count), 0.0) for thing, count in self._news[stream].counts().items()]
        return sorted(found, key=lambda one: (one.baseline - one.canary, one.number))

    @property
    def new_shapes(self) -> NewShapes:
        """What is behind the stream of shapes, or of numbers, whichever says more."""
        stream, state = self._of_shapes, self._state
        usual = state.usual_numbers if stream == NEW_NUMBERS else state.usual_shapes
        return NewShapes(stream == NEW_NUMBERS, self._news[stream].counts(), usual)

    def unjudged(self) -> list[str]:
        """What could not be judged and why, in sentences."""
        state, found = self._state, []
        if not state.streams[NEW_TEMPLATES].share:
            found.append(
                "logs: too few earlier comparisons are known, so that new templates and shapes are not judged"
                + ("" if self.knows_failures else ", and errors by the baseline alone")
            )
        elif not state.streams[self._of_shapes].share:
            found.append("logs: lines carry no trace or request id, so that the shapes of traces are not judged")
        else:
            of_whole = [name for name in OF_WHOLE_TRACES if state.streams[name].share]
            found += [why for why in dict.fromkeys(map(self._unjudged_shapes, of_whole)) if why]
        if state.least_p <= _TELLING and state.p > 2.0 * state.least_p:
            found.append(
                "logs: while it had a single pod, an incident of the canary's pod cannot be told from a worse revision,"
                f" so that what would have p = {state.least_p:.2g} counts as p = {state.p:.2g}"
            )
        if state.failures.unlike:
            found.append(
                f"logs: {state.failures.unlike:.0f} failed traces of the canary are not counted, because the lines of"
                " the baseline, or of its past, carry no ids"
            )
        return found

    def cohort(self) -> LogCohort:
        """What the baseline's logs showed, for the past to learn when the comparison has ended."""
        state, work, errors = self._state, self._state.works.baseline, self._state.streams[ERRORS]
        beside = errors.beside
        clumping = *errors.blocks.chi_square(), *state.baseline_pods.whole()
        streams = {ERRORS: StreamCohort(beside.baseline + beside.baseline_alone, work.pod_s, *clumping)}
        for name, news in self._news.items():
            cut = (name in OF_WHOLE_TRACES and state.cut) or (name == NEW_NUMBERS and state.numbers_cut)
            taught = None if cut else news.cohort(work.pod_s, one_pod=is_single(state.baseline_pods.pods))
            if taught is not None:
                streams[name] = taught
        templates, shapes, numbers = (self._news[name] for name in (NEW_TEMPLATES, NEW_SHAPES, NEW_NUMBERS))
        return LogCohort(
            streams=streams,
            templates=tuple(sorted(templates.baseline_shown)),
            shapes=tuple(sorted(shapes.baseline_shown)),
            canary_templates=tuple(sorted(templates.canary_shown)),
            canary_shapes=tuple(sorted(shapes.canary_shown)),
            traces=work.traces,
            requests=work.requests,
            pod_s=work.pod_s,
            incidents=state.incidents.found,
            beside_s=state.incidents.seconds,
            numbers=tuple(sorted(numbers.baseline_shown)),
            canary_numbers=tuple(sorted(numbers.canary_shown)),
        )


def begin(
    settings: LogSettings,
    past: LogPast,
    prior: LogPrior,
    planned_ns: int,
    level: float = USUAL_LEVEL,
    *,
    ends: bool = False,
) -> LogState:
    """The state in which a comparison begins: all that it needs of past and prior is in it.

    Args:
        settings: what an operator set.
        past: of the workload.
        prior: of the cluster's other workloads.
        planned_ns: how long the comparison is to take.
        level: alpha, at which the canary is judged; the bound on p does not depend on it.
        ends: the plan is a lifetime that is set (`horizon`).
    """
    judged = [name == ERRORS or past.streams[name].exposure_s > 0.0 for name in STREAMS]
    total = sum(share for share, fits in zip(settings.shares, judged, strict=True) if fits)
    shares = [share / total if fits else 0.0 for share, fits in zip(settings.shares, judged, strict=True)]
    shares.append(shares[STREAMS.index(NEW_SHAPES)] if past.stream(NEW_NUMBERS).exposure_s > 0.0 else 0.0)
    streams = {
        name: begin_stream(name, settings, copied(past.stream(name)), prior, share, level)
        for name, share in zip(LEARNED, shares, strict=True)
    }
    if streams[NEW_NUMBERS].share:
        numbers, shapes = (fewest(name, streams[name], settings, level) for name in (NEW_NUMBERS, NEW_SHAPES))
        by_numbers = 1.0 if numbers <= shapes else shapes / (shapes + numbers)
        streams[NEW_NUMBERS].share *= by_numbers
        streams[NEW_SHAPES].share *= 1.0 - by_numbers
    return LogState(
        Horizon(planned_ns / 1e9, Work(0.0, past.busiest_requests, past.busiest_traces), ends=ends),
        streams,
        {
            NEW_TEMPLATES: NewsState(sorted(past.templates), past.numbered >= LEARNING),
            NEW_SHAPES: NewsState(sorted(past.shapes), past.numbered >= LEARNING and past.busiest_traces > 0.0),
            NEW_NUMBERS: NewsState(sorted(past.numbers), past.counted >= LEARNING),
        },
        onset=Onset(incident_rate(past.incidents, prior.incidents, planned_ns / 1e9)),
    )
