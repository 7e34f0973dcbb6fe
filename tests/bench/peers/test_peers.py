"""The peers do what their authors describe."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord
from streams.risk.comparison import Comparison
from tests.bench.peers import kayenta, new_cluster, peeked
from tests.bench.peers.cases import Recorded
from topology.recording.cases import Case

CASE = Case("x", Comparison("", "n", "w", "b", "c"), 0, 100 * 10**9)
SOURCE = Source(Revision(Workload("", "n", "w"), "c"), "p")


def line(second, text):
    """One log line."""
    return LogRecord(SOURCE, int(second * 1e9), text)


def standardised(shift, left, right, quantile):
    """R's wilcox.test, normal approximation with continuity correction: (W - mean - correction) / sigma - quantile."""
    n, m = len(left), len(right)
    ranks = rankdata([*(value - shift for value in left), *right])
    deviation = ranks[:n].sum() - n * (n + 1) / 2 - n * m / 2
    ties = sum(count**3 - count for count in np.unique(ranks, return_counts=True)[1])
    sigma = np.sqrt(n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1))))
    return (deviation - np.sign(deviation) * 0.5) / sigma - quantile


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_is_that_of_the_root_finder(seed):
    """Promise: the order statistics are where R's (and Kayenta's) search for a root ends."""
    draw = np.random.default_rng(seed)
    left, right = draw.normal(1, 1, 14), draw.normal(0, 1, 11)
    lower, estimate, upper = kayenta.interval(list(left), list(right))
    least, most = left.min() - right.max(), left.max() - right.min()
    for found, quantile in ((lower, norm.ppf(0.99)), (upper, norm.ppf(0.01)), (estimate, 0.0)):
        root = brentq(standardised, least, most, args=(left, right, quantile), xtol=1e-9)
        assert found == pytest.approx(root, abs=1e-6 if quantile else 0.2)


@pytest.mark.parametrize(
    ("control", "experiment", "found"),
    [
        ([1.0] * 9 + [1.1], [2.0] * 9 + [2.1], "high"),
        ([2.0] * 9 + [2.1], [1.0] * 9 + [1.1], "low"),
        ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], "pass"),
        ([1.0, 1.0], [1.0, 1.0, 1.0], "pass"),
        ([], [1.0], "nodata"),
    ],
)
def test_kayenta_classifies(control, experiment, found):
    """Promise: high, low, pass and nodata as its classifier says them."""
    assert kayenta.classify(control, experiment) == found


def test_kayenta_scores_the_share_of_metrics_that_pass():
    """Promise: with two of four metrics moved the score is 50, below 75, and the canary fails at the look."""
    recorded = Recorded(CASE)
    for number in range(4):
        recorded.baseline_values[f"m{number}"] = [(second * 10**9, second % 7) for second in range(100)]
        moved = 100 if number < 2 else 0.5
        recorded.canary_values[f"m{number}"] = [(second * 10**9, second % 7 + moved) for second in range(100)]
    assert kayenta.failed_at_s(recorded, 1, 1) == 100
    assert kayenta.failed_at_s(recorded, 10, 2) == 10
    del recorded.canary_values["m0"], recorded.canary_values["m1"]
    assert kayenta.failed_at_s(recorded, 1, 1) is None


def test_a_new_error_cluster_fails():
    """Promise: an error unlike all of the baseline's; the same error with other values does not, nor does new news."""
    recorded = Recorded(CASE, [line(1, "ERROR order 17 of bob failed")], [line(2, "ERROR order 18 of ann failed")])
    assert new_cluster.failed_at_s(recorded) is None
    recorded.canary_log.append(line(3, "INFO something entirely new"))
    assert new_cluster.failed_at_s(recorded) is None
    recorded.canary_log.append(line(4, "connection to db-3 refused"))
    assert new_cluster.failed_at_s(recorded) == 100


def test_the_peeked_test_fails_at_the_bin_at_which_it_first_rejects():
    """Promise: after every bin, on all lines so far."""
    calm = [line(second, "INFO fine") for second in range(100)]
    recorded = Recorded(CASE, calm, [line(second, "ERROR bad" if second >= 50 else "INFO") for second in range(100)])
    assert peeked.failed_at_s(recorded) == 55
    assert peeked.failed_at_s(Recorded(CASE, calm, calm)) is None
