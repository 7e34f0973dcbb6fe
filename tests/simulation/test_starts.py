"""Canaries whose pods are slower while they start, as every pod of the workload is: two minutes at twice the latency.

Through the pods' own series (`Presence`) and the real judge; a histogram every 5 s, a tenth of the traffic at each pod
of the canary. Where pods do not say when they started, such a canary fails: 12 of 12 at .05.
"""

from __future__ import annotations

import numpy as np
import pytest

from streams.judging.judge import Judge
from streams.judging.presence import Presence
from streams.judging.settings import JudgeSettings
from streams.records.identity import Revision, Workload
from streams.records.metric import Series
from streams.signals.catalogue import Catalogue
from streams.windows.summary import PodSummary, Summary
from tests.simulation.core import RUNS, within_budget
from tests.simulation.test_values import histogram

pytestmark = pytest.mark.timeout(900)
S = 1_000_000_000
WINDOW_NS, BEGINS_NS = 5 * S, 2_000 * 5 * S
LATENCY, STARTED = 1, 2
SHARE = 0.1


def failed_at(seed: int, alpha: float, *, later: float = 1.0, told: bool = True) -> float:
    """Minutes to FAIL in ten; infinite where it never came.

    Args:
        seed: of all of it.
        alpha: of the judge.
        later: how many times as slow the canary's pods are after their first two minutes, at twice the latency.
        told: pods say when they started. A second one of the canary comes after four minutes.
    """
    rng, catalogue = np.random.default_rng(seed), Catalogue()
    catalogue.learn(LATENCY, Series("http.server.request.duration", (), "s"))
    catalogue.learn(STARTED, Series("process_start_time_seconds"))
    judge = Judge.begin(JudgeSettings(alpha=alpha), WINDOW_NS, heard=("values",))
    sides = Presence(WINDOW_NS), Presence(WINDOW_NS)
    revisions = [Revision(Workload("", "prod", "shop"), name) for name in ("old", "new")]
    for window in range(120):
        now_ns = BEGINS_NS + window * WINDOW_NS
        born = [[BEGINS_NS - 5_000 * S], [BEGINS_NS - 10 * S, BEGINS_NS + 240 * S][: 1 + (window >= 48)]]
        shares = [1.0 - SHARE * len(born[1]), SHARE]
        shown = []
        for number, presence in enumerate(sides):
            pods = {}
            for pod, started_ns in enumerate(born[number]):
                slower = 2.0 if now_ns - started_ns < 120 * S else later if number else 1.0
                seen = histogram(0.1 * slower * np.exp(rng.normal(0.0, 0.5, rng.poisson(100.0 * shares[number]))))
                pods[f"p{pod}"] = PodSummary(
                    gauges={STARTED: {now_ns: started_ns / 1e9}} if told else {},
                    histogram_increases={} if seen is None else {LATENCY: seen},
                )
            shown.append(presence.close(now_ns, Summary(revisions[number], now_ns, pods=pods), catalogue, {}))
        judge.add(now_ns, *shown, {}, catalogue.rules)
        if judge.verdict == "fail":
            return (window + 1) / 12.0
    return np.inf


def failed(runs: int, alpha: float, *, later: float = 1.0, told: bool = True) -> np.ndarray:
    """Minutes to FAIL of so many runs."""
    return np.array([failed_at(seed, alpha, later=later, told=told) for seed in range(runs)])


@pytest.mark.parametrize(
    ("runs", "alpha"), [(10, 0.05), *(pytest.param(RUNS, alpha, marks=pytest.mark.nightly) for alpha in (0.05, 0.01))]
)
def test_a_slow_start_fails_no_healthy_canary(alpha, runs):
    """Also that of a pod that comes later."""
    assert within_budget(int(np.isfinite(failed(runs, alpha)).sum()), runs, alpha)


def test_what_stays_slow_is_found_when_it_has_started():
    """Twice as slow for good; at once where nothing is said of starts."""
    assert np.median(failed(5, 0.05, later=2.0)) <= 3.5
    assert np.median(failed(5, 0.05, later=2.0, told=False)) <= 1.5
