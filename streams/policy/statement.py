"""What does the policy that a comparison was judged by say? For its document: what is not the default, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from streams.policy.effective import BASE, READ
from streams.policy.quantities import duration_text, percent_text
from streams.policy.workload_policy import BaselineTime, GroupPolicy, SignalPolicy, WorkloadPolicy
from streams.policy.yaml_text import within
from streams.records.times import rfc3339

_MOST = 50
"""Lines; a policy for one workload fits on a screen."""
_OF_PRODUCTION = {"rollback"}
"""It is asked for at every moment, and does not hold for a comparison."""
_RATIOS = {"tolerance", "margin", "canary_share", "tolerance_up", "tolerance_down"}
_RENAMED = {"floor_per_pod_s": "floor_per_pod_second"}
_NAMED_BY: dict[type, str] = {GroupPolicy: "group", SignalPolicy: "pattern"}
"""The field that is the name of the block."""


def statement(policy: WorkloadPolicy) -> tuple[str, ...]:
    """Fields in the words of the file, and what they are; `logs` is left out.

    >>> statement(WorkloadPolicy(alpha=0.05, look_back_ns=600_000_000_000))
    ('alpha: 0.05', 'look_back: 10m')
    """
    lines = [*_plain(policy), *_nested(policy)]
    return tuple(lines) if len(lines) <= _MOST else (*lines[:_MOST], f"and {len(lines) - _MOST} lines more")


def _plain(policy: WorkloadPolicy) -> Iterator[str]:
    for name, (field, _) in READ.items():
        value = getattr(policy, field)
        if name not in _OF_PRODUCTION and value != getattr(BASE, field):
            yield f"{name}: {_text(name, field, value)}"


def _nested(policy: WorkloadPolicy) -> Iterator[str]:
    named: list[tuple[str, str, GroupPolicy | SignalPolicy]]
    named = [("groups", group.group, group) for group in policy.groups]
    named += [("signals", signal.pattern, signal) for signal in policy.signals]
    for block, key, fields in named:
        for field, value in structs.asdict(fields).items():
            if value is None or field == _NAMED_BY[type(fields)]:
                continue
            name = _RENAMED.get(field, field)
            yield f"{within(within(block, key), name)}: {_text(name, field, value)}"


def _text(name: str, field: str, value: Any) -> str:
    if isinstance(value, BaselineTime):
        start = f"from {rfc3339(value.start_ns or 0)}" if value.ago_ns is None else f"{duration_text(value.ago_ns)} ago"
        return start if value.length_ns is None else f"{start}, {duration_text(value.length_ns)} long"
    if name in _RATIOS:
        return percent_text(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:g}" for key, number in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return duration_text(value) if field.endswith("_ns") else str(value)
