"""What is known of shapes is bounded, and what two of them differ by is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.judging.logs.shapes import Change, Difference, Shape, differences, meet, shape_of
from streams.judging.telling import difference_text

BASELINE = Shape((1, 2, 2, 3))


def compared(new, usual=(BASELINE,), *, counted=True, root=lambda number: number):
    """Differences of shapes, each of which as many traces have as it has lines."""
    numbers = [
        {shape_of(one.lines if counted else sorted(set(one.lines))): len(one.lines) for one in side}
        for side in (new, usual)
    ]
    known = [{shape_of(one.lines): one for one in side} for side in (new, usual)]
    return differences(*numbers, *known, root, counted=counted)


@given(
    st.lists(st.dictionaries(st.integers(1, 500), st.lists(st.integers(1, 9), min_size=1, max_size=20)), max_size=20)
)
def test_hostile_numbers_of_shapes_are_bounded_by_their_lines(windows):
    """And those met last stay."""
    known = {}
    for window in windows:
        shapes = {number: Shape(tuple(lines)) for number, lines in window.items()}
        meet(known, shapes, 50)
        assert sum(len(shape.lines) for shape in known.values()) <= 50
        last = sorted(window)[-1:]
        assert all(number in known for number in last)


def test_it_is_held_against_the_shape_with_the_fewest_other_lines():
    """Not against that of most traces; an id is that of one of the canary's."""
    other = Shape((1, 7, 8, 9, 9))
    found = compared([Shape((1, 2, 3), "4bf9")], [other, BASELINE])
    assert found == [Difference(3, 4, (Change(2, 1, 2),), "4bf9")]


def test_shapes_that_differ_alike_are_told_together():
    """A branch of which each trace has its own number of other lines."""
    long, short = Shape((1, 2, 2, 3, 3, 3)), BASELINE
    found = compared([Shape((1, 2, 3)), Shape((1, 2, 3, 3, 3))], [long, short])
    assert found == [Difference(8, 10, (Change(2, 1, 2),))]


def test_what_is_unlike_all_is_told_by_its_own_lines():
    """Those that the baseline never logs first."""
    assert compared([Shape((3, 7, 8))]) == [Difference(3, 0, (Change(7, 1, 0), Change(8, 1, 0), Change(3, 1, 0)))]
    assert compared([Shape((3,))], []) == [Difference(1, 0, (Change(3, 1, 0),))]


def test_sets_say_nothing_of_numbers():
    """Where they are judged, how often a line comes is no difference."""
    found = compared([Shape((1, 1, 1, 2, 4))], counted=False)
    assert found == [Difference(5, 4, (Change(4, 1, 0), Change(3, 0, 1)))]


def test_signatures_of_one_template_are_one_line():
    """Nothing is told where that is all there was."""
    assert compared([Shape((1, 2, 2, 4))], root=lambda number: min(number, 3)) == []


def test_signatures_that_became_one_template_come_no_oftener_than_is_told_apart():
    """Four and four of them are "four times or more", which has words."""
    canary, baseline = Shape((1, 1, 1, 1, 2, 2, 2, 2, 5, 6)), Shape((1, 1, 5, 6))
    (found,) = compared([canary], [baseline], root=lambda number: max(number, 2))
    assert found.changes == (Change(2, 4, 2),)
    assert "4 times or more instead of twice" in difference_text(found, {}, counted=True)
