"""Do the logs say that the canary is worse, given its baseline and all that the workload has shown before?

Three streams, each with one p for the whole life, combined by Bonferroni with shares fixed before the comparison begins:

- errors: traces (incidents, where lines carry no id) with a line of class error or critical;
- new templates: canary traces that hold a template of class warning or worse that neither history nor the baseline so
  far has shown;
- new shapes: the same of the set of a trace's templates, whatever their class.

What was new in earlier, healthy baselines is known by replaying their halves against each other (`novelty`). Values
in, values out; a part made from its state goes on to the bit, whatever the past has learned meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct, field

from streams.errors import BrokenInvariant
from streams.judging.logs.concurrent import Concurrent, Shares
from streams.judging.logs.horizon import Horizon, Work
from streams.judging.logs.novelty import OnlyIn, OnlyInState, Things
from streams.judging.logs.past import LogCohort, LogPast, LogPrior, StreamCohort, clump_size
from streams.judging.logs.settings import ERRORS, NEW_SHAPES, NEW_TEMPLATES, STREAMS, LogSettings
from streams.judging.logs.stream import (
    StreamEvidence,
    StreamState,
    stream_factors,
    stream_p,
    stream_phi,
    weight_of_past,
    weighted_simes,
)
from streams.judging.requests import REQUEST_SOURCES
from streams.judging.side import Side, SignatureInfo, Trace

_HALVES = ((1, 0), (1, 1), (2, 0), (2, 2))
"""(bit of `Trace.split`, its value): the half that plays the canary, in two ways and both roles."""
_MEMORY = 0.8
"""Weight of recent requests after one more window, so that scrapes of either side level out over half a minute."""
_TALLIES = 200
"""Signatures kept for the reasons."""
_T = TypeVar("_T", bound=Struct)


class NewState(Struct, array_like=True):
    """New things of one kind."""

    known: list[int] = []
    """What history has shown, ascending, as it was when the comparison began."""
    taught: bool = False
    """There is a history of it, if only that nothing was shown; without, all is new and nothing is counted."""
    canary: OnlyInState = field(default_factory=OnlyInState)
    halves: list[OnlyInState] = field(default_factory=lambda: [OnlyInState() for _ in _HALVES])
    baseline_shown: list[int] = []
    """All that the baseline has shown, ascending, bounded: what it will teach."""
    canary_shown: list[int] = []


class LogState(Struct, array_like=True):
    """All that is remembered; language-neutral (MessagePack), bounded."""

    horizon: Horizon
    streams: dict[str, StreamState]
    new: dict[str, NewState]
    version: int = 1
    window_end_ns: int = 0
    p: float = 1.0
    canary: Work = field(default_factory=Work)
    baseline: Work = field(default_factory=Work)
    recent: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Requests of canary and baseline, fading."""
    loose: float = 0.0
    """Incidents of class error of the baseline that are no traces."""
    chances: float = 0.0
    """Pods times windows of the baseline."""
    tallies: dict[int, list[float]] = {}
    """Signature of class error or worse -> traces of canary and baseline that hold it."""
    unlike: float = 0.0
    """Canary traces not counted because only its lines carry ids."""
    cut: bool = False
    """Traces were left out for want of room: shapes are not judged from then on."""
    unheard: int = 0
    """Windows in which a log was cut off."""


class Culprit(NamedTuple):
    """A signature behind a stream's evidence."""

    signature: int
    """Of new shapes, the shape."""
    canary: float
    """Traces that hold it."""
    baseline: float


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
            state: to go on from; stays the caller's.

        Raises:
            BrokenInvariant: no time is planned.
        """
        if planned_ns <= 0:
            raise BrokenInvariant(f"a comparison is planned to take {planned_ns} ns")
        self._settings = settings
        self._window_ns = window_ns
        self._state = _copy(state) if state else _begin(settings, past, prior, planned_ns)
        self._known = {name: frozenset(new.known) for name, new in self._state.new.items()}
        self._canary = {name: OnlyIn(settings.held_limit, new.canary) for name, new in self._state.new.items()}
        self._halves = {
            name: [OnlyIn(settings.held_limit, half) for half in new.halves] for name, new in self._state.new.items()
        }
        self._shown = {
            name: (set(new.baseline_shown), set(new.canary_shown)) for name, new in self._state.new.items()
        }
        self._concurrent = {
            name: Concurrent(
                _tolerance(name, settings),
                settings.background,
                stream_factors(name, stream.past),
                stream.concurrent,
            )
            for name, stream in self._state.streams.items()
        }

    def to_state(self) -> LogState:
        """A snapshot that later windows do not change."""
        for name, new in self._state.new.items():
            new.canary = self._canary[name].to_state()
            new.halves = [half.to_state() for half in self._halves[name]]
            new.baseline_shown, new.canary_shown = (sorted(shown) for shown in self._shown[name])
        return _copy(self._state)

    @property
    def p(self) -> float:
        """One p for the whole life, 0..1: if the canary is no worse, P(ever p <= a) <= a."""
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
            canary: the same of the canary.
            signatures: what ids stand for.
            heard: neither log is cut off (`flow`); else the window brings none either.
            templates: signature id -> id of the template it belongs to, where that is another one.

        Raises:
            BrokenInvariant: the window overlaps an earlier one.
        """
        state = self._state
        if start_ns < state.window_end_ns:
            raise BrokenInvariant(f"window {start_ns} begins before {state.window_end_ns}, the end of the last one")
        state.window_end_ns = start_ns + self._window_ns
        if baseline is None:
            return
        if not heard:
            state.unheard += 1
            return
        redirects = templates or {}
        self._work(baseline, canary)
        state.cut = state.cut or baseline.traces_cut or (canary is not None and canary.traces_cut)
        self._count_errors(start_ns, baseline, canary, signatures, redirects)
        for name in (NEW_TEMPLATES, NEW_SHAPES):
            self._count_new(name, baseline, canary, redirects)
        if canary is not None:
            self._judge()

    def _work(self, baseline: Side, canary: Side | None) -> None:
        state = self._state
        source = next((name for name in REQUEST_SOURCES if name in baseline.requests), None)
        requests = [0.0, 0.0]
        for index, (side, work) in enumerate(((canary, state.canary), (baseline, state.baseline))):
            if side is None:
                continue
            count = side.requests.get(source) if source is not None else None
            requests[index] = count.requests if count else 0.0
            work.add(side.pod_s, requests[index], sum(trace.count for trace in side.traces if trace.shape))
        state.recent = [old * _MEMORY + new for old, new in zip(state.recent, requests, strict=True)]
        state.chances += baseline.pod_s * 1e9 / self._window_ns
        if canary is not None:
            state.horizon.see(canary.pod_s * 1e9 / self._window_ns, state.canary)

    def _shares(self, baseline: Side, canary: Side, *, presence: bool) -> Shares:
        state = self._state
        both = baseline.pod_s + canary.pod_s
        by_pods = canary.pod_s / both if both > 0.0 else 0.0
        mine, theirs = state.recent
        saturation = state.loose / (state.chances + 1.0) if presence else 0.0
        return Shares(mine / (mine + theirs) if mine > 0.0 and theirs > 0.0 else by_pods, by_pods, saturation)

    def _count_errors(
        self,
        start_ns: int,
        baseline: Side,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        redirects: Mapping[int, int],
    ) -> None:
        state, stream = self._state, self._state.streams[ERRORS]
        theirs = [trace for trace in baseline.traces if _failed(trace)]
        state.loose += sum(trace.count for trace in theirs if not trace.shape)
        y = sum(trace.count for trace in theirs)
        stream.blocks.add(start_ns, y)
        self._tally(theirs, 1, signatures, redirects)
        if canary is None:
            stream.concurrent.baseline += y
            return
        alike = state.baseline.traces > 0.0 and (state.horizon.busiest.traces > 0.0 or stream.past.exposure_s <= 0.0)
        mine = [trace for trace in canary.traces if _failed(trace) and (alike or not trace.shape)]
        x = sum(trace.count for trace in mine)
        state.unlike += sum(trace.count for trace in canary.traces if _failed(trace)) - x
        stream.events += x
        self._tally(mine, 0, signatures, redirects)
        self._concurrent[ERRORS].add(x, y, self._shares(baseline, canary, presence=True))

    def _count_new(
        self, name: str, baseline: Side, canary: Side | None, redirects: Mapping[int, int]
    ) -> None:
        stream = self._state.streams[name]
        theirs = [(trace, _things(name, trace, redirects)) for trace in baseline.traces]
        mine = [(trace, _things(name, trace, redirects)) for trace in (canary.traces if canary else ())]
        for shown, traces in zip(self._shown[name], (theirs, mine), strict=True):
            _remember(shown, traces, self._settings.known_limit)
        if not self._state.new[name].taught:
            return
        new_theirs, new_mine = (self._new(name, traces) for traces in (theirs, mine))
        for half, (bit, value) in zip(self._halves[name], _HALVES, strict=True):
            inside = [pair for pair in new_theirs if pair[0].split & bit == value]
            outside = [pair for pair in new_theirs if pair[0].split & bit != value]
            half.add(_grouped(inside), (things for _, things in outside))
        if canary is None:
            return
        self._canary[name].add(_grouped(new_mine), (things for _, things in new_theirs))
        stream.events = float(self._canary[name].peak)
        x, y = (float(sum(trace.count for trace, _ in traces)) for traces in (new_mine, new_theirs))
        self._concurrent[name].add(x, y, self._shares(baseline, canary, presence=False))

    def _new(self, name: str, traces: list[tuple[Trace, Things]]) -> list[tuple[Trace, Things]]:
        known = self._known[name]
        found = ((trace, tuple(thing for thing in things if thing not in known)) for trace, things in traces)
        return [(trace, things) for trace, things in found if things]

    def _tally(
        self, traces: list[Trace], side: int, signatures: Mapping[int, SignatureInfo], redirects: Mapping[int, int]
    ) -> None:
        tallies = self._state.tallies
        for trace in traces:
            for number in trace.signatures:
                info = signatures.get(number)
                if info is not None and info.log_class in ("error", "critical"):
                    tallies.setdefault(redirects.get(number, number), [0.0, 0.0])[side] += trace.count
        if len(tallies) > _TALLIES:
            for number in sorted(tallies, key=lambda known: (-sum(tallies[known]), known))[_TALLIES:]:
                del tallies[number]

    def _judge(self) -> None:
        state, horizon = self._state, self._state.horizon
        planned_s = horizon.exposure_s(state.canary, state.baseline)
        for name, stream in state.streams.items():
            if stream.share <= 0.0 or (name == NEW_SHAPES and state.cut):
                continue
            concurrent = self._concurrent[name].p(stream_phi(stream))
            p = stream_p(stream, concurrent, planned_s, _tolerance(name, self._settings)) / horizon.share
            stream.p = min(stream.p, p)
        state.p = min(state.p, weighted_simes([(stream.p, stream.share) for stream in state.streams.values()]))

    def evidence(self) -> list[StreamEvidence]:
        """What each stream says, in the order of `STREAMS`."""
        state = self._state
        return [
            StreamEvidence(
                stream=name,
                share=stream.share,
                canary_count=stream.events,
                baseline_count=stream.concurrent.baseline,
                canary_exposure_s=state.canary.pod_s,
                baseline_exposure_s=state.baseline.pod_s,
                history_count=stream.past.events,
                history_exposure_s=stream.past.exposure_s,
                ratio=_ratio(stream, state.canary.pod_s, state.baseline.pod_s),
                p=stream.p,
            )
            for name, stream in state.streams.items()
        ]

    def culprits(self, stream: str) -> list[Culprit]:
        """The signatures behind one stream, that with most of the canary's traces first."""
        if stream == ERRORS:
            found = [Culprit(number, *counts) for number, counts in self._state.tallies.items() if counts[0] > 0.0]
        else:
            found = [Culprit(thing, float(count), 0.0) for thing, count in self._canary[stream].counts().items()]
        return sorted(found, key=lambda one: (one.baseline - one.canary, one.signature))

    def unjudged(self) -> list[str]:
        """What could not be judged and why, in sentences."""
        state = self._state
        found = []
        if not state.streams[NEW_TEMPLATES].share:
            found.append(
                "logs: nothing is known of earlier baselines, so that new templates and shapes are not judged, and"
                " errors by the baseline alone"
            )
        elif not state.streams[NEW_SHAPES].share:
            found.append("logs: lines carry no trace or request id, so that the shapes of traces are not judged")
        elif state.cut:
            found.append("logs: more traces than there is room for, so that their shapes are not judged")
        if state.unlike:
            found.append(
                f"logs: {state.unlike:.0f} failed traces of the canary are not counted, because the lines of the"
                " baseline or of its past carry no ids"
            )
        return found

    def cohort(self) -> LogCohort:
        """What the baseline's logs showed, for the past to learn when the comparison has ended."""
        state, streams = self._state, {}
        pod_s = state.baseline.pod_s
        for name, stream in state.streams.items():
            if name == ERRORS:
                streams[name] = StreamCohort(stream.concurrent.baseline, pod_s, *stream.blocks.chi_square())
            elif state.new[name].taught and not (name == NEW_SHAPES and state.cut):
                streams[name] = replayed(self._halves[name], pod_s)
        shown = [tuple(sorted(side)) for name in (NEW_TEMPLATES, NEW_SHAPES) for side in self._shown[name]]
        return LogCohort(
            streams, shown[0], shown[2], shown[1], shown[3], state.baseline.traces, state.baseline.requests, pod_s
        )


def _begin(settings: LogSettings, past: LogPast, prior: LogPrior, planned_ns: int) -> LogState:
    judged = [
        name == ERRORS or past.streams[name].exposure_s > 0.0 for name in STREAMS
    ]
    total = sum(share for share, fits in zip(settings.shares, judged, strict=True) if fits)
    streams = {}
    for name, share, fits in zip(STREAMS, settings.shares, judged, strict=True):
        mine = _copy(past.streams[name])
        stream = StreamState(mine, clump_size(mine, prior.clumping.get(name, (0.0, 0.0))))
        stream.by_past = weight_of_past(mine, stream_phi(stream), _tolerance(name, settings), stream_factors(name, mine))
        stream.share = share / total if fits else 0.0
        streams[name] = stream
    new = {
        NEW_TEMPLATES: NewState(sorted(past.templates), past.numbered > 0),
        NEW_SHAPES: NewState(sorted(past.shapes), past.numbered > 0 and past.busiest_traces > 0.0),
    }
    return LogState(Horizon(planned_ns / 1e9, Work(0.0, past.busiest_requests, past.busiest_traces)), streams, new)


def replayed(halves: Sequence[OnlyIn], pod_s: float) -> StreamCohort:
    """What a baseline's halves say of the rate at which a healthy revision shows new things.

    Each trace is the canary's in one of the two roles of either split, so both roles together have the exposure of
    the whole; the two splits are averaged.
    """
    squares = sum(half.squares() for half in halves) / 2.0
    held = sum(half.held() for half in halves) / 2.0
    return StreamCohort(sum(half.peak for half in halves) / 2.0, pod_s, squares, held)


def _tolerance(name: str, settings: LogSettings) -> float:
    return settings.tolerance if name == ERRORS else 1.0


def _failed(trace: Trace) -> bool:
    return trace.log_class in ("error", "critical")


def _things(name: str, trace: Trace, redirects: Mapping[int, int]) -> Things:
    if name == NEW_SHAPES:
        return (trace.shape,) if trace.shape else ()
    return tuple(sorted({redirects.get(number, number) for number in trace.signatures}))


def _remember(shown: set[int], traces: Iterable[tuple[Trace, Things]], limit: int) -> None:
    fresh = {thing for _, things in traces for thing in things} - shown
    shown.update(sorted(fresh)[: max(0, limit - len(shown))])


def _grouped(traces: Iterable[tuple[Trace, Things]]) -> dict[Things, int]:
    found: dict[Things, int] = {}
    for trace, things in traces:
        found[things] = found.get(things, 0) + trace.count
    return found


def _ratio(stream: StreamState, canary_s: float, baseline_s: float) -> float | None:
    past, events = stream.past, stream.concurrent.baseline
    count, exposure_s = (past.events, past.exposure_s) if past.exposure_s > 0.0 else (events, baseline_s)
    if count <= 0.0 or canary_s <= 0.0:
        return None
    return (stream.events / canary_s) / (count / exposure_s)


def _copy(value: _T) -> _T:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=type(value))
