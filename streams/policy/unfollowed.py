"""What does a policy file say that the judge cannot follow, and why?

Such a field is read and checked, so that a file need not change when the judge learns to follow it, but nobody may
believe that it holds: `serinus policy check` and every role that reads the file say which ones there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from streams.policy.document import LogsEntry, Settings
from streams.policy.effective import class_rule
from streams.policy.log_rules import class_fault, mask_fault
from streams.policy.policy_file import PolicyFile
from streams.policy.yaml_text import within
from streams.templates.examples import MAX_CONTEXT


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
