"""Examples of a template are grouped by what stands around them, within bounds."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from streams.templates.contexts import MOST_GROUPS, Around, Contexts, lines_around
from streams.templates.example import Example
from streams.templates.examples import REVISIONS, Examples, Kept

WORDS = ("refused", "slow", "retried", "full", "late", "gone")


def example(number, before=(), after=(), revision="canary"):
    """One line of a template."""
    return Example(number, f"ERROR order {number} lost", revision, "pod", tuple(before), tuple(after))


def contexts(*examples):
    """Of examples in turn."""
    found = Contexts()
    for one in examples:
        found.add(one)
    return found


def test_examples_that_share_a_line_are_one_group_whatever_else_stands_there():
    """Promise: a group is what all of its examples share; chance lines are gone with the second."""
    draw = random.Random(1)
    found = contexts(
        *(example(n, [f"served {draw.choice(WORDS)}", f"connection {n} refused"]) for n in range(3)),
        *(example(n, after=[f"WARN queue {n} full"]) for n in range(3, 5)),
    )
    groups = {group.lines: group.counts for group in found.groups}
    assert groups[Around(is_after=True, text="WARN queue <*> full"),] == {"canary": 2}
    assert groups[Around(is_after=False, text="connection <*> refused"),] == {"canary": 3}
    assert found.counts == {"canary": 5}


def test_warnings_and_worse_alone_count_where_there_are_any():
    """Promise: what else the pod was doing is not what the group is known by; a line that goes on is no line."""
    before = ["INFO a", "WARN b", "ERROR order 3 lost", "\tat a.B.c(B.java:1)"]
    assert lines_around("ERROR order 7 lost", before, ["INFO c"]) == (Around(is_after=False, text="WARN b"),)
    assert lines_around("ERROR order 7 lost", ["INFO a"], ["INFO a"]) == (
        Around(is_after=False, text="INFO a"),
        Around(is_after=True, text="INFO a"),
    )


examples = st.builds(
    lambda number, revision, before: example(number, [f"WARN {word}" for word in before], revision=f"r{revision}"),
    st.integers(0, 50),
    st.integers(0, REVISIONS + 2),
    st.lists(st.sampled_from(WORDS), max_size=4),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), examples), max_size=40), st.integers(0, 40))
def test_whatever_comes_they_are_bounded_and_a_restart_changes_nothing(shown, restart_at):
    """Promise: few groups, none empty or without a line, only revisions that are kept; counts add up, also joined."""
    one, other = Examples(), Examples()
    for place, (number, each) in enumerate(shown):
        one.add(number, each)
        other.add(number, each)
        if place == restart_at:
            stored = msgpack.encode(other.to_state())
            other = Examples(msgpack.decode(stored, type=dict[int, Kept]))
    for examples_ in (one, other):
        examples_.join(0, 1)
    assert one.to_state() == other.to_state()
    for kept in one.to_state().values():
        assert len(kept.contexts.groups) <= MOST_GROUPS
        assert kept.contexts.counts.keys() == kept.revisions.keys()
        for group in kept.contexts.groups:
            assert group.lines
            assert group.examples > 0
            assert group.counts.keys() <= kept.revisions.keys()
            assert all(count <= kept.contexts.counts[name] for name, count in group.counts.items())
    if len({each.revision for _, each in shown}) <= REVISIONS:
        assert sum(sum(kept.contexts.counts.values()) for kept in one.to_state().values()) == len(shown)
