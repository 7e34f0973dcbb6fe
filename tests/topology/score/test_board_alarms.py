"""Alarms come out of a board as documents do: the same however it was restarted, and keyed so that twice is once."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from streams.policy.workload_policy import LogClassRule, LogPolicy, SignalPolicy, WorkloadPolicy
from streams.records.identity import Revision, Workload
from streams.records.severity import Severity
from streams.risk.comparison import Comparison, ComparisonEnded
from streams.watch.feedback import AlarmFeedback
from streams.watch.watch import WatchSettings
from streams.windows.signature import Signature
from streams.windows.summary import Bundle, PodSummary, Summary
from streams.workload.state import WorkloadSettings
from topology.codecs import encode_json
from topology.score.board import Board

WINDOW_NS = 5_000_000_000
START = 357_460_000
"""Windows since 1970."""
SHOP = Workload("", "prod", "shop")
PROMOTED = ComparisonEnded(Comparison("", "prod", "shop", "old", "new"), "promoted")
SETTINGS = WorkloadSettings(watch=WatchSettings())
WINDOWS, PROMOTED_AT, BROKEN_UNTIL = 330, 250, 275


def test_an_alarm_is_raised_laid_to_the_promotion_and_cleared():
    """From summaries to alarms, and the promotion from an event that waits for the watermark."""
    latest = _play(lambda: False)
    assert len(latest) == 1
    (alarm,) = latest.values()
    assert b'"state":"cleared"' in alarm
    assert b'"likelihood":"likely"' in alarm
    assert b"checkout failed" in alarm


@pytest.mark.parametrize("seed", range(3))
def test_restored_at_any_moment(seed):
    """Killed at random moments, with what was not written read again, it publishes the same latest documents."""
    draw = random.Random(seed)
    assert _play(lambda: draw.random() < 0.1) == _play(lambda: False)


def test_feedback_ends_an_alarm():
    """It arrives as an event of its workload and is applied once the watermark has come there."""
    board = Board(SETTINGS, 60_000_000_000, 0)
    alarms = {}
    for offset, bundle in enumerate(_bundles()):
        board.apply_bundle(offset, bundle)
        alarms |= {alarm.id: alarm for alarm in board.alarms()}
        if alarms:
            break
    ((name, _),) = alarms.items()
    board.apply_event(0, AlarmFeedback(name, "", "prod", "shop", "nothing"), board.low_ns)
    assert [alarm.state for alarm in board.alarms()] == ["cleared"]
    assert board.ringing == 0


@pytest.mark.parametrize(("may", "meanwhile"), [(True, "fail"), (False, "none")])
def test_the_verdict_on_production_follows_the_alarm(may, meanwhile):
    """Quiet it passes; while what the promotion broke rings it fails, if the policy says so; then it passes again."""
    policies = {Workload("", "prod", "shop"): WorkloadPolicy(rollback=may)}
    board, verdicts = Board(SETTINGS, 60_000_000_000, 0, policies.get), []
    for offset, bundle in enumerate(_bundles()):
        if offset == PROMOTED_AT:
            board.apply_event(0, PROMOTED, (START + PROMOTED_AT) * WINDOW_NS)
        board.apply_bundle(offset, bundle)
        verdicts += [document.verdict for document in board.watched()]
        board.alarms()
    assert [verdict for verdict, _ in itertools.groupby(verdicts)] == ["none", "pass", meanwhile, "pass"]
    assert len(verdicts) < len(list(_bundles()))  # not with every window


def test_production_follows_the_policy_as_it_is_now():
    """What is only shown does not ring; what becomes so while it rings ends; classes hold without a rollout."""
    quiet = WorkloadPolicy(signals=(SignalPolicy("log/*", criticality="watch"),))
    ignored = WorkloadPolicy(logs=LogPolicy(classes=(LogClassRule("checkout failed", False, "ignore"),)))

    def states(first: WorkloadPolicy, once_it_rings: WorkloadPolicy) -> list[tuple[str, str]]:
        policy, found = first, []
        board = Board(SETTINGS, 60_000_000_000, 0, lambda _: policy)
        for offset, bundle in enumerate(_bundles()):
            board.apply_bundle(offset, bundle)
            for alarm in board.alarms():
                found.append((alarm.state, alarm.summary.rpartition("; over: ")[2]))
                policy = once_it_rings
        return found

    usual = WorkloadPolicy()
    assert {state for state, _ in states(usual, usual)} == {"raised", "held", "cleared"}
    assert states(quiet, quiet) == states(ignored, ignored) == []
    found = states(usual, quiet)
    assert [state for state, _ in found] == ["raised", "cleared"]
    assert found[-1][1] == "what it told of is watched no more"


def _play(killed) -> dict[str, bytes]:
    latest: dict[str, bytes] = {}
    records: dict[bytes, bytes] = {}
    board, offset = Board(SETTINGS, 60_000_000_000, 0), 0
    bundles = list(_bundles())
    while offset < len(bundles):
        if offset >= PROMOTED_AT:
            board.apply_event(0, PROMOTED, (START + PROMOTED_AT) * WINDOW_NS)
        board.apply_bundle(offset, bundles[offset])
        latest |= {alarm.id: encode_json(alarm) for alarm in board.alarms()}
        offset += 1
        if offset % 20 == 0:
            records |= {key: value for key, value in board.checkpoint() if value is not None}
        if killed():
            board = Board(SETTINGS, 60_000_000_000, 0)
            board.restore(records.items())
            offset = board.resume.summaries + 1
    return latest


def _bundles() -> Iterator[Bundle]:
    """A line of error now and then; after the promotion from every pod, until it is mended."""
    draw = random.Random(5)
    signatures = {1: Signature("checkout failed", Severity.ERROR), 2: Signature("served", Severity.INFO)}
    for window in range(WINDOWS):
        broken = PROMOTED_AT <= window < BROKEN_UNTIL
        pods = {}
        for pod in range(4):
            lines = {2: 10}
            if draw.random() < (0.9 if broken else 0.02):
                lines[1] = 1
            pods[f"pod-{pod}"] = PodSummary(lines)
        start_ns = (START + window) * WINDOW_NS
        summary = Summary(Revision(SHOP, "new" if window >= PROMOTED_AT else "old"), start_ns, 40, 0, pods)
        reports = {"logs/0": start_ns + WINDOW_NS}
        yield Bundle("w", reports, {"logs": 1}, signatures, {}, [summary])
