"""Rollouts of workloads that report gauges, through the real part; histories and priors grow as in life."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from streams.judging.levels.deviation import Deviation, DeviationState
from streams.judging.levels.part import LevelPart
from streams.judging.levels.past import LevelPast, level_prior
from streams.judging.levels.prior import LevelPrior
from streams.judging.levels.reference import freeze
from streams.judging.levels.scale import OFFSET_SHARE
from streams.judging.side import Side
from streams.signals.rule import SignalRule

WINDOW_NS = 5_000_000_000
SIGNALS = {
    rule.signal: rule
    for rule in (
        SignalRule("cpu_usage", "level", "cpu", "higher"),
        SignalRule("cpu_throttled", "level", "cpu", "higher"),
        SignalRule("memory_rss", "level", "memory", "higher"),
        SignalRule("latency_mean", "level", "latency", "higher"),
        SignalRule("latency_p90", "level", "tail_latency", "higher"),
        SignalRule("latency_p99", "level", "tail_latency", "higher"),
        SignalRule("requests", "level", "load", "either"),
        SignalRule("network_receive", "level", "network", "either"),
        SignalRule("network_transmit", "level", "network", "either"),
        SignalRule("disk_reads", "level", "io", "either"),
    )
}
NAMES = tuple(SIGNALS)


@dataclass(frozen=True)
class Gauges:
    """How the gauges of a cluster's workloads behave; standard deviations in units of each signal's own."""

    correlation: float = 0.0
    """AR(1), from scrape to scrape."""
    heavy: bool = False
    """Student's t with 4 degrees instead of normal noise."""
    pods: int = 1
    """A side."""
    pod_sd: float = 0.0
    """Between pods of one rollout."""
    drift_sd: float = 0.0
    """Between rollouts, of both sides alike."""
    apart: bool = False
    """Both sides drift by themselves: laid side by side, not concurrent."""
    incidents: float = 0.0
    """Share of rollouts in which something happens to both."""
    steps: bool = False
    """The canary grows from one pod to two and four; the baseline has four."""
    scrape_windows: tuple[int, ...] = (2, 12)
    """Windows from scrape to scrape, by turns of the workloads."""
    worse: float = 0.0
    """Rise of the canary's signals that are judged one way, on the log scale."""
    groups: tuple[str, ...] = ("cpu", "memory", "latency", "tail_latency")
    """Those that rise."""
    at_margin: bool = False
    """The canary's `groups` are worse by exactly what a PASS rules out."""
    gaps: float = 0.0
    """Share of rollouts in which neither side reports latencies, by turns."""
    identical: bool = False
    """The canary's levels are the baseline's."""


@dataclass(frozen=True)
class Outcome:
    """One rollout."""

    units: int
    """In its history; 0 = it could not be judged."""
    p: float
    p_not_worse: float
    """Smallest ever; 1 where nothing is to be shown."""
    found_window: float
    """In which p first was at most .05."""


def rollouts(gauges: Gauges, seed: int, workloads: int = 8, cases: int = 14, windows: int = 36) -> list[Outcome]:
    """All rollouts of a cluster's workloads, by turns; each baseline becomes history."""
    rng = np.random.default_rng(seed)
    sds = np.exp(rng.normal(np.log(0.15), 0.6, (workloads, len(NAMES))))
    centres = rng.normal(2.0, 2.0, (workloads, len(NAMES)))
    pasts: dict[int, LevelPast] = defaultdict(LevelPast)
    outcomes = []
    for case in range(cases):
        for workload in range(workloads):
            prior = level_prior([past for number, past in pasts.items() if number != workload])
            part = LevelPart(pasts[workload], prior, windows * WINDOW_NS, WINDOW_NS)
            gap = gauges.scrape_windows[workload % len(gauges.scrape_windows)]
            up = _rise(gauges, pasts[workload], prior, windows)
            both = sides(rng, gauges, sds[workload], centres[workload], windows, gap, up)
            if int((case + 1) * gauges.gaps) > int(case * gauges.gaps):
                _leave_out(both, ("latency", "tail_latency"))
            outcomes.append(_run(part, both))
            pasts[workload].learn(part.cohort(f"{workload}-{case}"))
    return outcomes


def _run(part: LevelPart, sides: tuple[list[Side], list[Side]]) -> Outcome:
    found, smallest = np.inf, 1.0
    for window, (baseline, canary) in enumerate(zip(*sides, strict=True)):
        part.add(window * WINDOW_NS, baseline, canary, SIGNALS)
        smallest = min(smallest, 1.0 if part.p_not_worse is None else part.p_not_worse)
        if part.p <= 0.05:
            found = min(found, window)
    reference = part.to_state().reference
    units = max((one.units for one in reference.measures), default=0) if reference else 0
    return Outcome(units, part.p, smallest, found)


def _leave_out(sides: tuple[list[Side], list[Side]], groups: tuple[str, ...]) -> None:
    for windows in sides:
        for side in windows:
            side.levels = {name: pods for name, pods in side.levels.items() if SIGNALS[name].group not in groups}


def _rise(gauges: Gauges, past: LevelPast, prior: LevelPrior, windows: int):
    """Of each of the canary's signals, on the log scale."""
    up = np.full(len(NAMES), gauges.worse)
    if gauges.at_margin:
        reference = freeze(past, prior, SIGNALS, windows, WINDOW_NS)
        margins = Deviation(reference, DeviationState()).margins
        fitting = [pods for pods in margins if pods <= gauges.pods]
        if fitting:  # of the signal as the scale has it: a share of the usual level is added
            known = dict(zip([rule.signal for rule in reference.rules], margins[max(fitting)].tolist(), strict=True))
            up = np.log((1.0 + OFFSET_SHARE) * np.exp([known[name] for name in NAMES]) - OFFSET_SHARE)
    return up * [rule.group in gauges.groups for rule in SIGNALS.values()]


def sides(rng, gauges: Gauges, sd, centre, windows: int, gap: int, up) -> tuple[list[Side], list[Side]]:
    """(baseline, canary): the windows of one rollout."""
    count = -(-windows // gap)
    drift = gauges.drift_sd * _noise(rng, gauges, (len(NAMES),))
    shared = np.zeros((len(NAMES), windows))
    if rng.random() < gauges.incidents:
        start = rng.integers(0, windows)
        hit = (rng.random(len(NAMES)) < 0.5) * rng.uniform(0.5, 2.0)
        shared[:, start : start + windows // 3] = hit[:, None]
    both = []
    for is_canary in (False, True):
        if gauges.apart:
            drift = gauges.drift_sd * _noise(rng, gauges, (len(NAMES),))
        side = [Side(pod_s=5.0) for _ in range(windows)]
        starts = _starts(gauges, windows, is_canary=is_canary)
        for pod, start in enumerate(starts):
            own = gauges.pod_sd * _noise(rng, gauges, (len(NAMES),))
            noise = _path(rng, gauges, count)
            offset = int(rng.integers(0, gap))
            for scrape in range(count):
                window = scrape * gap + offset
                if start <= window < windows:
                    level = centre + sd * (noise[:, scrape] + own + drift) + shared[:, window] + up * is_canary
                    for name, value in zip(NAMES, np.exp(level).tolist(), strict=True):
                        side[window].levels.setdefault(name, {})[pod] = value
        both.append(side)
    return (both[0], both[0]) if gauges.identical else (both[0], both[1])


def _starts(gauges: Gauges, windows: int, *, is_canary: bool) -> list[int]:
    if not gauges.steps:
        return [0] * gauges.pods
    return [0, windows // 3, 2 * windows // 3, 2 * windows // 3] if is_canary else [0] * 4


def _noise(rng, gauges: Gauges, shape: tuple[int, ...]):
    return rng.standard_t(4, shape) / np.sqrt(2.0) if gauges.heavy else rng.normal(size=shape)


def _path(rng, gauges: Gauges, count: int):
    noise = _noise(rng, gauges, (len(NAMES), count))
    rho = gauges.correlation
    for scrape in range(1, count):
        noise[:, scrape] = rho * noise[:, scrape - 1] + np.sqrt(1.0 - rho**2) * noise[:, scrape]
    return noise
