"""When a comparison is looked at."""

from __future__ import annotations

from itertools import pairwise

import pytest

from streams.judging.levels.checkpoints import BLOCK_ENDS, MOST_BLOCKS, checkpoints


@pytest.mark.parametrize("planned", [0, 1, 2, 7, 36, 300, 17_280, 10**9])
def test_the_planned_end_is_the_last_checkpoint(planned):
    """They ascend, are bounded, and end with the plan."""
    ends = checkpoints(planned)
    assert all(one < other for one, other in pairwise(ends))
    assert len(ends) <= MOST_BLOCKS
    assert ends[-1] == max(planned - 1, 0) or len(ends) == MOST_BLOCKS


def test_blocks_grow_by_a_quarter_and_outlast_days():
    """A fault is told at most a quarter of the time late."""
    assert all((after + 1) / (before + 1) <= 1.25 + 1 / (before + 1) for before, after in pairwise(BLOCK_ENDS))
    assert BLOCK_ENDS[-1] * 5 > 4 * 86_400
