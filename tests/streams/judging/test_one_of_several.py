"""A cause that lasts at one of several pods, through the whole judge, of a workload of which nothing is known."""

from __future__ import annotations

import math

import msgspec
import pytest
from msgspec import structs

from streams.judging.judge import Judge
from streams.judging.judge_state import JudgeState
from streams.judging.settings import JudgeSettings
from streams.judging.side import Side, SignatureInfo, Trace

WINDOW_NS, KNOWN = 5_000_000_000, {7: SignatureInfo("it broke", "error")}


def single(failed):
    """One pod."""
    return structs.replace(side(failed), pod_s=5.0)


def side(failed):
    """Two pods; failures with a trace id by pod."""
    traces = [Trace(pod & 1, "error", (7,), 70, count) for pod, count in sorted(failed.items())]
    quiet = Trace(0, None, (), 1, 5)
    return Side(10.0, 20, {7: len(failed)} if failed else {}, traces=[quiet, *traces], plain_lines=10, failed=failed)


@pytest.mark.parametrize(
    ("failing", "verdict"), [([{0: 1}, {0: 1}], "none"), ([{0: 1}, {1: 1}], "fail")], ids=["one of them", "in turn"]
)
def test_the_only_pod_of_several_that_fails_is_no_worse_revision(failing, verdict):
    """Promise: forty failures, one a window, fail the canary where its pods show them alike, and not where one does."""
    judge = Judge.begin(JudgeSettings(alpha=0.05), WINDOW_NS)
    for window in range(40):
        judge.add(window * WINDOW_NS, side({}), side(failing[window % 2]), KNOWN)
    assert judge.verdict == verdict


def test_a_judge_of_a_single_pod_goes_on_to_the_bit():
    """Promise: after a restart in any window, with failures in some of them only."""
    judge = Judge.begin(JudgeSettings(), WINDOW_NS)
    again = Judge.begin(JudgeSettings(), WINDOW_NS)
    for window in range(60):
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(again.to_state()), type=JudgeState)
        again = Judge.from_state(JudgeSettings(), WINDOW_NS, state)
        failed = {0: 1} if window % 7 in (0, 3) else {}
        for one in (judge, again):
            one.add(window * WINDOW_NS, single(failed if window % 2 else {}), single(failed), KNOWN)
    assert msgspec.msgpack.encode(again.to_state()) == msgspec.msgpack.encode(judge.to_state())


def test_reasons_and_rows_say_what_is_decided_by():
    """Promise: E of the classes, and p of the streams, are those that fail nobody here, and why is said."""
    judge = Judge.begin(JudgeSettings(alpha=0.05), WINDOW_NS)
    for window in range(40):
        judge.add(window * WINDOW_NS, side({}), side({0: 1}), KNOWN)
    found = judge.assess(KNOWN)
    (row,) = (one for one in found.signals if one.signal == "log/error")
    assert row.log10_e < 2.0
    sentences = [one for one in found.reasons if "it broke" in one]
    assert sentences
    assert all("40 of 40 failures at one of its 2 pods" in one for one in sentences)


def test_what_a_single_pod_holds_back_is_held_back_of_its_streams():
    """Promise: the streams of the logs are told by no smaller p than their part has."""
    judge = Judge.begin(JudgeSettings(alpha=0.05), WINDOW_NS)
    for window in range(40):
        judge.add(window * WINDOW_NS, single({}), single({0: 1} if window > 20 else {}), KNOWN)
    logs = judge.to_state().logs
    assert logs.least_p < 0.001 < logs.p
    (row,) = (one for one in judge.assess(KNOWN).signals if one.signal == "logs/errors")
    assert 10.0**-row.log10_e == pytest.approx(logs.p)


def test_what_begins_late_at_a_single_pod_is_held_back_of_the_classes_too():
    """Promise: E of what begins after s seconds is at most 1/(1 - exp(-h s)), h one in twenty comparisons."""
    found = {}
    for first in (0, 21):
        judge = Judge.begin(JudgeSettings(alpha=0.05), WINDOW_NS)
        for window in range(first + 40):
            judge.add(window * WINDOW_NS, single({}), single({0: 1} if window >= first else {}), KNOWN)
        (row,) = (one for one in judge.assess(KNOWN).signals if one.signal == "log/error")
        found[first] = 10.0**row.log10_e
    planned_s = judge.to_state().logs.horizon.planned_s
    assert found[21] < 1.0 / -math.expm1(-0.05 / planned_s * 20 * 5.0) < found[0]
