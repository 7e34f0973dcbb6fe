"""Small histories for the tests of the levels' parts."""

from __future__ import annotations

import numpy as np

from streams.judging.levels.part import LevelPart
from streams.judging.levels.past import LevelPast
from streams.judging.levels.prior import LevelPrior
from streams.judging.side import Side
from streams.signals.rule import SignalRule

WINDOW_NS = 5_000_000_000
RULES = {
    rule.signal: rule
    for rule in (
        SignalRule("cpu", "level", "cpu", "higher", unit="1"),
        SignalRule("memory", "level", "memory", "higher", unit="By"),
        SignalRule("availability", "level", "availability", "lower", scale="share_free", unit="%"),
        SignalRule("queue", "level", "saturation", "higher", scale="count"),
        SignalRule("network", "level", "network", "either"),
        SignalRule("node_cpu", "level", "cpu", "higher", criticality="watch"),
    )
}
_CENTRES = {"cpu": 0.3, "memory": 5e8, "availability": 99.9, "queue": 4.0, "network": 2e4, "node_cpu": 40.0}


def side(rng: np.random.Generator, pods: int = 2, **factors: float) -> Side:
    """One window of a healthy side, levels times a factor where one is given."""
    levels = {}
    for signal, centre in _CENTRES.items():
        noisy = (
            centre * np.exp(rng.normal(0.0, 0.1, pods)) if signal != "availability" else rng.uniform(99.8, 100.0, pods)
        )
        levels[signal] = dict(enumerate((noisy * factors.get(signal, 1.0)).tolist()))
    return Side(pod_s=5.0 * pods, levels=levels)


def past(rollouts: int = 4, windows: int = 12, pods: int = 2, seed: int = 1) -> LevelPast:
    """That of so many healthy rollouts."""
    rng, known = np.random.default_rng(seed), LevelPast()
    for number in range(rollouts):
        part = begin(known, windows)
        for window in range(windows):
            part.add(window * WINDOW_NS, side(rng, pods), side(rng, pods), RULES)
        known.learn(part.cohort(f"r{number}"))
    return known


def begin(known: LevelPast, windows: int = 12) -> LevelPart:
    """A part for a comparison of so many windows."""
    return LevelPart(known, LevelPrior(), windows * WINDOW_NS, WINDOW_NS)
