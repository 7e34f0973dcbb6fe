"""What do counts of events say, compared side by side, window by window?

The log classes and the failed requests of one comparison: windows are collected into bins of known exposure
(`exposure`), each bin is given to every signal (`signal`), and the signals of one part are mixed by their weights.
E = sum of w_i*E_i is an e-process under any dependence between signals; a signal without events, or without data, has
E_i = 1: weights are never made up for what was not seen.

Source: Vovk & Wang 2021 (averages of e-values); judging.md, sections 1 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from streams.judging.combine import progress
from streams.judging.counts import log_mix
from streams.judging.evidence import Exposure
from streams.judging.exposure import Exposures, ExposureState, Settled
from streams.judging.flow import LogFlow
from streams.judging.onset import Onset, is_single
from streams.judging.reasons import number
from streams.judging.settings import BY_REQUESTS, LOG_SIGNALS, PARTS_OF_SIGNALS, JudgeSettings
from streams.judging.side import Side, SignatureInfo
from streams.judging.signal import Counted, Signal, SignalState
from streams.judging.tallies import Tallies, count_bin
from streams.policy.counted import REQUESTS
from streams.policy.written import Sensitivity

_CLASSES = {signal: log_class for log_class, signal in LOG_SIGNALS.items()}


class ConcurrentState(Struct, array_like=True):
    """All that is remembered."""

    signals: dict[str, SignalState] = {}
    exposure: ExposureState = field(default_factory=ExposureState)
    baseline_flow: LogFlow = field(default_factory=LogFlow)
    canary_flow: LogFlow = field(default_factory=LogFlow)
    windows: int = 0
    """Windows in which both revisions were there."""
    cut_off_windows: int = 0
    """Those in which a log was cut off."""
    tallies: Tallies = {}
    sup_log_e: dict[str, float] = {}
    """Part -> largest log of its signals' mixed E so far, >= 0."""
    unjudged_bins: int = 0
    """Bins of which log incidents were not judged, because the policy asks for requests and they could not be told."""
    sup_log_e_at: dict[str, float] = {}
    """Sensitivity -> largest log of the log classes' E mixed by its weights; decides nothing (`readings`)."""


def begin_concurrent(incidents_per_s: float) -> ConcurrentState:
    """The state in which it begins; of a pod, see `onset`: what fails requests may do so for as long (`clumps`)."""
    return ConcurrentState({name: SignalState(onset=Onset(incidents_per_s)) for name in _CLASSES})


class Concurrent:
    """`add` each window in which a side was there, then read."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: ConcurrentState) -> None:
        self._settings = settings
        self._window_ns = window_ns
        self.state = state
        self._exposures = Exposures(settings, window_ns, state.exposure)
        self.signals = {
            rule.signal: Signal(rule, settings, state.signals.setdefault(rule.signal, SignalState()))
            for rule in settings.signals
        }
        self._mixed: dict[str, float] | None = None
        """Signal -> its log E when all were last mixed."""

    def add(
        self, start_ns: int, baseline: Side | None, canary: Side | None, signatures: Mapping[int, SignatureInfo]
    ) -> Settled | None:
        """One closed window; the bin it settled, if it did.

        Args:
            start_ns: later than that of any window before.
            baseline: None where it was not there; such a window brings no evidence.
            canary: the same.
            signatures: ids that are not in it are not judged.
        """
        self._exposures.see_sources(baseline, canary)
        if baseline is not None and canary is not None:
            cut_off = self._hear(baseline, canary)
            if is_single(canary.pods(self._window_ns)):
                for signal in self.signals.values():
                    signal.state.onset.wait(canary.pod_s)
            settled = self._exposures.add(start_ns, baseline, canary, None if cut_off else signatures)
        else:
            settled = self._exposures.wait(start_ns)
        if settled is not None:
            self._judge(settled, signatures)
        return settled

    def log_p(self, part: str) -> float:
        """Log of the p-value of `logs` or `errors` for the whole life: 1 / sup E (Ville)."""
        return -self.state.sup_log_e.get(part, 0.0)

    def log_p_at(self, sensitivity: Sensitivity) -> float:
        """Of `logs`, by the weights of another sensitivity."""
        return -self.state.sup_log_e_at.get(sensitivity, 0.0)

    @property
    def cut_off(self) -> bool:
        """Either log is silent for so long that its shipper may be dead."""
        return self.state.baseline_flow.cut_off or self.state.canary_flow.cut_off

    @property
    def counts_requests(self) -> bool:
        """Both revisions have a source of request counts."""
        return self.state.exposure.source is not None

    @property
    def exposure(self) -> Exposure:
        """Of the settled bins, in the unit that was chosen."""
        exposure = self.state.exposure
        if self._settings.exposure == "log_lines":
            return Exposure("log_lines", exposure.baseline_lines, exposure.canary_lines)
        if not self._by_requests:
            return Exposure("pod_seconds", exposure.baseline_pod_s, exposure.canary_pod_s)
        return Exposure("requests", exposure.baseline_requests, exposure.canary_requests)

    @property
    def enough(self) -> bool:
        """The least exposure for a PASS is reached on both sides."""
        exposure, settings = self.state.exposure, self._settings
        if min(exposure.baseline_pod_s, exposure.canary_pod_s) < settings.minimum_pod_s:
            return False
        if not self._by_requests:
            return settings.exposure != "requests"
        return min(exposure.baseline_requests, exposure.canary_requests) >= settings.minimum_requests

    @property
    def _by_requests(self) -> bool:
        """Log incidents are counted against requests."""
        return self.counts_requests and self._settings.exposure in BY_REQUESTS

    @property
    def logs_heard(self) -> bool:
        """A line of either revision has been seen."""
        return self.state.baseline_flow.heard > 0 or self.state.canary_flow.heard > 0

    def shown(self) -> list[Signal]:
        """Signals worth a row: failed requests only where requests are counted."""
        return [signal for name, signal in self.signals.items() if name != REQUESTS or self.counts_requests]

    def required(self, *parts: str) -> list[Signal]:
        """Signals of these parts that a PASS has to rest on: all of which either revision has a source."""
        exposure = self.state.exposure
        heard = {"logs": self.logs_heard, "errors": bool(exposure.baseline_sources or exposure.canary_sources)}
        present = [part for part in parts if heard.get(part, False)]
        return [
            signal
            for name, signal in self.signals.items()
            if PARTS_OF_SIGNALS[name] in present and signal.rule.criticality != "watch"
        ]

    def confidence(self, part: str, beta: float) -> float | None:
        """0..1: the least of the required signals' progress to 1/beta; None if the part has none to rest on."""
        required = self.required(part)
        return min(progress(signal.state.not_worse, beta) for signal in required) if required else None

    def unjudged(self) -> list[str]:
        """What could not be judged and why."""
        return [*self._unjudged_logs(), *self._unjudged_requests()]

    def _hear(self, baseline: Side, canary: Side) -> bool:
        """Whether either log is cut off."""
        state = self.state
        state.windows += 1
        for side, flow in ((baseline, state.baseline_flow), (canary, state.canary_flow)):
            flow.hear(side.lines or len(side.incidents), self._settings.silence_chance)
        state.cut_off_windows += self.cut_off
        return self.cut_off

    def _judge(self, settled: Settled, signatures: Mapping[int, SignatureInfo]) -> None:
        self.state.unjudged_bins += not settled.logs_judged
        for name, signal in self.signals.items():
            if name != REQUESTS and not settled.logs_judged:
                continue
            signal.add(self._failed(settled, signal) if name == REQUESTS else self._logged(settled, signal))
        limit = self._settings.signature_limit
        if settled.logs_judged:
            count_bin(self.state.tallies, settled.bin.logged, settled.request_share, signatures, limit)
        log_es = {name: self._log_e(signal) for name, signal in self.signals.items()}
        if log_es != self._mixed:
            self._mix(log_es)
            self._mixed = log_es

    def _mix(self, log_es: Mapping[str, float]) -> None:
        parts: dict[str, list[tuple[float, float]]] = {}
        for name, signal in self.signals.items():
            parts.setdefault(PARTS_OF_SIGNALS[name], []).append((signal.rule.weight, log_es[name]))
        for part, weighted in parts.items():
            now = log_mix(weighted)
            self.state.sup_log_e[part] = max(self.state.sup_log_e.get(part, 0.0), now)
        at = self.state.sup_log_e_at
        for sensitivity, weights in self._settings.weights_at.items():
            now = log_mix([(weight, log_es[name]) for name, weight in weights.items()])
            at[sensitivity] = max(at.get(sensitivity, 0.0), now)

    def _failed(self, settled: Settled, signal: Signal) -> Counted:
        bin_ = settled.bin
        expected = bin_.canary.requests * signal.rule.floor_per_request
        return Counted(
            canary=bin_.canary.errors,
            baseline=bin_.baseline.errors,
            share_by_requests=settled.error_share,
            share_by_pods=settled.error_share,
            chances=0.0,
            expected=expected,
            requests=(bin_.baseline.requests, bin_.canary.requests),
        )

    def _logged(self, settled: Settled, signal: Signal) -> Counted:
        bin_, rule = settled.bin, signal.rule
        log_class = _CLASSES[rule.signal]
        by_pods = bin_.canary.logged_pod_s * rule.floor_per_pod_s
        by_requests = bin_.canary.requests * rule.floor_per_request
        return Counted(
            canary=bin_.logged.canary.get(log_class, 0.0),
            baseline=bin_.logged.baseline.get(log_class, 0.0),
            share_by_requests=settled.request_share,
            share_by_pods=settled.pod_share,
            chances=bin_.baseline.logged_pod_s * 1e9 / self._window_ns,
            expected=min(by_requests, by_pods) if self._by_requests else by_pods,
        )

    @staticmethod
    def _log_e(signal: Signal) -> float:
        """Of one that is only watched none."""
        return 0.0 if signal.rule.criticality == "watch" else signal.log_e

    def _unjudged_logs(self) -> list[str]:
        state, found = self.state, []
        for name, flow in (("baseline", state.baseline_flow), ("canary", state.canary_flow)):
            if flow.heard == 0:
                found.append(f"logs: no line of the {name} has been seen, so log signals are not judged")
            elif flow.cut_off:
                found.append(f"logs: the {name} has been silent for {flow.silence} windows; its log may be cut off")
        if state.cut_off_windows and not found:
            found.append(f"logs: cut off in {number(state.cut_off_windows)} of {number(state.windows)} windows")
        return found

    def _unjudged_requests(self) -> list[str]:
        exposure = self.state.exposure
        if exposure.source is None:
            one_sided = [
                f"{name} only by {', '.join(known)}"
                for name, known in (("baseline", exposure.baseline_sources), ("canary", exposure.canary_sources))
                if known
            ]
            where = f" ({'; '.join(one_sided)})" if one_sided else ""
            instead = {
                "requests": "; the policy counts log incidents against requests alone, so that they are not judged",
                "log_lines": "; exposure is log lines",
            }.get(self._settings.exposure, "; exposure is pod-seconds")
            return [f"requests/error: no known counter of requests on both revisions{where}{instead}"]
        if not exposure.fallback_bins:
            return []
        spans = number(exposure.fallback_bins + exposure.request_bins)
        unjudged = self.state.unjudged_bins
        skipped = f" ({number(unjudged)} not at all for log incidents)" if unjudged else ""
        late = f"{number(exposure.fallback_bins)} of {spans} spans judged by pod-seconds{skipped}"
        return [f"requests/error: {late}, because not all pods reported `{exposure.source}` in time"]
