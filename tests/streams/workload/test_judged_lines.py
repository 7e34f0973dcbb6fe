"""Which lines are judged stays bounded, and what is new is judged although what was known had filled the room."""

from __future__ import annotations

from streams.judging.side import SignatureInfo
from streams.policy.workload_policy import LogPolicy
from streams.records.identity import Revision, Workload
from streams.records.log import Severity
from streams.templates.lines import LinesState
from streams.windows.signature import Signature
from streams.windows.summary import PodSummary, Summary
from streams.workload.judged_lines import MAX_SIGNATURES, JudgedLines

REVISION = Revision(Workload("", "prod", "shop"), "6f8")


def learned(lines: JudgedLines, number: int, seen: set[int]) -> None:
    """A window in which one pod writes one error."""
    window = Summary(REVISION, 0, pods={"a": PodSummary(lines={number: 1})})
    lines.learn(
        0, {"6f8": window}, {number: Signature(f"ERROR no stock of thing {number}", Severity.ERROR)}, lambda: seen
    )


def test_what_is_new_is_judged_when_there_was_no_room_left():
    """Promise: what no window still kept has seen makes room at once, for the very line that needs it."""
    lines = JudgedLines(LogPolicy(), LinesState(), dict.fromkeys(range(MAX_SIGNATURES), SignatureInfo("old", "error")))
    learned(lines, 10**6, {1, 2, 10**6})
    assert sorted(lines.signatures) == [1, 2, 10**6]


def test_what_is_still_kept_stays():
    """Promise: a flood of new kinds of lines does not push out those that running comparisons count."""
    known = range(MAX_SIGNATURES)
    lines = JudgedLines(LogPolicy(), LinesState(), dict.fromkeys(known, SignatureInfo("old", "error")))
    learned(lines, 10**6, {*known, 10**6})
    assert sorted(lines.signatures) == list(known)
