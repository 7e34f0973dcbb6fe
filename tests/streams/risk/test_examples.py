"""What a document shows of its templates is of use, and bounded."""

from __future__ import annotations

from streams.risk.comparison import Comparison
from streams.risk.examples import Room, Shown
from streams.templates.example import Example
from streams.templates.examples import Examples

PAIR = Comparison("", "prod", "shop", "base", "canary")


def kept(*examples: Example):
    """Examples of one template."""
    found = Examples()
    for one in examples:
        found.add(1, one)
    return found.of(1)


def line(time_s: int, revision: str, text: str = "order 17 lost") -> Example:
    """One line of a revision."""
    return Example(time_s * 1_000_000_000, text, revision, f"{revision}-pod", ("before",), ("after",))


def around(time_s: int, revision: str, *before: str) -> Example:
    """One line of a revision after others."""
    return Example(time_s * 1_000_000_000, "order 17 lost", revision, "pod", before)


def test_the_canarys_comes_first_then_the_baselines_then_the_first_ever():
    """Promise: in this order, each line once, and at most `MOST`."""
    shown = (
        Room(PAIR)
        .take(
            kept(
                line(1, "old"),
                line(2, "base"),
                line(3, "canary"),
                line(4, "canary"),
                line(5, "other"),
                line(6, "third"),
            )
        )
        .examples
    )
    assert [one.revision for one in shown] == ["canary", "base", "third", "old", "other"]
    assert (shown[0].at, shown[0].before, shown[0].after) == ("1970-01-01T00:00:04.000Z", ("before",), ("after",))


def test_one_line_is_shown_once():
    """Promise: the first, the latest and the canary's may be the same."""
    (only,) = Room(PAIR).take(kept(line(3, "canary"))).examples
    assert only.line == "order 17 lost"
    assert Room(PAIR).take(None) == Shown()


def test_there_is_room_for_so_many_characters_only():
    """Promise: what comes first is shown, what finds no room is not, however much there is."""
    room, long = Room(PAIR, characters=2_500), "x" * 1000
    shown = [room.take(kept(line(1, "canary", long), line(2, "base", long))) for _ in range(3)]
    assert [(len(each.examples), len(each.contexts)) for each in shown] == [(2, 1), (0, 0), (0, 0)]


def test_contexts_are_told_with_how_many_stand_so_and_an_example():
    """Promise: that of most of the canary's examples first; it says of how many, and where an example is shown."""
    ones = [around(second, "canary", "WARN refused") for second in range(3)]
    ones += [around(3, "canary", "WARN slow", "WARN retried"), around(4, "base", "WARN slow", "WARN retried")]
    shown = Room(PAIR).take(kept(*ones, around(5, "canary")))
    assert (shown.canary_examples, shown.baseline_examples) == (5, 1)
    first, second = shown.contexts
    assert (first.before, first.after, first.canary_examples, first.baseline_examples) == (("WARN refused",), (), 3, 0)
    assert (second.before, second.canary_examples, second.baseline_examples) == (("WARN retried", "WARN slow"), 1, 1)
    assert [shown.examples[one.example].before for one in (first, second)] == [ones[2].before, ones[4].before]
