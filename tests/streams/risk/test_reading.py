"""Reading a comparison at another sensitivity changes what is shown, and never what was decided."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from streams.judging.combine import own_progress
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.workload_policy import SignalPolicy, WorkloadPolicy
from streams.risk.document import RiskDocument
from streams.risk.reading import read_at
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadState
from tests.streams.workload.test_life import SETTINGS, SHOP
from tests.streams.workload.test_lines import said

LEVELS = tuple(SENSITIVITIES)


def judged(texts, seconds=60, *, severity="ERROR", **policy) -> RiskDocument:
    """The document of a canary that says these."""
    life = WorkloadLife(SETTINGS, WorkloadState(SHOP))
    return said(life, texts, seconds, policy=WorkloadPolicy(**policy), severity=severity)[1]


@pytest.mark.parametrize("sensitivity", LEVELS)
def test_read_at_the_sensitivity_it_was_judged_at_it_is_the_same(sensitivity):
    """Promise: to the bit; so the readings are what the judge itself says."""
    document = judged(["order {0} lost"], sensitivity=sensitivity)
    assert read_at(document, sensitivity) == document
    (own,) = [one for one in document.readings if one.sensitivity == sensitivity]
    assert own.risk == document.risk
    assert own.logs == document.parts[0]
    signals = {one.signal: (one.weight, one.risk) for one in document.signals}
    assert all(signals[one.signal] == (one.weight, one.risk) for one in own.signals)


@pytest.mark.parametrize("severity", ["ERROR", "WARN"])
def test_each_reading_is_what_would_have_been_judged_but_for_the_tolerance(severity):
    """Promise: with the tolerance set by hand, all readings of one comparison are the three comparisons' own."""
    of = {
        each: judged(["order {0} lost"], 25, severity=severity, sensitivity=each, tolerance=0.2, margin=1.5)
        for each in LEVELS
    }
    for document in of.values():
        for each in LEVELS:
            if document.verdict == of[each].verdict == "none":
                assert read_at(document, each).risk == pytest.approx(of[each].risk)
                assert read_at(document, each).signals == of[each].signals


def test_warnings_weigh_more_at_high_and_templates_with_them():
    """Promise: impact of templates, weights and risk follow the sensitivity; verdict and confidence do not."""
    document = judged(["order {0} lost"], 25, severity="WARN")
    low, high = read_at(document, "low"), read_at(document, "high")
    assert low.templates[0].impact <= document.templates[0].impact < high.templates[0].impact
    weights = [next(one.weight for one in each.signals if one.signal == "log/warning") for each in (low, high)]
    assert weights[0] < weights[1]
    for each in (low, high):
        assert (each.verdict, each.confidence) == (document.verdict, document.confidence)
        assert each.score == 100 - each.risk
        assert each.reasons[1:] == document.reasons
        assert "verdict is that of medium" in each.reasons[0]


def test_no_reading_fails_a_canary_or_lets_it_off():
    """Promise: 100 exactly where it has failed; what would have failed is told in words, at 99 at most."""
    document = judged(["order {0} lost"], 60, severity="WARN", sensitivity="low")
    assert document.verdict != "fail"
    high = read_at(document, "high")
    assert high.risk <= 99.0
    assert ("would have failed" in high.reasons[0]) == next(
        one.would_fail for one in document.readings if one.sensitivity == "high"
    )
    failed = judged(["order {0} lost"], 120)
    assert failed.verdict == "fail"
    for each in LEVELS:
        read = read_at(failed, each)
        assert (read.verdict, read.risk) == ("fail", 100.0)
        assert "would have failed" not in read.reasons[0]


def test_weights_that_the_policy_sets_stay():
    """Promise: a sensitivity does not change what an operator set."""
    signals = (SignalPolicy("log/*", weight=1.0),)
    document = judged(["order {0} lost"], 20, signals=signals)
    assert len({one.signals for one in document.readings}) == 1


def test_a_signal_that_is_only_watched_weighs_nothing():
    """Promise: at no sensitivity."""
    signals = (SignalPolicy("log/error", criticality="watch"),)
    document = judged(["order {0} lost"], 20, signals=signals)
    for reading in document.readings:
        (own,) = [one for one in reading.signals if one.signal == "log/error"]
        assert (own.weight, own.risk) == (0.0, 0.0)


def test_a_document_without_readings_says_that_it_cannot_be_read_so():
    """Promise: no silent default."""
    document = structs.replace(judged(["order {0} lost"], 20), readings=())
    read = read_at(document, "high")
    assert read.risk == document.risk
    assert "cannot be read at high" in read.reasons[-1]


def test_a_class_alone_is_told_on_the_scale_of_the_whole():
    """Promise: own risk is own evidence at the weight of the reading."""
    document = judged(["order {0} lost"], 20)
    (error,) = [one for one in document.signals if one.signal == "log/error"]
    (high,) = [one for one in document.readings if one.sensitivity == "high"]
    (own,) = [one for one in high.signals if one.signal == "log/error"]
    assert own.risk == pytest.approx(100 * own_progress(error.log10_e * math.log(10), own.weight, 0.01))
