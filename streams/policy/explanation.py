"""What holds for a workload, value by value, and where does each come from?

Only what the lists hold is left to the file: signals, classes and masks are shown entry by entry, in the order in
which later ones win.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET, Struct, structs

from streams.policy.counted import NAMES, REQUESTS
from streams.policy.effective import BASE, READ, overlaid
from streams.policy.glob import matches
from streams.policy.policy_file import Entry, PolicyFile
from streams.policy.quantities import duration_text, percent_text
from streams.policy.rules import counted
from streams.policy.workload_policy import WorkloadPolicy
from streams.policy.yaml_text import within
from streams.records.identity import Workload

DEFAULT = "default"


class Explained(Struct, frozen=True):
    """One value and where it comes from."""

    field: str
    """As in the file; below `counted`: what the four counted signals come to."""
    value: Any
    """As in the file where it was written; plain JSON."""
    origin: str
    """`default`, `file:line`, or from which other value it follows."""


def explain(policy_file: PolicyFile, workload: Workload) -> list[Explained]:
    """All values that hold for the workload, those of the counted signals included."""
    entries = policy_file.holding(workload)
    policy = overlaid(entries)
    rows = [_plain(name, entries, policy_file) for name in READ]
    rows += _nested("groups", entries, policy_file)
    rows += _nested("signals", entries, policy_file)
    rows += _counted(policy, entries, policy_file, {row.field: row.origin for row in rows})
    return rows + list(_logs(entries, policy_file))


def _plain(name: str, entries: Sequence[Entry], policy_file: PolicyFile) -> Explained:
    """A field that is no mapping."""
    for entry in reversed(entries):
        written = getattr(entry.settings, name)
        if written is not UNSET:
            return Explained(name, _builtin(written), _origin(policy_file, f"{entry.path}.{name}"))
    return Explained(name, _shown(name, getattr(BASE, READ[name][0])), DEFAULT)


def _nested(name: str, entries: Sequence[Entry], policy_file: PolicyFile) -> list[Explained]:
    """Fields of groups or signals: of those of one name, the last."""
    rows: dict[str, Explained] = {}
    for entry in entries:
        written = getattr(entry.settings, name)
        for key, fields in ({} if written is UNSET else written).items():
            for field, value in structs.asdict(fields).items():
                if value is UNSET:
                    continue
                shown = within(within(name, key), field)
                rows.pop(shown, None)  # to its place in the order in which later ones win
                rows[shown] = Explained(shown, value, _origin(policy_file, f"{entry.path}.{shown}"))
    return list(rows.values())


def _counted(
    policy: WorkloadPolicy, entries: Sequence[Entry], policy_file: PolicyFile, general: dict[str, str]
) -> Iterator[Explained]:
    """What the four counted signals come to; `general` says where the values of all signals come from."""
    own = {name: _matching(name, entries, policy_file) for name in NAMES}
    by_sensitivity = f"sensitivity, {general['sensitivity']}" if general["sensitivity"] != DEFAULT else DEFAULT
    tolerated = general["tolerance"] if policy.tolerance is not None else by_sensitivity
    for signal in counted(policy):
        for field, value, otherwise in (
            ("tolerance_up", percent_text(signal.tolerance_ratio - 1.0), tolerated),
            ("margin", percent_text(signal.margin_ratio - 1.0), general["margin"]),
            ("criticality", signal.criticality, DEFAULT),
            ("floor_per_request", signal.floor_per_request, DEFAULT),
            ("floor_per_pod_second", signal.floor_per_pod_s, DEFAULT),
        ):
            path = within(within("counted", signal.signal), field)
            yield Explained(path, value, own[signal.signal].get(field, otherwise))
    scaled = any("weight" in own[name] for name in NAMES if name != REQUESTS)
    for signal in counted(policy):
        if signal.signal != REQUESTS:  # alone in its part
            origin = own[signal.signal].get("weight", by_sensitivity) + (", scaled to a sum of 1" if scaled else "")
            yield Explained(f"{within('counted', signal.signal)}.weight", round(signal.weight, 6), origin)


def _matching(signal: str, entries: Sequence[Entry], policy_file: PolicyFile) -> dict[str, str]:
    """Where each field of a signal that any pattern sets comes from."""
    origins: dict[str, str] = {}
    for entry in entries:
        for pattern, written in ({} if entry.settings.signals is UNSET else entry.settings.signals).items():
            path = within(f"{entry.path}.signals", pattern)
            if matches(pattern, signal):
                given = [name for name, value in structs.asdict(written).items() if value is not UNSET]
                origins |= {name: _origin(policy_file, within(path, name)) for name in given}
    return origins


def _logs(entries: Sequence[Entry], policy_file: PolicyFile) -> Iterator[Explained]:
    for field in ("default_topics", "context_lines"):
        last = Explained(f"logs.{field}", getattr(BASE.logs, field), DEFAULT)
        for entry in entries:
            written = UNSET if entry.settings.logs is UNSET else getattr(entry.settings.logs, field)
            if written is not UNSET:
                last = Explained(last.field, written, _origin(policy_file, f"{entry.path}.{last.field}"))
        yield last
    for entry in entries:
        logs = entry.settings.logs
        if logs is UNSET:
            continue
        for text, log_class in ({} if logs.classes is UNSET else logs.classes).items():
            path = within("logs.classes", text)
            yield Explained(path, log_class, _origin(policy_file, f"{entry.path}.{path}"))
        for number, mask in enumerate(() if logs.masks is UNSET else logs.masks):
            yield Explained("logs.masks", mask, _origin(policy_file, f"{entry.path}.logs.masks[{number}]"))


def _origin(policy_file: PolicyFile, path: str) -> str:
    return f"{policy_file.source}:{policy_file.lines.get(path, 0)}"


def _builtin(written: Any) -> Any:
    if isinstance(written, Struct):
        return {name: value for name, value in structs.asdict(written).items() if value is not UNSET}
    return written


def _shown(name: str, value: Any) -> Any:
    """A value of the base in the words of the file."""
    if name == "look_back" and value is None:
        return "growing"
    if value is None or name == "historic_baseline":
        return None
    if READ[name][0].endswith("_ns"):
        return duration_text(value)
    return percent_text(value) if name in {"tolerance", "margin", "canary_share"} else value
