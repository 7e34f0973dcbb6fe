"""At which moments of its life are a comparison's levels looked at?

At the ends of blocks whose elapsed time grows by a quarter each: every window at first, then 6, 8, 10, 12, 15, ...
windows after the beginning. A fault is told at most a quarter of the time late, a day of 5 s windows is 40 blocks, and
all comparisons of a workload are looked at alike at the same age, which is what makes their paths comparable
(`replay`). The planned end of a comparison is one more moment, so that nothing seen is left out.
"""

from __future__ import annotations

GROWTH = 1.25
"""A block ends when the elapsed time has grown by this factor: what is seen is at most a fifth of it behind."""
MOST_BLOCKS = 48
"""Five days of 5 s windows; nothing is replayed beyond."""


def _block_ends() -> tuple[int, ...]:
    ends: list[int] = []
    windows = 1
    while len(ends) < MOST_BLOCKS:
        ends.append(windows - 1)
        windows = max(windows + 1, round(windows * GROWTH))
    return tuple(ends)


BLOCK_ENDS = _block_ends()
"""Last window of each block, counted from 0."""


def checkpoints(planned_windows: int) -> tuple[int, ...]:
    """Last window of each block of a comparison planned for so many windows; the last one is its end.

    >>> checkpoints(16)
    (0, 1, 2, 3, 4, 5, 7, 9, 11, 14, 15)
    >>> checkpoints(1)
    (0,)
    """
    inside = [end for end in BLOCK_ENDS if end < planned_windows - 1]
    return (*inside, max(planned_windows - 1, 0))[:MOST_BLOCKS]
