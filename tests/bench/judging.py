"""What does one window of one comparison cost the judge? Levels, events and distributions, 200 signals in all."""

from __future__ import annotations

import time

import msgspec
import numpy as np

from streams.judging.judge import Judge
from streams.judging.past import Past
from streams.judging.settings import JudgeSettings
from streams.judging.side import EventCount, RequestCount, Side
from streams.records.histogram import Histogram, from_explicit_bounds
from streams.signals.requests import REQUEST_SOURCES
from streams.signals.rule import SignalRule

WINDOW_NS = 5_000_000_000
MIXES = {
    "mixed": {"level": 100, "events": 50, "values": 50},
    "levels": {"level": 200},
    "events": {"events": 100},
    "values": {"values": 50},
}
"""Kind -> signals; of events and distributions as many as are judged at most."""
_BOUNDS = [0.005 * 1.6**step for step in range(14)]
_PODS = (4, 2)


def run(windows: int = 60) -> dict[str, dict[str, float]]:
    """Milliseconds of a window judged, a document and a snapshot, by mix of signals; means over the windows."""
    found = {name: _measure(kinds, windows, 1) for name, kinds in MIXES.items()}
    found["mixed, scraped every 15 s"] = _measure(MIXES["mixed"], windows, 3)
    return {**found, "values, after three comparisons": _measure(MIXES["values"], windows, 1, comparisons=3)}


def _measure(kinds: dict[str, int], windows: int, scrape_windows: int, comparisons: int = 0) -> dict[str, float]:
    """Of the last comparison; what those before it taught of distributions is its past."""
    past = Past()
    for seed in range(2, 2 + comparisons):
        judge, _ = _judged(kinds, windows, scrape_windows, past, seed)
        past.values.learn(judge.cohort("").values, JudgeSettings().logs.decay)
    return _judged(kinds, windows, scrape_windows, past, 1)[1]


def _judged(
    kinds: dict[str, int], windows: int, scrape_windows: int, past: Past, seed: int
) -> tuple[Judge, dict[str, float]]:
    rng = np.random.default_rng(seed)
    rules = {
        f"{kind} {number}": SignalRule(f"{kind} {number}", kind, "latency" if kind == "values" else "other", "higher")
        for kind, signals in kinds.items()
        for number in range(signals)
    }
    judge = Judge.begin(JudgeSettings(), WINDOW_NS, past)
    added, told, kept = [], [], []
    for window in range(windows):
        scraped = window % scrape_windows == 0
        sides = [_side(kinds, pods, rng) if scraped else Side(pods * 5.0, lines=pods) for pods in _PODS]
        began = time.perf_counter()
        judge.add(window * WINDOW_NS, *sides, {}, rules)
        added.append(time.perf_counter() - began)
        began = time.perf_counter()
        judge.assess({}, rules)
        told.append(time.perf_counter() - began)
        began = time.perf_counter()
        msgspec.msgpack.encode(judge.to_state())
        kept.append(time.perf_counter() - began)
    return judge, {"window_ms": _mean_ms(added), "document_ms": _mean_ms(told), "snapshot_ms": _mean_ms(kept)}


def _side(kinds: dict[str, int], pods: int, rng: np.random.Generator) -> Side:
    requests = 50 * pods
    side = Side(pods * 5.0, lines=pods)
    side.requests[REQUEST_SOURCES[0]] = RequestCount(requests, 1.0, tuple(range(pods)), tuple(range(pods)))
    for number in range(kinds.get("level", 0)):
        side.levels[f"level {number}"] = {pod: float(rng.lognormal()) for pod in range(pods)}
    for number in range(kinds.get("events", 0)):
        events = float(rng.poisson(1.0))
        side.events[f"events {number}"] = EventCount(events, pods * 5.0, float(requests), min(pods, int(events)), pods)
    for number in range(kinds.get("values", 0)):
        side.values[f"values {number}"] = _histogram(rng.lognormal(-2.0, 0.7, requests))
    return side


def _histogram(values: np.ndarray) -> Histogram:
    counts = np.bincount(np.searchsorted(_BOUNDS, values), minlength=len(_BOUNDS) + 1)
    return from_explicit_bounds(_BOUNDS, counts.tolist(), float(values.sum()))


def _mean_ms(seconds: list[float]) -> float:
    return round(1000.0 * float(np.mean(seconds)), 2)
