"""Is the canary worse than the baseline, as far as can be told after each closed window?

The judge of one comparison: it hands each window to the questions (`flow`, `exposure`, `incidents`, `signal`) and
their answers to `combine`. Values in, values out; what it has to remember is one `JudgeState`, and a judge made from
that state goes on to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from streams.errors import BrokenInvariant
from streams.judging.combine import combined_log_e, own_progress, progress, risk_of
from streams.judging.evidence import Assessment, Exposure, RiskPoint, SignalEvidence, Verdict
from streams.judging.exposure import Exposures, ExposureState, Settled
from streams.judging.flow import LogFlow
from streams.judging.history import RiskHistory
from streams.judging.reasons import evidence_reasons, missing_reasons, number, pass_reason
from streams.judging.settings import LOG_SIGNALS, REQUESTS, JudgeSettings
from streams.judging.side import Side, SignatureInfo
from streams.judging.signal import Counted, Signal, SignalState
from streams.judging.tallies import Tallies, count_bin

__all__ = ["Assessment", "Judge", "JudgeSettings", "JudgeState"]

_CLASSES = {signal: log_class for log_class, signal in LOG_SIGNALS.items()}


class JudgeState(Struct, array_like=True):
    """All that is remembered of one comparison; language-neutral (MessagePack), bounded."""

    version: int = 1
    started_ns: int | None = None
    as_of_ns: int | None = None
    failed_ns: int | None = None
    """End of the window in which it failed."""
    passed_ns: int | None = None
    sup_log_e: float = 0.0
    """Largest log of the combined E so far."""
    signals: dict[str, SignalState] = {}
    exposure: ExposureState = field(default_factory=ExposureState)
    baseline_flow: LogFlow = field(default_factory=LogFlow)
    canary_flow: LogFlow = field(default_factory=LogFlow)
    windows: int = 0
    """Windows in which both revisions were there."""
    cut_off_windows: int = 0
    """Those in which a log was cut off."""
    tallies: Tallies = {}
    history: RiskHistory = field(default_factory=RiskHistory)


class Judge:
    """One comparison: `add` its closed windows in order of time, `assess` at any moment."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: JudgeState | None = None) -> None:
        self._settings = settings
        self._window_ns = window_ns
        self._state = state or JudgeState()
        self._exposures = Exposures(settings, window_ns, self._state.exposure)
        self._signals = {
            rule.signal: Signal(rule, settings, self._state.signals.setdefault(rule.signal, SignalState()))
            for rule in settings.signals
        }

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
        if self._state.failed_ns is not None:
            return "fail"
        return "none" if self._state.passed_ns is None else "pass"

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
        self._exposures.see_sources(baseline, canary)
        if baseline is not None and canary is not None:
            settled = self._judge_window(start_ns, baseline, canary, signatures)
        else:
            settled = self._exposures.wait(start_ns)
        if settled is not None:
            self._judge_bin(settled, signatures)
        self._decide(state.as_of_ns)
        if state.started_ns is not None:
            state.history.add(RiskPoint(state.as_of_ns / 1e9, self._risk()), self._settings.history_points)

    def assess(self, signatures: Mapping[int, SignatureInfo]) -> Assessment:
        """What can be said now; changes nothing.

        Args:
            signatures: texts for the reasons.
        """
        state, verdict = self._state, self.verdict
        shown = [signal for name, signal in self._signals.items() if name != REQUESTS or state.exposure.source]
        evidence = sorted(map(self._evidence, shown), key=lambda one: (-one.risk, -one.log10_e, one.signal))
        latest = (
            RiskPoint(state.as_of_ns / 1e9, self._risk()) if state.as_of_ns and state.started_ns is not None else None
        )
        return Assessment(
            verdict=verdict,
            risk=self._risk(),
            confidence=0.0 if verdict == "fail" else 1.0 if verdict == "pass" else self._confidence(),
            exposure=self._exposure(),
            started_ns=state.started_ns,
            as_of_ns=state.as_of_ns,
            decided_ns=state.failed_ns if verdict == "fail" else state.passed_ns,
            signals=tuple(evidence),
            reasons=tuple(self._reasons(verdict, signatures)),
            unjudged=tuple(self._unjudged()),
            history=state.history.up_to(latest),
        )

    def _judge_window(
        self, start_ns: int, baseline: Side, canary: Side, signatures: Mapping[int, SignatureInfo]
    ) -> Settled | None:
        state = self._state
        if state.started_ns is None:
            state.started_ns = start_ns
        state.windows += 1
        for side, flow in ((baseline, state.baseline_flow), (canary, state.canary_flow)):
            flow.hear(side.lines or len(side.incidents), self._settings.silence_chance)
        cut_off = state.baseline_flow.cut_off or state.canary_flow.cut_off
        state.cut_off_windows += cut_off
        return self._exposures.add(start_ns, baseline, canary, None if cut_off else signatures)

    def _judge_bin(self, settled: Settled, signatures: Mapping[int, SignatureInfo]) -> None:
        bin_, with_requests = settled.bin, self._state.exposure.source is not None
        for name, signal in self._signals.items():
            rule = signal.rule
            by_requests = bin_.canary.requests * rule.floor_per_request
            if name == REQUESTS:
                errors = (bin_.canary.errors, bin_.baseline.errors)
                signal.add(Counted(*errors, settled.error_share, settled.error_share, 0.0, by_requests))
                continue
            log_class = _CLASSES[name]
            by_pods = bin_.canary.logged_pod_s * rule.floor_per_pod_s
            counts = (bin_.logged.canary.get(log_class, 0.0), bin_.logged.baseline.get(log_class, 0.0))
            expected = min(by_requests, by_pods) if with_requests else by_pods
            chances = bin_.baseline.logged_pod_s * 1e9 / self._window_ns
            signal.add(Counted(*counts, settled.request_share, settled.pod_share, chances, expected))
        limit = self._settings.signature_limit
        count_bin(self._state.tallies, bin_.logged, settled.request_share, signatures, limit)
        self._state.sup_log_e = max(self._state.sup_log_e, combined_log_e(list(self._signals.values())))

    def _decide(self, as_of_ns: int) -> None:
        state = self._state
        if state.failed_ns is None and self._fail_progress() >= 1.0:
            state.failed_ns = as_of_ns
        if state.failed_ns is None and state.passed_ns is None and self._confidence() >= 1.0:
            state.passed_ns = as_of_ns

    def _fail_progress(self) -> float:
        return progress(self._state.sup_log_e, self._settings.alpha)

    def _risk(self) -> float:
        return risk_of(self.verdict, self._fail_progress(), self._confidence())

    def _required(self) -> list[Signal]:
        """Signals that a PASS has to rest on: all of which either revision has a source."""
        state = self._state
        logs = state.baseline_flow.heard > 0 or state.canary_flow.heard > 0
        requests = bool(state.exposure.baseline_sources or state.exposure.canary_sources)
        return [signal for name, signal in self._signals.items() if (requests if name == REQUESTS else logs)]

    def _confidence(self) -> float:
        """0..1: the least of the required signals' progress to 1/beta; 0 below the least exposure."""
        exposure, settings, required = self._state.exposure, self._settings, self._required()
        enough = min(exposure.baseline_pod_s, exposure.canary_pod_s) >= settings.minimum_pod_s
        if exposure.source is not None:
            least = min(exposure.baseline_requests, exposure.canary_requests)
            enough = enough and least >= settings.minimum_requests
        if not enough or not required:
            return 0.0
        return min(progress(signal.state.sup_better, settings.beta) for signal in required)

    def _exposure(self) -> Exposure:
        exposure = self._state.exposure
        if exposure.source is None:
            return Exposure("pod_seconds", exposure.baseline_pod_s, exposure.canary_pod_s)
        return Exposure("requests", exposure.baseline_requests, exposure.canary_requests)

    def _evidence(self, signal: Signal) -> SignalEvidence:
        state = signal.state
        return SignalEvidence(
            signal=signal.rule.signal,
            baseline_count=state.baseline,
            canary_count=state.canary,
            effect_ratio=signal.effect_ratio,
            log10_e=state.sup_worse / math.log(10.0),
            weight=signal.rule.weight,
            risk=100.0 * own_progress(signal, self._settings.alpha),
            confidence=progress(state.sup_better, self._settings.beta),
        )

    def _reasons(self, verdict: Verdict, signatures: Mapping[int, SignatureInfo]) -> list[str]:
        state, settings = self._state, self._settings
        if state.started_ns is None:
            return ["cannot tell yet: no window with both revisions has closed"]
        signals = list(self._signals.values())
        against = evidence_reasons(signals, state.tallies, state.exposure, signatures, verdict, settings.alpha)
        if verdict == "fail":
            return against
        required = self._required()
        if verdict == "pass":
            return [pass_reason(required, self._exposure(), settings.beta), *against]
        if not required:
            return ["cannot tell: neither logs nor request counts of either revision have been seen", *against]
        missing = missing_reasons(required, state.exposure, settings, self._confidence())
        return [*against, *missing] if self._fail_progress() > 0.5 else [*missing, *against]

    def _unjudged(self) -> list[str]:
        state, exposure = self._state, self._state.exposure
        if state.started_ns is None:
            return []
        found: list[str] = []
        for name, flow in (("baseline", state.baseline_flow), ("canary", state.canary_flow)):
            if flow.heard == 0:
                found.append(f"logs: no line of the {name} has been seen, so log signals are not judged")
            elif flow.cut_off:
                found.append(f"logs: the {name} has been silent for {flow.silence} windows; its log may be cut off")
        if state.cut_off_windows and not found:
            found.append(f"logs: cut off in {number(state.cut_off_windows)} of {number(state.windows)} windows")
        if exposure.source is None:
            one_sided = [
                f"{name} only by {', '.join(known)}"
                for name, known in (("baseline", exposure.baseline_sources), ("canary", exposure.canary_sources))
                if known
            ]
            found.append(
                "requests/error: no known counter of requests on both revisions"
                + (f" ({'; '.join(one_sided)})" if one_sided else "")
                + "; exposure is pod-seconds"
            )
        elif exposure.fallback_bins:
            found.append(
                f"requests/error: {number(exposure.fallback_bins)} of"
                f" {number(exposure.fallback_bins + exposure.request_bins)} spans judged by pod-seconds,"
                f" because not all pods reported `{exposure.source}` in time"
            )
        return found


def _copy(state: JudgeState) -> JudgeState:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=JudgeState)
