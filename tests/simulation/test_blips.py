"""Gauges that stand at 0 but for rare blips, through the real part: a blip fails nobody, what lasts is found.

Blips of a gauge nobody has seen move were infinitely many times its usual level: 22% of the healthy canaries failed at
.05 and 20% at .01 (one blip in 50 pods and rollouts, six such gauges, ten minutes at 15 s scrapes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from streams.judging.levels.part import LevelPart
from streams.judging.levels.past import LevelPast, level_prior
from streams.signals.rule import SignalRule
from tests.simulation.core import within_budget
from tests.simulation.levels import SIGNALS, WINDOW_NS, Gauges, sides

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.timeout(900)
PODS, WORKLOADS, ROLLOUTS = 2, 4, 12
BLIPS: dict[str, tuple[str, int, Callable[[np.random.Generator], float]]] = {
    "queue_depth": ("saturation", 1, lambda rng: float(rng.geometric(0.05))),
    "breakers_open": ("errors", 3, lambda _: 1.0),
    "retries_waiting": ("errors", 1, lambda rng: float(1 + rng.poisson(1.0))),
    "gc_pause": ("gc", 1, lambda rng: float(rng.exponential(0.2))),
}
"""Gauge -> its group, scrapes that a blip lasts, and how high it is."""
CONSTANTS: dict[str, tuple[str, int, float, float]] = {
    "threads": ("saturation", 1, 20.0, 60.0),
    "members": ("saturation", 10_000, 3.0, 4.0),
}
"""Gauge -> its group, scrapes that a step lasts, its usual level, and that of the step."""
RULES = SIGNALS | {
    name: SignalRule(name, "level", group, "higher") for name, (group, *_) in (BLIPS | CONSTANTS).items()
}


def judged(
    rate: float, seed: int, windows: int, scrape: int, rollouts: int = ROLLOUTS, **lasting: float
) -> list[float]:
    """Of each rollout that had a history, its p.

    Args:
        rate: blips, of each gauge, a pod and rollout.
        seed: of all of it.
        windows: of a rollout.
        scrape: windows from scrape to scrape.
        rollouts: of each workload.
        lasting: gauge -> the level at which the canary keeps it.
    """
    rng = np.random.default_rng(seed)
    sds = np.exp(rng.normal(np.log(0.15), 0.6, (WORKLOADS, len(SIGNALS))))
    centres = rng.normal(2.0, 2.0, (WORKLOADS, len(SIGNALS)))
    pasts: dict[int, LevelPast] = defaultdict(LevelPast)
    found = []
    for rollout in range(rollouts):
        for workload in range(WORKLOADS):
            prior = level_prior([past for number, past in pasts.items() if number != workload])
            part = LevelPart(pasts[workload], prior, windows * WINDOW_NS, WINDOW_NS)
            up = np.zeros(len(SIGNALS))
            both = sides(rng, Gauges(pods=PODS), sds[workload], centres[workload], windows, scrape, up)
            for side, kept in zip(both, ({}, lasting), strict=True):
                for pod in range(PODS):
                    scrapes = range(int(rng.integers(0, scrape)), windows, scrape)
                    for name, levels in _paths(rng, rate, len(scrapes)).items():
                        for window, level in zip(scrapes, levels.tolist(), strict=True):
                            side[window].levels.setdefault(name, {})[pod] = kept.get(name, level)
            for window, (baseline, canary) in enumerate(zip(*both, strict=True)):
                part.add(window * WINDOW_NS, baseline, canary, RULES)
            reference = part.to_state().reference
            if reference is not None and reference.measures:
                found.append(part.p)
            pasts[workload].learn(part.cohort(f"{workload}-{rollout}"))
    return found


def _paths(rng: np.random.Generator, rate: float, scrapes: int) -> dict[str, np.ndarray]:
    """Of one pod's gauges, scrape by scrape."""
    paths = {}
    for name in (*BLIPS, *CONSTANTS):
        usual = CONSTANTS[name][2] if name in CONSTANTS else 0.0
        levels = np.full(scrapes, usual)
        for _ in range(rng.poisson(rate)):
            start = int(rng.integers(0, scrapes))
            lasts = (CONSTANTS.get(name) or BLIPS[name])[1]
            levels[start : start + lasts] = CONSTANTS[name][3] if name in CONSTANTS else BLIPS[name][2](rng)
        paths[name] = levels
    return paths


@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=NIGHTLY)])
@pytest.mark.parametrize(("rate", "scrape"), [(0.02, 3), (0.1, 12), pytest.param(0.5, 3, marks=NIGHTLY)])
def test_rare_blips_fail_no_healthy_canary(rate, scrape, seeds):
    """Ever, in ten minutes, at .05 and .01."""
    found = [p for seed in range(seeds) for p in judged(rate, seed, 120, scrape)]
    assert len(found) >= 40 * seeds
    for alpha in (0.05, 0.01):
        assert within_budget(sum(p <= alpha for p in found), len(found), alpha)


@pytest.mark.parametrize(("name", "level"), [("queue_depth", 500.0), ("breakers_open", 1.0), ("threads", 80.0)])
def test_what_lasts_is_found_though_the_past_has_never_seen_it_move(name, level):
    """From the first scrape on, every 15 s, for ten minutes."""
    found = judged(0.0, 0, 120, 3, 6, **{name: level})
    assert np.mean([p <= 0.05 for p in found]) > 0.9
