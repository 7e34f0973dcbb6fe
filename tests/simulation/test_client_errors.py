"""Clients that are refused: never a FAIL; what withholds a PASS among healthy canaries, and what a lost route shows.

Every pod is scraped every 5 s; a hundred requests come in a window, half of them to the canary.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.judging.events.part import EventPart, EventPartState
from streams.judging.judge import Judge
from streams.judging.settings import JudgeSettings
from streams.judging.shares import UNHEARD_SHARE
from streams.judging.side import EventCount, RequestCount, Side
from streams.signals.rule import SignalRule
from streams.signals.words import CLIENT_ERROR
from tests.simulation.core import within_budget

NIGHTLY = pytest.mark.nightly
pytestmark = pytest.mark.timeout(900)
WINDOW_NS, WINDOWS = 5_000_000_000, 120
SOURCE = "http.server.request.duration"
SIGNAL = SOURCE + CLIENT_ERROR
RULES = {SIGNAL: SignalRule(SIGNAL, "events", "errors", "higher", criticality="watch")}


def side(pods: int, requests: int, refused: int) -> Side:
    """One window."""
    found = Side(5.0 * pods)
    told = tuple(range(pods))
    found.requests[SOURCE] = RequestCount(float(requests), 0.0, told, told)
    found.events[SIGNAL] = EventCount(float(refused), 5.0 * pods, float(requests), min(pods, refused), pods)
    return found


def run(
    seed: int,
    *,
    pods: int = 2,
    refused: float = 0.02,
    worse: float = 1.0,
    crawlers: float = 0.0,
    size: int = 60,
    lasts: int = 1,
    sticky: bool = True,
) -> tuple[bool, float, bool]:
    """Whether anything harms it, the window from which a PASS was withheld (infinite: never), and whether at the end.

    Args:
        seed: of all.
        pods: of either side.
        refused: share of the requests that are refused singly, at the baseline.
        worse: so many times as many at the canary.
        crawlers: clients a window that ask for what is not there.
        size: what each asks in a window, a hundred being usual in all.
        lasts: windows that it goes on for.
        sticky: it keeps its connection, so that one pod has all of it; else each request goes to any pod.
    """
    rng = np.random.default_rng(seed)
    part = EventPart(JudgeSettings(), EventPartState())
    active: list[tuple[int, int]] = []
    withheld_from = math.inf
    for window in range(WINDOWS):
        active = [(pod, left - 1) for pod, left in active if left > 1]
        active += [(int(rng.integers(2 * pods)), lasts) for _ in range(rng.poisson(crawlers))]
        shown = []
        bad = [0, 0]
        for pod, _ in active:
            at_canary = size * (pod >= pods) if sticky else int(rng.binomial(size, 0.5))
            bad[1] += at_canary
            bad[0] += size - at_canary
        for number in (0, 1):
            usual = int(rng.poisson(50))
            singly = int(rng.binomial(usual, min(1.0, refused * (worse if number else 1.0))))
            shown.append(side(pods, usual + bad[number], singly + bad[number]))
        part.add(*shown, RULES)
        if part.refusing and math.isinf(withheld_from):
            withheld_from = window + 1.0
    return part.log_p < 0.0, withheld_from, bool(part.refusing)


CLIENTS = [
    {},
    {"crawlers": 0.05, "sticky": False, "lasts": 6},
    {"crawlers": 0.02, "size": 200},
    {"crawlers": 0.02, "size": 200, "lasts": 6},
]


@pytest.mark.parametrize(
    "clients", CLIENTS, ids=["single", "crawlers", "bursts at one pod", "half a minute at one pod"]
)
@pytest.mark.parametrize("runs", [6, pytest.param(200, marks=NIGHTLY)])
def test_bad_clients_fail_no_canary_and_hardly_ever_withhold_a_pass(clients, runs):
    """At most .05/e of the healthy ones, however large the bursts; a scanner that stays with one pod is below."""
    found = [run(seed, **clients) for seed in range(runs)]
    assert not any(failed for failed, _, _ in found)
    assert within_budget(sum(math.isfinite(at) for _, at, _ in found), runs, UNHEARD_SHARE / math.e)


def test_a_scanner_that_stays_with_one_pod_fails_nobody_and_a_lost_route_is_told():
    """20% of the canary's requests, or all that one client asks for, for ever: nothing tells one from the other."""
    scanned = run(1, crawlers=0.2, size=60, lasts=120)
    lost = [run(seed, refused=0.01, worse=20.0) for seed in range(5)]
    assert not scanned[0]
    assert not any(failed for failed, _, _ in lost)
    assert np.median([at for _, at, _ in lost]) <= 24
    assert all(now for _, _, now in lost)


def test_a_canary_that_has_lost_a_route_does_not_pass_and_the_document_says_why():
    """Promise: the verdict is none, where that of the same canary without client errors is a PASS."""
    verdicts = {}
    for worse in (1.0, 20.0):
        judge = Judge.begin(JudgeSettings(alpha=0.05), WINDOW_NS, heard=("errors",))
        rng = np.random.default_rng(1)
        for window in range(500):
            shown = [side(2, 50, int(rng.binomial(50, 0.01 * times))) for times in (1.0, worse)]
            judge.add(window * WINDOW_NS, *shown, {}, RULES)
        verdicts[worse] = judge.verdict
        found = judge.assess({}, RULES)
        (row,) = [row for row in found.signals if row.signal == SIGNAL]
        assert (row.weight, row.criticality) == (0.0, "watch")
        assert any("refuses more of what clients ask" in reason for reason in found.reasons) == (worse > 1.0)
        assert any("shown only" in reason for reason in found.reasons) == (worse > 1.0)
    assert verdicts == {1.0: "pass", 20.0: "none"}
