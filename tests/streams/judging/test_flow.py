"""When a log counts as cut off."""

from __future__ import annotations

import pytest

from streams.judging.flow import LogFlow

CHANCE = 1e-4


def windows_to_cut_off(pattern, repeats):
    """Silent windows until the log counts as cut off, after it was heard in a pattern."""
    flow = LogFlow()
    for lines in pattern * repeats:
        flow.hear(lines, CHANCE)
    silent = 0
    while not flow.cut_off and silent < 100_000:
        flow.hear(0, CHANCE)
        silent += 1
    return silent


@pytest.mark.parametrize(
    ("pattern", "repeats", "least", "most"),
    [([100], 100, 2, 3), ([1], 100, 2, 3), ([100], 1, 8, 20), ([5, 0], 200, 12, 16), ([9] + [0] * 19, 50, 120, 250)],
)
def test_silence_is_judged_by_how_often_it_is_silent(pattern, repeats, least, most):
    """A busy log is missed at once, a rare one after long, however many lines come at a time."""
    assert least <= windows_to_cut_off(pattern, repeats) <= most


def test_never_heard_is_cut_off_and_a_line_ends_it():
    """Whose log was never seen cannot be judged by it."""
    flow = LogFlow()
    flow.hear(0, CHANCE)
    assert flow.cut_off
    flow.hear(1, CHANCE)
    assert not flow.cut_off
