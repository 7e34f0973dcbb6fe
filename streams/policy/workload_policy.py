"""What holds for one workload: every value there is, in the units that the judging uses.

A `WorkloadPolicy()` made without arguments is what holds where no policy file says otherwise, and equals the
defaults of `judging.settings`.
"""

from __future__ import annotations

from typing import get_args

from msgspec import Struct, field

from streams.policy.written import ExposureSource, NotANumber, Part, Sensitivity
from streams.signals.rule import Criticality, Group, MissingData, Worse
from streams.templates.topics import LogClass


class GroupPolicy(Struct, frozen=True):
    """What is set of one group of signals; None: nothing."""

    group: Group
    weight: float | None = None
    """Relative to the other groups, which weigh 1."""
    tolerance_up: float | None = None
    """0.2 = a rise of 20%."""
    tolerance_down: float | None = None
    """0.2 = a fall of 20%."""
    margin: float | None = None
    """1.0 = 100% worse."""


class SignalPolicy(Struct, frozen=True):
    """What one entry sets of the signals that its pattern fits; None: nothing."""

    pattern: str
    """`glob.matches` says which names fit."""
    group: Group | None = None
    worse: Worse | None = None
    weight: float | None = None
    tolerance_up: float | None = None
    """0.2 = a rise of 20%."""
    tolerance_down: float | None = None
    """0.2 = a fall of 20%."""
    margin: float | None = None
    """1.0 = 100% worse."""
    criticality: Criticality | None = None
    not_a_number: NotANumber | None = None
    missing_data: MissingData | None = None
    floor_per_request: float | None = None
    floor_per_pod_s: float | None = None


class LogClassRule(Struct, frozen=True):
    """Lines that hold a text, or in which an expression is found, are of a class."""

    text: str
    is_expression: bool
    """A regular expression (RE2), found anywhere in a line; else plain text, in its own case."""
    log_class: LogClass


class LogPolicy(Struct, frozen=True):
    """What is set of log lines."""

    default_topics: bool = True
    """Whether the built-in strings give a line its class."""
    classes: tuple[LogClassRule, ...] = ()
    """The last one that fits wins, over the built-in strings and severities too."""
    masks: tuple[str, ...] = ()
    """Expressions for what varies within lines of one kind."""
    context_lines: int = 5
    """Lines kept around an unexpected error, on either side."""


class BaselineTime(Struct, frozen=True):
    """The time of the baseline that the canary is compared with; exactly one of the first two is set."""

    start_ns: int | None = None
    ago_ns: int | None = None
    """Before the canary's beginning."""
    length_ns: int | None = None
    """None: as long as the canary's."""


class WorkloadPolicy(Struct, frozen=True):
    """All of it."""

    alpha: float = 0.01
    """Largest probability that a canary no worse than tolerated ever fails."""
    beta: float = 0.05
    """Largest probability that a canary worse than the margin of some signal ever passes."""
    sensitivity: Sensitivity = "medium"
    tolerance: float | None = None
    """0.2 = 20% worse; None: not set, the sensitivity says what holds."""
    margin: float | None = None
    """1.0 = 100% worse; None: not set."""
    warm_up_ns: int = 0
    """From the canary's first window; nothing is judged before."""
    minimum_requests: float = 100.0
    """Least requests on both sides for a PASS."""
    minimum_pod_s: float = 120.0
    """Least pod-seconds on both sides for a PASS."""
    lifetime_ns: int | None = None
    """Planned length of the comparison, warm-up included; None: until the rollout ends."""
    pass_score: float = 50.0
    """Least score (100 - risk) of a PASS; below it, when its lifetime is over, a comparison is marginal."""
    marginal_score: float = 0.0
    """Below this score a comparison whose lifetime is over fails; 0: never by a score alone."""
    look_back_ns: int | None = None
    """Length of a sliding look-back; None: growing."""
    exposure: ExposureSource = "auto"
    historic_baseline: BaselineTime | None = None
    canary_share: float | None = None
    """Intended share of the traffic, 0..1 exclusive; None: not known."""
    parts: dict[Part, float] = field(default_factory=lambda: dict.fromkeys(get_args(Part), 1.0))
    """How alpha is shared between the parts: each has a weight >= 0, one is above 0."""
    rollback: bool = False
    """An alarm that is likely the latest deployment's fails the verdict on production, now: not of a comparison."""
    groups: tuple[GroupPolicy, ...] = ()
    """Each at most once; the others weigh 1 and set nothing."""
    signals: tuple[SignalPolicy, ...] = ()
    """In order: a later one that fits overrides field by field."""
    logs: LogPolicy = LogPolicy()
