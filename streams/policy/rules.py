"""What does a workload's policy make of a signal's rule, and of the four signals that are counted?

The nearest wins: what an entry sets of the signal, then of its group, then of all, then the built-in rule (whose
tolerances the sensitivity scales).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

from msgspec import structs

from streams.policy import glob
from streams.policy.counted import COUNTED, CRITICAL, ERROR, WARNING, CountedSignal
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.workload_policy import GroupPolicy, SignalPolicy, WorkloadPolicy
from streams.signals.rule import USUAL_TOLERANCE, Criticality, Group, SignalRule

T = TypeVar("T")


def apply(rule: SignalRule, policy: WorkloadPolicy) -> SignalRule:
    """The rule as the policy wants it.

    >>> policy = WorkloadPolicy(signals=(SignalPolicy("jvm_*", worse="higher", tolerance_up=0.5),))
    >>> found = apply(SignalRule("jvm_threads_live", "level", worse="either", known=False), policy)
    >>> found.worse, found.tolerance_up, found.tolerance_down, found.known
    ('higher', 0.5, 0.2, True)
    """
    own = _own(rule.signal, policy)
    group = _group(own.group or rule.group, policy)
    named = own.worse is not None or any(signal.pattern == rule.signal for signal in policy.signals)
    factor = SENSITIVITIES[policy.sensitivity].tolerance_factor
    up, down = rule.tolerance_up * factor, rule.tolerance_down * factor
    return structs.replace(
        rule,
        group=group.group,
        worse=_nearest(own.worse, default=rule.worse),
        weight=_nearest(own.weight, default=rule.weight),
        criticality=_nearest(own.criticality, default=rule.criticality),
        tolerance_up=_nearest(own.tolerance_up, group.tolerance_up, policy.tolerance, default=up),
        tolerance_down=_nearest(own.tolerance_down, group.tolerance_down, _a_fall(policy.tolerance), default=down),
        known=rule.known or named,
        group_weight=_nearest(group.weight, default=1.0),
        margin=_nearest(own.margin, group.margin, policy.margin, default=rule.margin),
        missing_data=own.missing_data,
    )


class AppliedRules:
    """Rules as a policy wants them, made anew when there are new ones or it is another policy."""

    def __init__(self, always: Mapping[str, SignalRule] | None = None) -> None:
        """Nothing is applied yet.

        Args:
            always: rules that a policy may change, though they are among none that are known.
        """
        self._always = always or {}
        self._of: tuple[WorkloadPolicy | None, int] = None, 0
        self._applied: Mapping[str, SignalRule] = {}

    def under(self, policy: WorkloadPolicy | None, known: Mapping[str, SignalRule]) -> Mapping[str, SignalRule]:
        """By signal.

        Args:
            policy: None: the rules as they are.
            known: to which rules are only ever added.
        """
        if policy is None:
            return known
        before, number = self._of
        if before is not policy or number != len(known):
            rules = {**self._always, **known}
            self._applied = {signal: apply(rule, policy) for signal, rule in rules.items()}
            self._of = policy, len(known)
        return self._applied


def named(policy: WorkloadPolicy, criticality: Criticality) -> tuple[str, ...]:
    """Names and patterns of the entries that call signals so, and are not overridden by a later one; sorted."""
    last = {entry.pattern: entry.criticality for entry in policy.signals if entry.criticality is not None}
    return tuple(
        sorted(
            pattern
            for pattern, given in last.items()
            if given == criticality and (glob.is_pattern(pattern) or _own(pattern, policy).criticality == criticality)
        )
    )


def counted(policy: WorkloadPolicy) -> tuple[CountedSignal, ...]:
    """The four counted signals.

    >>> [(each.signal, each.weight, each.margin_ratio) for each in counted(WorkloadPolicy())][:2]
    [('log/critical', 0.52, 2.0), ('log/error', 0.45, 2.0)]
    """
    own = {usual.signal: _own(usual.signal, policy) for usual in COUNTED}
    weights, tolerance = _log_weights(own, policy), _general_tolerance(policy)
    return tuple(
        CountedSignal(
            signal=usual.signal,
            weight=weights.get(usual.signal, usual.weight),
            margin_ratio=1.0 + _nearest(its.margin, policy.margin, default=usual.margin_ratio - 1.0),
            floor_per_request=_nearest(its.floor_per_request, default=usual.floor_per_request),
            floor_per_pod_s=_nearest(its.floor_per_pod_s, default=usual.floor_per_pod_s),
            tolerance_ratio=1.0 + _nearest(its.tolerance_up, default=tolerance),
            criticality=_nearest(its.criticality, default=usual.criticality),
        )
        for usual, its in zip(COUNTED, own.values(), strict=True)
    )


def _log_weights(own: dict[str, SignalPolicy], policy: WorkloadPolicy) -> dict[str, float]:
    """Those of the sensitivity, or what is set, scaled to a sum of 1."""
    row = SENSITIVITIES[policy.sensitivity]
    given = {CRITICAL: row.critical, ERROR: row.error, WARNING: row.warning}
    weights = {signal: _nearest(own[signal].weight, default=weight) for signal, weight in given.items()}
    total = math.fsum(weights.values())
    return weights if abs(total - 1.0) < 1e-9 else {signal: weight / total for signal, weight in weights.items()}


def _general_tolerance(policy: WorkloadPolicy) -> float:
    return _nearest(policy.tolerance, default=USUAL_TOLERANCE * SENSITIVITIES[policy.sensitivity].tolerance_factor)


def _own(signal: str, policy: WorkloadPolicy) -> SignalPolicy:
    """What all entries whose pattern fits set together."""
    merged = SignalPolicy(signal)
    for entry in policy.signals:
        if glob.matches(entry.pattern, signal):
            fields = {name: value for name, value in structs.asdict(entry).items() if value is not None}
            merged = structs.replace(merged, **{**fields, "pattern": signal})
    return merged


def _group(group: Group, policy: WorkloadPolicy) -> GroupPolicy:
    return next((each for each in policy.groups if each.group == group), GroupPolicy(group))


def _a_fall(tolerance: float | None) -> float | None:
    """A fall of more than 100% cannot be tolerated: there is none."""
    return None if tolerance is None else min(tolerance, 1.0)


def _nearest(*options: T | None, default: T) -> T:
    """The first that is set."""
    return next((option for option in options if option is not None), default)
