"""What has this workload shown before? Ids of templates or shapes, bounded by forgetting those not seen for longest.

Forgetting makes things look new. That is no error of the bound, as the rate at which healthy revisions show new things
is measured against the same bounded memory (`novelty`, before the memory learns of the cohort): a workload with more
kinds of traces than there is room for has a high rate, and finds less.
"""

from __future__ import annotations

from collections.abc import Iterable

Known = dict[int, int]
"""Id -> number of the last cohort that showed it."""


def learn_known(known: Known, ids: Iterable[int], cohort: int, limit: int) -> None:
    """Take in what one cohort has shown; of too many the latest stay, of one cohort the least.

    >>> known = {7: 1, 8: 2}
    >>> learn_known(known, [9, 5], 3, 3)
    >>> known
    {5: 3, 8: 2, 9: 3}
    """
    for number in ids:
        known[number] = cohort
    kept = sorted(known, key=lambda number: (-known[number], number))[:limit]
    ordered = {number: known[number] for number in sorted(kept)}
    known.clear()
    known.update(ordered)
