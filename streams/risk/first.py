"""Why is nothing judged of a revision that runs alone, at a first deployment or beside a baseline that is not heard?

There is no error bound without a baseline beside it: what the workload's earlier revisions did says how often something
happens there, not whether today is like those days. So such a comparison stays undecided, and says so.
"""

from __future__ import annotations

from streams.risk.comparison import Comparison


def alone(comparison: Comparison, canary_from_ns: int, as_of_ns: int | None) -> tuple[str, ...]:
    """The reason, once the canary has been seen without its baseline; nothing before.

    >>> alone(Comparison("", "prod", "shop", "5d5", "6f8"), 1_000_000_000, 61_000_000_000)[0][:71]
    'cannot tell: nothing of the baseline 5d5 has been seen, whereas the can'
    """
    if not canary_from_ns or as_of_ns is None or as_of_ns <= canary_from_ns:
        return ()
    sentence = (
        f"cannot tell: nothing of the baseline {comparison.baseline} has been seen, whereas the canary"
        f" {comparison.canary} is there since {(as_of_ns - canary_from_ns) / 1e9:.0f} s: a revision without another"
        " beside it (a first deployment) is not judged, for history alone bounds no error. Is the hash right, and do"
        " its records carry it?"
    )
    return (sentence,)
