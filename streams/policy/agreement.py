"""Do the values agree with each other, for every workload that the entries can meet in?

Each rule is between two values, and each value comes from one entry (or from what holds anyway), so it is enough to
look at the defaults, at each entry over them, and at each pair of entries that some workload matches both of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET, Struct

from streams.policy.document import HistoricBaseline, Settings
from streams.policy.effective import overlaid
from streams.policy.fault import Fault, shown
from streams.policy.glob import matches
from streams.policy.policy_file import Entry, PolicyFile
from streams.policy.quantities import duration_text
from streams.policy.rules import COUNTED, counted
from streams.policy.workload_policy import WorkloadPolicy
from streams.policy.yaml_text import within

_OPPOSITE = {
    "warm_up": "lifetime",
    "lifetime": "warm_up",
    "pass_score": "marginal_score",
    "marginal_score": "pass_score",
    "tolerance": "margin",
    "margin": "tolerance",
}
"""What each value must agree with."""
_FLOORS = ("floor_per_request", "floor_per_pod_second")


class Conflict(Struct, frozen=True):
    """Two values that cannot both hold."""

    field: str
    value: object
    allowed: str


def conflicts(policy: WorkloadPolicy) -> Iterator[Conflict]:
    """What in a workload's policy does not go together.

    >>> [each.field for each in conflicts(WorkloadPolicy(pass_score=50.0))]
    ['marginal_score']
    """
    if policy.marginal_score > policy.pass_score:
        yield Conflict("marginal_score", policy.marginal_score, f"give at most the pass score, {policy.pass_score:g}")
    if policy.lifetime_ns is not None and policy.warm_up_ns >= policy.lifetime_ns:
        lifetime = duration_text(policy.lifetime_ns)
        yield Conflict("warm_up", duration_text(policy.warm_up_ns), f"give less than the lifetime, {lifetime}")
    for signal in counted(policy):
        if signal.margin_ratio <= signal.tolerance_ratio:
            value = f"{(signal.margin_ratio - 1.0) * 100:g}%"
            allowed = f"give more than what is tolerated of {signal.signal}, {(signal.tolerance_ratio - 1.0) * 100:g}%"
            yield Conflict("margin", value, allowed)


def disagreements(policy_file: PolicyFile) -> list[Fault]:
    """The faults of a file whose every single value is allowed."""
    entries = list(policy_file.entries)
    faults = [fault for entry in entries for fault in _alone(entry, policy_file)]
    general = [entry for entry in entries if entry.path == "defaults"]
    own = [(entry, _sides(entry.settings)) for entry in entries[len(general) :]]
    told: set[tuple[str, str]] = set()
    for met in _meetings(own):
        for conflict in conflicts(overlaid([*general, *met])):
            at = met[-1].path if met else "defaults"
            known = {("defaults", conflict.field)} | {(entry.path, conflict.field) for entry in met}
            if not known & told:
                told.add((at, conflict.field))
                faults.append(_fault(conflict, [*general, *met], policy_file))
    return faults


def _meetings(own: Sequence[tuple[Entry, set[str]]]) -> Iterator[list[Entry]]:
    """None of the entries, each alone, each pair that can meet and disagree: the smaller first."""
    yield []
    for entry, sides in own:
        if sides:
            yield [entry]
    for number, (earlier, earlier_sides) in enumerate(own):
        opposite = {_OPPOSITE[side] for side in earlier_sides}
        for later, later_sides in own[number + 1 :] if opposite else ():
            if opposite & later_sides and earlier.meets(later):
                yield [earlier, later]


def _sides(settings: Settings) -> set[str]:
    """The values set here that have to agree with others."""
    sides = {name for name in _OPPOSITE if getattr(settings, name) is not UNSET}
    if settings.sensitivity is not UNSET:
        sides.add("tolerance")
    for pattern, signal in ({} if settings.signals is UNSET else settings.signals).items():
        if any(matches(pattern, name) for name in COUNTED):
            sides |= {"tolerance"} if signal.tolerance_up is not UNSET else set()
            sides |= {"margin"} if signal.margin is not UNSET else set()
    return sides


def _fault(conflict: Conflict, met: Sequence[Entry], policy_file: PolicyFile) -> Fault:
    """At the last entry that names the field, else at the last that has a say in it."""
    others = ", ".join(str(entry.line) for entry in met)
    allowed = (
        f"{conflict.allowed} (what holds where the entries of lines {others} meet)" if met[1:] else conflict.allowed
    )
    for entry in reversed(met):
        path = f"{entry.path}.{conflict.field}"
        if path in policy_file.lines:
            return Fault(policy_file.lines[path], path, shown(conflict.value), allowed)
    last = met[-1]
    return Fault(last.line, f"{last.path}.{conflict.field}", shown(conflict.value), allowed)


def _alone(entry: Entry, policy_file: PolicyFile) -> Iterator[Fault]:
    """What one entry says that it cannot."""
    baseline = entry.settings.historic_baseline
    if isinstance(baseline, HistoricBaseline) and (baseline.start is UNSET) == (baseline.ago is UNSET):
        path = f"{entry.path}.historic_baseline"
        both = "start and ago" if baseline.start is not UNSET else "neither"
        yield Fault(policy_file.lines.get(path, entry.line), path, shown(both), "give one of start and ago")
    for pattern, signal in ({} if entry.settings.signals is UNSET else entry.settings.signals).items():
        for name in _FLOORS:
            if getattr(signal, name) is not UNSET and pattern not in COUNTED:
                path = within(within(f"{entry.path}.signals", pattern), name)
                line = policy_file.lines.get(path, entry.line)
                yield Fault(line, path, repr(getattr(signal, name)), f"only of {', '.join(COUNTED)}")
