"""How is one metric series read: into which signals, and in which way?"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from streams.signals.requests import RequestRole

How = Literal[
    "level",
    "rate",
    "over",
    "under",
    "event",
    "attempt",
    "onset",
    "bucket",
    "values",
    "share",
    "tally",
    "born",
    "limit",
]
"""`level`: the number itself. `rate`: a counter's increase per second. `over`, `under`: numerator and denominator of a
level that is a ratio (of increases, or of levels). `event`: a counter's increase is so many events; `attempt`: so many
things that could have been one. `onset`: an event whenever a level leaves zero. `bucket`: a counter of the values up to
a bound. `values`: a histogram. `share`: a level that is a share of successes, in percent (with a factor of 0, whether
it is in percent already shows when one is above 1). `tally`: how many requests there were since the last sample.
`born`: when the pod started, seconds since 1970. `limit`: how far the signal can go (`limits`)."""
Combine = Literal["sum", "mean", "max", "min"]
"""How several series of one signal at one pod are one number."""


class Reading(Struct, frozen=True, array_like=True):
    """One series, read into one signal."""

    signal: str
    how: How
    factor: float = 1.0
    """To the unit of the signal's rule."""
    combine: Combine = "sum"
    bound: float = 0.0
    """Of a `bucket`: its inclusive upper bound in the signal's unit; infinite for the last."""
    begun: bool = False
    """A `level` that says nothing before it was first above zero (readiness)."""
    key: str = ""
    """Of `share` and `tally`: what both are of; those of equal keys belong together. Of `limit`: its metric."""


class SeriesUse(Struct, frozen=True, array_like=True):
    """All that a series is read for; by the shape in which its samples come."""

    role: RequestRole | None = None
    gauge: tuple[Reading, ...] = ()
    counter: tuple[Reading, ...] = ()
    """Of a cumulative or delta sum."""
    histogram: tuple[Reading, ...] = ()
    gauge_is_total: bool = False
    """A known counter: where a shipper that knows no types sends it as a gauge, it still counts up."""

    @property
    def empty(self) -> bool:
        """It is read for nothing."""
        return self.role is None and not (self.gauge or self.counter or self.histogram)
