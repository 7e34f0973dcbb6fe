"""A simulated rollout, reduced to the windows that the judge is given: requests, failures, scrapes, log incidents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from streams.judging.judge import Judge
from streams.judging.settings import JudgeSettings
from streams.judging.side import RequestCount, Side, SignatureInfo
from streams.signals.requests import REQUEST_SOURCES

WINDOW_NS = 5_000_000_000
WINDOW_S = 5.0
SIGNATURES = {
    number: SignatureInfo(f"{log_class} number {number}", log_class)
    for number, log_class in enumerate(["error"] * 10 + ["warning"] * 10 + ["critical"] * 10)
}
ERRORS, WARNINGS, CRITICALS = range(10), range(10, 20), range(20, 30)


@dataclass(frozen=True)
class Service:
    """What is rolled out; rates hold for the baseline and are multiplied by `worse` at the canary."""

    requests_per_s: float = 20.0
    pods: tuple[int, int] = (4, 2)
    """Of baseline and canary."""
    scrape_s: int | None = 15
    """Interval of the request counters; None: there are none."""
    failed: float = 0.002
    """Share of requests that fail, each by itself."""
    clumped: float = 0.0
    """Share of requests that fail beside these, `clump` together: at one pod, in one window."""
    clump: int = 20
    outage: int = 1
    """Windows that a clump lasts; so many fail in each."""
    logged: tuple[tuple[int, float], ...] = ((ERRORS[0], 0.002), (WARNINGS[0], 0.02))
    """(signature, incidents per request)."""
    background: tuple[tuple[int, float], ...] = ()
    """(signature, incidents per pod-second), requests or not."""
    per_incident: int = 1
    """Different signatures of the class that one incident writes."""
    worse: float = 1.0
    split: tuple[float, ...] = (0.05, 0.10, 0.25, 0.50)
    """The canary's traffic share, in equal parts of the rollout."""
    shared_incident: float = 1.0
    """All rates are this many times higher for a tenth of the time, in both revisions."""
    overdispersion: float = 0.0
    """Squared coefficient of variation of the traffic from window to window."""
    silent_shipper: str = ""
    """`baseline` or `canary`: its log is cut off in the second half."""


class _Revision:
    """Counters and scrapes of one revision's pods."""

    def __init__(self, service: Service, pods: int, worse: float, rng: np.random.Generator) -> None:
        self._service, self._pods, self._worse, self._rng = service, pods, worse, rng
        self._phases = rng.uniform(0, service.scrape_s or 1, pods)
        self._pending = np.zeros((pods, 2))
        self._reported: set[int] = set()
        self._outages = np.zeros((service.outage, pods), dtype=int)
        """Clumps that began so many windows ago."""

    def window(self, index: int, requests: int, factor: float, *, logs: bool) -> Side:
        service, rng, pods = self._service, self._rng, self._pods
        rate = self._worse * factor
        by_pod = rng.multinomial(requests, [1.0 / pods] * pods)
        incidents: dict[int, int] = {}
        rates = [(number, rng.poisson(by_pod * min(1.0, share * rate))) for number, share in service.logged]
        rates += [(number, rng.poisson(per_s * WINDOW_S * factor, pods)) for number, per_s in service.background]
        for number, events in rates:
            present = int((events > 0).sum())
            for copy in range(service.per_incident if present else 0):
                incidents[number + copy] = present
        lines = 10 * requests + 1 if logs else 0
        side = Side(pods * WINDOW_S, lines, incidents if logs else {}, plain_lines=lines)
        if service.scrape_s is not None:
            failed = rng.binomial(by_pod, min(1.0, service.failed * rate))
            if service.clumped > 0.0:
                failed = np.minimum(by_pod, failed + service.clump * self._clumps(by_pod, rate))
            side.requests[REQUEST_SOURCES[0]] = self._scrape(index, by_pod, failed)
        return side

    def _clumps(self, by_pod: np.ndarray, rate: float) -> np.ndarray:
        """Those that last, of each pod."""
        service = self._service
        a_clump = service.clump * service.outage
        self._outages = np.roll(self._outages, 1, axis=0)
        self._outages[0] = self._rng.poisson(by_pod * service.clumped * rate / a_clump)
        return self._outages.sum(axis=0)

    def _scrape(self, index: int, requests: np.ndarray, failed: np.ndarray) -> RequestCount:
        count = RequestCount()
        interval = self._service.scrape_s
        reported = []
        for pod in range(self._pods):
            until = (self._phases[pod] - index * WINDOW_S) % interval
            seen = np.array([0, 0])
            if until < WINDOW_S:
                good = self._rng.binomial(requests[pod] - failed[pod], until / WINDOW_S)
                bad = self._rng.binomial(failed[pod], until / WINDOW_S)
                seen = np.array([good + bad, bad])
                grown = self._pending[pod] + seen
                count.requests += float(grown[0])
                count.errors += float(grown[1])
                self._pending[pod] = 0.0
                reported.append(pod)
                self._reported.add(pod)
            self._pending[pod] += np.array([requests[pod], failed[pod]]) - seen
        count.reported, count.awaited = tuple(reported), tuple(sorted(self._reported))
        return count


def windows(service: Service, number: int, rng: np.random.Generator) -> Iterator[tuple[Side, Side]]:
    """(baseline, canary) of each window."""
    baseline = _Revision(service, service.pods[0], 1.0, rng)
    canary = _Revision(service, service.pods[1], service.worse, rng)
    for index in range(number):
        share = service.split[index * len(service.split) // number]
        factor = service.shared_incident if 0.4 <= index / number < 0.5 else 1.0
        mean = service.requests_per_s * WINDOW_S
        if service.overdispersion > 0.0:
            mean *= rng.gamma(1.0 / service.overdispersion, service.overdispersion)
        total = int(rng.poisson(mean))
        at_canary = int(rng.binomial(total, share))
        cut_off = service.silent_shipper if index >= number // 2 else ""
        yield (
            baseline.window(index, total - at_canary, factor, logs=cut_off != "baseline"),
            canary.window(index, at_canary, factor, logs=cut_off != "canary"),
        )


@dataclass(frozen=True)
class Outcome:
    """What the judge said of one rollout; minutes are infinite where it never came."""

    failed_min: float
    passed_min: float


def judge(
    service: Service,
    number: int,
    seed: int,
    settings: JudgeSettings | None = None,
    watch: Callable[[Judge], None] | None = None,
) -> Outcome:
    """One rollout of `number` windows through the real judge, up to FAIL."""
    verdict = Judge.begin(settings or JudgeSettings(), WINDOW_NS)
    passed = float("inf")
    for index, (baseline, canary) in enumerate(windows(service, number, np.random.default_rng(seed))):
        verdict.add(index * WINDOW_NS, baseline, canary, SIGNATURES)
        if watch is not None:
            watch(verdict)
        said = verdict.verdict
        minutes = (index + 1) * WINDOW_S / 60
        if said == "fail":
            return Outcome(minutes, passed)
        if said == "pass":
            passed = min(passed, minutes)
    return Outcome(float("inf"), passed)


def judge_many(service: Service, number: int, runs: int, settings: JudgeSettings | None = None) -> list[Outcome]:
    """Seeds 0..runs-1."""
    return [judge(service, number, seed, settings) for seed in range(runs)]
