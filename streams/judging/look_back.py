"""Is the canary worse *lately*? A comparison that judges the last L only, and still keeps its error bound.

Evidence cannot be taken back from an e-process or a p for life, so old windows are left behind by beginning anew: at
fixed times, every L/2, a **stretch** begins, a comparison of its own (`judge`) that knows nothing of the windows
before, and ends after L. Two run at a time; what is shown is the older one, which covers the last L/2 to L.

Stretch k fails the canary at its own alpha_k, a share of alpha fixed beforehand, and stretches pass it at beta_k
likewise: P(ever FAIL) <= sum of alpha_k <= alpha by the union bound, whatever the stretches (which overlap) have to do
with each other. The planned K stretches have .95/K each; those of a comparison that lasts longer share the rest, the
i-th 1/(i(i+1)) of it, as late signals do (`stakes`). What it costs: with ten stretches one needs an e-value ten times
as large, log 10 = 2.3 nats beside 4.6, and slow evidence is forgotten before it suffices. So `growing` finds more in
everything but a fault that comes late, and even there `restarts` begins anew without forgetting: a sliding look-back is
for a canary whose first minutes are not to be held against it (or for it) once they are past.

A FAIL stays, as everywhere. A PASS is that of one stretch, with the least exposure in it; it is taken back while the
traffic of a stretch that runs does not follow the intended split.

Source: alpha spending (Lan & DeMets 1983, in its simplest form, Bonferroni over stretches).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field, structs

from streams.judging.combine import risk_of
from streams.judging.copied import copied
from streams.judging.evidence import Assessment, RiskPoint, Verdict
from streams.judging.history import RiskHistory
from streams.judging.judge import Judge
from streams.judging.judge_state import JudgeState
from streams.judging.logs.part import NewShapes
from streams.judging.logs.shapes import Difference
from streams.judging.past import Cohort, Past, Prior
from streams.judging.promotion import waited
from streams.judging.readings import readings
from streams.judging.settings import JudgeSettings
from streams.judging.side import Side, SignatureInfo
from streams.judging.stakes import RESERVE
from streams.judging.template_counts import TemplateCount
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.written import Sensitivity
from streams.signals.rule import SignalRule


class LookBackState(Struct, array_like=True):
    """All that is remembered beside the older stretch's judge; bounded."""

    length_ns: int
    """L."""
    version: int = 1
    """Keeps its place in snapshots; not read."""
    older: int = 0
    """Number of the older stretch."""
    younger: JudgeState | None = None
    """Of the stretch after it, once it has begun."""
    failed_ns: int | None = None
    """End of the window in which a stretch failed the canary."""
    passed_ns: int | None = None
    why: tuple[str, ...] = ()
    """Reasons of the stretch that failed, without what new shapes are made of."""
    origin_ns: int | None = None
    """Start of the comparison's first window with both sides."""
    as_of_ns: int = 0
    history: RiskHistory = field(default_factory=RiskHistory)


def stretch_share(number: int, planned: int) -> float:
    """Share of alpha, and of beta, of one stretch; over all numbers they sum to 1.

    >>> [round(stretch_share(number, 2), 4) for number in range(5)]
    [0.475, 0.475, 0.025, 0.0083, 0.0042]
    """
    if number < planned:
        return (1.0 - RESERVE) / planned
    late = number - planned + 1
    return RESERVE / (late * (late + 1))


class LookBack:
    """One comparison of the last L; the same calls as `Judge`."""

    def __init__(
        self, settings: JudgeSettings, window_ns: int, older: JudgeState, state: LookBackState, past: Past
    ) -> None:
        """One that goes on from a state, which becomes its own.

        Args:
            settings: of the comparison as a whole; the same all along.
            window_ns: length of a window.
            older: judge of the older stretch.
            state: from `begin` or `to_state`.
            past: of the workload; looked at when a stretch begins.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._past = past
        self._state = state
        self._older = Judge(self._of_stretch(state.older), window_ns, older, past)
        younger = state.younger
        self._younger = None if younger is None else Judge(self._of_stretch(state.older + 1), window_ns, younger, past)

    @classmethod
    def begin(
        cls,
        settings: JudgeSettings,
        window_ns: int,
        length_ns: int,
        past: Past | None = None,
        prior: Prior | None = None,
    ) -> LookBack:
        """A new comparison that looks back `length_ns`; the rest as in `Judge.begin`."""
        past, state = past or Past(), LookBackState(length_ns)
        first = structs.replace(settings, **_of_stretch(settings, length_ns, 0))
        return cls(settings, window_ns, Judge.begin(first, window_ns, past, prior).to_state(), state, past)

    @classmethod
    def from_state(
        cls, settings: JudgeSettings, window_ns: int, older: JudgeState, state: LookBackState, past: Past | None = None
    ) -> LookBack:
        """The one that was; the states stay the caller's."""
        return cls(settings, window_ns, copied(older), copied(state), past or Past())

    def to_state(self) -> JudgeState:
        """A snapshot of the older stretch's judge; the rest is in `to_look_back_state`."""
        return self._older.to_state()

    def to_look_back_state(self) -> LookBackState:
        """A snapshot of the rest; both are valid until the next window."""
        younger = None if self._younger is None else self._younger.to_state()
        return structs.replace(self._state, younger=younger)

    @property
    def prior(self) -> Prior:
        """Of the cluster's other workloads, as it was when the comparison was asked for."""
        return self._older.prior

    def cohort(self, baseline: str) -> Cohort | None:
        """What the baseline did in the older stretch; None before it began."""
        return self._older.cohort(baseline)

    @property
    def verdict(self) -> Verdict:
        """The verdict now."""
        state = self._state
        if state.failed_ns is not None:
            return "fail"
        if state.passed_ns is not None:
            return "pass"
        over = self._time_is_over() and not (self._older.held_back or self._void is not None)
        return "marginal" if over and self._score() < self._settings.pass_score else "none"

    def add(
        self,
        start_ns: int,
        baseline: Side | None,
        canary: Side | None,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule] | None = None,
        templates: Mapping[int, int] | None = None,
    ) -> None:
        """One closed window; see `Judge.add`."""
        state = self._state
        self._begin_stretches(start_ns)
        state.as_of_ns = start_ns + self._window_ns
        for judge in self._running:
            judge.add(start_ns, baseline, canary, signatures, rules, templates)
        if state.origin_ns is None:
            state.origin_ns = self._older.started_ns
        self._decide(signatures, rules)
        if state.origin_ns is not None:
            point = RiskPoint(state.as_of_ns / 1e9, self._risk())
            state.history.add(point, self._settings.history_points)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """See `Judge.redirect`."""
        for judge in self._running:
            judge.redirect(redirects)

    def templates(self, root: Callable[[int], int]) -> list[TemplateCount]:
        """See `Judge.templates`; of the older stretch."""
        return self._older.templates(root)

    @property
    def new_shapes(self) -> NewShapes | None:
        """See `Judge.new_shapes`; of the older stretch."""
        return self._older.new_shapes

    def assess(
        self,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule] | None = None,
        differences: Sequence[Difference] = (),
    ) -> Assessment:
        """What can be said now, of the older stretch and of the whole; changes nothing."""
        state, verdict, risk = self._state, self.verdict, self._risk()
        shown = self._older.assess(signatures, rules, differences)
        reasons = shown.reasons
        if verdict == "fail":
            told = self._told_in_full(reasons, signatures, rules) if differences else {}
            reasons = tuple(dict.fromkeys((*(told.get(kept, kept) for kept in state.why), *reasons)))
        elif verdict == "pass" and shown.verdict != "pass":
            reasons = (f"an earlier stretch of {self._length} passed it", *reasons)
        elif self._void is not None:
            reasons = self._void.assess(signatures, rules).reasons
        latest = RiskPoint(state.as_of_ns / 1e9, risk) if state.origin_ns is not None else None
        return structs.replace(
            shown,
            verdict=verdict,
            risk=risk,
            confidence=0.0 if verdict == "fail" else 1.0 if verdict == "pass" else self._confidence,
            started_ns=shown.started_ns if state.origin_ns is None else state.origin_ns,
            decided_ns=state.failed_ns if verdict == "fail" else state.passed_ns if verdict == "pass" else None,
            reasons=reasons,
            unjudged=(*shown.unjudged, *self._forgotten()),
            history=state.history.up_to(latest),
            readings=readings(
                verdict, self._confidence, self._fail_progress_at(), self._older.logs_at, self._older.signals_at
            ),
        )

    def _told_in_full(
        self, reasons: Sequence[str], signatures: Mapping[int, SignatureInfo], rules: Mapping[str, SignalRule] | None
    ) -> dict[str, str]:
        """Reason of the older stretch without what new shapes are made of -> the same with it."""
        return dict(zip(self._older.assess(signatures, rules).reasons, reasons, strict=True))

    def _fail_progress_at(self) -> dict[Sensitivity, float]:
        found = [judge.fail_progress_at() for judge in self._running]
        return {each: max(one[each] for one in found) for each in SENSITIVITIES}

    @property
    def _running(self) -> list[Judge]:
        return [self._older] if self._younger is None else [self._older, self._younger]

    @property
    def _void(self) -> Judge | None:
        """A stretch whose traffic does not follow the intended split; None: none of those that run."""
        return next((judge for judge in self._running if judge.void), None)

    @property
    def _length(self) -> str:
        return f"{self._state.length_ns / 60e9:.3g} minutes"

    def _begin_stretches(self, start_ns: int) -> None:
        """Begin the stretch this window falls into, if it is a new one; its number depends on the time alone."""
        state = self._state
        if state.origin_ns is None:
            return
        number = (start_ns - state.origin_ns - self._settings.warm_up_ns) // _half(state.length_ns)
        youngest = state.older + (self._younger is not None)
        if number <= youngest:
            return
        fresh = Judge.begin(
            self._of_stretch(number), self._window_ns, self._past, self._older.prior, self._older.baseline_heard
        )
        last = self._younger or self._older
        if number == youngest + 1:
            self._older, self._younger, state.older = last, fresh, youngest
        else:  # no window has come for so long that nothing of the others is left
            self._older, self._younger, state.older = fresh, None, number

    def _of_stretch(self, number: int) -> JudgeSettings:
        return structs.replace(self._settings, **_of_stretch(self._settings, self._state.length_ns, number))

    def _decide(self, signatures: Mapping[int, SignatureInfo], rules: Mapping[str, SignalRule] | None) -> None:
        state = self._state
        if state.failed_ns is not None:
            return
        if self._void is not None:
            state.passed_ns = None
        failed = next((judge for judge in self._running if judge.verdict == "fail"), None)
        over = self._time_is_over() and not (self._older.held_back or self._void is not None)
        too_low = over and self._score() < self._settings.marginal_score
        if failed is not None or too_low:
            state.failed_ns = state.as_of_ns
            state.why = (failed or self._older).assess(signatures, rules).reasons
        elif (
            state.passed_ns is None
            and self._void is None
            and self._waited >= 1.0
            and any(judge.verdict == "pass" for judge in self._running)
        ):
            state.passed_ns = state.as_of_ns

    def _risk(self) -> float:
        return risk_of(self.verdict, self._fail_progress(), self._confidence)

    def _fail_progress(self) -> float:
        """Of the stretch that is worse; below 1 of one that is void."""
        worst = max(judge.fail_progress for judge in self._running)
        return worst if self._state.failed_ns is not None else min(worst, math.nextafter(1.0, 0.0))

    @property
    def _confidence(self) -> float:
        return min(self._older.confidence, self._waited)

    @property
    def _waited(self) -> float:
        """0..1; 1 when there may be a PASS: a stretch does not know the comparison's lifetime."""
        origin_ns = self._state.origin_ns
        elapsed_ns = 0 if origin_ns is None else self._state.as_of_ns - origin_ns
        return waited(elapsed_ns, self._settings.lifetime_ns)

    def _score(self) -> float:
        return 100.0 * (1.0 - self._fail_progress())

    def _time_is_over(self) -> bool:
        lifetime_ns, origin_ns = self._settings.lifetime_ns, self._state.origin_ns
        if lifetime_ns is None or origin_ns is None:
            return False
        return self._state.as_of_ns - origin_ns >= lifetime_ns

    def _forgotten(self) -> list[str]:
        """What is not looked at any more."""
        started_ns, origin_ns = self._older.started_ns, self._state.origin_ns
        if started_ns is None or origin_ns is None or started_ns == origin_ns:
            return []
        left = (started_ns - origin_ns) / 60e9
        return [f"look_back: the first {left:.3g} minutes do not count, only the last {self._length} at most"]


def _half(length_ns: int) -> int:
    return length_ns // 2


def _of_stretch(settings: JudgeSettings, length_ns: int, number: int) -> dict[str, object]:
    """What of the settings is different for one stretch."""
    whole_ns = (settings.lifetime_ns or settings.planned_ns) - settings.warm_up_ns
    planned = max(1, -(-whole_ns // _half(length_ns)))
    share = stretch_share(number, planned)
    return {
        "alpha": settings.alpha * share,
        "beta": settings.beta * share,
        "warm_up_ns": 0 if number else settings.warm_up_ns,
        "planned_ns": length_ns,
        "lifetime_ns": None,
        "marginal_score": 0.0,
    }
