"""How likely is a deviation at least as large, by a distribution fitted to a few?

Student's t in the logarithm, log(1 + s): maxima of standardised differences are skewed, and what lies below the usual
size does not matter. The degrees of freedom are capped: a difference with tails of its own (t4) has an exponential tail
in the logarithm, which t6 covers and a normal law does not (`tests/simulation/test_levels.py`: with t4 noise at .01
1.5% false with 8 degrees or more, 1.1% with 6).
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.judging.combine import SMALLEST_P

MOST_DF = 6.0
_TERMS = 200


class Tail(Struct, array_like=True, frozen=True):
    """The null distribution of a largest deviation."""

    mean: float
    """Of log(1 + s)."""
    sd: float
    """Of the next one, its own uncertainty included."""
    df: float

    def p(self, largest: float) -> float:
        """P(a deviation >= largest) where nothing is wrong, in (0, 1]."""
        return max(t_tail((math.log1p(max(largest, 0.0)) - self.mean) / self.sd, self.df), SMALLEST_P)

    def largest(self, p: float) -> float:
        """The deviation that is exceeded with this probability where nothing is wrong; p <= 1/2.

        >>> round(Tail(0.7, 0.35, 6.0).largest(0.05), 3)
        2.975
        """
        return max(0.0, math.expm1(self.mean + self.sd * t_quantile(p, self.df)))


def t_tail(t: float, df: float) -> float:
    """P(T >= t) of Student's t.

    Source: Abramowitz & Stegun 26.7.1 with 26.5.8 (the incomplete beta's continued fraction).

    >>> round(t_tail(2.0, 6.0), 6), t_tail(0.0, 5.0)
    (0.046213, 0.5)
    """
    square = t * t
    if square < 1.0:  # where the other form would cancel
        half = 0.5 - 0.5 * _beta(square / (df + square), 0.5, 0.5 * df)
    else:
        half = 0.5 * _beta(df / (df + square), 0.5 * df, 0.5)
    return half if t >= 0.0 else 1.0 - half


def t_quantile(p: float, df: float) -> float:
    """The t with P(T >= t) = p, p <= 1/2; to 1e-9.

    >>> round(t_quantile(0.025, 6.0), 4)
    2.4469
    """
    low, high = 0.0, 1.0
    while t_tail(high, df) > p:
        low, high = high, 2.0 * high
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if t_tail(middle, df) > p else (low, middle)
    return high


def _beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), the regularised incomplete beta function."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)) by Lentz's method; all terms stay positive for the x that are asked for."""
    value = c = 1.0
    d = 0.0
    for term in range(1, _TERMS):
        half = term // 2
        if term % 2:
            coefficient = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            coefficient = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        d = 1.0 / (1.0 + coefficient * d)
        c = 1.0 + coefficient / c
        value *= c * d
        if abs(c * d - 1.0) < 1e-14:
            break
    return value
