"""How far may the true rate be from the counted one?"""

from __future__ import annotations

import math
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def wilson(hits: float, tries: float) -> tuple[float, float]:
    """The 95% interval of a proportion, within 0..1; (0, 1) of no tries.

    Source: Wilson, Probable inference, JASA 22 (1927), p. 209; recommended for small numbers by Brown, Cai & DasGupta,
    Interval estimation for a binomial proportion, Statistical Science 16 (2001).

    >>> [round(bound, 3) for bound in wilson(1, 100)], wilson(0, 0)
    ([0.002, 0.054], (0.0, 1.0))
    """
    if tries <= 0:
        return 0.0, 1.0
    share, square = hits / tries, _Z * _Z
    middle = (share + square / (2 * tries)) / (1 + square / tries)
    half = _Z * math.sqrt(share * (1 - share) / tries + square / (4 * tries * tries)) / (1 + square / tries)
    return max(0.0, middle - half), min(1.0, middle + half)


def f1(found: int, missed: int, false: int) -> float | None:
    """Harmonic mean of precision and recall; None where neither is defined.

    >>> f1(9, 14, 0)
    0.5625
    """
    whole = 2 * found + missed + false
    return 2 * found / whole if whole else None


def f1_interval(found: int, missed: int, false: int) -> tuple[float, float]:
    """Its 95% interval: F1 = 2s/(1+s) grows with s = found / (found + missed + false), a proportion with Wilson's.

    >>> [round(bound, 2) for bound in f1_interval(9, 14, 0)]
    [0.36, 0.74]
    """
    low, high = wilson(found, found + missed + false)
    return 2 * low / (1 + low), 2 * high / (1 + high)
