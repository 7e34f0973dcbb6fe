"""What a judgement is made of: the values the outside reads in the end."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from streams.policy.written import Sensitivity

UNDECIDED_RISK = 50.0
"""Shown while nothing at all is known: as far from 0 as from 100."""

Verdict = Literal["pass", "fail", "marginal", "none"]
ExposureUnit = Literal["requests", "pod_seconds", "log_lines"]
Part = Literal["logs", "errors", "values", "levels"]
Reference = Literal["baseline", "history", "none"]
"""What a revision is judged by: the one beside it; where none is there, what was before it; or nothing."""


class Exposure(Struct, frozen=True):
    """How much each side could have failed so far."""

    unit: ExposureUnit = "pod_seconds"
    baseline: float = 0.0
    canary: float = 0.0


class SignalEvidence(Struct, frozen=True, gc=False):
    """What the comparison says of one signal."""

    signal: str
    """`log/error`, `requests/error`, `http_server_request_duration_seconds`, `container_memory_rss`, ..."""
    baseline_count: float
    """Events of the baseline; of a level or a distribution, how many values were seen."""
    canary_count: float
    """The same of the canary."""
    effect_ratio: float | None
    """Canary's rate, level or quantile over the baseline's; None where either cannot be told."""
    log10_e: float
    """log10 of the evidence against "the canary is no worse" over the whole life, >= 0: of the largest e-value, or of
    1/p where the part is judged by a p-value. 0 = none."""
    weight: float
    """Share of alpha at which this signal alone fails the canary."""
    risk: float
    """0..100: this signal's own evidence on the scale of the whole."""
    confidence: float
    """0..1: how far "not worse than tolerated" is shown."""
    part: Part = "logs"
    group: str = ""
    """Signals of one group tell of one thing."""
    unit: str = ""
    """UCUM unit of the values; empty for counts."""
    baseline_value: float | None = None
    """Rate per exposure, mean level or quantile."""
    canary_value: float | None = None
    effect_low: float | None = None
    """Lower end of an interval for the ratio, at the confidence the part states; None where there is none."""
    effect_high: float | None = None
    worse: str = "higher"
    """Which way is worse: `higher`, `lower` or `either`."""
    criticality: str = "normal"
    """`critical`, `must_have`, `normal` or `watch` (shown only)."""
    known: bool = True
    """A built-in rule or the policy names it; False: guessed, compared at low weight."""
    since_s: float | None = None
    """Event time, seconds since 1970, at which its own risk first reached 50; of a level, since when it has stood out
    by two spreads or more without a break."""


def worst_first(one: SignalEvidence) -> tuple[float, float, str]:
    """The order in which signals are shown."""
    return -one.risk, -one.log10_e, one.signal


class GroupEvidence(Struct, frozen=True):
    """Signals that tell of one thing, together."""

    group: str
    part: Part
    signals: int
    """How many of its signals were judged."""
    risk: float
    """0..100: of its worst signal."""
    weight: float
    """Sum of its signals' shares of alpha."""
    worst: str
    """The signal with the highest risk."""


class PartEvidence(Struct, frozen=True):
    """One of the four parts that answer apart."""

    part: Part
    share: float
    """Its share of alpha; those of a document sum to 1, or to less where critical signals have one of their own, and in
    the first minutes of a workload that nobody knows (`shares`)."""
    p: float
    """One p-value for the whole life, however often it is looked at."""
    risk: float
    """0..100: its evidence on the scale of the whole."""
    confidence: float | None
    """0..1: how far "not worse" is shown; None where a PASS need not rest on it."""


class ReadSignal(Struct, frozen=True):
    """One log class, by the weights of another sensitivity."""

    signal: str
    weight: float
    """Share of alpha at which it alone would fail the canary."""
    risk: float
    """0..100."""


class Reading(Struct, frozen=True):
    """The comparison by the weights of one sensitivity, all else as it was judged."""

    sensitivity: Sensitivity
    risk: float
    """0..100; 100 exactly when the comparison has failed."""
    would_fail: bool
    """Had these weights been set before it began, it would have failed by now."""
    logs: PartEvidence
    signals: tuple[ReadSignal, ...]
    """The log classes, by name."""


class RiskPoint(Struct, frozen=True, array_like=True):
    """One point of the risk over time."""

    time_s: float
    """Event time at a window's end, seconds since 1970."""
    risk: float


class Assessment(Struct, frozen=True):
    """All that can be said of a comparison after its last closed window."""

    verdict: Verdict
    """`fail` stays; `pass` stays unless it becomes `fail`, or `none` as the traffic is not split as intended; `none` =
    cannot tell; `marginal` = its time is over, with evidence against it that does not suffice."""
    risk: float
    """0..100. 100 exactly when the verdict is `fail`; with `none` never 0 and never 100."""
    confidence: float
    """0..1: how far it is shown that the canary can be promoted."""
    exposure: Exposure
    started_ns: int | None
    """Start of the first window in which both revisions were seen; without a baseline, the canary."""
    as_of_ns: int | None
    """End of the last window given."""
    decided_ns: int | None
    """End of the window in which the verdict became what it is; None while `none`."""
    parts: tuple[PartEvidence, ...]
    """All four, always in this order: logs, errors, values, levels."""
    groups: tuple[GroupEvidence, ...]
    """Worst first."""
    signals: tuple[SignalEvidence, ...]
    """Worst first."""
    reasons: tuple[str, ...]
    """Sentences with numbers, most important first; never empty."""
    unjudged: tuple[str, ...]
    """What could not be judged and why."""
    history: tuple[RiskPoint, ...]
    """The risk over time, thinned evenly to a bounded number of points."""
    readings: tuple[Reading, ...] = ()
    """By the weights of each sensitivity; they decide nothing."""
    reference: Reference = "baseline"
