"""A simulated service's logs: rollout after rollout, as sides of closed windows, through the real log part."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from streams.judging.logs.part import LogPart, begin
from streams.judging.logs.past import LogPast, LogPrior, log_prior
from streams.judging.logs.settings import NEW_NUMBERS, LogSettings
from streams.judging.side import Side, SignatureInfo, Trace
from streams.windows.summary import MOST_ALIKE

WINDOW_NS, WINDOW_S = 5_000_000_000, 5.0
SETTINGS = LogSettings()
ERROR_IDS, WARNING_IDS = 1_000_000, 2_000_000
"""Signature ids below the second are errors, from it on warnings."""
NUMBERS = 1_000_000_000
"""What numbers of lines add to a shape, which is below that."""


@dataclass(frozen=True)
class Service:
    """What is rolled out again and again; rates are per pod-second at equal shares."""

    pods: tuple[int, int] = (2, 2)
    """Of baseline and canary."""
    windows: int = 60
    errors: float = 0.004
    """Failed traces, each with a template out of a long tail: some are new at any time."""
    warnings: float = 0.02
    traces: float = 0.2
    """Traces without a judged line, with a shape out of a long tail."""
    tail: float = 1.5
    """Exponent of the tail of templates and shapes; smaller is longer."""
    pod_sd: float = 0.0
    """Of the logarithm of a pod's rates."""
    cohort_sd: float = 0.0
    """The same of a rollout's, shared by both revisions."""
    clump: int = 1
    """Traces that one cause makes, alike, in this window and the next ones."""
    burst: int = 1
    """Failed traces, alike, that one cause makes at one pod in one window; `errors` counts the causes."""
    spread: bool = False
    """They fall on any pod of the revision; else on one."""
    incident: float = 0.0
    """Chance that both revisions see ten times the errors for a fifth of the rollout."""
    incident_new: bool = False
    """It brings templates and shapes of its own."""
    split: tuple[float, ...] = (1.0,)
    """The canary's traffic per pod over the baseline's, in equal parts of the rollout."""
    ids: bool = True
    """Lines carry a trace id; else incidents per pod and window."""
    rare: float = 0.0
    """Canary only: events per pod-second of one template that nothing else has ever shown."""
    worse: float = 1.0
    """Canary only: times as many errors."""
    loops: int = 0
    """Lines of each trace without a judged line that come as often as there is something to do; 0: each comes once."""
    loop_mean: float = 1.0
    """Times that such a line comes beyond the first, Poisson."""
    loop_sd: float = 0.0
    """Of the logarithm of that, from rollout to rollout; both revisions share it."""
    loop_wave: float = 0.0
    """Amplitude of the same with the load, as a sine over the rollout that begins anywhere; shared likewise."""
    loop_load: float = 0.0
    """It goes with so high a power of the pod's own load (`split`)."""
    retries: float = 0.0
    """Chance that a line of such a trace was logged by one more attempt; ten times that in an incident."""
    retry_cause: float = 0.0
    """Chance that a pod begins, in a window, to need one more attempt for half of its traces, for 100 s."""


class World:
    """One workload's rollouts, in turn."""

    def __init__(self, service: Service, seed: int) -> None:
        self.service = service
        self._rng = np.random.default_rng(seed)
        self._cases = 0

    def rollout(self) -> Iterator[tuple[Side, Side]]:
        """(baseline, canary) of each window of the next rollout."""
        service, rng = self.service, self._rng
        self._cases += 1
        cohort = float(np.exp(service.cohort_sd * rng.standard_normal()))
        begin = int(rng.integers(0, service.windows)) if rng.random() < service.incident else None
        pods = [self._factors(number) for number in service.pods]
        loop_mean = service.loop_mean * float(np.exp(service.loop_sd * rng.standard_normal())) if service.loops else 0.0
        phase = rng.random() if service.loop_wave else 0.0
        retrying = [[0] * number for number in service.pods]
        pending: list[list[Counter]] = [[Counter() for _ in range(service.clump)] for _ in range(2)]
        for window in range(service.windows):
            shared = begin is not None and begin <= window < begin + service.windows // 5
            canary_load = service.split[window * len(service.split) // service.windows]
            sides = []
            for side in range(2):
                load = canary_load if side else 1.0
                fresh = self._events(pods[side] * load * cohort, shared, is_canary=bool(side))
                for later in pending[side]:
                    later.update(fresh)
                found = pending[side].pop(0)
                pending[side].append(Counter())
                if service.spread:
                    found = self._spread(found, service.pods[side])
                found.update(self._quiet(service.pods[side], load))
                wave = math.exp(service.loop_wave * math.sin(2.0 * math.pi * (phase + window / service.windows)))
                again = self._again(retrying[side], window, shared=shared)
                numbers = self._numbers(found, loop_mean * wave * load**service.loop_load, again)
                sides.append(self._side(service.pods[side], found, numbers))
            yield sides[0], sides[1]

    def _factors(self, pods: int) -> np.ndarray:
        """Of the rates of each pod of a revision."""
        return np.exp(self.service.pod_sd * self._rng.standard_normal(pods))

    def _events(self, pods: np.ndarray, shared: bool, *, is_canary: bool) -> Counter:
        service, rng, found = self.service, self._rng, Counter()
        factor = 10.0 if shared else 1.0
        for rate, first in ((service.errors * factor, ERROR_IDS), (service.warnings, WARNING_IDS)):
            worse = service.worse if is_canary and first == ERROR_IDS else 1.0
            number = rng.poisson(pods.sum() * rate * worse * WINDOW_S / service.clump)
            for kind in np.minimum(rng.zipf(service.tail, number), 500_000):
                own = shared and service.incident_new and first == ERROR_IDS
                ident = 10_000 + 100 * self._cases + kind % 5 if own else kind
                together = service.burst if first == ERROR_IDS else 1
                found[first + int(ident), 0, int(rng.choice(len(pods), p=pods / pods.sum()))] += together
        if is_canary and service.rare:
            for _ in range(rng.poisson(len(pods) * service.rare * WINDOW_S)):
                found[ERROR_IDS + 900_000, 0, int(rng.integers(len(pods)))] += 1
        return found

    def _quiet(self, pods: int, load: float) -> Counter:
        number = self._rng.poisson(pods * load * self.service.traces * WINDOW_S)
        kinds = np.minimum(self._rng.zipf(self.service.tail + 0.5, number), 500_000)
        return Counter(
            (0, int(kind), int(pod)) for kind, pod in zip(kinds, self._rng.integers(0, pods, number), strict=True)
        )

    def _spread(self, found: Counter, pods: int) -> Counter:
        return Counter(
            (ident, shape, int(self._rng.integers(pods)))
            for (ident, shape, _), count in found.items()
            for _ in range(count)
        )

    def _again(self, until: list[int], window: int, *, shared: bool) -> list[float]:
        """Of each pod of a revision, the chance that a trace needs one more attempt; until when it is so is kept."""
        service = self.service
        if service.retry_cause:
            begins = self._rng.random(len(until)) < service.retry_cause
            until[:] = [window + 20 if new else held for new, held in zip(begins, until, strict=True)]
        usual = min(1.0, service.retries * (10.0 if shared else 1.0))
        return [0.5 if window < held else usual for held in until]

    def _numbers(self, found: Counter, mean: float, again: list[float]) -> dict[tuple[int, int, int], Counter]:
        """Of quiet traces, how many have which numbers of lines (as `Trace.numbers`), by half and shape."""
        service, rng = self.service, self._rng
        told: dict[tuple[int, int, int], Counter] = {}
        if not service.loops:
            return told
        for (ident, shape, pod), count in sorted(found.items()):
            if ident:
                continue
            times = 1 + rng.poisson(mean, (count, service.loops))
            times = np.minimum(times * (1 + (rng.random((count, 1)) < again[pod])), MOST_ALIKE)
            kinds = told.setdefault((pod & 1, ident, shape), Counter())
            for each in times.tolist():
                kinds[sum((number - 1) * MOST_ALIKE**place for place, number in enumerate(each))] += 1
        return told

    def _side(self, pods: int, found: Counter, numbers: dict[tuple[int, int, int], Counter]) -> Side:
        side = Side(pod_s=pods * WINDOW_S, lines=10)
        if not self.service.ids:
            for pod in range(pods):
                ids = tuple(sorted(ident for ident, _, where in found if ident and where == pod))
                if ids:
                    if _log_class(ids[0]) == "error":
                        side.failed[pod] = 1
                    side.traces.append(Trace(pod & 1, _log_class(ids[0]), ids, 0))
            return side
        groups: Counter = Counter()
        for (ident, shape, pod), count in found.items():
            groups[pod & 1, ident, shape] += count
            if _log_class(ident) == "error":
                side.failed[pod] = side.failed.get(pod, 0) + count
        for (half, ident, shape), count in sorted(groups.items()):
            ids, known = (ident,) if ident else (), ident + 10 * shape + 7
            for kind, of_kind in sorted(numbers.get((half, ident, shape), {0: count}).items()):
                told = known + NUMBERS * kind if kind else 0
                side.traces.append(Trace(half, _log_class(ident), ids, known, of_kind, told))
        return side


def _log_class(ident: int) -> str | None:
    return None if not ident else "error" if ident < WARNING_IDS else "warning"


class _Infos(dict[int, SignatureInfo]):
    def get(self, number: int, default: object = None) -> SignatureInfo:  # type: ignore[override]  # noqa: ARG002
        return SignatureInfo(f"signature {number}", _log_class(number) or "error")


INFOS = _Infos()


def judged(service: Service, past: LogPast, prior: LogPrior, world: World, settings: LogSettings = SETTINGS) -> LogPart:
    """One rollout through the log part."""
    planned_ns = service.windows * WINDOW_NS
    state = begin(settings, past, prior, planned_ns, ends=True)
    part = LogPart(settings, past, prior, planned_ns, WINDOW_NS, state)
    for index, (baseline, canary) in enumerate(world.rollout()):
        part.add(index * WINDOW_NS, baseline, canary, INFOS)
    return part


def life(
    service: Service,
    workloads: int,
    cases: int,
    settings: LogSettings = SETTINGS,
    last: Service | None = None,
    by_numbers: list[float] | None = None,
) -> list[float]:
    """The p of every rollout, of so many workloads in turn; or of the last of each, which is another service's.

    Args:
        service: of all.
        workloads: side by side.
        cases: rollouts of each.
        settings: of the judge.
        last: the service of the last rollout of each.
        by_numbers: gets the p of new numbers of those that are judged by them.
    """
    worlds = [World(service, seed) for seed in range(workloads)]
    pasts = [LogPast() for _ in worlds]
    found: list[float] = []
    for case in range(cases):
        for number, world in enumerate(worlds):
            if last is not None and case == cases - 1:
                world.service = last
            others = log_prior([past for other, past in enumerate(pasts) if other != number])
            part = judged(world.service, pasts[number], others, world, settings)
            found.append(part.p)
            if by_numbers is not None:
                numbers = part.to_state().streams[NEW_NUMBERS]
                by_numbers += [numbers.p] if numbers.share else []
            pasts[number].learn(part.cohort(), settings, others)
    return found if last is None else found[-workloads:]


SCENARIOS = {
    "stationary": Service(),
    "pod effects": Service(pod_sd=0.5),
    "cohort dispersion": Service(cohort_sd=0.7),
    "shared incidents": Service(incident=0.2),
    "shared incidents with new templates": Service(incident=0.2, incident_new=True),
    "split 5-10-25-50": Service(split=(0.05, 0.11, 0.33, 1.0)),
    "split, incidents, pod effects": Service(split=(0.05, 0.11, 0.33, 1.0), incident=0.2, pod_sd=0.5),
    "clumps": Service(clump=3),
    "clumps, pod effects, cohort dispersion": Service(clump=3, pod_sd=0.5, cohort_sd=0.7),
    "clumps over pods": Service(clump=3, spread=True),
    "one pod": Service(pods=(1, 1), clump=3, cohort_sd=0.7),
    "share 10%": Service(pods=(9, 1)),
    "share 80%": Service(pods=(1, 4)),
    "load 80%": Service(split=(4.0,)),
    "many novelties": Service(tail=1.15, errors=0.02),
    "no ids": Service(ids=False, clump=3, pod_sd=0.5),
}
LONG = {name: replace(service, windows=180) for name, service in SCENARIOS.items()}

_LOOPING = Service(errors=0.002, warnings=0.01, tail=2.5, loops=1, loop_mean=0.01, traces=0.5)
LOOPS = {
    "retries, incidents": replace(_LOOPING, loop_mean=0.0, retries=0.002, incident=0.2),
    "loops that differ from cohort to cohort": replace(_LOOPING, loop_sd=1.5),
    "two loops that go with the time of day": replace(_LOOPING, loops=2, loop_wave=1.5),
    "causes for retries that last at one pod": replace(_LOOPING, loops=2, loop_mean=0.0, retry_cause=0.005),
    "loops of a pod with less to do": replace(_LOOPING, loop_load=-1.0, split=(0.05, 0.11, 0.33, 1.0)),
    "loops as long as the load is high, squared, at four times it": replace(_LOOPING, loop_load=2.0, split=(4.0,)),
}
