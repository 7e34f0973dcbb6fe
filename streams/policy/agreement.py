"""Do the values agree with each other, for every workload that the entries can meet in?

Each rule is between two values, and each value comes from one entry (or from what holds anyway), so it is enough to
look at the defaults, at each entry over them, and at each pair of entries that some workload matches both of.
"""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TypeVar

from msgspec import UNSET, Struct, UnsetType

from streams.policy.counted import NAMES
from streams.policy.document import (
    GroupEntry,
    HistoricBaseline,
    LogsEntry,
    Settings,
    SignalEntry,
    WorkloadEntry,
)
from streams.policy.effective import overlaid, parts_weights
from streams.policy.fault import Fault, shown
from streams.policy.glob import matches
from streams.policy.policy_file import Entry, PolicyFile
from streams.policy.quantities import duration_text, percent_text, ratio
from streams.policy.rules import counted
from streams.policy.workload_policy import WorkloadPolicy
from streams.policy.yaml_text import within
from streams.templates.expressions import MAX_EXPRESSIONS
from streams.templates.topics import MAX_TOPICS

K = TypeVar("K")
V = TypeVar("V")
_OPPOSITE = {
    "warm_up": "lifetime",
    "lifetime": "warm_up",
    "pass_score": "marginal_score",
    "marginal_score": "pass_score",
    "tolerance": "margin",
    "margin": "tolerance",
}
"""What each value must agree with."""
_IN_QUESTION = frozenset({*_OPPOSITE, "historic_baseline", "classes", "masks"})
_CONCERNS = {
    **{name: frozenset({name, other}) for name, other in _OPPOSITE.items()},
    **dict.fromkeys(("start", "ago", "historic_baseline"), frozenset({"historic_baseline"})),
    **dict.fromkeys(
        ("tolerance_up", "tolerance_down", "sensitivity", "group", "groups", "worse", "signals"),
        frozenset({"tolerance", "margin"}),
    ),
    **{name: frozenset({name}) for name in ("classes", "masks")},
    "logs": frozenset({"classes", "masks"}),
    "match": _IN_QUESTION,
}
"""Field -> what may be other than it looks where it was refused; any other field: nothing."""
_KINDS = (WorkloadEntry, SignalEntry, GroupEntry, LogsEntry, HistoricBaseline)
_KNOWN = ["version", *(name for kind in _KINDS for name in kind.__struct_fields__)]
_FLOORS = ("floor_per_request", "floor_per_pod_second")


class Side(Struct, frozen=True):
    """One of two values that cannot both hold."""

    field: str
    value: object
    allowed: str
    """What it may be beside the other."""


class Conflict(Struct, frozen=True):
    """Two values that cannot both hold."""

    first: Side
    second: Side


def conflicts(policy: WorkloadPolicy) -> Iterator[Conflict]:
    """What in a workload's policy does not go together.

    >>> [each.first.field for each in conflicts(WorkloadPolicy(marginal_score=60.0))]
    ['marginal_score']
    """
    passing, marginal = policy.pass_score, policy.marginal_score
    if marginal > passing:
        yield Conflict(
            Side("marginal_score", marginal, f"give at most the pass score, {passing:g}"),
            Side("pass_score", passing, f"give at least the marginal score, {marginal:g}"),
        )
    if policy.lifetime_ns is not None and policy.warm_up_ns >= policy.lifetime_ns:
        warm_up, lifetime = duration_text(policy.warm_up_ns), duration_text(policy.lifetime_ns)
        yield Conflict(
            Side("warm_up", warm_up, f"give less than the lifetime, {lifetime}"),
            Side("lifetime", lifetime, f"give more than the warm-up, {warm_up}"),
        )
    for signal in counted(policy):
        if signal.margin_ratio <= signal.tolerance_ratio:
            margin, tolerance = percent_text(signal.margin_ratio - 1.0), percent_text(signal.tolerance_ratio - 1.0)
            yield Conflict(
                Side("margin", margin, f"give more than what is tolerated of {signal.signal}, {tolerance}"),
                Side("tolerance", tolerance, f"give less than the margin of {signal.signal}, {margin}"),
            )
            return  # one of the four is enough to mend them


def in_doubt(refused: Iterable[str]) -> frozenset[str]:
    """Of which fields nobody can tell what will hold, where values were refused.

    Args:
        refused: paths of what was refused; a name that is none is taken for the one it looks like.

    >>> sorted(in_doubt(["defaults.alpha", "workloads[0].signals['http.*'].margn"]))
    ['margin', 'tolerance']
    """
    doubted: set[str] = set()
    for path in refused:
        near = get_close_matches(path.rpartition(".")[2], _KNOWN, 1)
        doubted |= _CONCERNS.get(near[0], frozenset()) if near else _IN_QUESTION
    return frozenset(doubted)


def disagreements(policy_file: PolicyFile, doubted: Collection[str] = ()) -> list[Fault]:
    """The faults of a file whose every single value is allowed.

    How many log classes and masks meet is counted over two entries and the defaults.

    Args:
        policy_file: what of it could be read.
        doubted: fields of which that is not all: nothing is said of them.
    """
    entries = list(policy_file.entries)
    faults = [fault for entry in entries for fault in _alone(entry, policy_file, doubted)]
    general = [entry for entry in entries if entry.path == "defaults"]
    faults += _crowded(entries, policy_file, doubted)
    own = [(entry, _sides(entry.settings)) for entry in entries[len(general) :]]
    told: set[tuple[str, str]] = set()
    for met in _meetings(own):
        for conflict in conflicts(overlaid([*general, *met])):
            if conflict.first.field in doubted:
                continue
            at = met[-1].path if met else "defaults"
            known = {("defaults", conflict.first.field)} | {(entry.path, conflict.first.field) for entry in met}
            if not known & told:
                told.add((at, conflict.first.field))
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
    for pattern, signal in _items(settings.signals):
        if any(matches(pattern, name) for name in NAMES):
            sides |= {"tolerance"} if signal.tolerance_up is not UNSET else set()
            sides |= {"margin"} if signal.margin is not UNSET else set()
    return sides


def _fault(conflict: Conflict, met: Sequence[Entry], policy_file: PolicyFile) -> Fault:
    """At the last of the two values that is written, else at the last entry that has a say in it."""
    others = ", ".join(str(entry.line) for entry in met)
    where = f" (what holds where the entries of lines {others} meet)" if met[1:] else ""
    for entry in reversed(met):
        for side in (conflict.first, conflict.second):
            path = f"{entry.path}.{side.field}"
            if path in policy_file.lines:
                return Fault(policy_file.lines[path], path, shown(side.value), side.allowed + where)
    last, side = met[-1], conflict.first
    return Fault(last.line, f"{last.path}.{side.field}", shown(side.value), side.allowed + where)


def _alone(entry: Entry, policy_file: PolicyFile, doubted: Collection[str]) -> Iterator[Fault]:
    """What one entry says that it cannot."""
    baseline = UNSET if "historic_baseline" in doubted else entry.settings.historic_baseline
    if isinstance(baseline, HistoricBaseline) and (baseline.start is UNSET) == (baseline.ago is UNSET):
        path = f"{entry.path}.historic_baseline"
        both = "start and ago" if baseline.start is not UNSET else "neither"
        yield Fault(policy_file.lines.get(path, entry.line), path, shown(both), "give one of start and ago")
    if entry.settings.parts is not UNSET and not any(parts_weights(entry.settings.parts).values()):
        path = f"{entry.path}.parts"
        yield Fault(policy_file.lines.get(path, entry.line), path, "all 0", "give one of them more than 0")
    for path, block in blocks(entry.settings, entry.path):
        falls = isinstance(block, SignalEntry) and block.worse == "lower"
        tolerated = block.tolerance_down if falls else block.tolerance_up
        if block.margin is not UNSET and tolerated is not UNSET and ratio(block.margin) <= ratio(tolerated):
            at = within(path, "margin")
            allowed = f"give more than what is tolerated, {tolerated}"
            yield Fault(policy_file.lines.get(at, entry.line), at, shown(block.margin), allowed)
    for pattern, signal in _items(entry.settings.signals):
        if signal.missing_data is not UNSET and pattern in NAMES:
            at = within(within(f"{entry.path}.signals", pattern), "missing_data")
            line = policy_file.lines.get(at, entry.line)
            allowed = "leave it out: what is not seen of logs or requests is not zero; see criticality must_have"
            yield Fault(line, at, shown(signal.missing_data), allowed)
        for name in _FLOORS:
            if getattr(signal, name) is not UNSET and pattern not in NAMES:
                at = within(within(f"{entry.path}.signals", pattern), name)
                line = policy_file.lines.get(at, entry.line)
                yield Fault(line, at, shown(getattr(signal, name)), f"only of {', '.join(NAMES)}")


def _crowded(entries: Sequence[Entry], policy_file: PolicyFile, doubted: Collection[str]) -> Iterator[Fault]:
    """Where an entry has more log classes or masks than can be followed, beside the defaults and one that it meets."""
    for name, most in (("classes", MAX_TOPICS), ("masks", MAX_EXPRESSIONS)):
        if name in doubted:
            continue
        own, general = [(entry, size) for entry in entries if (size := _size(entry.settings, name))], 0
        for number, (entry, size) in enumerate(own):
            met = max((others for earlier, others in own[:number] if _is_beside(earlier, entry)), default=0)
            if size + general + met > most:
                path = f"{entry.path}.logs.{name}"
                beside = f", as {general + met} hold beside them" if general + met else ""
                allowed = f"give at most {max(most - general - met, 0)}{beside}"
                yield Fault(policy_file.lines.get(path, entry.line), path, shown(f"{size} entries"), allowed)
            general += size if entry.path == "defaults" else 0


def _is_beside(earlier: Entry, entry: Entry) -> bool:
    return earlier.path != "defaults" and earlier.meets(entry)


def _size(settings: Settings, name: str) -> int:
    logs = settings.logs
    if logs is UNSET:
        return 0
    written = logs.classes if name == "classes" else logs.masks
    return 0 if written is UNSET else len(written)


def blocks(settings: Settings, path: str) -> Iterator[tuple[str, SignalEntry | GroupEntry]]:
    """Each group and signal of an entry, with its path."""
    for group, entry in _items(settings.groups):
        yield within(f"{path}.groups", group), entry
    for pattern, signal in _items(settings.signals):
        yield within(f"{path}.signals", pattern), signal


def _items(mapping: dict[K, V] | UnsetType) -> ItemsView[K, V]:
    return {}.items() if mapping is UNSET else mapping.items()
