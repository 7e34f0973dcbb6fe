"""A stretch of production as a cohort: what it teaches, and in what it counts."""

from __future__ import annotations

import pytest

from streams.judging.logs.settings import ERRORS
from streams.judging.past import Past, Prior
from streams.judging.rehearsal import Rehearsal, begin_rehearsal
from streams.judging.settings import JudgeSettings
from streams.judging.side import RequestCount, Side, SignatureInfo, Trace
from streams.records.histogram import Histogram
from streams.signals.rule import SignalRule

WINDOW_NS = 5_000_000_000
SETTINGS = JudgeSettings(planned_ns=60 * WINDOW_NS)
KNOWN = {5: SignatureInfo("ERROR refused", "error")}
RULES = {"latency": SignalRule("latency", "values", "latency", "higher")}
NO_VALUES: dict[str, Histogram] = {}


def rehearsed(past, *, requests=0, traces=0, failed=1, windows=60, silent=range(0), halves=(NO_VALUES, NO_VALUES)):
    """The cohort of two pods with one failed trace a window, or none."""
    of = Rehearsal(SETTINGS, WINDOW_NS, past, begin_rehearsal(SETTINGS, past, windows * WINDOW_NS))
    for window in range(windows):
        assert not of.over
        side = Side(10.0, lines=9, traces=[Trace(0, "error", (5,), 35)] * failed)
        if window in silent:
            side = Side(10.0)
        if traces:
            side.traces.append(Trace(1, None, (), 77, traces))
        if requests:
            side.requests["http"] = RequestCount(float(requests), 0.0, (0, 1), (0, 1))
        of.add(window * WINDOW_NS, side, halves, KNOWN, RULES, {})
    assert of.over
    return of.cohort()


def busy(past=None, **how):
    """The past after one such stretch more."""
    past = past or Past()
    past.learn(rehearsed(past, **how), SETTINGS.logs, Prior(), promoted=False)
    return past


@pytest.mark.parametrize("counted", ["requests", "traces"])
def test_a_quiet_hour_counts_as_much_as_it_had_to_do(counted):
    """A tenth of the requests, or of the traces, of the busiest stretch: a tenth of its pod-seconds."""
    past = busy(**{counted: 99 if counted == "traces" else 100})
    usual, quiet = (
        rehearsed(past, **{counted: number}) for number in ((100, 10) if counted == "requests" else (99, 9))
    )
    assert usual.logs.streams[ERRORS].exposure_s == 600.0
    assert quiet.logs.streams[ERRORS].exposure_s == pytest.approx(60.0)
    assert quiet.logs.streams[ERRORS].events == 60.0
    assert quiet.logs.pod_s == 600.0


@pytest.mark.parametrize("counted", ["requests", "traces"])
def test_an_hour_with_nothing_to_do_is_none_without_failures(counted):
    """Nights without a request, before it is known how busy the days are or after: the days alone tell."""
    night, day = {"failed": 0}, {counted: 99}
    for stretches in ((night, day), (day, night), (night, night, day, night)):
        past = Past()
        for how in stretches:
            busy(past, **how)
        errors = past.logs.stream(ERRORS)
        assert errors.events / errors.exposure_s == pytest.approx(0.1)
        assert errors.exposure_s == pytest.approx(600.0, rel=0.05)


def test_what_was_learned_in_quiet_hours_is_counted_anew_once_a_busier_one_comes():
    """Ten times the requests: what was before tells of a tenth of the pod-seconds. What has faded is no news."""
    past = busy(busy(requests=10), requests=100, failed=10)
    assert past.logs.stream(ERRORS).exposure_s == pytest.approx(600.0 + 0.98 * 60.0, rel=0.01)
    assert busy(busy(requests=100), requests=101).logs.stream(ERRORS).exposure_s == pytest.approx(1.98 * 600.0)


def test_where_nothing_tells_the_load_pod_seconds_count_as_they_are():
    """As in comparisons."""
    assert rehearsed(busy()).logs.streams[ERRORS].exposure_s == 600.0


def test_a_log_that_is_cut_off_is_no_quiet_production():
    """A shipper that dies after ten windows: what comes then counts neither as events nor as exposure."""
    cohort = rehearsed(Past(), silent=range(10, 60))
    assert cohort.logs.streams[ERRORS].events == 10.0
    assert cohort.logs.streams[ERRORS].exposure_s < 150.0


def test_a_single_pod_teaches_nothing_of_latencies_and_two_halves_do():
    """There is nothing to compare; and the parts it was heard with are known all the same."""
    values = {"latency": Histogram(5, 40, 4.0, 0, {-100: 20, -60: 20})}
    for halves, bins in (((values, NO_VALUES), 0), ((values, values), 59)):
        contrast = rehearsed(Past(), halves=halves).values["latency"]
        assert contrast.alike
        assert contrast.bins == bins


def test_a_log_that_never_came_teaches_nothing_of_failures():
    """Also where the workload was busy before: there is no time in which it could have had less to do."""
    past = busy(requests=100)
    known = past.logs.stream(ERRORS)
    past.learn(rehearsed(past, requests=100, silent=range(60)), SETTINGS.logs, Prior(), promoted=False)
    assert past.logs.stream(ERRORS) == known
