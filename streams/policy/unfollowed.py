"""What does a policy file say that the judge cannot follow, and why?

Such a field is read and checked, so that a file need not change when the judge learns to follow it, but nobody may
believe that it holds: `serinus policy check` and every role that reads the file say which ones there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from streams.policy.counted import NAMES
from streams.policy.document import LogsEntry, Settings, SignalEntry
from streams.policy.effective import class_rule
from streams.policy.log_rules import class_fault, mask_fault
from streams.policy.policy_file import PolicyFile
from streams.policy.yaml_text import within
from streams.templates.examples import MAX_CONTEXT

_WATCH_ALONE = "only the watch over production follows it"


def unfollowed(policy_file: PolicyFile) -> list[tuple[int, str, str]]:
    """Line (0 where it is not known), path and reason of each field that is not followed, in the order of the file."""
    found = (
        (policy_file.lines.get(path, 0), path, why)
        for entry in policy_file.entries
        for path, why in _paths(entry.settings, entry.path)
    )
    return sorted(found, key=lambda each: each[0])


def sentence(policy_file: PolicyFile) -> str | None:
    """One line that names them all; None where there are none."""
    found = unfollowed(policy_file)
    if not found:
        return None
    named = ", ".join(f"{path} (line {line}: {why})" if line else f"{path} ({why})" for line, path, why in found)
    return f"{policy_file.source}: read but not followed: {named}"


def _paths(settings: Settings, path: str) -> Iterator[tuple[str, str]]:
    if settings.logs is not UNSET:
        yield from _of_logs(settings.logs, f"{path}.logs")
    for name, signal in ({} if settings.signals is UNSET else settings.signals).items():
        if name in NAMES:
            yield from _of_counted(signal, within(f"{path}.signals", name))


def _of_counted(signal: SignalEntry, path: str) -> Iterator[tuple[str, str]]:
    """More of them is always worse in a comparison, and each is judged by itself."""
    if signal.worse == "lower":
        yield f"{path}.worse", f"{_WATCH_ALONE}: a comparison takes more of them for worse"
    elif signal.worse == "either":
        yield f"{path}.worse", "more of them is worse"
    if signal.group not in (UNSET, "errors"):
        yield f"{path}.group", f"{_WATCH_ALONE}: a comparison judges each of them by itself"


def _of_logs(logs: LogsEntry, path: str) -> Iterator[tuple[str, str]]:
    """More context lines than are kept, and what is never found where digits are holes."""
    if logs.context_lines is not UNSET and logs.context_lines > MAX_CONTEXT:
        yield f"{path}.context_lines", f"at most {MAX_CONTEXT} are kept on either side"
    for text, log_class in ({} if logs.classes is UNSET else logs.classes).items():
        if (why := class_fault(class_rule(text, log_class))) is not None:
            yield within(f"{path}.classes", text), why
    for place, mask in enumerate(() if logs.masks is UNSET else logs.masks):
        if (why := mask_fault(mask)) is not None:
            yield f"{path}.masks[{place}]", why
