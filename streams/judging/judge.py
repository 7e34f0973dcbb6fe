"""Is the canary worse than the baseline, as far as can be told after each closed window?

The judge of one comparison: it hands each window to the parts (`concurrent`, ...) and their answers to `combine`.
Values in, values out; what it has to remember is one `JudgeState`, and a judge made from that state goes on to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from streams.errors import BrokenInvariant
from streams.judging import split
from streams.judging.combine import PartFinding, own_progress, progress, risk_of
from streams.judging.concurrent import Concurrent, ConcurrentState
from streams.judging.evidence import (
    Assessment,
    GroupEvidence,
    Part,
    PartEvidence,
    RiskPoint,
    SignalEvidence,
    Verdict,
)
from streams.judging.history import RiskHistory
from streams.judging.reasons import Reason, count_reasons, missing_reasons, number, pass_reason, ranked_sentences
from streams.judging.settings import PARTS_OF_SIGNALS, JudgeSettings
from streams.judging.shares import PARTS, parts_of, shares
from streams.judging.side import Side, SignatureInfo
from streams.judging.signal import Signal

__all__ = ["Assessment", "Judge", "JudgeSettings", "JudgeState"]


class JudgeState(Struct, array_like=True):
    """All that is remembered of one comparison; language-neutral (MessagePack), bounded."""

    version: int = 2
    started_ns: int | None = None
    as_of_ns: int | None = None
    failed_ns: int | None = None
    """End of the window in which it failed."""
    passed_ns: int | None = None
    void_ns: int | None = None
    """End of the window in which the traffic was found not to follow the intended split."""
    heard: list[str] = []
    """Parts that the workload was heard with before the comparison began, sorted."""
    shares: dict[Part, float] = {}
    """Part -> share of alpha, once it has begun."""
    concurrent: ConcurrentState = field(default_factory=ConcurrentState)
    split: split.SplitState = field(default_factory=split.SplitState)
    since: dict[str, int] = {}
    """Signal -> end of the window (ns) in which its own risk first reached 50."""
    history: RiskHistory = field(default_factory=RiskHistory)


class Judge:
    """One comparison: `add` its closed windows in order of time, `assess` at any moment."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: JudgeState | None = None) -> None:
        self._settings = settings
        self._window_ns = window_ns
        self._state = state or JudgeState()
        self._concurrent = Concurrent(settings, window_ns, self._state.concurrent)

    @classmethod
    def from_state(cls, settings: JudgeSettings, window_ns: int, state: JudgeState) -> Judge:
        """The judge that was; the state stays the caller's."""
        return cls(settings, window_ns, _copy(state))

    def to_state(self) -> JudgeState:
        """A snapshot that later windows do not change."""
        return _copy(self._state)

    @property
    def verdict(self) -> Verdict:
        """The verdict now."""
        state = self._state
        if state.failed_ns is not None:
            return "fail"
        if state.void_ns is not None:
            return "none"
        if state.passed_ns is not None:
            return "pass"
        return "marginal" if self._time_is_over() and self._score() < self._settings.pass_score else "none"

    def add(
        self, start_ns: int, baseline: Side | None, canary: Side | None, signatures: Mapping[int, SignatureInfo]
    ) -> None:
        """One closed window.

        Args:
            start_ns: its start; later than that of any window before. Windows may be missing.
            baseline: what it did; None where it was not there. Such a window brings no evidence.
            canary: the same of the canary.
            signatures: what the ids in both stand for; ids that are not in it are not judged.

        Raises:
            BrokenInvariant: the window overlaps an earlier one.
        """
        state = self._state
        if state.as_of_ns is not None and start_ns < state.as_of_ns:
            raise BrokenInvariant(f"window {start_ns} begins before {state.as_of_ns}, the end of the last one judged")
        state.as_of_ns = start_ns + self._window_ns
        if state.started_ns is None and not self._begins(start_ns, baseline, canary):
            return
        if not self._warms_up(start_ns):
            self._judge(start_ns, baseline, canary, signatures)
        self._decide(state.as_of_ns)
        state.history.add(RiskPoint(state.as_of_ns / 1e9, self._risk()), self._settings.history_points)

    def assess(self, signatures: Mapping[int, SignatureInfo]) -> Assessment:
        """What can be said now; changes nothing.

        Args:
            signatures: texts for the reasons.
        """
        state, verdict = self._state, self.verdict
        evidence = tuple(sorted(self._signals(), key=lambda one: (-one.risk, -one.log10_e, one.signal)))
        latest = (
            RiskPoint(state.as_of_ns / 1e9, self._risk()) if state.as_of_ns and state.started_ns is not None else None
        )
        return Assessment(
            verdict=verdict,
            risk=self._risk(),
            confidence=0.0 if verdict == "fail" else 1.0 if verdict == "pass" else self._confidence(),
            exposure=self._concurrent.exposure,
            started_ns=state.started_ns,
            as_of_ns=state.as_of_ns,
            decided_ns=state.failed_ns if verdict == "fail" else state.passed_ns if verdict == "pass" else None,
            parts=tuple(map(self._part_evidence, self._findings())),
            groups=_groups(evidence),
            signals=evidence,
            reasons=tuple(self._reasons(verdict, signatures)),
            unjudged=tuple(self._unjudged()),
            history=state.history.up_to(latest),
        )

    # --- one window ---

    def _begins(self, start_ns: int, baseline: Side | None, canary: Side | None) -> bool:
        """Whether both are there for the first time; until then, learn what the baseline is heard with."""
        state = self._state
        if baseline is None:
            return False
        if canary is None:
            state.heard = sorted({*state.heard, *parts_of(baseline)})
            return False
        state.started_ns = start_ns
        state.shares = shares(self._settings.part_weights, state.heard)
        return True

    def _warms_up(self, start_ns: int) -> bool:
        started_ns = self._state.started_ns
        return started_ns is not None and start_ns - started_ns < self._settings.warm_up_ns

    def _judge(
        self, start_ns: int, baseline: Side | None, canary: Side | None, signatures: Mapping[int, SignatureInfo]
    ) -> None:
        settled = self._concurrent.add(start_ns, baseline, canary, signatures)
        intended = self._settings.intended_share
        if settled is not None and intended is not None and settled.by_requests:
            split.learn(self._state.split, intended, settled.bin.canary.requests, settled.bin.baseline.requests)

    def _decide(self, as_of_ns: int) -> None:
        state, settings = self._state, self._settings
        if state.failed_ns is not None:
            return
        if state.void_ns is None and progress(state.split.sup_log_e, settings.split_alpha) >= 1.0:
            state.void_ns = as_of_ns
        if state.void_ns is not None:
            return
        fails = self._fail_progress() >= 1.0
        if fails or (self._time_is_over() and self._score() < settings.marginal_score):
            state.failed_ns = as_of_ns
        elif state.passed_ns is None and self._confidence() >= 1.0 and self._score() >= settings.pass_score:
            state.passed_ns = as_of_ns
        for signal in self._concurrent.shown():
            if self._own(signal) >= 0.5:
                state.since.setdefault(signal.rule.signal, as_of_ns)

    # --- what it comes to ---

    def _findings(self) -> list[PartFinding]:
        """All four parts, in order."""
        return [
            PartFinding(part, self._state.shares.get(part, 0.0), self._log_p(part), self._part_confidence(part))
            for part in PARTS
        ]

    def _log_p(self, part: Part) -> float:
        """Natural log of the part's p for the whole life."""
        return self._concurrent.log_p(part)

    def _part_confidence(self, part: Part) -> float | None:
        """0..1 towards "not worse"; None where a PASS need not rest on the part."""
        return self._concurrent.confidence(part, self._settings.beta) if part in {"logs", "errors"} else None

    def _fail_progress(self) -> float:
        return max(finding.fail_progress(self._settings.alpha) for finding in self._findings())

    def _confidence(self) -> float:
        """0..1: the least of what a PASS has to rest on; 0 below the least exposure, or with nothing to rest on."""
        if not self._concurrent.enough:
            return 0.0
        found = [finding.confidence for finding in self._findings() if finding.confidence is not None]
        return min(found, default=0.0)

    def _risk(self) -> float:
        return risk_of(self.verdict, self._fail_progress(), self._confidence())

    def _score(self) -> float:
        """100 less the evidence against the canary."""
        return 100.0 * (1.0 - self._fail_progress())

    def _time_is_over(self) -> bool:
        state, lifetime_ns = self._state, self._settings.lifetime_ns
        if lifetime_ns is None or state.started_ns is None or state.as_of_ns is None:
            return False
        return state.as_of_ns - state.started_ns >= lifetime_ns

    # --- what is said of it ---

    def _weight(self, signal: Signal) -> float:
        return self._state.shares.get(PARTS_OF_SIGNALS[signal.rule.signal], 0.0) * signal.rule.weight

    def _own(self, signal: Signal) -> float:
        return own_progress(signal.state.sup_worse, self._weight(signal), self._settings.alpha)

    def _signals(self) -> list[SignalEvidence]:
        return [self._evidence(signal) for signal in self._concurrent.shown()]

    def _evidence(self, signal: Signal) -> SignalEvidence:
        state, name = signal.state, signal.rule.signal
        since_ns = self._state.since.get(name)
        return SignalEvidence(
            signal=name,
            baseline_count=state.baseline,
            canary_count=state.canary,
            effect_ratio=signal.effect_ratio,
            log10_e=state.sup_worse / math.log(10.0),
            weight=self._weight(signal),
            risk=100.0 * self._own(signal),
            confidence=progress(state.sup_better, self._settings.beta),
            part=PARTS_OF_SIGNALS[name],
            group=name.partition("/")[0],
            since_s=None if since_ns is None else since_ns / 1e9,
        )

    def _part_evidence(self, finding: PartFinding) -> PartEvidence:
        risk = 100.0 * finding.fail_progress(self._settings.alpha)
        return PartEvidence(finding.part, finding.share, math.exp(finding.log_p), risk, finding.confidence)

    def _reasons(self, verdict: Verdict, signatures: Mapping[int, SignatureInfo]) -> list[str]:
        if self._state.started_ns is None:
            return ["cannot tell yet: no window with both revisions has closed"]
        against = ranked_sentences(self._against(signatures), verdict)
        if verdict == "fail":
            return against
        why = self._why_not_failed(verdict)
        return [*against, *why] if verdict == "none" and self._fail_progress() > 0.5 else [*why, *against]

    def _why_not_failed(self, verdict: Verdict) -> list[str]:
        settings, concurrent = self._settings, self._concurrent
        if self._state.void_ns is not None:
            return [self._void_reason()]
        if verdict == "marginal":
            return ["its time is over, with evidence against it that does not suffice to fail it"]
        required = concurrent.required("logs", "errors")
        if verdict == "pass":
            return [pass_reason(required, concurrent.exposure, settings.beta)]
        if not required:
            return ["cannot tell: neither logs nor request counts of either revision have been seen"]
        return missing_reasons(required, concurrent.state.exposure, settings, self._confidence())

    def _against(self, signatures: Mapping[int, SignatureInfo]) -> list[Reason]:
        counted, state = self._concurrent, self._state.concurrent
        return count_reasons(list(counted.signals.values()), self._own, state.tallies, state.exposure, signatures)

    def _void_reason(self) -> str:
        state = self._state.split
        share = state.canary / (state.canary + state.baseline)
        return (
            f"the comparison is void: the canary has {100 * share:.1f}% of the requests, where"
            f" {100 * (self._settings.intended_share or 0.0):.1f}% was intended"
            f" (E = {number(math.exp(min(state.sup_log_e, 300.0)))})"
        )

    def _unjudged(self) -> list[str]:
        return [] if self._state.started_ns is None else self._concurrent.unjudged()


def _groups(evidence: tuple[SignalEvidence, ...]) -> tuple[GroupEvidence, ...]:
    """Signals (worst first) by group."""
    members: dict[tuple[Part, str], list[SignalEvidence]] = {}
    for one in evidence:
        members.setdefault((one.part, one.group), []).append(one)
    return tuple(
        GroupEvidence(group, part, len(ones), ones[0].risk, math.fsum(one.weight for one in ones), ones[0].signal)
        for (part, group), ones in members.items()
    )


def _copy(state: JudgeState) -> JudgeState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=JudgeState)
