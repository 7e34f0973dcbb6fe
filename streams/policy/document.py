"""What may an operator write in a policy file?

These structs are the file, field by field; the JSON Schema is made from them and the reader checks against them. What
is not written is UNSET, so that a later entry overrides only what it names. What the values come to for one workload
is `effective`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from streams.policy.written import (
    Ago,
    Amount,
    Chance,
    Duration,
    ExposureSource,
    Expression,
    Glob,
    LogText,
    LookBack,
    Margin,
    NotANumber,
    Part,
    PartWeight,
    PositiveDuration,
    Rate,
    Score,
    Sensitivity,
    Share,
    SignalGlob,
    Time,
    ToleranceDown,
    ToleranceUp,
    Weight,
)
from streams.signals.rule import Criticality, Group, MissingData, Worse
from streams.templates.expressions import MAX_EXPRESSIONS
from streams.templates.topics import MAX_TOPICS, LogClass


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which workloads an entry holds for; what is left out is any."""

    cluster: Glob = "*"
    """Name of the cluster."""
    namespace: Glob = "*"
    """Name of the namespace."""
    workload: Glob = "*"
    """Name of the Rollout or Deployment."""


class SignalEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is set of the signals of one name or pattern."""

    group: Group | UnsetType = UNSET
    """What the signal tells of; a group is judged once, however many signals it has."""
    worse: Worse | UnsetType = UNSET
    """Which way is worse."""
    weight: Weight | UnsetType = UNSET
    """Within its group, relative to the others; of `log/*`: relative to each other."""
    tolerance_up: ToleranceUp | UnsetType = UNSET
    """Relative rise that nobody minds."""
    tolerance_down: ToleranceDown | UnsetType = UNSET
    """Relative fall that nobody minds."""
    margin: Margin | UnsetType = UNSET
    """A PASS shows that the signal is less than this much worse; above the tolerance."""
    criticality: Criticality | UnsetType = UNSET
    """`must_have`: no PASS without data. `critical`: fails alone, at its share of alpha. `watch`: only shown."""
    not_a_number: NotANumber | UnsetType = UNSET
    """What becomes of a sample that is not a number: it is left out."""
    missing_data: MissingData | UnsetType = UNSET
    """Of a counter one side does not have: it cannot be judged, or it is zero (it is born with its first event)."""
    floor_per_request: Rate | UnsetType = UNSET
    """Events per request below which nobody minds; of `log/*` and `requests/error` only."""
    floor_per_pod_second: Rate | UnsetType = UNSET
    """Events per pod-second below which nobody minds; of `log/*` and `requests/error` only."""


class GroupEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is set of one group of signals."""

    weight: Weight | UnsetType = UNSET
    """Relative to the other groups."""
    tolerance_up: ToleranceUp | UnsetType = UNSET
    """Relative rise that nobody minds, of signals that set none themselves."""
    tolerance_down: ToleranceDown | UnsetType = UNSET
    """Relative fall that nobody minds, of signals that set none themselves."""
    margin: Margin | UnsetType = UNSET
    """A PASS shows that the group's signals are less than this much worse."""


class LogsEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is set of log lines."""

    default_topics: bool | UnsetType = UNSET
    """Whether the built-in strings (OutOfMemoryError, FATAL, ...) give a line its class."""
    classes: Annotated[dict[LogText, LogClass], Meta(max_length=MAX_TOPICS)] | UnsetType = UNSET
    """Text, or expression between slashes, and the class of the lines that hold it; the last that fits wins."""
    masks: Annotated[tuple[Expression, ...], Meta(max_length=MAX_EXPRESSIONS)] | UnsetType = UNSET
    """Expressions for what varies within lines of one kind; added to those of earlier entries."""
    context_lines: Annotated[int, Meta(ge=0, le=50, description="give a whole number from 0 to 50")] | UnsetType = UNSET
    """Lines kept around an unexpected error, on either side."""


class HistoricBaseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The baseline's own time, where it is not the canary's; replaced as a whole."""

    start: Time | UnsetType = UNSET
    """When it begins, 14 minutes before the canary at most: what a revision did is known for 15; or ..."""
    ago: Ago | UnsetType = UNSET
    """... how long before the canary's beginning."""
    length: PositiveDuration | UnsetType = UNSET
    """How long it is; as long as the canary's if left out. What the canary does after that brings no evidence."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What can be set, for all workloads or for some."""

    alpha: Chance | UnsetType = UNSET
    """Largest probability that a canary no worse than tolerated ever fails."""
    beta: Chance | UnsetType = UNSET
    """Largest probability that a canary worse than the margin of some signal ever passes."""
    sensitivity: Sensitivity | UnsetType = UNSET
    """How much log classes weigh and how much is tolerated, where nothing else is set."""
    tolerance: ToleranceUp | UnsetType = UNSET
    """How much worse than the baseline nobody minds, of all signals that set none themselves."""
    margin: Margin | UnsetType = UNSET
    """A PASS shows that no signal is this much worse."""
    warm_up: Duration | UnsetType = UNSET
    """How long after the canary's first window nothing is judged."""
    minimum_requests: Amount | UnsetType = UNSET
    """Least requests on both sides for a PASS."""
    minimum_pod_seconds: Amount | UnsetType = UNSET
    """Least pod-seconds on both sides for a PASS."""
    lifetime: PositiveDuration | UnsetType = UNSET
    """Planned length of the comparison, warm-up included; until the rollout ends if left out."""
    pass_score: Score | UnsetType = UNSET
    """Least score (100 - risk) of a PASS; below it, when its lifetime is over, a comparison is marginal."""
    marginal_score: Score | UnsetType = UNSET
    """Below this score a comparison whose lifetime is over fails; 0: never by a score alone, only by alpha."""
    look_back: LookBack | UnsetType = UNSET
    """`growing`: all since the beginning counts. A duration: only the last so long."""
    exposure: ExposureSource | UnsetType = UNSET
    """What events are counted against."""
    historic_baseline: HistoricBaseline | UnsetType = UNSET
    """Compare with an earlier time of the baseline instead of the canary's own."""
    canary_share: Share | UnsetType = UNSET
    """Intended share of the traffic that the canary gets, where it is known and stays."""
    parts: dict[Part, PartWeight] | UnsetType = UNSET
    """How alpha is shared between logs, errors, values and levels: those left out weigh 1; replaced as a whole."""
    rollback: bool | UnsetType = UNSET
    """Whether an alarm that is likely the latest deployment's fails the verdict on production, `GET /v1/watch`."""
    groups: dict[Group, GroupEntry] | UnsetType = UNSET
    """By name of the group."""
    signals: Annotated[dict[SignalGlob, SignalEntry], Meta(max_length=500)] | UnsetType = UNSET
    """By name or pattern; where several fit, the last one wins field by field."""
    logs: LogsEntry | UnsetType = UNSET
    """Classes, masks and context of log lines."""


class WorkloadEntry(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is set for the workloads that match."""

    match: Match
    """Which workloads."""


class PolicyDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A policy file of Serinus. Defaults hold first, then every entry that matches, in this order; later ones win."""

    version: Literal[1]
    """Of this format."""
    defaults: Settings | UnsetType = UNSET
    """For every workload."""
    workloads: Annotated[tuple[WorkloadEntry, ...], Meta(max_length=500)] = field(default=())
    """For the workloads that match."""
