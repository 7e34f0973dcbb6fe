"""Which lines are judged stays bounded, and what is new is judged although what was known had filled the room."""

from __future__ import annotations

from collections.abc import Mapping

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


def test_a_template_that_was_forgotten_is_nobodys_any_more():
    """Promise: a line that comes again is what it is by now, for who was there before as for who has been restarted."""

    def window(number: int, texts: Mapping[int, str]) -> None:
        seen = {each: Signature(text, Severity.ERROR) for each, text in texts.items()}
        summary = Summary(REVISION, number, pods={"a": PodSummary(lines=dict.fromkeys(seen, 1))})
        lines.learn(number, {"6f8": summary}, seen, lambda: set(lines.signatures))

    lines = JudgedLines(LogPolicy(), LinesState(), {})
    window(1, {place: f"ERROR no stock of {'abcde'[place - 1]}" for place in range(1, 6)})
    assert lines.roots.keys() == {1, 2, 3, 4, 5}
    for number in range(2, 8):
        first = number * 1000
        window(number, {place: f"ERROR {place:x}-one {place:x}-two" for place in range(first, first + 1000)})
    window(8, {1: "ERROR no stock of a"})
    again = JudgedLines(LogPolicy(), lines.to_state(), dict(lines.signatures))
    assert lines.root(1) == again.root(1) == 1
    assert lines.roots == again.roots
