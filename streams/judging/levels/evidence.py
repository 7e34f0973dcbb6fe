"""What do the levels say of one signal, and of one group?"""

from __future__ import annotations

from msgspec import Struct


class LevelEvidence(Struct, frozen=True, gc=False):
    """One signal."""

    signal: str
    group: str
    worse: str
    unit: str
    weight: float
    """Of its group's weight, its own part; 0 where it is not judged."""
    baseline: float | None
    """Mean level so far, pods averaged; None without samples."""
    canary: float | None
    baseline_samples: int
    canary_samples: int
    effect_ratio: float | None
    """Canary's level over the baseline's; of what is missing to 100% for shares (`scale`: share_free)."""
    effect_low: float | None
    """Lower end of a 95% interval by the learned spread; None without history."""
    effect_high: float | None
    z: float | None
    """Standardised difference now, positive = worse; None without history."""
    p: float
    """For the whole life, of this signal's own contribution to what is judged: never below the part's p."""
    since_ns: int | None
    """End of the window since which z is 2 or more; None where it is not."""


class LevelGroupEvidence(Struct, frozen=True):
    """One group."""

    group: str
    weight: float
    """In the sum of squares."""
    signals: int
    """That were judged."""
    p_not_worse: float | None
    """That it is as much worse as the margin; None where a PASS need not show it (groups that are judged both ways)."""
