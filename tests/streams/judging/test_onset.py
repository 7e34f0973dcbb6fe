"""An incident of a canary's single pod that may begin at any moment."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.judging.counts import log_ratios
from streams.judging.onset import Incidents, Onset, incident_rate
from tests.simulation.core import within_budget

STEPS = st.lists(st.tuples(st.floats(0.0, 60.0), st.floats(-20.0, 20.0)), max_size=40)


def told(steps, rate):
    """What the onset makes of (seconds gone by, log E then)."""
    onset = Onset(rate)
    found = []
    for seconds, log_e in steps:
        onset.wait(seconds)
        found.append(onset.log_e_beside(log_e))
    return found


@given(STEPS)
def test_without_incidents_evidence_is_what_it_was(steps):
    """Promise: a rate of 0 changes nothing."""
    assert told(steps, 0.0) == [log_e for _, log_e in steps]


@given(STEPS, st.floats(1e-6, 0.01))
def test_time_in_which_evidence_stays_is_neutral(steps, rate):
    """Promise: asked in between or not, it says the same; and never more than before the incident or without one."""
    often, before = Onset(rate), 0.0
    for (seconds, log_e), once in zip(steps, told(steps, rate), strict=True):
        for _ in range(3):
            often.wait(seconds / 3.0)
            often.log_e_beside(before)
        before = log_e
        assert math.isclose(often.log_e_beside(log_e), once, rel_tol=1e-9, abs_tol=1e-9)
        assert once <= max([0.0, *(value for _, value in steps)]) + 1e-9


def test_what_begins_late_counts_less_than_what_is_there_from_the_first_on():
    """Promise: at 1 incident in 20 comparisons an even canary has 1 in 400; what begins halfway 1 in 40."""
    rate = 0.05 / 60.0
    even = told([(1.0, 0.5 * second) for second in range(1, 61)], rate)
    late = told([(1.0, max(0.0, second - 30.0)) for second in range(1, 61)], rate)
    assert even[-1] > math.log(400.0)
    assert math.isclose(math.exp(-late[-1]), -math.expm1(-rate * 30.0), rel_tol=0.07)


def test_evidence_is_that_against_the_mixture_of_all_beginnings():
    """Promise: the formula of the module, of evidence that changes after 100 s and after 200."""
    first, second, last = told([(100.0, 3.0), (100.0, 6.0), (0.0, 7.0)], 0.01)
    none, one, two = 1.0, math.exp(-1.0), math.exp(-2.0)
    spared = (none - one, (one - two) * math.exp(-3.0))
    assert math.isclose(math.exp(-first), one * math.exp(-3.0) + spared[0])
    assert math.isclose(math.exp(-second), two * math.exp(-6.0) + sum(spared))
    assert math.isclose(math.exp(-last), two * math.exp(-7.0) + sum(spared))


def test_incidents_at_the_rate_reckoned_with_fail_alpha_of_the_healthy():
    """Promise: however long and strong; the canary fails ever in at most alpha of them, without in most that have one.

    Evidence of 1 a second from its beginning on, of each of 1,000 canaries for 100 s; 1.2 incidents each.
    """
    rng, alpha, runs = np.random.default_rng(1), 0.05, 1000
    begins = rng.exponential(100.0 / 1.2, runs)

    def failed(rate):
        return sum(max(told([(1.0, max(0.0, t - s)) for t in range(100)], rate)) >= -math.log(alpha) for s in begins)

    assert within_budget(failed(0.012), runs, alpha)
    assert failed(0.0) > 0.6 * runs


def test_incidents_of_the_baseline_are_counted_and_those_of_both_are_not():
    """Promise: twenty failures of the baseline alone are one or more, whatever the canary had before; others none."""

    def found(windows):
        incidents = Incidents()
        for baseline, canary in windows:
            incidents.add(log_ratios(1.2, [3.6, 12.0, 120.0], baseline, baseline + canary))
        return incidents.found

    one = next(number for number in range(1, 20) if found([(1.0, 0.0)] * number))
    assert found([(0.0, 1.0)] * 30 + [(1.0, 0.0)] * one) == 1.0
    assert [found([(1.0, 0.0)] * number) for number in (2 * one - 1, 2 * one)] == [1.0, 2.0]
    assert found([(0.0, 1.0)] * 100) == 0.0
    assert found([(1.0, 1.0)] * 100) == 0.0


def test_what_is_known_of_incidents_outweighs_what_is_not():
    """Promise: many comparisons without one make them rare, others in the cluster are asked before there are any."""
    unknown = 600.0 * incident_rate(Incidents(), Incidents(), 600.0)
    quiet = 600.0 * incident_rate(Incidents(seconds=6000.0), Incidents(), 600.0)
    often = 600.0 * incident_rate(Incidents(), Incidents(found=12.0, seconds=6000.0), 600.0)
    assert quiet < 0.1 * unknown
    assert 600.0 * incident_rate(Incidents(), Incidents(seconds=6000.0), 600.0) < 0.1 * unknown
    learned = Incidents()
    for _ in range(2):
        learned.learn(1.0, 600.0, 0.5)
    assert (learned.found, learned.seconds) == (1.5, 900.0)
    assert often > 10.0 * unknown


def test_evidence_of_any_size_can_be_told():
    """Promise: nothing overflows, and where no time with a single pod has gone by nothing changes, to the bit."""
    several, single = Onset(0.001), told([(5.0, 5_000.0), (5.0, -5_000.0), (5.0, 2_000.0)], 0.001)
    assert [several.log_e_beside(value) for value in (0.1, 5_000.0, -5_000.0)] == [0.1, 5_000.0, -5_000.0]
    assert all(math.isfinite(value) for value in single)


def test_snapshots_go_on_to_the_bit():
    """Promise: as everything that score remembers."""
    onset = Onset(0.001)
    onset.wait(10.0)
    onset.log_e_beside(1.5)
    onset.wait(3.0)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(onset), type=Onset)
    assert again.log_e_beside(4.0) == onset.log_e_beside(4.0)
