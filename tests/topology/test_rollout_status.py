"""What follows from a Rollout's status, in whatever order statuses come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams.records.times import rfc3339
from streams.risk.comparison import CompareRequest, Comparison, ComparisonEnded
from streams.risk.document import RiskDocument
from topology.rollouts.status import ExperimentStatus, RolloutStatus, events, experiment_events

NOW = datetime(2026, 8, 21, 8, tzinfo=UTC)
TOLD_NS = 1_787_299_200_000_000_000
"""NOW."""
OLD, NEW = "5d5c7b9f4", "6f8d9c6b77"
PAIR = Comparison("", "prod", "shop", OLD, NEW)
EXPERIMENT = Comparison("", "prod", "shop", "9d8c7b6f5", "7c9d8b6f44")
"""An Experiment has hashes of its own."""


def _running(pair: Comparison = PAIR, since_s: float = -600) -> RiskDocument:
    started_ns = int((NOW.timestamp() + since_s) * 1e9)
    return RiskDocument(pair, started_at=rfc3339(started_ns), reasons=("x",))


def _status(stable: str | None, latest: str | None, **more: object) -> RolloutStatus:
    return RolloutStatus("prod", "shop", NOW, stable, latest, **more)  # type: ignore[arg-type]


def _events(status: RolloutStatus, *documents: RiskDocument) -> list[object]:
    return list(events(status, documents))


def test_two_hashes_are_compared():
    """From the first status that has them, and whichever way the rollout is: told again it is the same again."""
    wanted = [CompareRequest(PAIR, "argo", TOLD_NS)]
    assert _events(_status(OLD, NEW)) == wanted
    assert _events(_status(OLD, NEW), _running()) == wanted


ALONE = msgspec.structs.replace(PAIR, baseline=NEW)


@pytest.mark.parametrize(("stable", "latest"), [(None, None), (OLD, None)])
def test_without_a_latest_hash_nothing_is_said(stable, latest):
    """There is nothing to compare, and nothing to end."""
    assert _events(_status(stable, latest), _running()) == []


def test_the_first_deployment_is_judged_by_itself():
    """Nothing is stable yet; that it becomes so ends nothing, the next revision does."""
    assert _events(_status(None, NEW)) == [CompareRequest(ALONE, "argo", TOLD_NS)]
    assert _events(_status(None, NEW, aborted=True), _running(ALONE)) == []
    assert _events(_status(NEW, NEW), _running(ALONE)) == []
    assert _events(_status("third", "third"), _running(ALONE)) == [ComparisonEnded(ALONE, "expired")]


def test_promoted():
    """The canary has become stable; the comparison of a rollout before it, too, whatever its baseline was."""
    assert _events(_status(NEW, NEW), _running()) == [ComparisonEnded(PAIR, "promoted")]


def test_aborted():
    """While the canary is still the latest, and once its template has been taken back."""
    wanted = [ComparisonEnded(PAIR, "aborted")]
    assert _events(_status(OLD, NEW, aborted=True), _running()) == wanted
    assert _events(_status(OLD, OLD), _running()) == wanted


def test_another_canary_on_top():
    """A third template while the second is on trial begins a comparison and leaves the other to expire."""
    third = msgspec.structs.replace(PAIR, canary="third")
    assert _events(_status(OLD, "third"), _running()) == [CompareRequest(third, "argo", TOLD_NS)]


def test_rollback():
    """A hash that comes back is the canary now, and what it was before is the baseline."""
    back = msgspec.structs.replace(PAIR, baseline=NEW, canary=OLD)
    assert _events(_status(NEW, OLD)) == [CompareRequest(back, "argo", TOLD_NS)]
    assert _events(_status(OLD, OLD), _running(back)) == [ComparisonEnded(back, "promoted")]


def test_an_experiments_pair_ends_with_its_rollout():
    """Its hashes are in no status; while the Rollout goes on nothing is said of it, and it ends with the Rollout."""
    assert ComparisonEnded not in map(type, _events(_status(OLD, NEW), _running(EXPERIMENT)))
    assert _events(_status(NEW, NEW), _running(EXPERIMENT)) == [ComparisonEnded(EXPERIMENT, "expired")]
    aborted = _events(_status(OLD, NEW, aborted=True), _running(EXPERIMENT))
    assert aborted == [ComparisonEnded(EXPERIMENT, "aborted")]


def test_what_is_told_late_ends_nothing_newer():
    """The promotion of a hash that is the baseline of the next rollout by now says nothing of that one."""
    following = msgspec.structs.replace(PAIR, baseline=NEW, canary="third")
    assert _events(_status(NEW, NEW), _running(following, since_s=5)) == []
    assert _events(_status(NEW, NEW), _running(following, since_s=-5)) == [ComparisonEnded(following, "aborted")]


def test_an_abort_told_late_ends_no_retry():
    """What had begun after the abort is another attempt."""
    aborted_at = NOW - timedelta(seconds=60)
    status = _status(OLD, NEW, aborted=True, aborted_at=aborted_at)
    assert _events(status, _running(since_s=-30)) == []
    assert _events(status, _running(since_s=-90)) == [ComparisonEnded(PAIR, "aborted")]


def test_only_what_runs_and_has_begun_ends():
    """Not twice, and not what has not seen both sides; and of no other workload with the same hashes."""
    ended = msgspec.structs.replace(_running(), state="ended", outcome="promoted")
    waiting = RiskDocument(PAIR, reasons=("x",))
    other = _running(msgspec.structs.replace(PAIR, namespace="staging"))
    assert _events(_status(NEW, NEW), ended, waiting, other) == []


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 2, 0), (1, 0, 3, 2), (2, 3, 3, 0, 1, 1, 2)])
def test_any_order_and_number_comes_to_the_same(order):
    """Statuses of one rollout, lost, repeated and out of order: it is compared, and in the end promoted."""
    statuses = [
        _status(OLD, NEW),
        _status(OLD, NEW),
        msgspec.structs.replace(_status(OLD, NEW), at=NOW + timedelta(seconds=60)),
        msgspec.structs.replace(_status(NEW, NEW), at=NOW + timedelta(seconds=120)),
    ]
    told = [event for number in order for event in events(statuses[number], [_running()])]
    assert {type(event) for event in told} == {CompareRequest, ComparisonEnded}
    assert {event.outcome for event in told if isinstance(event, ComparisonEnded)} == {"promoted"}
    assert {event.comparison for event in told} == {PAIR}


def _experiment(phase: str) -> ExperimentStatus:
    return ExperimentStatus("prod", "shop", "shop-1", NOW, EXPERIMENT.baseline, EXPERIMENT.canary, phase)


@pytest.mark.parametrize("phase", ["", "Pending", "Running", "Unheard"])
def test_an_experiment_is_compared_by_its_own_hashes(phase):
    """From when its two ReplicaSets are there until it is over, beside the Rollout's own two: four hashes at once."""
    assert list(experiment_events(_experiment(phase), [_running()])) == [CompareRequest(EXPERIMENT, "argo", TOLD_NS)]


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [("Successful", "expired"), ("Inconclusive", "expired"), ("Failed", "aborted"), ("Error", "aborted")],
)
def test_an_experiment_that_is_over(phase, outcome):
    """Ends its own pair and no other; one that has succeeded has promoted nothing by that."""
    told = list(experiment_events(_experiment(phase), [_running(), _running(EXPERIMENT)]))
    assert told == [ComparisonEnded(EXPERIMENT, outcome)]
    assert list(experiment_events(_experiment(phase), [_running(EXPERIMENT, since_s=5)])) == []


def test_an_experiment_of_one_template_twice():
    """Compares nothing with itself."""
    same = msgspec.structs.replace(_experiment("Running"), canary=EXPERIMENT.baseline)
    assert list(experiment_events(same, [])) == []
