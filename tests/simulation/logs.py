"""A simulated service's logs: rollout after rollout, as sides of closed windows, through the real log part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from streams.judging.logs.part import LogPart, begin
from streams.judging.logs.past import LogPast, LogPrior, log_prior
from streams.judging.logs.settings import LogSettings
from streams.judging.side import Side, SignatureInfo, Trace

WINDOW_NS, WINDOW_S = 5_000_000_000, 5.0
SETTINGS = LogSettings()
ERROR_IDS, WARNING_IDS = 1_000_000, 2_000_000
"""Signature ids below the second are errors, from it on warnings."""


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
        pods = [np.exp(service.pod_sd * rng.standard_normal(number)) for number in service.pods]
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
                sides.append(self._side(service.pods[side], found))
            yield sides[0], sides[1]

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

    def _side(self, pods: int, found: Counter) -> Side:
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
            ids = (ident,) if ident else ()
            side.traces.append(Trace(half, _log_class(ident), ids, ident + 10 * shape + 7, count))
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
    service: Service, workloads: int, cases: int, settings: LogSettings = SETTINGS, last: Service | None = None
) -> list[float]:
    """The p of every rollout, of so many workloads in turn; or of the last of each, which is another service's."""
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
