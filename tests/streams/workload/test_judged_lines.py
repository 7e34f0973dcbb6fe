"""Which lines are judged stays bounded, and what is new is judged although what was known had filled the room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from streams.judging.side import SignatureInfo
from streams.policy.workload_policy import LogPolicy
from streams.records.identity import Revision, Workload
from streams.records.log import Severity
from streams.templates.lines import LinesState
from streams.windows.signature import Signature, signature_id
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


def test_a_template_that_was_forgotten_is_nobodys_any_more():
    """Promise: a line that comes again is what it is by now, for who was there before as for who has been restarted."""

    def window(number: int, texts: Mapping[int, str]) -> None:
        seen = {each: Signature(text, Severity.ERROR) for each, text in texts.items()}
        summary = Summary(REVISION, number, pods={"a": PodSummary(lines=dict.fromkeys(seen, 1))})
        lines.learn(number, {"6f8": summary}, seen, lambda: set(lines.signatures))

    lines = JudgedLines(LogPolicy(), LinesState(), {})
    window(1, {place: f"ERROR no stock of {'abcde'[place - 1]}" for place in range(1, 6)})
    assert lines.roots.keys() == {1, 2, 3, 4, 5}
    for number in range(2, 6):
        first = number * 1000
        window(number, {place: f"ERROR {place:x}-one {place:x}-two" for place in range(first, first + 1000)})
    assert len(lines.signatures) < MAX_SIGNATURES
    window(8, {1: "ERROR no stock of a"})
    again = JudgedLines(LogPolicy(), lines.to_state(), dict(lines.signatures))
    assert lines.root(1) == again.root(1) == 1
    assert lines.roots == again.roots


class Flood:
    """Windows in which one pod writes lines; all are kept."""

    def __init__(self) -> None:
        self.lines = JudgedLines(LogPolicy(), LinesState(), {})
        self.asked = 0
        self._kept = set[int]()
        self._at = 0

    def learn(self, texts: Iterable[str]) -> set[int]:
        """One window; the signatures of its lines."""
        heard = {signature_id(each): each for each in (Signature(text, Severity.ERROR) for text in texts)}
        window = Summary(REVISION, self._at, pods={"a": PodSummary(lines=dict.fromkeys(heard, 1))})
        self.lines.learn(self._at, {"6f8": window}, heard, self._seen)
        self._at += 1
        self._kept |= heard.keys()
        return set(heard)

    def _seen(self) -> set[int]:
        self.asked += 1
        return self._kept.copy()


def _word(number: int) -> str:
    """Another one for each number, without digits."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


@pytest.mark.parametrize("text", ["ERROR no {0} in stock", "ERROR {0} of {1}, {2} or {3}"], ids=["merged", "unlike"])
def test_a_flood_of_lines_is_judged_on_and_asks_once_a_window(text):
    """Promise: of lines that differ in words, more than there is room for, some of every window are judged."""
    flood = Flood()
    for at in range(6):
        words = [_word(number) for number in range(at * 12_000, at * 12_000 + 12_000)]
        wrote = flood.learn(text.format(*words[place : place + 4]) for place in range(0, 12_000, 4))
        assert flood.asked <= at
        assert len(wrote & flood.lines.signatures.keys()) >= 1000
        assert len(flood.lines.signatures) <= MAX_SIGNATURES + 1


def test_a_flood_of_lines_pushes_out_no_template():
    """Promise: what running comparisons count stays, where it is no part of another template."""
    flood = Flood()
    first = flood.learn(f"ERROR {_word(one)}: the {_word(one)} is lost" for one in range(300))
    for at in range(4):
        flood.learn(f"ERROR no {_word(at * 3000 + one)} in stock" for one in range(3000))
    assert flood.asked > 0
    assert first <= flood.lines.signatures.keys()
