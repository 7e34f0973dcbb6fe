"""What a document shows of its templates is of use, and bounded."""

from __future__ import annotations

from streams.risk.comparison import Comparison
from streams.risk.examples import MOST, Room
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


def test_the_canarys_comes_first_then_the_baselines_then_the_first_ever():
    """Promise: in this order, each line once, and at most `MOST`."""
    shown = Room(PAIR).take(
        kept(line(1, "old"), line(2, "base"), line(3, "canary"), line(4, "canary"), line(5, "other"), line(6, "third"))
    )
    assert [one.revision for one in shown] == ["canary", "base", "old", "third"]
    assert len(shown) == MOST
    assert (shown[0].at, shown[0].before, shown[0].after) == ("1970-01-01T00:00:04.000Z", ("before",), ("after",))


def test_one_line_is_shown_once():
    """Promise: the first, the latest and the canary's may be the same."""
    (only,) = Room(PAIR).take(kept(line(3, "canary")))
    assert only.line == "order 17 lost"
    assert Room(PAIR).take(None) == ()


def test_there_is_room_for_so_many_characters_only():
    """Promise: what comes first is shown, what finds no room is not, however much there is."""
    room, long = Room(PAIR, characters=2_500), "x" * 1000
    shown = [room.take(kept(line(1, "canary", long), line(2, "base", long))) for _ in range(3)]
    assert [len(each) for each in shown] == [2, 0, 0]
