"""Counting what was right, and how far the counts may be believed."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from streams.judging.evidence import Exposure
from topology.backtest.intervals import f1, f1_interval, wilson
from topology.backtest.row import Row
from topology.backtest.tally import pooled, tally
from topology.recording.cases import GroundTruth


def row(name, failed_at_s=None, passed_at_s=None):
    """A case of 100 s."""
    return Row(
        case=name,
        verdict="none",
        risk=50,
        failed_at_s=failed_at_s,
        passed_at_s=passed_at_s,
        reasons=(),
        set="s",
        namespace="n",
        workload="w",
        length_s=100,
        exposure=Exposure(),
        parts={},
        confidence=0,
        unjudged=(),
        records=0,
    )


TOLD = {
    **{f"h{number}": GroundTruth("healthy", "calm" if number < 3 else "windy") for number in range(4)},
    **{f"f{number}": GroundTruth("faulty", "", "cpu" if number < 2 else "delay") for number in range(3)},
}
ROWS = [
    row("h0"),
    row("h1", passed_at_s=40),
    row("h2", passed_at_s=100),
    row("h3", failed_at_s=10),
    row("f0", failed_at_s=20),
    row("f1", failed_at_s=60, passed_at_s=30),
    row("f2", passed_at_s=50),
    row("x", failed_at_s=1),
]


def test_what_is_counted():
    """Promise: by kind and by fault; early is before the end; what passed first was promoted; no label, no count."""
    found = tally("s", ROWS, TOLD)
    assert {kind: (group.cases, group.failed) for kind, group in found.healthy.items()} == {
        "calm": (3, 0),
        "windy": (1, 1),
    }
    assert {kind: (group.cases, group.failed) for kind, group in found.faulty.items()} == {
        "cpu": (2, 2),
        "delay": (1, 0),
    }
    assert (found.all_healthy.passed, found.all_healthy.early) == (2, 1)
    assert found.all_faulty.passed == 2
    assert (found.median_detect_s, found.median_detect_share) == (40, 0.4)
    assert found.unknown == 1


def test_the_pool_is_the_sum():
    """Promise: recordings of one name too."""
    one = tally("s", ROWS, TOLD)
    whole = pooled([one, tally("s", ROWS, TOLD), tally("t", ROWS[:4], TOLD)])
    assert (whole.all_healthy.cases, whole.all_healthy.failed) == (12, 3)
    assert (whole.all_faulty.cases, whole.all_faulty.failed) == (6, 4)
    assert set(whole.healthy) == {"s", "t"}


@pytest.mark.parametrize(("hits", "tries"), [(0, 1), (0, 50), (1, 197), (9, 23), (38, 38)])
def test_wilson_is_scipys(hits, tries):
    """Promise: the same bounds as an independent implementation."""
    low, high = wilson(hits, tries)
    theirs = binomtest(hits, tries).proportion_ci(method="wilson")
    assert low == pytest.approx(theirs.low, abs=1e-12)
    assert high == pytest.approx(theirs.high, abs=1e-12)


def test_f1():
    """Promise: the harmonic mean of precision and recall, inside its interval; none of nothing."""
    precision, recall = 9 / 11, 9 / 23
    assert f1(9, 14, 2) == pytest.approx(2 * precision * recall / (precision + recall))
    low, high = f1_interval(9, 14, 2)
    assert 0 < low < f1(9, 14, 2) < high < 1
    assert f1(0, 0, 0) is None
