"""How probable is it that a beta variable is below x? The regularised incomplete beta function, without scipy.

I_x(a, b) is a power of x and 1-x times a continued fraction that converges fast below the mean, x < (a+1)/(a+b+2);
above it the symmetry I_x(a, b) = 1 - I_{1-x}(b, a) is used. The fraction is evaluated from its head by keeping the
ratio of successive numerators and of successive denominators (modified Lentz).

Source: DLMF 8.17.22 (the fraction) and 8.17.4 (the symmetry); Thompson & Barnett, J. Comput. Phys. 64 (1986), 490
(the evaluation). Tied out against scipy in `tests/streams/judging/logs/test_beta.py`.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_PRECISION = 1e-14
_MAX_STEPS = 10_000
"""About sqrt(max(a, b)) steps are needed; this many do for 1e7."""


def beta_below(x: float, a: float, b: float) -> float:
    """I_x(a, b), 0..1.

    Args:
        x: 0..1.
        a: >= 0; at 0 the variable is 0.
        b: > 0.

    >>> beta_below(0.5, 1.0, 1.0), round(beta_below(0.25, 3.0, 0.5), 6), beta_below(0.5, 0.0, 2.0)
    (0.5, 0.005424, 1.0)
    """
    if a <= 0.0 or x >= 1.0:
        return 1.0
    if x <= 0.0:
        return 0.0
    if x > (a + 1.0) / (a + b + 2.0):
        return min(1.0, max(0.0, 1.0 - _front(1.0 - x, b, a) / _fraction(1.0 - x, b, a)))
    return min(1.0, max(0.0, _front(x, a, b) / _fraction(x, a, b)))


def _front(x: float, a: float, b: float) -> float:
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a


def _fraction(x: float, a: float, b: float) -> float:
    """1 + t_1/(1 + t_2/(1 + ...))."""
    value, numerators, denominators = 1.0, 1.0, 0.0
    for step in range(1, _MAX_STEPS):
        term = _term(step, x, a, b)
        denominators = 1.0 / _away(1.0 + term * denominators)
        numerators = _away(1.0 + term / numerators)
        value *= numerators * denominators
        if abs(numerators * denominators - 1.0) < _PRECISION:
            break
    return value


def _term(step: int, x: float, a: float, b: float) -> float:
    half = step // 2
    if step % 2:
        return -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
    return half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
