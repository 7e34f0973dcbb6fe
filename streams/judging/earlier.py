"""With which earlier window of the baseline is one of the canary compared, where a policy asks for an earlier time?

The canary's first window with the first of the time asked for, and so on, window by window, each at most once: a
window of the baseline that served twice would be taken for new evidence. So the error bound holds as it does side by
side, for a canary that is no worse than the baseline *was*; what has changed for both since (load, dependencies, the
time of day) does not cancel, and counts as the canary's.
"""

from __future__ import annotations

from msgspec import Struct

from streams.policy.workload_policy import BaselineTime


class Earlier(Struct, frozen=True):
    """A baseline's earlier time, for one canary."""

    start_ns: int
    """Of its first window."""
    end_ns: int | None
    """No window that begins then or later is taken; None: as long as the canary's."""
    behind_ns: int
    """How much earlier than the canary's windows; above 0 where it can be followed."""

    def of(self, start_ns: int) -> int | None:
        """Start of the baseline's window for the canary's that starts at `start_ns`; None where there is none."""
        at_ns = start_ns - self.behind_ns
        fits = self.behind_ns > 0 and at_ns >= self.start_ns and (self.end_ns is None or at_ns < self.end_ns)
        return at_ns if fits else None


def earlier(asked: BaselineTime, canary_from_ns: int, window_ns: int) -> Earlier:
    """What is asked for, in whole windows.

    Args:
        asked: by the policy.
        canary_from_ns: start of the canary's first window.
        window_ns: length of a window.

    >>> earlier(BaselineTime(ago_ns=60, length_ns=20), 100, 5).of(110), earlier(BaselineTime(start_ns=42), 100, 5)
    (50, Earlier(start_ns=40, end_ns=None, behind_ns=60))
    """
    start_ns = canary_from_ns - (asked.ago_ns or 0) if asked.start_ns is None else asked.start_ns
    start_ns -= (start_ns - canary_from_ns) % window_ns
    end_ns = None if asked.length_ns is None else start_ns + asked.length_ns
    return Earlier(start_ns, end_ns, canary_from_ns - start_ns)
