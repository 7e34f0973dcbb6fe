"""What earlier baselines teach."""

from __future__ import annotations

import msgspec
import pytest
from scipy.stats import nbinom

from streams.judging.logs.known import learn_known
from streams.judging.logs.past import LogCohort, LogPast, LogPrior, log_prior
from streams.judging.logs.quiet import Clumping, StreamCohort, StreamPast, tail
from streams.judging.logs.settings import ERRORS, NEW_TEMPLATES, LogSettings

SETTINGS = LogSettings()


def cohort(errors, pod_s=600.0, templates=(), new=None, canary_templates=()):
    """A baseline with so many failed traces."""
    streams = {ERRORS: StreamCohort(errors, pod_s, 0.0, 0.0)}
    if new is not None:
        streams[NEW_TEMPLATES] = StreamCohort(new, pod_s, 0.0, 0.0)
    return LogCohort(streams, tuple(templates), (), tuple(canary_templates), (), 100.0, 0.0, pod_s)


def learned(*cohorts, promoted=False):
    """A past of these cohorts, in turn."""
    past = LogPast()
    for one in cohorts:
        past.learn(one, SETTINGS, LogPrior(), promoted=promoted)
    return past


@pytest.mark.parametrize(("events", "exposure", "history", "before"), [(3, 900.0, 8100.0, 1), (1, 10.0, 10.0, 0)])
def test_the_tail_is_that_of_a_gamma_poisson(events, exposure, history, before):
    """P(X >= x) of a negative binomial: a Poisson count whose rate has Jeffreys' posterior."""
    expected = nbinom.sf(events - 1, 0.5 + before, history / (history + exposure))
    assert tail(events, exposure, StreamPast(exposure_s=history, events=before), 1.0) == pytest.approx(expected)


def test_an_incident_does_not_raise_the_quiet_rate():
    """A cohort far out of line counts as an incident both revisions would have shared, and its counts stay out."""
    past = learned(*[cohort(1.0)] * 5, cohort(60.0))
    errors = past.streams[ERRORS]
    assert errors.incidents == pytest.approx(1.0)
    assert errors.events < 6.0
    assert errors.exposure_s < 5 * 600.0


def test_cohorts_that_differ_widen_the_spread():
    """Pearson's sum grows where cohorts differ more than chance."""
    alike, different = learned(*[cohort(4.0)] * 6), learned(*[cohort(float(n % 2 * 8)) for n in range(6)])
    assert different.streams[ERRORS].chi2 > 3 * alike.streams[ERRORS].chi2


def test_old_cohorts_fade():
    """The last fifty or so are what counts."""
    past = learned(*[cohort(1.0)] * 500)
    assert past.streams[ERRORS].cohorts == pytest.approx(50.0, rel=0.01)


def test_a_promoted_canary_teaches_what_it_showed():
    """Its start-up warnings are known in the next rollout; those of one that was not promoted are not."""
    assert 9 in learned(cohort(0.0, canary_templates=(9,)), promoted=True).templates
    assert 9 not in learned(cohort(0.0, canary_templates=(9,))).templates


def test_an_empty_cohort_teaches_nothing():
    """A comparison whose baseline was never heard leaves the past as it was."""
    assert learned(cohort(0.0, pod_s=0.0)) == LogPast()


def test_the_latest_are_remembered():
    """Bounded: what was not seen for longest is forgotten first, whatever the order it came in."""
    one, other = {}, {}
    learn_known(one, [1, 2, 3], 1, 3)
    learn_known(one, [3, 4, 5], 2, 3)
    learn_known(other, [3, 2, 1], 1, 3)
    learn_known(other, [5, 3, 4], 2, 3)
    assert one == other == {3: 2, 4: 2, 5: 2}
    assert list(one) == list(other)


def test_it_survives_a_restart():
    """MessagePack and back, to the bit."""
    past = learned(cohort(2.0, templates=(3, 1), new=1.0), cohort(1.0, new=0.0))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(past), type=LogPast) == past


def test_the_prior_is_of_all_neighbours():
    """Sums of what each workload has seen of clumps."""
    first, second = LogPast(), LogPast()
    first.streams[ERRORS] = StreamPast(clumping=3.0, clumping_df=1.0)
    second.streams[ERRORS] = StreamPast(clumping=5.0, clumping_df=4.0)
    assert log_prior([first, second]).clumping[ERRORS] == Clumping(8.0, 5.0)
