"""The core of the judging over many runs at once, in numpy; arrays are (runs, windows).

`tests/streams/judging/test_counts.py` ties the product's code out against scipy, `test_core.py` here against this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]
RUNS = 500
"""Of the nightly form of a simulation whose runs are independent."""
FACTORS = np.array([1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0])


def log_e_paths(canary: Floats, total: Floats, share: Floats, null: float, factors: Floats = FACTORS) -> Floats:
    """Log E after each window, (runs, windows); no evidence where the share is 0 or 1."""
    usable = (share > 0) & (share < 1) & (total > 0)
    rho = np.where(usable, share, 0.5)
    tolerated = null * rho / (1 - rho + null * rho)
    sums = []
    for factor in factors:
        worse = factor * null * rho / (1 - rho + factor * null * rho)
        increments = canary * np.log(worse / tolerated) + (total - canary) * np.log((1 - worse) / (1 - tolerated))
        sums.append(np.cumsum(np.where(usable, increments, 0.0), axis=1))
    return np.logaddexp.reduce(sums, axis=0) - np.log(len(factors))


def first_crossing(paths: Floats, alpha: float) -> Floats:
    """Number (from 1) of the first window with log E >= log(1/alpha), infinite where there is none; (runs,)."""
    crossed = paths >= -np.log(alpha)
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)


def flagged(paths: Floats, alpha: float) -> float:
    """Share of runs that ever cross."""
    return float(np.isfinite(first_crossing(paths, alpha)).mean())


def ramp(windows: int) -> Floats:
    """The canary's traffic share, 5 -> 10 -> 25 -> 50% in four equal parts; (windows,)."""
    return np.repeat([0.05, 0.10, 0.25, 0.50], -(-windows // 4))[:windows]


def incident(windows: int, start: float, length: float, factor: float) -> Floats:
    """A rate path shared by both revisions: `factor` times as high for a while; times as shares of the whole."""
    path = np.ones(windows)
    path[int(start * windows) : int((start + length) * windows)] = factor
    return path


def within_budget(flags: int, runs: int, level: float) -> bool:
    """Whether so many flags among the runs are compatible with a probability of at most `level` (one in a thousand)."""
    return flags <= int(binom.ppf(0.999, runs, level))


def power(runs: int, level: float, times: float) -> float:
    """How probably `within_budget` sees that flags are so many times as frequent as they may be."""
    return float(binom.sf(binom.ppf(0.999, runs, level), runs, level * times))
