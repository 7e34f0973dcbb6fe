"""Several sources count the same requests (a proxy and the application, HTTP and gRPC): the budget is kept.

The failures of each source that is not the exposure are judged too, and all of them tell of one and the same clumps.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest

from streams.judging.judge import Judge
from streams.judging.settings import JudgeSettings
from streams.judging.side import EventCount, RequestCount, Side
from streams.signals.requests import PROXY_SOURCES, REQUEST_SOURCES
from streams.signals.rule import SignalRule
from streams.signals.words import failed_signal
from tests.simulation.core import within_budget
from tests.simulation.rollout import SIGNATURES, WINDOW_NS, WINDOW_S, Service, windows

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.timeout(900)
EXPOSURE = REQUEST_SOURCES[0]
OTHERS = (PROXY_SOURCES[0], "rpc.server.call.duration", "shop_http_requests", "gateway_requests", "envoy_requests")
MOST_BEHIND = 3


@dataclass(frozen=True)
class Sources:
    """How requests are counted beside the exposure."""

    number: int = 1
    """Of further sources; the first, the third, ... see all requests, the others about half of them."""
    own: float = 0.0005
    """Share of requests that each sees fail beside (a client that went away)."""
    known: bool = True
    """Heard of in earlier rollouts; else each turns up in the comparison."""


class _Side:
    """One revision's further sources; the i-th is scraped i windows (at most three) after the exposure."""

    def __init__(self, sources: Sources, pods: int, rng: np.random.Generator) -> None:
        self._sources, self._pods, self._rng = sources, pods, rng
        self._told: deque[RequestCount] = deque([RequestCount()] * MOST_BEHIND, MOST_BEHIND)

    def add(self, side: Side) -> None:
        for number, source in enumerate(OTHERS[: self._sources.number]):
            count = self._told[-min(number + 1, MOST_BEHIND)]
            requests, failed = count.requests, count.errors
            if number % 2:
                good = self._rng.binomial(int(requests - failed), 0.5)
                failed = float(self._rng.binomial(int(failed), 0.5))
                requests = good + failed
            failed = min(requests, failed + self._rng.poisson(requests * self._sources.own))
            if count.reported:
                incidents = min(len(count.reported), int(failed))
                side.events[failed_signal(source)] = EventCount(
                    failed, WINDOW_S * self._pods, requests, incidents, len(count.reported)
                )
                side.requests[source] = RequestCount(requests, failed, count.reported, count.awaited)
        self._told.append(side.requests[EXPOSURE])


def failed_at(service: Service, sources: Sources, number: int, seed: int, alpha: float) -> float:
    """Minutes to FAIL, infinite where it never came."""
    rules = {
        signal: SignalRule(signal, "events", "errors", "higher", 1.0 if source in PROXY_SOURCES else 0.5)
        for source in OTHERS[: sources.number]
        for signal in (failed_signal(source),)
    }
    judge = Judge.begin(JudgeSettings(alpha=alpha), WINDOW_NS, heard=("errors",) if sources.known else ())
    rng = np.random.default_rng([seed, 1])
    both = [_Side(sources, pods, rng) for pods in service.pods]
    for index, pair in enumerate(windows(service, number, np.random.default_rng(seed))):
        for side, further in zip(pair, both, strict=True):
            further.add(side)
        shown = rules if sources.known or index else {}
        judge.add(index * WINDOW_NS, *pair, SIGNATURES, shown)
        if judge.verdict == "fail":
            return (index + 1) * WINDOW_S / 60.0
    return np.inf


SINGLE = Service(logged=(), failed=0.005)
CLUMPS = Service(logged=(), failed=0.001, clumped=0.01)


@pytest.mark.parametrize(
    ("runs", "alpha"), [(8, 0.05), *(pytest.param(200, alpha, marks=NIGHTLY) for alpha in (0.05, 0.01))]
)
@pytest.mark.parametrize(
    ("service", "sources"),
    [
        (CLUMPS, Sources(5)),
        (CLUMPS, Sources(5, known=False)),
        pytest.param(SINGLE, Sources(3), marks=NIGHTLY),
        pytest.param(SINGLE, Sources(1, known=False), marks=NIGHTLY),
        pytest.param(CLUMPS, Sources(1), marks=NIGHTLY),
    ],
)
def test_healthy_canaries_keep_alpha(service, sources, runs, alpha):
    """A FAIL ever, in 15 minutes, in at most alpha of the runs."""
    failed = [np.isfinite(failed_at(service, sources, 180, seed, alpha)) for seed in range(runs)]
    assert within_budget(sum(failed), runs, alpha)


def test_what_only_the_proxy_sees_is_found():
    """A revision that refuses connections counts none of them itself."""
    only_proxy = [_at_the_proxy(seed) for seed in range(5)]
    assert np.median(only_proxy) <= 5.0


def _at_the_proxy(seed: int) -> float:
    class Refuses(_Side):
        def add(self, side: Side) -> None:
            super().add(side)
            seen = side.events.get(failed_signal(OTHERS[0]))
            if seen is not None:
                refused = float(self._rng.binomial(int(seen.attempts), 0.1))
                seen.events, seen.incidents = seen.events + refused, min(seen.reports, int(seen.events + refused))

    rules = {failed_signal(OTHERS[0]): SignalRule(failed_signal(OTHERS[0]), "events", "errors", "higher")}
    judge, rng = Judge.begin(JudgeSettings(), WINDOW_NS, heard=("errors",)), np.random.default_rng([seed, 1])
    baseline, canary = _Side(Sources(), SINGLE.pods[0], rng), Refuses(Sources(), SINGLE.pods[1], rng)
    for index, pair in enumerate(windows(SINGLE, 180, np.random.default_rng(seed))):
        baseline.add(pair[0])
        canary.add(pair[1])
        judge.add(index * WINDOW_NS, *pair, SIGNATURES, rules)
        if judge.verdict == "fail":
            return (index + 1) * WINDOW_S / 60.0
    return np.inf
