"""The core under a moving split and a shared incident: false alarms, time to find, the split ignored.

Reproduces judging.md, section 1, at alpha .05: 3 events a window in both revisions together, 720 windows.
"""

from __future__ import annotations

import numpy as np
import pytest

from streams.judging.counts import log_mean_exp
from streams.judging.settings import JudgeSettings
from streams.judging.signal import Counted, Signal, SignalState
from streams.policy.counted import COUNTED
from tests.simulation.core import (
    RUNS,
    Floats,
    first_crossing,
    flagged,
    incident,
    log_e_paths,
    power,
    ramp,
    within_budget,
)

ALPHA = 0.05
pytestmark = pytest.mark.timeout(900)
WINDOWS = 720
EVENTS = 3.0


def events(rng: np.random.Generator, runs: int, ratio: float) -> tuple[Floats, Floats, Floats]:
    """(canary, total, share), each (runs, windows): Poisson events along a shared rate path with a tenfold incident."""
    share = np.tile(ramp(WINDOWS), (runs, 1))
    rate = EVENTS * incident(WINDOWS, 0.4, 0.1, 10.0)
    canary = rng.poisson(rate * share * ratio)
    return canary, canary + rng.poisson(rate * (1.0 - share)), share


@pytest.mark.parametrize(("runs", "level", "times"), [(RUNS, 0.05, 2.0), (RUNS, 0.01, 4.0), (12, 0.05, 12.0)])
def test_a_budget_notices_what_breaks_it(runs, level, times):
    """Nine times in ten: at night twice as many false alarms as .05, four times .01; by day those of a broken judge."""
    assert power(runs, level, times) > 0.89


@pytest.mark.parametrize(
    ("ratio", "tolerance", "runs"),
    [
        (1.0, 1.0, 600),
        (1.2, 1.2, 600),
        pytest.param(1.0, 1.0, 20_000, marks=pytest.mark.nightly),
        pytest.param(1.2, 1.2, 20_000, marks=pytest.mark.nightly),
    ],
)
def test_a_canary_at_the_tolerated_ratio_is_flagged_in_at_most_alpha_of_the_runs(ratio, tolerance, runs):
    """Ever, over the whole rollout."""
    rng, flags = np.random.default_rng(1), 0.0
    for _ in range(runs // 200):
        flags += 200 * flagged(log_e_paths(*events(rng, 200, ratio), tolerance), ALPHA)
    assert within_budget(round(flags), runs, ALPHA)


@pytest.mark.parametrize(("ratio", "window"), [(5.0, 8), (3.0, 23), (2.0, 61), (1.5, 206)])
def test_worse_canaries_are_found_in_time(ratio, window):
    """Median windows within a third of those of judging.md."""
    found = first_crossing(log_e_paths(*events(np.random.default_rng(2), 300, ratio), 1.0), ALPHA)
    assert window / 1.5 <= np.median(found) <= window * 1.34


def test_without_the_moving_split_nearly_every_healthy_canary_is_flagged():
    """The split frozen at its first step: this is why exposure is taken window by window."""
    canary, total, share = events(np.random.default_rng(3), 100, 1.0)
    assert flagged(log_e_paths(canary, total, np.full_like(share, 0.05), 1.0), ALPHA) > 0.95


def test_the_products_code_gives_the_same_path():
    """Signal from its first beginning on, bin by bin, against the vectorised core."""
    canary, total, share = (values[:5, ::3] for values in events(np.random.default_rng(4), 5, 2.0))
    paths = log_e_paths(canary, total, share, 1.2)
    for run in range(5):
        signal = Signal(COUNTED[1], JudgeSettings(), SignalState())
        for x, k, rho, expected in zip(canary[run], total[run], share[run], paths[run], strict=True):
            signal.add(Counted(float(x), float(k - x), float(rho), float(rho), 0.0, 0.0))
            first = signal.state.worse_requests.sums[0]
            assert log_mean_exp(first) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("identical", [False, True])
def test_one_risk_over_four_signals_keeps_alpha(alpha, identical):
    """The weighted sum of e-values under independence and under full dependence."""
    rng, runs = np.random.default_rng(5), 300
    weights = [rule.weight for rule in COUNTED]
    paths = [log_e_paths(*events(rng, runs, 1.0), 1.0) for _ in range(1 if identical else 4)]
    combined = np.logaddexp.reduce([np.log(w) + paths[0 if identical else i] for i, w in enumerate(weights)], axis=0)
    assert within_budget(round(runs * flagged(combined, alpha)), runs, alpha)
