"""What would a comparison of production with itself have taught?

Between comparisons nothing is on trial, and what production does then is what a baseline does in one: a stretch of it,
as long as a comparison, is one more cohort (A/A test; judging.md, section 3: "history accrues by itself"). So a first
rollout has a past.

- Logs: how many traces fail, how these clump in time and at single pods, which templates and shapes there are.
- Latencies: how far apart the values of two halves of the pods are, those with even and those with odd numbers. As both
  are one revision, what lasts from beginning to end is no fault but how pods differ (`values.contrast`), which no
  comparison can teach.
- Levels: nothing. Their units are disjoint pods (`levels.history`), and these are the same from one to the next.

Hours differ: failures in pod-seconds of a quiet one say too little of a busy one. So the exposure counts in pod-seconds
of the busiest load known, and what was learned before a busier one came is counted anew (`LogPast.learn`). An hour in
which there was nothing to do has shown nothing of failures.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field, structs

from streams.judging.evidence import Part
from streams.judging.flow import LogFlow
from streams.judging.levels.cohort import LevelCohort
from streams.judging.logs.part import LogPart, LogState
from streams.judging.logs.part import begin as begin_logs
from streams.judging.logs.past import LogCohort, LogPast, LogPrior
from streams.judging.logs.settings import ERRORS
from streams.judging.past import Cohort, Past
from streams.judging.settings import JudgeSettings
from streams.judging.shares import parts_of
from streams.judging.side import Halves, Side, SignatureInfo
from streams.judging.values.part import ValuePart, ValuePartState, ValueSettings
from streams.signals.rule import SignalRule


class RehearsalState(Struct, array_like=True):
    """All that is remembered of one; bounded."""

    logs: LogState
    values: ValuePartState
    planned_ns: int
    """How long it is to take."""
    windows: int = 0
    heard: list[Part] = []
    """Parts that production was heard with, sorted."""
    flow: LogFlow = field(default_factory=LogFlow)


def begin_rehearsal(settings: JudgeSettings, past: Past, planned_ns: int) -> RehearsalState:
    """The state in which one begins.

    Args:
        settings: of a comparison.
        past: of the workload; what it has shown is not new.
        planned_ns: how long it is to take.
    """
    logs = begin_logs(settings.logs, past.logs, LogPrior(), planned_ns)
    return RehearsalState(logs, ValuePartState(alike=True), planned_ns)


class Rehearsal:
    """`add` its windows until it is `over`, then take its `cohort`."""

    def __init__(self, settings: JudgeSettings, window_ns: int, past: Past, state: RehearsalState) -> None:
        """Goes on from a state, which becomes its own.

        Args:
            settings: of a comparison.
            window_ns: length of a window.
            past: of the workload.
            state: from `begin_rehearsal` or `to_state`.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._past = past
        self._state = state
        self._logs = LogPart(settings.logs, past.logs, LogPrior(), state.planned_ns, window_ns, state.logs)
        self._values = ValuePart(ValueSettings(), state.values)

    def to_state(self) -> RehearsalState:
        """The snapshot; valid until the next window."""
        self._state.logs, self._state.values = self._logs.to_state(), self._values.to_state()
        return self._state

    def add(
        self,
        start_ns: int,
        side: Side,
        halves: Halves,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        templates: Mapping[int, int],
    ) -> None:
        """One closed window.

        Args:
            start_ns: its start, later than that of any before.
            side: what production did.
            halves: of the same.
            signatures: what ids stand for.
            rules: of the signals.
            templates: signature id -> id of the template it is part of, where that is another one.
        """
        state = self._state
        state.windows += 1
        state.heard = sorted({*state.heard, *parts_of(side)})
        state.flow.hear(side.lines, self._settings.silence_chance)
        self._logs.add(start_ns, side, None, signatures, heard=not state.flow.cut_off, templates=templates)
        even, odd = (Side(side.pod_s, values=half) for half in halves)
        self._values.add(even, odd, rules)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        self._logs.redirect(redirects)

    @property
    def over(self) -> bool:
        """It has taken its time."""
        return self._state.windows * self._window_ns >= self._state.planned_ns

    def cohort(self) -> Cohort:
        """What it was like, for the past to learn."""
        logs = _at_the_busiest(self._logs.cohort(), self._past.logs)
        return Cohort(tuple(self._state.heard), logs, LevelCohort(), self._values.contrasts(), rehearsed=True)


def _at_the_busiest(cohort: LogCohort, past: LogPast) -> LogCohort:
    """Its failures in pod-seconds of the busiest load known; without them where it had nothing to do."""
    load = past.load_of(cohort) if cohort.pod_s > 0.0 else None
    if load is None or load >= 1.0:
        return cohort
    streams = dict(cohort.streams)
    errors = streams.pop(ERRORS)
    if load > 0.0:
        streams[ERRORS] = structs.replace(errors, exposure_s=errors.exposure_s * load)
    return structs.replace(cohort, streams=streams)
