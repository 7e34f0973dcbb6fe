"""Does a signal's alarm ring? Raised at its budget, held, and cleared only well below: hysteresis.

Shin, Ramdas & Rinaldo (arXiv 2203.03532): an e-detector that alarms at M >= c has an average run length of at least c.
An alarm that hovers at its threshold would ring over and over, so it ends only when the evidence has fallen to half of
the budget's logarithm: by as much as had to gather anew.
"""

from __future__ import annotations

import math

CLEARED_AT_RATIO = 0.5
"""Of the budget's logarithm."""
ARL_S = 30 * 86_400.0
"""Average time to a false alarm of a workload, unless said otherwise."""
_LEAST = 100.0


def log_budget(arl_s: float, window_s: float) -> float:
    """The log e at which an alarm is raised, for an average run length.

    >>> round(log_budget(ARL_S, 5.0), 2)
    13.16

    Args:
        arl_s: average seconds to a false alarm while all is normal.
        window_s: seconds between two values.
    """
    return math.log(max(arl_s / window_s, _LEAST))


class Ringing:
    """`add` each log e, get whether the alarm rings."""

    __slots__ = ("_rings",)

    def __init__(self, rings: bool = False) -> None:
        self._rings = rings

    def add(self, log_e: float, budget: float) -> bool:
        """Whether it rings now.

        Args:
            log_e: of the e-detector, or of the average of several.
            budget: from `log_budget`.
        """
        self._rings = log_e >= (CLEARED_AT_RATIO * budget if self._rings else budget)
        return self._rings
