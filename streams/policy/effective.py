"""What does a policy file come to for one workload?

Defaults first, then every entry that matches, in the order of the file. A later one wins field by field; signals, log
classes and masks are added to those before them (of signals and classes that fit the same thing, the later wins).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from msgspec import UNSET, Struct, structs

from streams.policy.document import HistoricBaseline, SignalEntry
from streams.policy.policy_file import Entry, PolicyFile
from streams.policy.quantities import duration_ns, ratio
from streams.policy.workload_policy import (
    BaselineTime,
    GroupPolicy,
    LogClassRule,
    LogPolicy,
    SignalPolicy,
    WorkloadPolicy,
)
from streams.policy.written import Part, is_expression
from streams.records.identity import Workload
from streams.records.times import rfc3339_ns
from streams.signals.rule import Group

BASE = WorkloadPolicy()


def _baseline_time(written: HistoricBaseline) -> BaselineTime:
    return BaselineTime(
        None if written.start is UNSET else rfc3339_ns(written.start),
        None if written.ago is UNSET else duration_ns(written.ago),
        None if written.length is UNSET else duration_ns(written.length),
    )


def _look_back_ns(written: str) -> int | None:
    return None if written == "growing" else duration_ns(written)


def parts_weights(written: dict[Part, float]) -> dict[Part, float]:
    """Of all parts; those that are not written weigh 1."""
    return {part: written.get(part, 1.0) for part in get_args(Part)}


def _same(written: Any) -> Any:
    return written


READ: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "alpha": ("alpha", _same),
    "beta": ("beta", _same),
    "sensitivity": ("sensitivity", _same),
    "tolerance": ("tolerance", ratio),
    "margin": ("margin", ratio),
    "warm_up": ("warm_up_ns", duration_ns),
    "minimum_requests": ("minimum_requests", _same),
    "minimum_pod_seconds": ("minimum_pod_s", _same),
    "lifetime": ("lifetime_ns", duration_ns),
    "pass_score": ("pass_score", _same),
    "marginal_score": ("marginal_score", _same),
    "look_back": ("look_back_ns", _look_back_ns),
    "exposure": ("exposure", _same),
    "historic_baseline": ("historic_baseline", _baseline_time),
    "canary_share": ("canary_share", ratio),
    "parts": ("parts", parts_weights),
    "rollback": ("rollback", _same),
}
"""Field of a file's settings -> the policy's field, and how the written value is read; all but the nested ones."""
_RATIOS = {"tolerance_up", "tolerance_down", "margin"}
_RENAMED = {"floor_per_pod_second": "floor_per_pod_s"}


def effective(policy_file: PolicyFile, workload: Workload, base: WorkloadPolicy = BASE) -> WorkloadPolicy:
    """What holds for the workload.

    Args:
        policy_file: as `reader.read` made it.
        workload: whose.
        base: what holds where the file says nothing.
    """
    return overlaid(policy_file.holding(workload), base)


def overlaid(entries: Sequence[Entry], base: WorkloadPolicy = BASE) -> WorkloadPolicy:
    """What these entries come to, in this order, over a base."""
    given: dict[str, Any] = {}
    for entry in entries:
        for name, (field, read) in READ.items():
            written = getattr(entry.settings, name)
            if written is not UNSET:
                given[field] = read(written)
    return structs.replace(
        base, **given, groups=_groups(entries, base), signals=_signals(entries, base), logs=_logs(entries, base.logs)
    )


def _groups(entries: Iterable[Entry], base: WorkloadPolicy) -> tuple[GroupPolicy, ...]:
    groups: dict[Group, GroupPolicy] = {group.group: group for group in base.groups}
    for entry in entries:
        for group, written in ({} if entry.settings.groups is UNSET else entry.settings.groups).items():
            groups[group] = structs.replace(groups.get(group, GroupPolicy(group)), **_numbers(written))
    return tuple(groups[group] for group in sorted(groups))


def _signals(entries: Iterable[Entry], base: WorkloadPolicy) -> tuple[SignalPolicy, ...]:
    signals = list(base.signals)
    for entry in entries:
        written = {} if entry.settings.signals is UNSET else entry.settings.signals
        signals += [signal_policy(pattern, fields) for pattern, fields in written.items()]
    return tuple(signals)


def signal_policy(pattern: str, written: SignalEntry) -> SignalPolicy:
    """One entry of `signals` in the units of the judging."""
    return SignalPolicy(pattern, **_numbers(written))


def _numbers(written: Struct) -> dict[str, Any]:
    """The fields that are set, percentages as ratios."""
    fields = {name: value for name, value in structs.asdict(written).items() if value is not UNSET}
    return {_RENAMED.get(name, name): ratio(fields[name]) if name in _RATIOS else fields[name] for name in fields}


def _logs(entries: Iterable[Entry], base: LogPolicy) -> LogPolicy:
    logs = base
    for entry in entries:
        written = entry.settings.logs
        if written is UNSET:
            continue
        classes = {} if written.classes is UNSET else written.classes
        logs = LogPolicy(
            default_topics=logs.default_topics if written.default_topics is UNSET else written.default_topics,
            classes=logs.classes + tuple(class_rule(text, each) for text, each in classes.items()),
            masks=logs.masks + (() if written.masks is UNSET else written.masks),
            context_lines=logs.context_lines if written.context_lines is UNSET else written.context_lines,
        )
    return logs


def class_rule(text: str, log_class: Any) -> LogClassRule:
    """What an entry of `logs.classes` says."""
    if is_expression(text):
        return LogClassRule(text[1:-1], True, log_class)
    return LogClassRule(text, False, log_class)
