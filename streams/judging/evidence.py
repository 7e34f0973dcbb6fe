"""What a judgement is made of: the values the outside reads in the end."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

UNDECIDED_RISK = 50.0
"""Shown while nothing at all is known: as far from 0 as from 100."""

Verdict = Literal["pass", "fail", "marginal", "none"]
ExposureUnit = Literal["requests", "pod_seconds"]


class Exposure(Struct, frozen=True):
    """How much each side could have failed so far."""

    unit: ExposureUnit = "pod_seconds"
    baseline: float = 0.0
    canary: float = 0.0


class SignalEvidence(Struct, frozen=True):
    """What the comparison says of one signal."""

    signal: str
    """`log/critical`, `log/error`, `log/warning`, `requests/error`."""
    baseline_count: float
    """Events of the baseline."""
    canary_count: float
    """Events of the canary."""
    effect_ratio: float | None
    """Canary's rate per exposure over the baseline's; None where either cannot be told."""
    log10_e: float
    """log10 of the largest e-value against "the canary is no worse" so far; 0 = no evidence."""
    weight: float
    """Share in the combined e-value; shares of one document sum to 1."""
    risk: float
    """0..100: this signal's own evidence on the scale of the whole."""
    confidence: float
    """0..1: how far "not worse than tolerated" is shown."""


class RiskPoint(Struct, frozen=True, array_like=True):
    """One point of the risk over time."""

    time_s: float
    """Event time at a window's end, seconds since 1970."""
    risk: float


class Assessment(Struct, frozen=True):
    """All that can be said of a comparison after its last closed window."""

    verdict: Verdict
    """`fail` stays; `pass` stays unless it becomes `fail`; `none` = cannot tell yet."""
    risk: float
    """0..100. 100 exactly when the verdict is `fail`; with `none` never 0 and never 100."""
    confidence: float
    """0..1: how far it is shown that the canary can be promoted."""
    exposure: Exposure
    started_ns: int | None
    """Start of the first window in which both revisions were seen."""
    as_of_ns: int | None
    """End of the last window given."""
    decided_ns: int | None
    """End of the window in which the verdict became what it is; None while `none`."""
    signals: tuple[SignalEvidence, ...]
    """Worst first."""
    reasons: tuple[str, ...]
    """Sentences with numbers, most important first; never empty."""
    unjudged: tuple[str, ...]
    """What could not be judged and why."""
    history: tuple[RiskPoint, ...]
    """The risk over time, thinned evenly to a bounded number of points."""
