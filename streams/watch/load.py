"""What would a level be, were its load the usual one? A regression on the load, so that traffic is no news.

Most of what a process takes (processor, network, time) goes up and down with the requests it serves. So the level is
held against what it is at that load: x - b (l - mean of l), b by least squares that fade, in eight numbers. What two
slow signals have in common by chance is no slope (Granger & Newbold, Spurious regressions in econometrics, J.
Econometrics 2, 1974): values that are like the ones before count for fewer (Bartlett, Some aspects of the time-
correlation problem, J. Royal Statistical Society 98, 1935: n (1 - rs) / (1 + rs), r and s the first autocorrelations of
the load and of what it leaves), and of a slope goes off what lies within two of its standard errors (as a positive-part
James & Stein estimate). What lies beyond four deviations, a fault or a load never seen, teaches no more than that.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.signals.rule import Group

AT_LOAD: frozenset[Group] = frozenset({"cpu", "latency", "tail_latency", "gc", "io", "network", "other"})
"""Groups of what follows the load. What fills up is watched as it is: it is full whatever the load."""
_HORIZON = 300.0
"""Values that it remembers: as many as the scale of a level (`levels`)."""
_LEAST = 10.0
"""Values before anything is held against the load."""
_CLIP, _CLIP_2 = 4.0, 16.0
"""Deviations beyond which a value, or a load, teaches no more; their square."""
_LEAST_VARIANCE, _STILL = 1e-18, 1e-12
"""A load that varies by less than a billionth, or a millionth of itself, does not vary."""
_SURELY = 4.0
"""Square of how many standard errors a slope has to be above 0."""


class LoadState(Struct, array_like=True):
    """All there is to know of one level and its load."""

    n: float = 0.0
    value: float = 0.0
    """Mean of the level."""
    load: float = 0.0
    """Mean of the load."""
    together: float = 0.0
    """Covariance of the two."""
    load_variance: float = 0.0
    left: float = 0.0
    """Variance of what the load leaves."""
    load_stays: float = 0.0
    """The load's distance from its mean times that before, on average."""
    left_stays: float = 0.0
    """The same of what it leaves."""
    load_off: float = 0.0
    """Distances of the last value."""
    left_off: float = 0.0
    slope: float = 0.0
    """By how much the level rises for one more of load, as far as it surely does."""

    def at_usual(self, value: float, load: float) -> float:
        """What the level would be at its usual load; then learn from it."""
        n = self.n
        if n == 0.0:
            self.n, self.value, self.load = 1.0, value, load
            return value
        slope, usual, together, varies, left = self.slope, self.load, self.together, self.load_variance, self.left
        more = load - usual
        found = value - slope * more
        off = found - self.value
        if n >= _LEAST:
            if off * off > _CLIP_2 * left:
                off = math.copysign(_CLIP * math.sqrt(left), off)
            if more * more > _CLIP_2 * varies:
                more = math.copysign(_CLIP * math.sqrt(varies), more)
        if n < _HORIZON:
            self.n = n = n + 1.0
        share = 1.0 / n
        moved, rest = slope * more + off, more - share * more
        self.value += share * moved
        self.load = usual = usual + share * more
        self.together = together = together + share * (moved * rest - together)
        self.load_variance = varies = varies + share * (more * rest - varies)
        self.left = left = left + share * (off * off - left)
        stays = self.load_stays
        self.load_stays = load_stays = stays + share * (more * self.load_off - stays)
        stays = self.left_stays
        self.left_stays = left_stays = stays + share * (off * self.left_off - stays)
        self.load_off, self.left_off = more, off
        self.slope = 0.0
        if n >= _LEAST and varies > _LEAST_VARIANCE and varies > _STILL * usual * usual:
            slope, variances = together / varies, varies * left
            stays = load_stays * left_stays if load_stays > 0.0 and left_stays > 0.0 else 0.0
            if variances > stays:
                surely = n * (variances - stays) / (variances + stays) * slope * together
                if surely > _SURELY * left:
                    self.slope = slope * (1.0 - _SURELY * left / surely)
        return found
